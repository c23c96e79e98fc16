"""A function of one variable cut at its kinks: between them it is smooth.

A kink is where the argument of an absolute value, a maximum, a step or a condition changes its
sign.  The argument must be affine in the variable where it is cut; anything else is not supported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.differentiate import differentiate
from symdl.errors import NotSupported
from symdl.evidence.signs import NEGATIVE, NONNEGATIVE, NONPOSITIVE, POSITIVE, ZERO, sign
from symdl.notation.indicators import UnitStep
from symdl.notation.normal import equal

__all__ = ["Piece", "kinked", "pieces"]

_KINKED = (sp.Abs, sp.sign, sp.Max, sp.Min, sp.Piecewise, UnitStep)


@dataclass(frozen=True)
class Piece:
    """``expr``, smooth on the open interval from ``low`` to ``high``."""

    low: Expr
    high: Expr
    expr: Expr

    @property
    def interval(self) -> sp.Set:
        """The open interval."""
        return sp.Interval.open(self.low, self.high)


def kinked(e: Expr) -> bool:
    """True if anything in ``e`` can have a kink or a jump."""
    return bool(e.has(*_KINKED))


def pieces(e: Expr, x: sp.Symbol, low: Expr = -sp.oo, high: Expr = sp.oo) -> tuple[Piece, ...]:
    """Cut ``e`` at its kinks in ``x``, from left to right.

    >>> x = sp.Symbol("x", real=True)
    >>> [(p.low, p.high, p.expr) for p in pieces(sp.Max(0, x), x)]
    [(-oo, 0, 0), (0, oo, x)]
    """
    return tuple(_joined(_cut(e, x, low, high), e, x))


def _cut(e: Expr, x: sp.Symbol, low: Expr, high: Expr) -> Iterator[Piece]:
    node = _innermost(e, x)
    if node is None:
        yield Piece(low, high, e)
        return
    z, choices = _choice(node)
    root, rising = _crossing(z, x)
    below, above = (choices[0], choices[1]) if rising else (choices[1], choices[0])
    starts, ends = _compare(root, low), _compare(root, high)
    if starts in (NONPOSITIVE, NEGATIVE, ZERO):
        yield from _cut(_with(e, node, above), x, low, high)
    elif ends in (NONNEGATIVE, POSITIVE, ZERO):
        yield from _cut(_with(e, node, below), x, low, high)
    elif starts == POSITIVE and ends == NEGATIVE:
        yield from _cut(_with(e, node, below), x, low, root)
        yield from _cut(_with(e, node, above), x, root, high)
    else:
        raise NotSupported(f"whether {root} lies between {low} and {high}")


def _with(e: Expr, node: Expr, value: Expr) -> Expr:
    return e.xreplace({node: value})


def _compare(a: Expr, b: Expr) -> str | None:
    if b == -sp.oo:
        return POSITIVE
    return NEGATIVE if b == sp.oo else sign(a - b)


def _innermost(e: Expr, x: sp.Symbol) -> Expr | None:
    for a in sp.postorder_traversal(e):
        if isinstance(a, _KINKED) and a.has(x):
            return a
    return None


def _choice(node: Expr) -> tuple[Expr, tuple[Expr, Expr]]:
    """An argument z, and what the node is where z < 0 and where z > 0."""
    if isinstance(node, (sp.Max, sp.Min)):
        first, other, *rest = sorted(node.args, key=lambda a: (not a.free_symbols, str(a)))
        one, two = node.func(first, *rest), node.func(other, *rest)
        return first - other, (two, one) if isinstance(node, sp.Max) else (one, two)
    (z, *_) = node.args
    if isinstance(node, sp.Abs):
        return z, (-z, z)
    if isinstance(node, sp.sign):
        return z, (sp.S.NegativeOne, sp.S.One)
    if isinstance(node, UnitStep):
        return z, (sp.S.Zero, sp.S.One)
    return _first_case(node)


def _first_case(node: sp.Piecewise) -> tuple[Expr, tuple[Expr, Expr]]:
    condition = node.args[0][1]
    if not isinstance(condition, (sp.Gt, sp.Ge, sp.Lt, sp.Le)):
        raise NotSupported(f"cutting at the condition {condition}")
    yes = sp.Piecewise(*((v, sp.true if c == condition else c) for v, c in node.args))
    no = sp.Piecewise(*((v, sp.false if c == condition else c) for v, c in node.args))
    z = condition.gts - condition.lts
    return (z, (no, yes)) if condition.gts == condition.args[0] else (-z, (yes, no))


def _crossing(z: Expr, x: sp.Symbol) -> tuple[Expr, bool]:
    """Where an affine z changes its sign, and whether it rises there."""
    slope = sp.expand(differentiate(z, x).after)
    found = sign(slope)
    if slope.has(x) or found not in (POSITIVE, NEGATIVE):
        raise NotSupported(f"where {z} changes its sign: it is not affine in {x}, or may be flat")
    return sp.expand(-z.xreplace({x: sp.S.Zero}) / slope), found == POSITIVE


def _joined(found: Iterator[Piece], e: Expr, x: sp.Symbol) -> Iterator[Piece]:
    """Join neighbours that are the same expression, between them too."""
    last: Piece | None = None
    for p in found:
        if last is not None and equal(last.expr, p.expr):
            between = e.xreplace({x: p.low})
            if equal(between, p.expr.xreplace({x: p.low})):
                last = Piece(last.low, p.high, last.expr)
                continue
        if last is not None:
            yield last
        last = p
    if last is not None:
        yield last
