"""What a formula and its derivative are exactly, at one point, and how much each is conditioned.

The formula is evaluated as it is stated, by the naive interpreter in mpmath.  Its digits are enough
when no sum loses a term or cancels: where one does, the point is evaluated again with more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdl.calculus.adjoint import bar, vjp
from symdl.calculus.compose import Renaming
from symdl.errors import NotSupported
from symdl.evidence.evaluate import NO_VALUE, World, define, precise
from symdl.formula import Equation, Formula, Variable
from symdl.notation.tensors import TensorSymbol

__all__ = ["Exact", "Truth", "truth_of"]

Number = Any  # an mpmath number
Array = NDArray[Any]
Place = tuple[Variable, tuple[int, ...]]  # an element of a variable; a scalar's is ()

# the last are enough: what they absorb, relative to 1, is far below the range of the type
_DIGITS = {4: (60, 160), 8: (60, 160, 400, 800)}
_STEP = 25  # the relative step for condition numbers is 10^-25


@dataclass(frozen=True)
class Exact:
    """A number, and its condition: by how much its relative error exceeds that of what is given.

    The condition of f(x, ...) is the sum of |x df/dx / f| over all that f is given.
    """

    value: Number
    condition: float


@dataclass(frozen=True)
class Truth:
    """The equations of a formula and of its adjoints, with constants as numbers."""

    formula: Formula
    wrt: tuple[Variable, ...]
    equations: tuple[Equation, ...]

    def at(
        self, values: Mapping[Variable, Any], sizes: Mapping[sp.Symbol, int], dtype: np.dtype[Any]
    ) -> Values:
        """Every element of the output and of the gradients; values are numbers or arrays.

        Raises NotSupported where the formula has no value.
        """
        for digits in _DIGITS[dtype.itemsize]:
            ctx = _watching(digits)
            try:
                found = self._with_context(values, sizes, ctx)
            except NO_VALUE as error:  # what is absorbed may leave a zero to divide by
                found, why = {}, str(error)
                ctx.lost = True
            if not ctx.lost:
                break
        if not found:
            raise NotSupported(f"{self.formula.name} has no value at {dict(values)}: {why}")
        return found

    def _with_context(
        self, values: Mapping[Variable, Any], sizes: Mapping[sp.Symbol, int], ctx: Any
    ) -> Values:
        given = {v: _exactly(v, a, ctx) for v, a in values.items()}
        here = self._numbers(given, sizes, ctx)
        step = ctx.mpf(10) ** -_STEP
        slopes = dict.fromkeys(here, ctx.mpf(0))
        for moved in _moved(given, 1 + step):
            there = self._numbers(moved, sizes, ctx)
            for place, value in there.items():
                slopes[place] += abs(value - here[place])
        return {
            place: Exact(value, float(slopes[place] / step / abs(value)) if value else 0.0)
            for place, value in here.items()
        }

    def _numbers(
        self, given: Mapping[Variable, Any], sizes: Mapping[sp.Symbol, int], ctx: Any
    ) -> dict[Place, Number]:
        world = define(self.equations, World(sizes, dict(given), ctx))
        wanted = (self.formula.output, *map(bar, self.wrt))
        return {(v, at): x for v in wanted for at, x in _elements(world.values[v])}


Values = Mapping[Place, Exact]


@cache
def truth_of(formula: Formula, wrt: tuple[Variable, ...]) -> Truth:
    """The formula with its adjoints, derived and not rewritten for running."""
    constants = Renaming(dict(formula.hyper), {})
    derived = vjp(formula, wrt).equations if wrt else ()
    return Truth(formula, wrt, tuple(map(constants.equation, (*formula.equations, *derived))))


def _watching(digits: int) -> Any:
    """An mpmath context that notes in ``lost`` whether a sum lost half of its digits or a term."""
    ctx = precise(digits)
    ctx.lost = False
    plain, bits = ctx.fsum, ctx.prec // 2

    def fsum(terms: Iterable[Any]) -> Any:
        terms = list(terms)
        total = plain(terms)
        sizes = [ctx.mag(t) for t in terms if t]
        if len(sizes) > 1:
            largest = max(sizes)
            ctx.lost |= not total or largest - ctx.mag(total) > bits
            ctx.lost |= largest - min(sizes) > bits
        return total

    ctx.fsum = fsum
    return ctx


def _exactly(v: Variable, a: Any, ctx: Any) -> Any:
    if not isinstance(v, TensorSymbol):
        return _number(a, ctx)
    number = int if v.labels is not None else lambda x: _number(x, ctx)
    return {at: number(x) for at, x in np.ndenumerate(np.asarray(a))}


def _number(x: Any, ctx: Any) -> Number:
    """A float, a whole number of any size or a fraction of them."""
    if isinstance(x, sp.Rational):
        return ctx.mpf(x.p) / x.q
    return ctx.mpf(x if isinstance(x, int) else float(x))


def _moved(given: Mapping[Variable, Any], factor: Number) -> Iterable[dict[Variable, Any]]:
    """The same values with one element that is no label and not 0 multiplied by the factor."""
    for v, value in given.items():
        if isinstance(v, TensorSymbol) and v.labels is not None:
            continue
        if not isinstance(value, dict):
            if value:
                yield {**given, v: value * factor}
            continue
        for at, x in value.items():
            if x:
                yield {**given, v: {**value, at: x * factor}}


def _elements(value: Any) -> Iterable[tuple[tuple[int, ...], Number]]:
    return value.items() if isinstance(value, dict) else [((), value)]
