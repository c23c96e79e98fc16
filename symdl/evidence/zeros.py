"""All zeros of a smooth function of one variable, each alone in an interval of its own.

Between two neighbouring zeros of its derivative a function is strictly monotone, so it has at most
one zero there (Rolle).  Factors of one sign are taken out first; a sum of polynomials times
exponentials becomes simpler each time it is divided by one of the exponentials and differentiated.
Signs are found by interval arithmetic, so that nothing rests on rounding.
"""

from __future__ import annotations

import itertools

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.differentiate import differentiate
from symdl.errors import NotSupported, SymdlError
from symdl.evidence.intervals import Interval, enclosed, sign_on
from symdl.evidence.signs import as_fraction, sign

__all__ = ["narrowed", "zeros"]

_DEPTH = 14
_MOST_OPERATIONS = 150
_HALVINGS = 200
_FARTHEST = 10  # the outermost points looked at are 2^10 away
_CENTRE = sp.Rational(1, 7)  # a place where nothing is likely to be zero


def zeros(e: Expr, x: sp.Symbol) -> tuple[Interval, ...]:
    """Intervals from left to right, each with exactly one zero of ``e`` inside, and no others.

    Raises NotSupported where that cannot be shown, at a double zero for one.

    >>> x = sp.Symbol("x", real=True)
    >>> [(float(a) < 0 < float(b)) for a, b in zeros(sp.exp(x) - 1 - x / 2, x)]
    [False, True]
    """
    return _zeros(e, x, _DEPTH)


def narrowed(e: Expr, x: sp.Symbol, around: Interval, width: Expr) -> Interval:
    """The interval round a zero, halved until it is not wider than ``width``."""
    low, high = around
    right = sign_on(e, x, high)
    for _ in range(_HALVINGS):
        if high - low <= width:
            return low, high
        middle, seen = _decided(e, x, low, high)
        low, high = (low, middle) if seen == right else (middle, high)
    raise NotSupported(f"an interval of width {width} round a zero of {e}")


def _decided(e: Expr, x: sp.Symbol, low: Expr, high: Expr) -> tuple[Expr, int]:
    """A point near the middle at which the sign is known, and that sign."""
    for part in (sp.Rational(1, 2), sp.Rational(3, 7), sp.Rational(5, 9)):
        middle = low + (high - low) * part
        seen = sign_on(e, x, middle)
        if seen:
            return middle, seen
    raise NotSupported(f"the sign of {e} near {low}")


def _zeros(e: Expr, x: sp.Symbol, depth: int) -> tuple[Interval, ...]:
    """The zeros of all factors; where intervals of two factors meet, both are narrowed."""
    factors = _factors(e, x)
    found = [(around, f) for f in factors for around in _of_factor(f, x, depth)]
    for _ in range(_HALVINGS):
        found.sort(key=lambda pair: pair[0])
        meeting = {p for a, b in itertools.pairwise(found) if b[0][0] < a[0][1] for p in (a, b)}
        if not meeting:
            return tuple(around for around, _ in found)
        found = [(_halved(f, x, at) if (at, f) in meeting else at, f) for at, f in found]
    raise NotSupported(f"zeros of {e} that are close together")


def _halved(f: Expr, x: sp.Symbol, around: Interval) -> Interval:
    return narrowed(f, x, around, (around[1] - around[0]) * sp.Rational(2, 3))


def _factors(e: Expr, x: sp.Symbol) -> list[Expr]:
    """The factors of the numerator that can be zero, each once."""
    plain, back = as_fraction(e)
    above, _ = sp.fraction(plain)
    bases = {f.base if f.is_Pow else f for f in sp.Mul.make_args(sp.factor(above))}
    shown = [sp.expand(b.xreplace(back)) for b in bases]
    return [f for f in shown if f.has(x) and sign(f) not in ("> 0", "< 0")]


def _of_factor(f: Expr, x: sp.Symbol, depth: int) -> tuple[Interval, ...]:
    if depth == 0 or sp.count_ops(f) > _MOST_OPERATIONS:
        raise NotSupported(f"the zeros of {f}: too many derivatives are needed")
    g = _divided(f, x)
    try:
        return _between(g, x, _zeros(differentiate(g, x).after, x, depth - 1))
    except SymdlError as error:
        raise NotSupported(f"the zeros of {f}: {error}") from error


def _divided(f: Expr, x: sp.Symbol) -> Expr:
    """``f`` divided by the one of its exponentials that has the simplest factor."""
    groups: dict[Expr, Expr] = {}
    for term in sp.Add.make_args(f):
        power = sp.Mul(*(a for a in sp.Mul.make_args(term) if isinstance(a, sp.exp)))
        groups[power] = groups.get(power, sp.S.Zero) + term / power
    power = min(groups, key=lambda k: (_degree(groups[k], x), str(k)))
    return sp.expand(sp.Add(*(c * k / power for k, c in groups.items())))


def _degree(c: Expr, x: sp.Symbol) -> int:
    return int(sp.degree(c, x)) if c.is_polynomial(x) else -1  # erf: differentiate it away


def _between(g: Expr, x: sp.Symbol, turns: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """The zeros of ``g``, which is strictly monotone between its turns."""
    still = [_narrowed_at_turn(g, x, t) for t in turns]
    spots = [(low, high) for low, high in still] or [(_CENTRE, _CENTRE)]
    found = [_outwards(g, x, spots[0][0], -1)]
    for (_, left), (right, _) in itertools.pairwise(spots):
        if sign_on(g, x, left) != sign_on(g, x, right):
            found.append((left, right))
    found.append(_outwards(g, x, spots[-1][1], 1))
    return tuple(pair for pair in found if pair is not None)


def _narrowed_at_turn(g: Expr, x: sp.Symbol, turn: Interval) -> Interval:
    """Narrow the interval round a turn until ``g`` keeps one sign all over it."""
    slope = differentiate(g, x).after
    for _ in range(_HALVINGS):
        if sign_on(g, x, *turn):
            return turn
        turn = _halved(slope, x, turn)
    raise NotSupported(f"whether {g} is zero where its derivative is")


def _outwards(g: Expr, x: sp.Symbol, start: Expr, side: int) -> Interval | None:
    """The zero beyond ``start``, where ``g`` is strictly monotone, or None."""
    here = sign_on(g, x, start)
    if not here:
        raise NotSupported(f"the sign of {g} at {start}")
    for k in range(_FARTHEST + 1):
        far = start + side * 2**k
        if sign_on(g, x, far) == -here:
            return (far, start) if side < 0 else (start, far)
    if _goes_away(g, x, start, side, here):
        return None
    limit = sp.limit(g, x, side * sp.oo)
    if limit == 0 or limit.is_extended_positive == (here > 0):
        return None
    raise NotSupported(f"the limit of {g} at {side * sp.oo}")


def _goes_away(g: Expr, x: sp.Symbol, start: Expr, side: int, here: int) -> bool:
    """True if the size of ``g`` grows on the way out."""
    near, far = (enclosed(g, x, at, at) for at in (start, start + side))
    return bool(far[0] > near[1]) if here > 0 else bool(far[1] < near[0])
