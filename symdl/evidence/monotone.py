"""Claims on the graph of a function of one variable: it never falls, it is odd."""

from __future__ import annotations

import itertools

import mpmath
import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.differentiate import differentiate
from symdl.errors import SymdlError
from symdl.evidence.evaluate import NO_VALUE, World, evaluate, precise
from symdl.evidence.judge import judge_equation
from symdl.evidence.pieces import pieces
from symdl.evidence.ranges import check_finite
from symdl.evidence.signs import sign
from symdl.evidence.verdict import Verdict

__all__ = ["judge_never_falls", "judge_odd"]

_GRID = 64  # points on either side of 0, an eighth apart
_RISES = ("> 0", ">= 0", "= 0")


def judge_odd(e: Expr, x: sp.Symbol) -> Verdict:
    """Judge that the function of -x is minus the function of x."""
    return judge_equation(e.subs(x, -x), -e)


def judge_never_falls(e: Expr, x: sp.Symbol) -> Verdict:
    """Judge that a larger x never gives a smaller value; refuted with two points.

    >>> x = sp.Symbol("x", real=True)
    >>> judge_never_falls(sp.Max(0, x), x).level, judge_never_falls(sp.Abs(x), x).level
    ('proved', 'refuted')
    """
    seen = _falling(e, x)
    if seen is not None:
        return seen
    try:
        found = pieces(e, x)
        for p in found:
            check_finite(p, x)
            if sign(differentiate(p.expr, x).after, {x: p.interval}) not in _RISES:
                return Verdict("unknown", f"the sign of the derivative on {p.interval}")
        for left, right in itertools.pairwise(found):
            at = {x: left.high}
            here = e.xreplace(at)
            jumps = (here - left.expr.xreplace(at), right.expr.xreplace(at) - here)
            if any(sign(jump) not in _RISES for jump in jumps):
                return Verdict("unknown", f"the jump at {left.high}")
    except SymdlError as error:
        return Verdict("unknown", str(error))
    return Verdict("proved", "between the kinks the derivative is not negative; no jump falls")


def _falling(e: Expr, x: sp.Symbol) -> Verdict | None:
    """Two points, the right one with the smaller value."""
    ctx = precise()
    spots = [ctx.mpf(k) / 8 for k in range(-_GRID, _GRID + 1)]
    others = {v: ctx.mpf(1) for v in e.free_symbols - {x}}
    try:
        values = [evaluate(e, World({}, {**others, x: at}, ctx)) for at in spots]
    except NO_VALUE:  # no value somewhere: no points to show
        return None
    for (a, left), (b, right) in itertools.pairwise(zip(spots, values, strict=True)):
        if right < left - ctx.mpf(10) ** -30:
            ends = ((f"{x} at the left", a), (f"{x} at the right", b))
            both = (("value at the left", left), ("value at the right", right))
            shown = tuple((what, mpmath.nstr(v, 12)) for what, v in (*ends, *both))
            return Verdict("refuted", "the value at the right is smaller", shown)
    return None
