"""Layers that are one formula, in training and in prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import sympy as sp

from symdl.catalog import initializers
from symdl.errors import NotSupported
from symdl.formula import Formula, Variable, exact
from symdl.training.layers import Layer

__all__ = ["LayerOfFormula", "constant", "exact"]


@dataclass(frozen=True)
class LayerOfFormula(Layer):
    """A layer that reads x[n,i] and puts out y[n,i] or y[n,j], as its formula says.

    A parameter or running statistic starts at what ``starts`` says of it; ``constants`` replaces
    the default values of the hyper-parameters; ``drawn`` says from which distribution each random
    tensor is drawn, "uniform" on 0..1 or "normal".
    """

    @property
    def training(self) -> Formula:
        """The formula in training."""
        raise NotSupported(f"{type(self).__name__} without a formula: define its property training")

    @property
    def prediction(self) -> Formula | None:
        """The formula in prediction; None leaves the layer out there."""
        return self.training

    @property
    def constants(self) -> Mapping[sp.Symbol, sp.Expr]:
        """The values of hyper-parameters."""
        return {}

    @property
    def starts(self) -> Mapping[Variable, Formula]:
        """The formula of the initial values of each parameter and each running statistic."""
        return {}

    @property
    def drawn(self) -> Mapping[Variable, str]:
        """The distribution of each random tensor."""
        return {}

    @property
    def pieces_inside(self) -> Mapping[sp.Symbol, int]:
        """The sizes of axes that only the layer itself has."""
        return {}


@cache
def constant(value: float) -> Formula:
    """An initializer: every element starts at ``value``.

    >>> constant(1).equations[0].rhs
    1
    """
    start = replace(initializers.ZEROS.equations[0], rhs=exact(value))
    return replace(initializers.ZEROS, equations=(start,), name=f"constant {value:g}")
