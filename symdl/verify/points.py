"""Points of a formula's domain as arrays: sizes, and a value for everything that it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdl.calculus.compose import Renaming
from symdl.errors import NotSupported
from symdl.evidence.evaluate import World, positions, precise
from symdl.evidence.points import impose
from symdl.formula import Equation, Formula, Variable
from symdl.notation.tensors import TensorSymbol
from symdl.notation.walk import sizes_of
from symdl.training.kinds import renamed

__all__ = ["Point", "arguments", "as_stated", "continuous", "point_of", "size_symbols"]

Array = NDArray[Any]

_LARGEST = 4
_REACH = 3.0  # numbers without bounds are drawn from -3 to 3, or as far beyond their only bound
_EDGE = 1 / 8  # and this part of an interval is left out at its ends, for the differences


@dataclass(frozen=True)
class Point:
    """Sizes, and an array for each of ``arguments(formula)``."""

    formula: Formula
    sizes: Mapping[sp.Symbol, int]
    values: tuple[Array, ...]

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The equations of the formula, with its constants as numbers."""
        constants = Renaming(dict(self.formula.hyper), {})
        return tuple(constants.equation(e) for e in self.formula.equations)

    @property
    def world(self) -> World:
        """The same point for the naive interpreter, each double as the fraction that it is."""
        ctx = precise()
        given = zip(arguments(self.formula), self.values, strict=True)
        return World(self.sizes, {v: _exact(v, a, ctx) for v, a in given}, ctx)

    def __repr__(self) -> str:
        shown = zip(arguments(self.formula), self.values, strict=True)
        return f"Point({dict(self.sizes)}, {', '.join(f'{v} = {a.tolist()}' for v, a in shown)})"


def arguments(formula: Formula) -> tuple[Variable, ...]:
    """What a compiled formula is called with: inputs, parameters, draws, old states."""
    old = (v for v, _ in formula.state)
    return (*formula.inputs, *formula.parameters, *formula.random, *old)


def size_symbols(formula: Formula) -> tuple[sp.Symbol, ...]:
    """The sizes of all axes, in the order of their names."""
    sides = (x for e in formula.equations for x in (e.lhs, e.rhs))
    found = frozenset().union(*(sizes_of(x) for x in (*sides, *arguments(formula))))
    return tuple(sorted(found, key=str))


def continuous(formula: Formula, v: Variable) -> bool:
    """Whether a variable moves over an interval, so that it has differences."""
    return isinstance(formula.domain_of(v), sp.Interval) or formula.domain_of(v) == sp.S.Reals


def point_of(
    formula: Formula,
    generator: np.random.Generator,
    choose_size: Callable[[sp.Symbol], int] | None = None,
) -> Point:
    """Draw sizes from 1 to 4 and values from the formula's domain, with its assumptions met.

    Raises NotSupported for a domain that is neither an interval, the reals, a finite set nor the
    labels of an axis.

    >>> from symdl.catalog.losses import HINGE
    >>> point = point_of(HINGE, np.random.default_rng(0))
    >>> set(np.abs(point.values[1]).ravel().tolist())
    {1.0}
    """

    def drawn(_: sp.Symbol) -> int:
        return int(generator.integers(1, _LARGEST + 1))

    sizes = {s: (choose_size or drawn)(s) for s in size_symbols(formula)}
    values = tuple(_value(formula, v, sizes, generator) for v in arguments(formula))
    point = Point(formula, sizes, values)
    return _imposed(point) if formula.assumptions else point


def as_stated(formula: Formula) -> Formula:
    """The formula with its inputs declared positive where the domain says that they are.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> i = indices("i:D")
    >>> x, y = tensors("x[i] y[i]", i)
    >>> f = Formula(sp.Eq(y[i], sp.log(x[i])), output=y, inputs=x, domain={x: sp.Interval(1, 2)})
    >>> as_stated(f).inputs[0].positive_elements
    True
    """
    positive = sp.Interval.open(0, sp.oo)
    names: dict[Variable, Variable] = {}
    for v in arguments(formula):
        found = formula.domain_of(v)
        if isinstance(found, sp.Interval) and found.is_subset(positive):
            if isinstance(v, TensorSymbol):
                names[v] = TensorSymbol(v.name, v.axes, positive=True)
            elif not v.is_positive:
                names[v] = sp.Symbol(v.name, positive=True)
    return renamed(formula, names, {}) if names else formula


def _value(
    formula: Formula, v: Variable, sizes: Mapping[sp.Symbol, int], generator: np.random.Generator
) -> Array:
    empty = World(sizes, {})
    shape = tuple(map(empty.size, v.axes)) if isinstance(v, TensorSymbol) else ()
    if isinstance(v, TensorSymbol) and v.labels is not None:
        return generator.integers(0, empty.size(v.labels), shape)
    found = formula.domain_of(v)
    if isinstance(found, sp.FiniteSet):
        return np.asarray(generator.choice([float(k) for k in sorted(found)], shape))
    if found == sp.S.Naturals:
        return np.asarray(generator.integers(1, 6, shape), dtype=float)
    if not isinstance(found, sp.Interval) and found != sp.S.Reals:
        raise NotSupported(f"drawing {v} of {formula.name or 'the formula'} from {found}")
    low, high = _ends(found)
    return np.asarray(generator.uniform(low, high, shape))


def _ends(found: sp.Set) -> tuple[float, float]:
    """The part of an interval that is drawn from."""
    if found.inf == -sp.oo and found.sup == sp.oo:
        return -_REACH, _REACH
    if found.inf == -sp.oo:
        return float(found.sup) - _REACH, float(found.sup) - _EDGE
    if found.sup == sp.oo:
        return float(found.inf) + _EDGE, float(found.inf) + _REACH
    low, high = float(found.inf), float(found.sup)
    return low + _EDGE * (high - low), high - _EDGE * (high - low)


def _imposed(point: Point) -> Point:
    """Change values so that assumptions such as sum_j t_j = 1 hold, up to rounding."""
    world = point.world
    domain = {v: point.formula.domain_of(v) for v in arguments(point.formula)}
    for assumption in point.formula.assumptions:
        impose(assumption, world, domain)
    given = zip(arguments(point.formula), point.values, strict=True)
    values = tuple(_rounded(v, a, world) for v, a in given)
    return Point(point.formula, point.sizes, values)


def _exact(v: Variable, a: Array, ctx: Any) -> Any:
    if not isinstance(v, TensorSymbol):
        return ctx.mpf(float(a))
    if v.labels is not None:
        return {at: int(x) for at, x in np.ndenumerate(a)}
    return {at: ctx.mpf(float(x)) for at, x in np.ndenumerate(a)}


def _rounded(v: Variable, a: Array, world: World) -> Array:
    if not isinstance(v, TensorSymbol):
        return np.asarray(float(world.values[v]))
    out = np.empty_like(a)
    for at in positions(v.axes, world):
        out[at] = int(world.values[v][at]) if v.labels is not None else float(world.values[v][at])
    return out
