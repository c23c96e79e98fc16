"""The values that a function of one variable takes, and where it is largest, steepest.

Between its kinks a function is monotone where its derivative has one sign; where it has not, the
zeros of the derivative are found exactly if it is a fraction of polynomials in the variable or in
one exponential of it.  The limits at the ends complete the range.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import mpmath
import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.differentiate import differentiate
from symdl.calculus.elimination import simplest, through_output
from symdl.errors import NotSupported, SymdlError
from symdl.evidence.evaluate import NO_VALUE, World, evaluate, precise
from symdl.evidence.judge import inlined
from symdl.evidence.pieces import Piece, pieces
from symdl.evidence.signs import as_fraction, roots_in, sign
from symdl.evidence.verdict import Verdict
from symdl.formula import Formula
from symdl.notation.normal import is_zero

__all__ = [
    "Range", "check_finite", "derivative_range", "judge_largest_derivative", "judge_range",
    "limit_of", "range_of", "steepest_output",
]  # fmt: skip


@dataclass(frozen=True)
class Range:
    """The least and the greatest value (or their limits), and where each is taken.

    ``least_at`` and ``greatest_at`` are empty where the value is only approached; of an interval
    on which it is taken they hold one point.
    """

    least: Expr
    greatest: Expr
    least_at: tuple[Expr, ...] = ()
    greatest_at: tuple[Expr, ...] = ()

    @property
    def interval(self) -> sp.Set:
        """The interval from the least to the greatest value, open where it is not taken."""
        return sp.Interval(self.least, self.greatest, not self.least_at, not self.greatest_at)


def range_of(e: Expr, x: sp.Symbol) -> Range:
    """The range of ``e`` over all real ``x``; raises NotSupported where it cannot be proved.

    >>> x = sp.Symbol("x", real=True)
    >>> range_of(1 / (1 + sp.exp(-x)), x).interval
    Interval.open(0, 1)
    """
    taken: list[tuple[Expr, Expr]] = []
    limits: list[Expr] = []
    found = pieces(e, x)
    _check_continuous(e, x, found)
    for p in found:
        for at in _stationary(p, x):
            taken.append((p.expr.xreplace({x: at}), at))
        limits += [limit_of(p, x, p.low), limit_of(p, x, p.high)]
        if not p.expr.has(x):
            taken.append((p.expr, _inside(p)))
    for p in found[1:]:
        taken.append((e.xreplace({x: p.low}), p.low))
    return _from_values([(sp.simplify(v), at) for v, at in taken], limits)


def _from_values(taken: list[tuple[Expr, Expr]], limits: list[Expr]) -> Range:
    """The range whose ends are among values with their places, and limits."""
    values = [*(v for v, _ in taken), *limits]
    least, greatest = _extreme(values, -1), _extreme(values, 1)
    return Range(least, greatest, _places(taken, least), _places(taken, greatest))


def _places(taken: list[tuple[Expr, Expr]], value: Expr) -> tuple[Expr, ...]:
    found: dict[Expr, None] = {}
    for v, at in taken:
        same = _same(v, value)
        if same is None:
            raise NotSupported(f"whether {v} is {value}")
        if same:
            found[at] = None
    return tuple(found)


def derivative_range(e: Expr, x: sp.Symbol) -> Range:
    """The range of the derivative between the kinks: the least and the greatest slope."""
    found = [_slopes_of_piece(p, x) for p in pieces(e, x)]
    taken = [(r.least, at) for r in found for at in r.least_at]
    taken += [(r.greatest, at) for r in found for at in r.greatest_at]
    return _from_values(taken, [end for r in found for end in (r.least, r.greatest)])


def _slopes_of_piece(p: Piece, x: sp.Symbol) -> Range:
    """The range of the derivative of one smooth piece."""
    check_finite(p, x)
    slope = simplest(differentiate(p.expr, x).after)
    q = replace(p, expr=slope)
    taken = [(sp.simplify(slope.xreplace({x: at})), at) for at in _stationary(q, x)]
    if not slope.has(x):
        taken.append((slope, _inside(q)))
    return _from_values(taken, [limit_of(q, x, q.low), limit_of(q, x, q.high)])


def steepest_output(formula: Formula) -> tuple[Expr, tuple[Expr, ...]]:
    """The derivative written with the output y, and the y where it is stationary.

    For the sigmoid y (1 - y), stationary at y = 1/2.
    """
    (x,), y = formula.inputs, formula.output
    e = inlined(formula.equation(y).rhs, formula.equations)
    slope = through_output(differentiate(e, x).after, y, e)
    if slope.has(x) or not slope.has(y):
        raise NotSupported(f"the derivative of {formula.name} in terms of its output alone")
    inside = range_of(e, x).interval
    plain, _ = as_fraction(differentiate(slope, y).after)
    above, _ = sp.fraction(plain)
    return slope, tuple(r for r in roots_in(above, y) if r in inside) if above.has(y) else ()


def _stationary(p: Piece, x: sp.Symbol) -> list[Expr]:
    """The zeros of the derivative inside a piece: all of them, or NotSupported."""
    slope = simplest(differentiate(p.expr, x).after)
    if slope == 0 or sign(slope, {x: p.interval}) in ("> 0", "< 0"):
        return []
    plain, back = as_fraction(slope)
    above, _ = sp.fraction(plain)
    symbols = sorted(above.free_symbols, key=str)
    if len(symbols) != 1 or not all(c.is_Rational for c in sp.Poly(above, *symbols).coeffs()):
        raise NotSupported(f"the zeros of {slope}")
    (g,) = symbols
    meaning = back.get(g, g)
    out = []
    for r in roots_in(above, g):
        if meaning == x:
            at = r
        elif isinstance(meaning, sp.exp) and meaning.args[0].diff(x).is_number:
            if not (r.is_positive):
                continue
            scale = meaning.args[0].diff(x)
            at = (sp.log(r) - meaning.args[0].xreplace({x: sp.S.Zero})) / scale
        else:
            raise NotSupported(f"the zeros of {slope}")
        if p.low < at < p.high:
            out.append(sp.simplify(at))
    return out


def limit_of(p: Piece, x: sp.Symbol, at: Expr) -> Expr:
    """The limit of a piece at one of its ends: a number, or what its parameters make of it."""
    if at not in (sp.oo, -sp.oo):
        return p.expr.xreplace({x: at})
    plain, back = as_fraction(p.expr)
    found = sp.limit(plain.xreplace(back), x, at)
    if found.has(sp.Limit, x) or not (found.is_infinite or found.is_finite):
        raise NotSupported(f"the limit of {p.expr} at {at}")
    return sp.simplify(found)


def _check_continuous(e: Expr, x: sp.Symbol, found: tuple[Piece, ...]) -> None:
    """Refuse a jump or a pole: the values would not fill an interval."""
    for p in found:
        check_finite(p, x)
    for left, right in itertools.pairwise(found):
        at = {x: left.high}
        here = e.xreplace(at)
        if not all(is_zero(p.expr.xreplace(at) - here) for p in (left, right)):
            raise NotSupported(f"{e} may jump at {left.high}")


def check_finite(p: Piece, x: sp.Symbol) -> None:
    """Refuse a piece where a divisor may be zero or a logarithm may have no value."""
    if p.expr.has(sp.tan, sp.coth, sp.csch):
        raise NotSupported(f"the poles of {p.expr}")
    divisors = {a.base for a in p.expr.atoms(sp.Pow) if a.exp.is_negative and a.has(x)}
    roots = {a.base for a in p.expr.atoms(sp.Pow) if not a.exp.is_Integer and a.has(x)}
    inside = {a.args[0] for a in p.expr.atoms(sp.log) if a.has(x)} | {
        b for b in roots if b is not sp.E
    }
    for d in divisors | inside:
        wanted = ("> 0",) if d in inside else ("> 0", "< 0")
        if sign(d, {x: p.interval}) not in wanted:
            raise NotSupported(f"whether {d} has one sign between {p.low} and {p.high}")


def _inside(p: Piece) -> Expr:
    if p.low == -sp.oo:
        return sp.S.Zero if p.high == sp.oo else p.high - 1
    return p.low + 1 if p.high == sp.oo else (p.low + p.high) / 2


def _same(a: Expr, b: Expr) -> bool | None:
    """Whether two numbers are equal, however they are written; None where that is not known."""
    if a == b or a.is_infinite or b.is_infinite:
        return bool(a == b)
    difference = sp.simplify(a - b)
    return True if difference == 0 else difference.is_zero


def _same_interval(a: sp.Set, b: sp.Set) -> bool | None:
    if not (isinstance(a, sp.Interval) and isinstance(b, sp.Interval)):
        return bool(a == b)
    if (a.left_open, a.right_open) != (b.left_open, b.right_open):
        return False
    ends = (_same(a.start, b.start), _same(a.end, b.end))
    return False if False in ends else None if None in ends else True


def _extreme(values: list[Expr], direction: int) -> Expr:
    best = values[0]
    for v in values[1:]:
        difference = v - best
        found = (difference * direction).is_positive if v != best else False
        if v in (sp.oo, -sp.oo):
            found = (v == sp.oo) == (direction == 1)
        elif best in (sp.oo, -sp.oo):
            found = (best == sp.oo) != (direction == 1)
        if found is None:
            raise NotSupported(f"which of {v} and {best} is larger")
        best = v if found else best
    return best


# ------------------------------------------------------------------------------------ verdicts


def judge_range(e: Expr, x: sp.Symbol, claimed: sp.Set) -> Verdict:
    """Judge that the values of ``e`` fill exactly an interval."""
    ones = dict.fromkeys((e.free_symbols | claimed.free_symbols) - {x}, sp.S.One)
    outside = _outside(e.xreplace(ones), x, claimed.xreplace(ones), Piece(-sp.oo, sp.oo, e))
    if outside is not None:
        return outside
    try:
        found = range_of(e, x)
    except (SymdlError, sp.PolynomialError) as error:
        return Verdict("unknown", str(error))
    shown = (("range", str(found.interval)), ("claimed", str(claimed)))
    same = _same_interval(found.interval, claimed)
    if same is None:
        return Verdict("unknown", "whether two numbers are equal", shown)
    if not same:
        return Verdict("refuted", "the range is another", shown)
    return Verdict("proved", "from the sign and the zeros of the derivative, and the limits")


def judge_largest_derivative(e: Expr, x: sp.Symbol, value: Expr, at: Expr | None = None) -> Verdict:
    """Judge that the derivative of ``e`` is at most ``value``, and taken at ``at`` if given."""
    try:
        found = derivative_range(e, x)
    except (SymdlError, sp.PolynomialError) as error:
        return Verdict("unknown", str(error))
    value = sp.sympify(value, strict=True)
    same = _same(found.greatest, value)
    if not same:
        shown = (("largest derivative", str(found.greatest)), ("claimed", str(value)))
        if same is None:
            return Verdict("unknown", "whether two numbers are equal", shown)
        return Verdict("refuted", "another value is the largest", shown)
    there = [] if at is None else [_same(a, at) for a in found.greatest_at]
    if at is not None and True not in there:
        places = (("taken at", ", ".join(map(str, found.greatest_at)) or "no point"),)
        if None in there:
            return Verdict("unknown", "whether two places are equal", places)
        return Verdict("refuted", "the largest value is not taken there", places)
    slopes = [(p, differentiate(p.expr, x).after) for p in pieces(e, x)]
    for p, slope in slopes:
        outside = _outside(slope, x, sp.Interval(-sp.oo, found.greatest), p)
        if outside is not None:
            return Verdict("unknown", f"the argument and a point disagree: {outside}")
    return Verdict("proved", "from the zeros of the second derivative and the limits at the ends")


def _outside(e: Expr, x: sp.Symbol, claimed: sp.Set, p: Piece) -> Verdict | None:
    """A point, evaluated to 50 digits, whose value the claim leaves out."""
    ctx = precise()
    for k in range(-160, 161):
        at = sp.Rational(k, 8)
        if not (p.low < at < p.high):
            continue
        try:
            value = evaluate(e, World({}, {x: ctx.mpf(k) / 8}, ctx))
        except NO_VALUE:  # no value there
            continue
        low, high = (
            ctx.mpf(str(sp.N(b, 50))) if b.is_finite else ctx.mpf(str(b).replace("oo", "inf"))
            for b in (claimed.inf, claimed.sup)
        )
        slack = ctx.mpf(10) ** -40
        if value < low - slack or value > high + slack:
            shown = ((str(x), str(at)), ("value", mpmath.nstr(value, 12)))
            return Verdict("refuted", f"a value outside of {claimed}", shown)
    return None
