"""Learning rates that change from step to step, as users name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

import sympy as sp

from symdl.catalog import schedules
from symdl.catalog.optimizers import rate, step
from symdl.errors import InputError
from symdl.formula import Equation, Formula
from symdl.training.choices import Worded, choose, number_in, positive_int

__all__ = [
    "SCHEDULES",
    "CosineDecay",
    "ExponentialDecay",
    "InverseTimeDecay",
    "Schedule",
    "StepDecay",
    "WarmUp",
    "schedule_of",
    "scheduled",
]


@dataclass(frozen=True)
class Schedule(metaclass=Worded):
    """Common to all schedules: ``formula`` is the rate as a function of the step t = 1, 2, ...

    ``kind`` is the name in the catalogue; it stands in saved models.
    """

    base: ClassVar[Formula]
    kind: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._keep(kind=self.base.name)
        for symbol, _ in self.base.hyper:
            name = symbol.name
            value, what = getattr(self, name), f"{name} of {type(self).__name__}"
            if name.endswith("_steps"):
                self._keep(**{name: positive_int(what, value)})
            else:
                self._keep(**{name: number_in(what, value, self.base.domain_of(symbol))})

    def _keep(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def formula(self) -> Formula:
        """The formula of the rate with the chosen constants."""
        constants = tuple((s, getattr(self, s.name)) for s, _ in self.base.hyper)
        return replace(self.base, hyper=constants)

    def __call__(self, t: int) -> float:
        """The rate at step ``t``, counted from 1.

        >>> ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(11)
        0.05
        """
        value = self.formula.output
        for equation in reversed(self.formula.equations):
            value = value.xreplace({equation.lhs: equation.rhs})
        known = dict(self.formula.hyper) | {step: sp.Integer(positive_int("the step", t))}
        return float(value.xreplace(known))


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """initial_learning_rate * decay_rate^((t - 1) / decay_steps).

    Rates > 0, decay_steps a whole number >= 1; outside of that InputError is raised.
    """

    base: ClassVar[Formula] = schedules.EXPONENTIAL_DECAY
    initial_learning_rate: float
    decay_steps: int
    decay_rate: float


@dataclass(frozen=True)
class StepDecay(ExponentialDecay):
    """initial_learning_rate * decay_rate^floor((t - 1) / decay_steps).

    >>> schedule = StepDecay(1.0, decay_steps=2, decay_rate=0.5)
    >>> [schedule(t) for t in (1, 2, 3, 4, 5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    base: ClassVar[Formula] = schedules.STEP_DECAY


@dataclass(frozen=True)
class InverseTimeDecay(ExponentialDecay):
    """initial_learning_rate / (1 + decay_rate * (t - 1) / decay_steps).

    >>> InverseTimeDecay(1.0, decay_steps=1, decay_rate=1.0)(4)
    0.25
    """

    base: ClassVar[Formula] = schedules.INVERSE_TIME_DECAY


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """Half a cosine from initial_learning_rate to alpha times it, over decay_steps steps.

    0 <= alpha <= 1; outside of that InputError is raised.

    >>> CosineDecay(1.0, decay_steps=2)(2)
    0.5
    """

    base: ClassVar[Formula] = schedules.COSINE_DECAY
    initial_learning_rate: float
    decay_steps: int
    alpha: float = 0.0


@dataclass(frozen=True)
class WarmUp(Schedule):
    """A line from 0 to ``target_learning_rate`` over the first ``warmup_steps`` steps.

    The target is a rate, or a schedule: the rate is then the schedule's times min(1, t / steps).

    >>> WarmUp(1.0, warmup_steps=4)(3)
    0.75
    >>> WarmUp(StepDecay(1.0, 2, 0.5), warmup_steps=4)(3)
    0.375
    """

    base: ClassVar[Formula] = schedules.WARM_UP
    target_learning_rate: float | Schedule
    warmup_steps: int

    def __post_init__(self) -> None:
        given = self.target_learning_rate
        if not isinstance(given, (Schedule, Mapping)):
            super().__post_init__()
            return
        followed = schedule_of(given)
        if isinstance(followed, WarmUp):
            raise InputError("WarmUp of a WarmUp: one rise is enough")
        steps = positive_int("warmup_steps of WarmUp", self.warmup_steps)
        self._keep(kind=self.base.name, target_learning_rate=followed, warmup_steps=steps)

    @property
    def formula(self) -> Formula:
        followed = self.target_learning_rate
        if not isinstance(followed, Schedule):
            return super().formula
        inner = followed.formula
        named = tuple(
            Equation(schedules.target if e.lhs == rate else e.lhs, e.rhs) for e in inner.equations
        )
        return replace(
            self.base,
            equations=(*named, *self.base.equations),
            hyper=(*inner.hyper, (schedules.warmup_steps, self.warmup_steps)),
            name=f"{self.base.name} and {inner.name}",
        )


SCHEDULES: dict[str, type[Schedule]] = {
    c.base.name: c for c in (StepDecay, ExponentialDecay, InverseTimeDecay, CosineDecay, WarmUp)
}


def schedule_of(given: Schedule | Mapping[str, Any]) -> Schedule:
    """Return the schedule itself, or the one that a saved model describes.

    >>> schedule_of({"kind": "warm_up", "target_learning_rate": 0.1, "warmup_steps": 5})
    WarmUp(target_learning_rate=0.1, warmup_steps=5)
    """
    if isinstance(given, Schedule):
        return given
    values = dict(given)
    made = choose("schedule", values.pop("kind", None), SCHEDULES)
    strange = values.keys() - {f.name for f in fields(made)}
    if strange:
        raise InputError(f"{made.__name__} has no {', '.join(sorted(strange))}")
    return made(**values)


def scheduled(update: Formula, schedule: Schedule) -> Formula:
    """The update formula with the schedule's equations in place of a constant rate.

    >>> from symdl.catalog.optimizers import SGD
    >>> [str(e) for e in scheduled(SGD, WarmUp(0.1, 5)).equations]
    ['learning_rate = target_learning_rate*Min(1, t/warmup_steps)', 'w_new = -g*learning_rate + w']
    """
    formula = schedule.formula
    inputs = update.inputs if step in update.inputs else (*update.inputs, step)
    return replace(
        update,
        equations=(*formula.equations, *update.equations),
        inputs=inputs,
        hyper=(*formula.hyper, *(pair for pair in update.hyper if pair[0] != rate)),
        name=f"{update.name} with {formula.name}",
        source=f"{update.source}; {formula.source}",
    )
