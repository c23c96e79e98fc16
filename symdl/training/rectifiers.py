"""Layers whose slopes are trained: maxout and PReLU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import sympy as sp

from symdl.calculus.compose import elementwise
from symdl.catalog import activations, initializers, layers, normalization
from symdl.formula import Formula, Variable
from symdl.notation.tensors import TensorSymbol
from symdl.training.choices import choose, positive_int, real_number
from symdl.training.formula_layer import LayerOfFormula, constant
from symdl.training.layers import INITIALIZERS

__all__ = ["Maxout", "PReLU", "prelu_by_column"]


@dataclass(frozen=True)
class Maxout(LayerOfFormula):
    """y[n,j] = max_q (sum_i x[n,i] W[i,q,j] + b[q,j]): the largest of several dense layers.

    units               number of columns that come out
    pieces              number of dense layers that the largest is taken of; where several are
                        equal, the derivative is that of the first
    kernel_initializer  "glorot_uniform", "he_normal", ...; each piece starts as a dense layer would

    Raises InputError for an unknown name and for numbers below 1.

    >>> Maxout(8, pieces=3).units_out
    8
    """

    units: int
    pieces: int = 2
    kernel_initializer: str = initializers.GLOROT_UNIFORM.name

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "units", positive_int("units of Maxout", self.units))
        set_(self, "pieces", positive_int("pieces of Maxout", self.pieces))
        choose("kernel_initializer", self.kernel_initializer, INITIALIZERS, "Maxout")

    @property
    def units_out(self) -> int:
        return self.units

    @property
    def training(self) -> Formula:
        return layers.MAXOUT

    @property
    def starts(self) -> Mapping[Variable, Formula]:
        kernel, bias = layers.MAXOUT.parameters
        return {kernel: INITIALIZERS[self.kernel_initializer], bias: initializers.ZEROS}

    @property
    def pieces_inside(self) -> Mapping[sp.Symbol, int]:
        return {layers.pieces: self.pieces}


@dataclass(frozen=True)
class PReLU(LayerOfFormula):
    """x where x > 0, else alpha x, with one trained slope alpha a column.

    initial_slope  where the slopes start: 0.25, as in the paper (Keras has 0)

    Raises InputError for a slope that is no finite number >= 0.

    >>> PReLU().training.parameters
    (alpha,)
    """

    initial_slope: float = 0.25

    def __post_init__(self) -> None:
        slope = real_number("initial_slope of PReLU", self.initial_slope, 0)
        object.__setattr__(self, "initial_slope", slope)

    @property
    def training(self) -> Formula:
        return prelu_by_column()

    @property
    def starts(self) -> Mapping[Variable, Formula]:
        return dict.fromkeys(self.training.parameters, constant(self.initial_slope))


@cache
def prelu_by_column() -> Formula:
    """The catalogue's formula of a scalar, element by element, with a slope for each column."""
    n, i, x, y = normalization.n, normalization.i, normalization.x, normalization.y
    (slope,) = activations.PRELU.parameters
    own = {slope: TensorSymbol(slope.name, (i.size,))[i]}
    return elementwise(activations.PRELU, x[n, i], y, own)
