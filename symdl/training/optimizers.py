"""Optimizers as users name them: the catalogue's update formula with chosen constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

import sympy as sp

from symdl.catalog import clipping, optimizers
from symdl.errors import InputError
from symdl.formula import Formula, exact
from symdl.program.clip import Clipping
from symdl.training.choices import Worded, choose, number_in, true_or_false
from symdl.training.conventions import (
    accumulator_started,
    epsilon_beside_uncorrected_root,
    epsilon_inside_maximum,
    epsilon_inside_root,
    rate_outside_velocity,
)
from symdl.training.schedules import InverseTimeDecay, Schedule, schedule_of, scheduled

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "optimizer_of",
]

Rate = float | Schedule

_FORGETS = (
    "it is the weight of the past in a running mean: from 1 on no gradient is taken in, below 0 "
    "the mean swings to and fro"
)
_WHY = {
    "learning_rate": "the weights must move against the gradient",
    "epsilon": "it is added to a divisor that may be 0",
    "momentum": "from 1 on the velocity never dies away, below 0 it swings to and fro",
    "beta_1": _FORGETS,
    "beta_2": _FORGETS,
    "rho": _FORGETS,
    "weight_decay": "a negative decay makes weights grow",
    "schedule_decay": "a negative one takes the momentum below 0",
    "decay": "a negative decay makes the rate grow until it changes its sign",
    "initial_accumulator_value": "a root is taken of the sum of squares",
}
# the set of each constant as the formulas state it, and of the two that make another formula
_SETS = {s.name: f.domain_of(s) for f in optimizers.ALL for s, _ in f.hyper}
_SETS |= dict.fromkeys(("decay", "initial_accumulator_value"), sp.Interval(0, sp.oo))


_CLIPPINGS = {
    "clipvalue": Clipping(clipping.CLIP_BY_VALUE),
    "clipnorm": Clipping(clipping.CLIP_BY_NORM, by_tensor=True),
    "global_clipnorm": Clipping(clipping.CLIP_BY_GLOBAL_NORM),
}
_CLIPS = "at 0 no weight would change, and a negative one has no meaning; None is no clipping"


@dataclass(frozen=True, repr=False)
class Optimizer(metaclass=Worded):
    """Common to all optimizers: ``formula`` is the update with the chosen constants.

    clipvalue        each element of the gradient is brought to -clipvalue ... clipvalue
    clipnorm         the gradient of each tensor is scaled down to this norm, if its own is larger
    global_clipnorm  all gradients together are scaled down to this norm, if theirs is larger

    At most one of the three is given, a number > 0; outside of that InputError is raised.  They are
    Keras' words.  Source: Pascanu, Mikolov, Bengio (2013).

    >>> SGD(clipnorm=1.0)
    SGD(learning_rate=0.01, momentum=0.0, nesterov=False, rate_in_velocity=True, clipnorm=1.0)
    """

    base: ClassVar[Formula]
    clipvalue: float | None = field(default=None, kw_only=True)
    clipnorm: float | None = field(default=None, kw_only=True)
    global_clipnorm: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for f in fields(self):
            self._keep(**{f.name: self._checked(f.name, getattr(self, f.name))})
        given = [name for name in _CLIPPINGS if getattr(self, name) is not None]
        if len(given) > 1:
            raise InputError(
                f"{' and '.join(given)} of {type(self).__name__} both clip the gradient: give one "
                "of them"
            )

    def __repr__(self) -> str:
        own = (f for f in fields(self) if f.name not in _CLIPPINGS)
        shown = [f.name for f in own]
        shown += [name for name in _CLIPPINGS if getattr(self, name) is not None]
        words = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__name__}({words})"

    def _checked(self, name: str, value: Any) -> Any:
        """The value as a number, a schedule or a switch; None is the formula's own constant."""
        what = f"{name} of {type(self).__name__}"
        if name == "learning_rate" and isinstance(value, (Schedule, Mapping)):
            return schedule_of(value)
        if name == "epsilon" and value is None:
            value = float(dict(self.base.hyper)[optimizers.epsilon])
        if name in _CLIPPINGS:
            formula = _CLIPPINGS[name].formula
            ((threshold, _),) = formula.hyper
            values = formula.domain_of(threshold)
            return None if value is None else number_in(what, value, values, _CLIPS)
        if name in _SETS:
            return number_in(what, value, _SETS[name], _WHY[name])
        return true_or_false(what, value)

    @property
    def update(self) -> Formula:
        """The catalogue's formula that is meant, with its usual constants."""
        return self.base

    @property
    def formula(self) -> Formula:
        """The update formula; its ``hyper`` holds the chosen constants."""
        chosen = {f.name: getattr(self, f.name) for f in fields(self)}
        schedule, update = chosen["learning_rate"], self.update
        numbers = {name: v for name, v in chosen.items() if isinstance(v, float)}
        constants = tuple((s, numbers.get(s.name, usual)) for s, usual in update.hyper)
        update = replace(update, hyper=constants)
        return scheduled(update, schedule) if isinstance(schedule, Schedule) else update

    @property
    def clipping(self) -> Clipping | None:
        """The clipping formula with the chosen threshold; None where the gradient is not clipped.

        >>> SGD(clipvalue=0.5).clipping.formula.hyper
        ((clipvalue, 1/2),)
        """
        for name, known in _CLIPPINGS.items():
            value = getattr(self, name)
            if value is not None:
                ((threshold, _),) = known.formula.hyper
                chosen = replace(known.formula, hyper=((threshold, value),))
                return replace(known, formula=chosen)
        return None

    def _keep(self, **constants: Any) -> None:
        for name, value in constants.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, repr=False)
