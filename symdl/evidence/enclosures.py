"""Ranges whose ends have no closed form: enclosed between rational numbers, and that is proved.

The zeros of the derivative are isolated, the values there enclosed by interval arithmetic, and the
limits at both ends complete the picture.  Where the zeros cannot be isolated, those are taken that
a fine grid shows, and no more than that is claimed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.differentiate import differentiate
from symdl.errors import InputError, NotSupported, SymdlError
from symdl.evidence.intervals import Interval, enclosed, sign_on
from symdl.evidence.pieces import Piece, kinked
from symdl.evidence.ranges import check_finite, limit_of
from symdl.evidence.verdict import Verdict
from symdl.evidence.zeros import narrowed, zeros

__all__ = ["Enclosure", "enclosure", "judge_rounded_range"]

_WIDTH = sp.Rational(1, 10**20)
_STEP, _FAR = sp.Rational(1, 16), 16 * 16  # the grid goes from -16 to 16
_OFF = sp.Rational(1, 3)  # zeros at round numbers lie between its points


@dataclass(frozen=True)
class Enclosure:
    """Bounds of the least and of the greatest value (or of the limits that it comes near to).

    ``turns`` hold the zeros of the derivative: all of them if ``complete``, else those on a grid.
    """

    least: Interval
    greatest: Interval
    turns: tuple[Interval, ...]
    complete: bool


def enclosure(e: Expr, x: sp.Symbol) -> Enclosure:
    """Enclose the range of a smooth function over all real x.

    >>> x = sp.Symbol("x", real=True)
    >>> found = enclosure(x / (1 + sp.exp(-x)), x)
    >>> [str(sp.N(end, 12)) for end in found.least], found.greatest
    (['-0.278464542761', '-0.278464542761'], (oo, oo))
    """
    if kinked(e):
        raise NotSupported(f"{e} has kinks")
    whole = Piece(-sp.oo, sp.oo, e)
    check_finite(whole, x)
    slope = differentiate(e, x).after
    try:
        found, complete = zeros(slope, x), True
    except NotSupported:
        found, complete = _on_a_grid(slope, x), False
    turns = tuple(narrowed(slope, x, around, _WIDTH) for around in found)
    limits = (limit_of(whole, x, -sp.oo), limit_of(whole, x, sp.oo))
    ends = [enclosed(e, x, *t) for t in turns] + [(v, v) for v in limits]
    return Enclosure(_extreme(ends, -1), _extreme(ends, 1), turns, complete)


def _on_a_grid(slope: Expr, x: sp.Symbol) -> tuple[Interval, ...]:
    """The steps of the grid on which the slope changes its sign."""
    spots = [(sp.Rational(k) + _OFF) * _STEP for k in range(-_FAR, _FAR)]
    seen = [(at, sign_on(slope, x, at)) for at in spots]
    return tuple((a, b) for (a, s), (b, t) in itertools.pairwise(seen) if s * t < 0)


def _extreme(ends: Sequence[Interval], direction: int) -> Interval:
    best = ends[0]
    for other in ends[1:]:
        if other == best:
            continue
        above, below = other[0] > best[1], other[1] < best[0]
        if not (above == True or below == True):  # noqa: E712  SymPy's own truth values
            raise NotSupported(f"which of {other} and {best} is larger")
        best = other if (above == True) == (direction == 1) else best  # noqa: E712
    return best


def judge_rounded_range(e: Expr, x: sp.Symbol, least: str, greatest: str) -> Verdict:
    """Judge that the values of ``e`` lie between two numbers, which are the nearest of their kind.

    The numbers are rounded decimals such as "-0.2785", or "-oo" and "oo": each differs from the
    least or greatest value (or from what the values come near to) by half a unit of its last digit
    at most.
    """
    try:
        found = enclosure(e, x)
    except (SymdlError, sp.PolynomialError) as error:
        return Verdict("unknown", str(error))
    for what, claimed, seen in (
        ("least", least, found.least),
        ("greatest", greatest, found.greatest),
    ):
        if not _rounds_to(seen, claimed):
            shown = ((what, " to ".join(str(sp.N(v, 20)) for v in seen)), ("claimed", claimed))
            return Verdict("refuted", "the range is another", shown)
    count = f"{len(found.turns)} place{'s' * (len(found.turns) != 1)}"
    if not found.complete:
        how = (
            f"the derivative changes its sign at {count} of a grid from -16 to 16; 30 digits there"
        )
        return Verdict("numeric", how)
    how = f"the derivative is zero at {count}, each isolated; interval arithmetic there; the limits"
    return Verdict("proved", how)


def _rounds_to(seen: Interval, claimed: str) -> bool:
    if claimed.lstrip("-") == "oo":
        end = -sp.oo if claimed.startswith("-") else sp.oo
        return seen == (end, end)
    try:
        value = sp.Rational(claimed)
    except (TypeError, ValueError) as error:
        raise InputError(f"{claimed!r} is not a decimal number, -oo or oo") from error
    half = sp.Rational(1, 2 * 10 ** len(claimed.partition(".")[2]))
    return all(v.is_finite and abs(v - value) <= half for v in seen)
