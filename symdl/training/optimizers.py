"""Optimizers as users name them: the catalogue's update formula with chosen constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import sympy as sp

from symdl.catalog import optimizers
from symdl.errors import InputError
from symdl.formula import Formula
from symdl.training.choices import choose, real_number
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

_FORGETS = "at 1 the running mean never takes in a gradient, above 1 it grows without bound"
_OPEN = {"learning_rate": "the weights must move against the gradient", "epsilon": "it is added "
         "to a divisor that may be 0"}  # fmt: skip
_BELOW_ONE = {
    "momentum": "from 1 on the velocity never dies away",
    "beta_1": _FORGETS,
    "beta_2": _FORGETS,
    "rho": _FORGETS,
}
_FROM_ZERO = {
    "weight_decay": "a negative decay makes weights grow",
    "schedule_decay": "a negative one takes the momentum below 0",
    "decay": "a negative decay makes the rate grow until it changes its sign",
}


@dataclass(frozen=True)
class Optimizer:
    """Common to all optimizers: ``formula`` is the update with the chosen constants."""

    base: ClassVar[Formula]

    def __post_init__(self) -> None:
        for f in fields(self):
            self._keep(**{f.name: self._checked(f.name, getattr(self, f.name))})

    def _checked(self, name: str, value: Any) -> Any:
        """The value as a number, a schedule or a switch; None is the formula's own constant."""
        what = f"{name} of {type(self).__name__}"
        if name == "learning_rate" and isinstance(value, (Schedule, Mapping)):
            return schedule_of(value)
        if name == "epsilon" and value is None:
            value = float(dict(self.base.hyper)[optimizers.epsilon])
        if name in _OPEN:
            return _number(what, value, 0, low_open=True, why=_OPEN[name])
        if name in _BELOW_ONE:
            return _number(what, value, 0, 1, why=_BELOW_ONE[name])
        if name in _FROM_ZERO:
            return _number(what, value, 0, why=_FROM_ZERO[name])
        if not isinstance(value, bool):
            raise InputError(f"{what} must be True or False, not {value!r}")
        return value

    @property
    def update(self) -> Formula:
        """The catalogue's formula that is meant, with its usual constants."""
        return self.base

    @property
    def formula(self) -> Formula:
        """The update formula; its ``hyper`` holds the chosen constants."""
        chosen = {f.name: getattr(self, f.name) for f in fields(self)}
        schedule, update = chosen["learning_rate"], self.update
        numbers = {name: sp.Float(v) for name, v in chosen.items() if isinstance(v, float)}
        constants = tuple((s, numbers.get(s.name, usual)) for s, usual in update.hyper)
        update = replace(update, hyper=constants)
        return scheduled(update, schedule) if isinstance(schedule, Schedule) else update

    def _keep(self, **constants: Any) -> None:
        for name, value in constants.items():
            object.__setattr__(self, name, value)


def _number(what: str, value: object, *ends: float, why: str, low_open: bool = False) -> float:
    try:
        return real_number(what, value, *ends, low_open=low_open)
    except InputError as error:
        raise InputError(f"{error}: {why}") from None


@dataclass(frozen=True)
class SGD(Optimizer):
    """w <- w - learning_rate * g, with momentum v <- momentum * v - learning_rate * g; w <- w + v.

    With nesterov=True the second step is w <- w + momentum * v - learning_rate * g.
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and not self.momentum:
            raise InputError("nesterov=True of SGD looks ahead by the momentum: give momentum=0.9")

    @property
    def update(self) -> Formula:
        if self.nesterov:
            return optimizers.NESTEROV
        return optimizers.MOMENTUM if self.momentum else optimizers.SGD


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """a <- a + g^2; w <- w - learning_rate * g / (sqrt(a) + epsilon); a starts at 0.

    learning_rate > 0 or a schedule, epsilon > 0 (None: 1e-6); outside of that InputError is
    raised.  Source: Duchi, Hazan, Singer (2011).
    """

    base: ClassVar[Formula] = optimizers.ADAGRAD
    learning_rate: Rate = 0.01
    epsilon: float | None = None


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """a <- rho * a + (1 - rho) * g^2; w <- w - learning_rate * g / (sqrt(a) + epsilon).

    learning_rate > 0 or a schedule, 0 <= rho < 1, epsilon > 0 (None: 1e-6); outside of that
    InputError is raised.  Source: Tieleman, Hinton (2012).
    """

    base: ClassVar[Formula] = optimizers.RMSPROP
    learning_rate: Rate = 0.001
    rho: float = 0.9
    epsilon: float | None = None


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Adam(Optimizer):
    """w <- w - learning_rate * m_hat / (sqrt(v_hat) + epsilon), with running moments of g.

    decay    the rate at step t is learning_rate / (1 + decay * (t - 1))
    amsgrad  v_hat is made of the largest v so far

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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.decay and isinstance(self.learning_rate, Schedule):
            raise InputError("decay of Adam and a schedule both change the rate: give one of them")

    @property
    def update(self) -> Formula:
        return optimizers.AMSGRAD if self.amsgrad else optimizers.ADAM

    @property
    def formula(self) -> Formula:
        if not self.decay:
            return super().formula
        assert not isinstance(self.learning_rate, Schedule)
        falling = InverseTimeDecay(self.learning_rate, decay_steps=1, decay_rate=self.decay)
        return replace(self, learning_rate=falling, decay=0.0).formula


@dataclass(frozen=True)
class AdamW(Optimizer):
    """w <- w - learning_rate * (m_hat / (sqrt(v_hat) + epsilon) + weight_decay * w).

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


@dataclass(frozen=True)
class Adamax(Optimizer):
    """w <- w - learning_rate * m_hat / (u + epsilon) for u <- max(beta_2 * u, |g|).

    learning_rate > 0 or a schedule, 0 <= beta_1, beta_2 < 1, epsilon > 0 (None: 1e-7); outside of
    that InputError is raised.  Source: Kingma, Ba (2015), algorithm 2.
    """

    base: ClassVar[Formula] = optimizers.ADAMAX
    learning_rate: Rate = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float | None = None


@dataclass(frozen=True)
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
    SGD(learning_rate=0.01, momentum=0.0, nesterov=False)
    """
    if isinstance(given, Optimizer):
        return given
    if isinstance(given, type) and issubclass(given, Optimizer):
        raise InputError(f"optimizer={given.__name__} is a class: write {given.__name__}()")
    return choose("optimizer", given, OPTIMIZERS)()