class SGD(Optimizer):
    """w <- w - learning_rate * g, with momentum v <- momentum * v - learning_rate * g; w <- w + v.

    With nesterov=True the second step is w <- w + momentum * v - learning_rate * g.  With
    rate_in_velocity=False, as in PyTorch, v <- momentum * v + g and w <- w - learning_rate * v:
    the same while the rate stays, and another step where a schedule changes it.
    learning_rate > 0 or a schedule, 0 <= momentum < 1; outside of that InputError is raised.
    Source: Robbins, Monro (1951); with momentum Polyak (1964); Nesterov (1983).

    >>> SGD(learning_rate=0.1).formula.name
    'sgd'
    >>> SGD(momentum=0.9).formula.name
    'momentum'
    """

    base: ClassVar[Formula] = optimizers.SGD
    learning_rate: Rate = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    rate_in_velocity: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and not self.momentum:
            raise InputError("nesterov=True of SGD looks ahead by the momentum: give momentum=0.9")
        if not (self.rate_in_velocity or self.momentum):
            raise InputError(
                "rate_in_velocity=False of SGD is about the velocity, which there is with momentum "
                "only: give momentum=0.9"
            )

    @property
    def update(self) -> Formula:
        if not self.momentum:
            return optimizers.SGD
        update = optimizers.NESTEROV if self.nesterov else optimizers.MOMENTUM
        return update if self.rate_in_velocity else rate_outside_velocity(update)


@dataclass(frozen=True, repr=False)
class Adagrad(Optimizer):
    """a <- a + g^2; w <- w - learning_rate * g / (sqrt(a) + epsilon).

    initial_accumulator_value  where a starts: 0, as in PyTorch; Keras has 0.1
    epsilon_inside             True: sqrt(a + epsilon), as in Keras

    learning_rate > 0 or a schedule, epsilon > 0 (None: 1e-6), initial_accumulator_value >= 0;
    outside of that InputError is raised.  Source: Duchi, Hazan, Singer (2011).

    >>> Adagrad(epsilon_inside=True).formula.equations[-1].rhs
    -g*learning_rate/sqrt(a_new + epsilon) + w
    """

    base: ClassVar[Formula] = optimizers.ADAGRAD
    learning_rate: Rate = 0.01
    epsilon: float | None = None
    initial_accumulator_value: float = 0.0
    epsilon_inside: bool = False

    @property
    def update(self) -> Formula:
        update = epsilon_inside_root(self.base) if self.epsilon_inside else self.base
        start = self.initial_accumulator_value
        return accumulator_started(update, exact(start)) if start else update


@dataclass(frozen=True, repr=False)
class RMSprop(Optimizer):
    """a <- rho * a + (1 - rho) * g^2; w <- w - learning_rate * g / (sqrt(a) + epsilon).

    epsilon_inside  True: sqrt(a + epsilon), as in Keras

    learning_rate > 0 or a schedule, 0 <= rho < 1, epsilon > 0 (None: 1e-6); outside of that
    InputError is raised.  Source: Tieleman, Hinton (2012).
    """

    base: ClassVar[Formula] = optimizers.RMSPROP
    learning_rate: Rate = 0.001
    rho: float = 0.9
    epsilon: float | None = None
    epsilon_inside: bool = False

    @property
    def update(self) -> Formula:
        return epsilon_inside_root(self.base) if self.epsilon_inside else self.base


@dataclass(frozen=True, repr=False)
class Adadelta(Optimizer):
    """w <- w - learning_rate * d for d = sqrt(b + epsilon) / sqrt(a + epsilon) * g.

    a and b are running means of g^2 and d^2 with the weight rho.  learning_rate > 0 or a schedule,
    0 <= rho < 1, epsilon > 0 (None: 1e-6); outside of that InputError is raised.
    Source: Zeiler (2012), algorithm 1, where the rate is 1.
    """

    base: ClassVar[Formula] = optimizers.ADADELTA
    learning_rate: Rate = 1.0
    rho: float = 0.95
    epsilon: float | None = None


