"""What a formula and its derivative are exactly, at one point, and how much each is conditioned.

The formula is evaluated as it is stated, by the naive interpreter in mpmath.  Its digits are enough
when no sum loses a term or cancels: where one does, the point is evaluated again with more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdl.calculus.adjoint import bar, vjp
from symdl.calculus.compose import Renaming
from symdl.calculus.joint import joint_adjoint
from symdl.calculus.stabilise import stabilise
from symdl.evidence.evaluate import NO_VALUE, World, define, precise
from symdl.formula import Equation, Formula, Variable
from symdl.notation.tensors import TensorSymbol

__all__ = ["Exact", "Truth", "truth_of"]

Number = Any  # an mpmath number
Array = NDArray[Any]
Place = tuple[Variable, tuple[int, ...]]  # an element of a variable; a scalar's is ()

# the last are enough: what they absorb, relative to 1, is far below the range of the type
_DIGITS = {4: (60, 160), 8: (60, 160, 400)}
_STEP = 25  # the relative step for condition numbers is 10^-25


@dataclass(frozen=True)
class Exact:
    """A number, and its condition: by how much its relative error exceeds that of what sweeps.

    The condition of f(x, ...) is the sum of |x df/dx / f| over all elements of what sweeps.
    """

    value: Number
    condition: float


@dataclass(frozen=True)
class Truth:
    """The equations of a formula and of its adjoints, with constants as numbers.

    stable  the same with the formula's rewrites for running, each of which was proved equal: for
            points where no number of digits is enough for the formula as it is stated
    """

    formula: Formula
    wrt: tuple[Variable, ...]
    equations: tuple[Equation, ...]
    stable: tuple[Equation, ...]

    def at(
        self, values: Mapping[Variable, Any], sizes: Mapping[sp.Symbol, int], dtype: np.dtype[Any]
    ) -> Values:
        """Every element of the output and of the gradients; values are numbers or arrays."""
        found: Values | None = None
        for digits in _DIGITS[dtype.itemsize]:
            ctx, found = _watching(digits), None  # fewer digits, known to be lost, do not count
            # what is absorbed may leave a zero to divide by
            with suppress(*NO_VALUE):
                found = self._with_context(self.equations, values, sizes, ctx)
                if not ctx.lost:
                    return found
        if found is None:
            found = self._with_context(self.stable, values, sizes, ctx)
        return found

    def _with_context(
        self,
        equations: Sequence[Equation],
        values: Mapping[Variable, Any],
        sizes: Mapping[sp.Symbol, int],
        ctx: Any,
    ) -> Values:
        given = {v: _exactly(v, a, ctx) for v, a in values.items()}
        here = self._numbers(equations, given, sizes, ctx)
        step = ctx.mpf(10) ** -_STEP
        slopes = dict.fromkeys(here, ctx.mpf(0))
        own = {v: given[v] for v in self.wrt}
        for moved in ({**given, **one} for one in _moved(own, 1 + step)):
            there = self._numbers(equations, moved, sizes, ctx)
            for place, value in there.items():
                slopes[place] += abs(value - here[place])
        return {
            place: Exact(value, float(slopes[place] / step / abs(value)) if value else 0.0)
            for place, value in here.items()
        }

    def _numbers(
        self,
        equations: Sequence[Equation],
        given: Mapping[Variable, Any],
        sizes: Mapping[sp.Symbol, int],
        ctx: Any,
    ) -> dict[Place, Number]:
        world = define(equations, World(sizes, dict(given), ctx))
        wanted = (self.formula.output, *map(bar, self.wrt))
        return {(v, at): x for v in wanted for at, x in _elements(world.values[v])}


Values = Mapping[Place, Exact]


@cache
def truth_of(formula: Formula, wrt: tuple[Variable, ...]) -> Truth:
    """The formula with its adjoints, derived and not rewritten for running."""
    constants = Renaming(dict(formula.hyper), {})
    stated = (*formula.equations, *(vjp(formula, wrt).equations if wrt else ()))
    adjoint = joint_adjoint(formula, wrt)[0].equations if wrt else ()
    stable = (*stabilise(formula).formula.equations, *adjoint)
    both = (tuple(map(constants.equation, side)) for side in (stated, stable))
    return Truth(formula, wrt, *both)


def _watching(digits: int) -> Any:
    """An mpmath context that notes in ``lost`` whether a sum lost half of its digits or a term.

    The logarithm of a number near 1 counts too, since that 1 may be rounded.
    """
    ctx = precise(digits)
    ctx.lost = False
    plain, logarithm, bits = ctx.fsum, ctx.log, ctx.prec // 2

    def fsum(terms: Iterable[Any]) -> Any:
        terms = list(terms)
        total = plain(terms)
        sizes = [ctx.mag(t) for t in terms if t]
        if len(sizes) > 1:
            largest = max(sizes)
            ctx.lost |= not total or largest - ctx.mag(total) > bits
            ctx.lost |= largest - min(sizes) > bits
        return total

    def log(x: Any) -> Any:
        ctx.lost |= abs(x - 1) < ctx.ldexp(1, -bits)
        return logarithm(x)

    ctx.fsum, ctx.log = fsum, log
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
    """Each of these variables with one element that is not 0 multiplied by the factor."""
    for v, value in given.items():
        for at, x in _elements(value):
            if x:
                yield {v: {**value, at: x * factor} if isinstance(value, dict) else x * factor}


def _elements(value: Any) -> Iterable[tuple[tuple[int, ...], Number]]:
    return value.items() if isinstance(value, dict) else [((), value)]
