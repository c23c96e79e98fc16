"""What the weights of a layer are brought back to after each update."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

from symdl.calculus.compose import Renaming, elementwise
from symdl.catalog import constraints
from symdl.errors import InputError, NotSupported
from symdl.formula import Equation, Formula, Variable
from symdl.notation.indices import Index
from symdl.notation.tensors import TensorSymbol
from symdl.training.constants import Chosen, formula_chosen
from symdl.training.own import axes_of, called, under_own_name, with_axes

__all__ = [
    "CONSTRAINTS",
    "Constraint",
    "MaxNorm",
    "NonNeg",
    "UnitNorm",
    "constraint_of",
    "on",
]

CONSTRAINTS: dict[str, Formula] = {f.name: f for f in constraints.ALL}


@dataclass(frozen=True)
class Constraint(Chosen):
    """Common to the constraints: ``formula`` says what a tensor w is replaced by."""


@dataclass(frozen=True)
class MaxNorm(Constraint):
    """W[i,j] / max(1, norm of column j / max_value): no column is longer than max_value > 0.

    axis  0: the norms are those of the columns of W, one for each unit

    Raises InputError for max_value <= 0, NotSupported for other axes.  Source: Srivastava et al.
    (2014), section 5.1.

    >>> MaxNorm(3).formula.name
    'max_norm(max_value=3.0)'
    """

    base: ClassVar[Formula] = constraints.MAX_NORM
    max_value: float = 2.0
    axis: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.axis != 0:
            raise NotSupported(f"MaxNorm(axis={self.axis!r}): norms are of columns, axis=0")


@dataclass(frozen=True)
class NonNeg(Constraint):
    """max(0, w) for each weight."""

    base: ClassVar[Formula] = constraints.NON_NEG


@dataclass(frozen=True)
class UnitNorm(Constraint):
    """W[i,j] / (epsilon + norm of column j): each column has the norm 1, up to epsilon (1e-7)."""

    base: ClassVar[Formula] = constraints.UNIT_NORM


def constraint_of(given: object, where: str) -> Formula:
    """Return a constraint: "max_norm(max_value=3)", MaxNorm(3), or a formula of one's own.

    >>> constraint_of("max_norm(max_value=3)", "Dense") == constraint_of(MaxNorm(3), "Dense")
    True
    """
    return formula_chosen("constraint", given, CONSTRAINTS, where, Constraint, own=_own)


def _own(formula: Formula, where: str) -> Formula:
    read = (*formula.inputs, *formula.parameters)
    if len(read) != 1 or formula.state or formula.random:
        names = ", ".join(map(with_axes, read)) or "none"
        raise InputError(
            f"{where}: a constraint reads one weight w or tensor W[i,j]; {formula.name!r} reads "
            f"{names}"
        )
    if axes_of(formula.output) != axes_of(read[0]):
        raise InputError(
            f"{where}: the constraint {formula.name!r} puts out {with_axes(formula.output)}, which "
            f"must have the shape of {with_axes(read[0])}"
        )
    return under_own_name(formula, CONSTRAINTS)


@lru_cache(maxsize=256)
def on(formula: Formula, weight: TensorSymbol) -> tuple[tuple[Equation, ...], Variable]:
    """The equations of a constraint on one tensor of a model, and the variable of its new value.

    Raises NotSupported where the constraint reads a tensor of another number of axes.

    >>> from symdl.notation.indices import size_of
    >>> W = TensorSymbol("dense_1.W", (size_of("D0"), size_of("D1")))
    >>> print(*on(constraints.NON_NEG, W)[0])
    dense_1.W_new[i, j] = Max(0, dense_1.W[i, j])
    """
    (given,) = (*formula.inputs, *formula.parameters)
    new = TensorSymbol(f"{weight.name}_new", weight.axes)
    names: dict[Variable, Variable]
    if not axes_of(given):
        scalar = replace(formula, inputs=(given,), parameters=())
        at = weight[tuple(Index(c, s) for c, s in zip("ijk", weight.axes, strict=False))]
        formula, names, sizes = elementwise(scalar, at, new), {}, {}
        keep = {weight, new}
    else:
        if len(axes_of(given)) != weight.rank:
            raise NotSupported(
                f"the constraint {formula.name!r} reads {with_axes(given)}, but {weight.name} has "
                f"{weight.rank} axes; {constraints.NON_NEG.name!r} reads any"
            )
        names = {given: weight, formula.output: new}
        sizes = dict(zip(given.axes, weight.axes, strict=True))
        keep = {given, formula.output}
    plain = Renaming({}, sizes)
    for v in formula.defined:
        if v not in keep:
            names[v] = called(plain.variable(v), f"{weight.name}_{v.name}")
    renaming = Renaming({**dict(formula.hyper), **names}, sizes)
    return tuple(renaming.equation(e) for e in formula.equations), new
