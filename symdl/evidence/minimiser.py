"""Where a convex function with kinks is least, case by case in one parameter.

Between two kinks the minimum is where the slope is zero; on a kink it is where the slope changes
its sign.  This is how a penalty l |w| gives zeros and a penalty l w^2 does not.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.differentiate import differentiate
from symdl.errors import NotSupported
from symdl.evidence.clipping import within
from symdl.evidence.convexity import judge_convex
from symdl.evidence.judge import judge_equation
from symdl.evidence.pieces import Piece, pieces
from symdl.evidence.signs import NEGATIVE, POSITIVE, judge_nonnegative, sign
from symdl.evidence.verdict import Verdict, weakest

__all__ = ["Case", "judge_minimiser", "minimiser"]


@dataclass(frozen=True)
class Case:
    """For a parameter from ``low`` to ``high`` the function is least at ``value``.

    slopes  the slopes to the left and to the right of ``value``; on a kink they differ
    """

    low: Expr
    high: Expr
    value: Expr
    slopes: tuple[Expr, Expr]

    @property
    def kink(self) -> bool:
        """Whether the minimum lies on a kink."""
        return self.slopes[0] != self.slopes[1]


def minimiser(e: Expr, x: sp.Symbol, a: sp.Symbol) -> tuple[Case, ...]:
    """Where ``e`` is least in ``x``, for each value of the parameter ``a``, from left to right.

    Raises NotSupported unless the slopes between the kinks rise with x and fall with a, linearly.

    >>> w, a = sp.symbols("w a", real=True)
    >>> l = sp.Symbol("l", positive=True)
    >>> [(c.low, c.high, c.value) for c in minimiser((w - a)**2/2 + l*sp.Abs(w), w, a)]
    [(-oo, -l, a + l), (-l, l, 0), (l, oo, a - l)]
    """
    return tuple(_cases(pieces(e, x), x, a))


def _cases(found: Sequence[Piece], x: sp.Symbol, a: sp.Symbol) -> Iterator[Case]:
    slopes = [sp.expand(differentiate(p.expr, x).after) for p in found]
    for k, (p, slope) in enumerate(zip(found, slopes, strict=True)):
        root = _solved(slope, x, POSITIVE)
        low, high = (_end(slope, x, at, a) for at in (p.low, p.high))
        yield Case(low, high, root, (slope, slope))
        if k + 1 < len(found):
            right = slopes[k + 1]
            low, high = (_end(s, x, p.high, a) for s in (slope, right))
            yield Case(low, high, p.high, (slope, right))


def _solved(slope: Expr, x: sp.Symbol, wanted: str) -> Expr:
    """The root in ``x`` of a slope that is linear in it, and rises or falls as wanted."""
    rise = sp.expand(differentiate(slope, x).after)
    if rise.has(x) or sign(rise) != wanted:
        raise NotSupported(f"where {slope} is zero in {x}: it must be linear in it, and not flat")
    return sp.expand(-slope.xreplace({x: sp.S.Zero}) / rise)


def _end(slope: Expr, x: sp.Symbol, at: Expr, a: sp.Symbol) -> Expr:
    """The parameter for which the slope is zero at the end of a piece."""
    return at if at.is_infinite else _solved(slope.xreplace({x: at}), a, NEGATIVE)


def judge_minimiser(
    e: Expr, x: sp.Symbol, a: sp.Symbol, cases: Sequence[Case]
) -> tuple[tuple[str, Verdict], ...]:
    """Judge that ``e`` is convex in ``x``, least where each case says, and that no case is missing.

    A convex function is least where the slope to the left is not positive and the slope to the
    right is not negative: there 0 is a subgradient.
    """
    out = [("the function is convex", judge_convex(e, x))]
    for case in cases:
        out.append((f"least at {case.value} for {a} from {case.low} to {case.high}", _least(
            e, x, a, case)))  # fmt: skip
    out.append((f"the cases cover every {a}", _cover(cases)))
    return tuple(out)


def _least(e: Expr, x: sp.Symbol, a: sp.Symbol, case: Case) -> Verdict:
    """The slopes of ``e`` itself beside the value, wherever the parameter lies in the case."""
    found = pieces(e, x)
    slopes = [sp.expand(differentiate(p.expr, x).after) for p in found]
    claims = []
    for left, p, right in zip(slopes, found, slopes[1:] + slopes[-1:], strict=True):
        if case.kink and p.high == case.value:
            at = {x: case.value}
            claims += [judge_nonnegative(-s) for s in _over(left.xreplace(at), a, case)]
            claims += [judge_nonnegative(s) for s in _over(right.xreplace(at), a, case)]
        if not case.kink and left == case.slopes[0]:
            claims.append(judge_equation(left.xreplace({x: case.value}), sp.S.Zero))
            for low, high in ((p.low, case.value), (case.value, p.high)):
                if not (low.is_infinite or high.is_infinite):
                    claims += [judge_nonnegative(s) for s in _over(high - low, a, case)]
    return weakest(claims)


def _over(e: Expr, a: sp.Symbol, case: Case) -> Iterator[Expr]:
    """The expression with the parameter put to every place of its case."""
    return (sp.expand(e.xreplace({a: at})) for at in within(case.low, case.high))


def _cover(cases: Sequence[Case]) -> Verdict:
    """Each case begins where the one before ends, from -oo to oo."""
    ends = (cases[0].low, cases[-1].high) if cases else ()
    if ends != (-sp.oo, sp.oo):
        return Verdict("refuted", f"the cases reach from {ends[:1]} to {ends[1:]}")
    joints = [judge_equation(b.low, a.high) for a, b in itertools.pairwise(cases)]
    return weakest(joints) if joints else Verdict("proved", "one case holds everywhere")
