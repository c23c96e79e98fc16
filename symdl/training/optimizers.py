"""Optimizers as users name them: the catalogue's update formula with chosen constants."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import sympy as sp

from symdl.catalog import optimizers
from symdl.errors import InputError
from symdl.formula import Formula
from symdl.training.choices import choose, real_number

__all__ = ["OPTIMIZERS", "SGD", "Adam", "Optimizer", "optimizer_of"]


@dataclass(frozen=True)
class Optimizer:
    """Common to all optimizers: ``formula`` is the update with the chosen constants."""

    @property
    def formula(self) -> Formula:
        """The update formula; its ``hyper`` holds the chosen constants."""
        raise NotImplementedError

    def _with_constants(self, formula: Formula) -> Formula:
        chosen = {f.name: getattr(self, f.name) for f in fields(self)}
        constants = tuple((symbol, sp.Float(chosen[symbol.name])) for symbol, _ in formula.hyper)
        return replace(formula, hyper=constants)

    def _keep(self, **constants: float) -> None:
        for name, value in constants.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class SGD(Optimizer):
    """w <- w - learning_rate * g, with momentum v <- momentum * v - learning_rate * g; w <- w + v.

    learning_rate > 0, 0 <= momentum < 1; outside of that InputError is raised.
    Source: Robbins, Monro (1951); with momentum Polyak (1964).

    >>> SGD(learning_rate=0.1).formula.name
    'sgd'
    >>> SGD(momentum=0.9).formula.name
    'momentum'
    """

    learning_rate: float = 0.01
    momentum: float = 0.0

    def __post_init__(self) -> None:
        rate = real_number("learning_rate of SGD", self.learning_rate, 0, low_open=True)
        momentum = real_number("momentum of SGD", self.momentum, 0, 1)
        self._keep(learning_rate=rate, momentum=momentum)

    @property
    def formula(self) -> Formula:
        return self._with_constants(optimizers.MOMENTUM if self.momentum else optimizers.SGD)


@dataclass(frozen=True)
class Adam(Optimizer):
    """w <- w - learning_rate * m_hat / (sqrt(v_hat) + epsilon), with running moments of g.

    learning_rate > 0, 0 <= beta_1, beta_2 < 1, epsilon > 0 (None: 1e-7, as in Keras); outside of
    that InputError is raised.  Source: Kingma, Ba (2015), algorithm 1.

    >>> Adam().epsilon
    1e-07
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float | None = None

    def __post_init__(self) -> None:
        usual = float(dict(optimizers.ADAM.hyper)[optimizers.epsilon])
        chosen = usual if self.epsilon is None else self.epsilon
        self._keep(
            learning_rate=real_number(
                "learning_rate of Adam", self.learning_rate, 0, low_open=True
            ),
            beta_1=real_number("beta_1 of Adam", self.beta_1, 0, 1),
            beta_2=real_number("beta_2 of Adam", self.beta_2, 0, 1),
            epsilon=real_number("epsilon of Adam", chosen, 0, low_open=True),
        )

    @property
    def formula(self) -> Formula:
        return self._with_constants(optimizers.ADAM)


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam}


def optimizer_of(given: object) -> Optimizer:
    """Return the optimizer itself, or the one of that name with its usual constants.

    >>> optimizer_of("sgd")
    SGD(learning_rate=0.01, momentum=0.0)
    """
    if isinstance(given, Optimizer):
        return given
    if isinstance(given, type) and issubclass(given, Optimizer):
        raise InputError(f"optimizer={given.__name__} is a class: write {given.__name__}()")
    return choose("optimizer", given, OPTIMIZERS)()