@dataclass(frozen=True, repr=False)
class Adam(Optimizer):
    """w <- w - learning_rate * m_hat / (sqrt(v_hat) + epsilon), with running moments of g.

    decay        the rate at step t is learning_rate / (1 + decay * (t - 1))
    amsgrad      v_hat is made of the largest v so far
    epsilon_hat  True: epsilon stands beside sqrt(v), which has not been corrected, as in Keras

    learning_rate > 0 or a schedule, 0 <= beta_1, beta_2 < 1, epsilon > 0 (None: 1e-7, as in
    Keras), decay >= 0; outside of that InputError is raised.
    Source: Kingma, Ba (2015), algorithm 1; amsgrad Reddi, Kale, Kumar (2018).

    >>> Adam().epsilon
    1e-07
    """

    base: ClassVar[Formula] = optimizers.ADAM
    learning_rate: Rate = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float | None = None
    decay: float = 0.0
    amsgrad: bool = False
    epsilon_hat: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.decay and isinstance(self.learning_rate, Schedule):
            raise InputError("decay of Adam and a schedule both change the rate: give one of them")

    @property
    def update(self) -> Formula:
        update = optimizers.AMSGRAD if self.amsgrad else optimizers.ADAM
        return epsilon_beside_uncorrected_root(update) if self.epsilon_hat else update

    @property
    def formula(self) -> Formula:
        if not self.decay:
            return super().formula
        assert not isinstance(self.learning_rate, Schedule)
        falling = InverseTimeDecay(self.learning_rate, decay_steps=1, decay_rate=self.decay)
        return replace(self, learning_rate=falling, decay=0.0).formula


@dataclass(frozen=True, repr=False)
class AdamW(Optimizer):
    """w <- w - learning_rate * (m_hat / (sqrt(v_hat) + epsilon) + weight_decay * w).

    epsilon_hat  True: epsilon stands beside sqrt(v), which has not been corrected, as in Keras

    All weights decay, biases too.  learning_rate > 0 or a schedule, 0 <= beta_1, beta_2 < 1,
    epsilon > 0 (None: 1e-7), weight_decay >= 0; outside of that InputError is raised.
    Source: Loshchilov, Hutter (2019), algorithm 2.
    """

    base: ClassVar[Formula] = optimizers.ADAMW
    learning_rate: Rate = 0.001
    weight_decay: float = 0.004
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float | None = None
    epsilon_hat: bool = False

    @property
    def update(self) -> Formula:
        return epsilon_beside_uncorrected_root(self.base) if self.epsilon_hat else self.base


@dataclass(frozen=True, repr=False)
class Adamax(Optimizer):
    """w <- w - learning_rate * m_hat / (u + epsilon) for u <- max(beta_2 * u, |g|).

    epsilon_inside  True: u <- max(beta_2 * u, |g| + epsilon) and no epsilon beside u, as in PyTorch

    learning_rate > 0 or a schedule, 0 <= beta_1, beta_2 < 1, epsilon > 0 (None: 1e-7); outside of
    that InputError is raised.  Source: Kingma, Ba (2015), algorithm 2.
    """

    base: ClassVar[Formula] = optimizers.ADAMAX
    learning_rate: Rate = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float | None = None
    epsilon_inside: bool = False

    @property
    def update(self) -> Formula:
        return epsilon_inside_maximum(self.base) if self.epsilon_inside else self.base


@dataclass(frozen=True, repr=False)
class Nadam(Optimizer):
    """Adam whose m_hat looks a step ahead, with mu_t = beta_1 (1 - 0.96^(schedule_decay t) / 2).

    learning_rate > 0 or a schedule, 0 <= beta_1, beta_2 < 1, epsilon > 0 (None: 1e-7),
    schedule_decay >= 0; outside of that InputError is raised.  Source: Dozat (2016).
    """

    base: ClassVar[Formula] = optimizers.NADAM
    learning_rate: Rate = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float | None = None
    schedule_decay: float = 0.004


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "adam": Adam,
    "adagrad": Adagrad,
    "rmsprop": RMSprop,
    "adadelta": Adadelta,
    "adamw": AdamW,
    "adamax": Adamax,
    "nadam": Nadam,
}


def optimizer_of(given: object) -> Optimizer:
    """Return the optimizer itself, or the one of that name with its usual constants.

    >>> optimizer_of("sgd")
    SGD(learning_rate=0.01, momentum=0.0, nesterov=False, rate_in_velocity=True)
    """
    if isinstance(given, Optimizer):
        return given
    if isinstance(given, type) and issubclass(given, Optimizer):
        raise InputError(f"optimizer={given.__name__} is a class: write {given.__name__}()")
    return choose("optimizer", given, OPTIMIZERS)()
