"""Kinks and cases in the normal form: written with the steps [z > 0] and [z >= 0].

Each function is given ``poly``, the normal form, for what stands inside: the two need each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import sympy as sp
from sympy.core.expr import Expr
from sympy.logic.boolalg import BooleanFalse, BooleanTrue

from symdl.errors import NotSupported
from symdl.notation.indicators import UnitStep
from symdl.notation.polynomial import Poly, add, atom, constant, mul, primitive, scale, to_expr

__all__ = ["absolute", "extremum", "piecewise", "step"]

Form: TypeAlias = Callable[[Expr], Poly]


def step(z: Expr, at_zero: Expr, poly: Form) -> Poly:
    """Steps as [z>0] and [z>=0] only, of arguments without positive factors, leading sign +."""
    p = poly(z)
    if not p:
        return poly(at_zero)
    c, m, q = primitive(p)
    sign = sp.S.One if c > 0 else sp.S.NegativeOne
    signed = [(a, e) for a, e in m if not a.is_positive]
    exps = {}
    for a, e in signed:
        if not e.is_Integer:
            return atom(UnitStep(to_expr(p), at_zero))
        exps[a] = sp.Integer(1) if e % 2 else sp.Integer(2)
    arg = to_expr(mul(q, {frozenset(exps.items()): sp.S.One}))
    if arg.is_Number or arg.is_positive:
        return poly(UnitStep(sign, at_zero)) if arg.is_positive else atom(UnitStep(sign * arg, 0))
    low, high = atom(UnitStep(arg, 0)), atom(UnitStep(arg, 1))
    zero = poly(at_zero)
    one = constant(sp.S.One)
    if sign < 0:  # H(-z, c) = 1 - H(z, 1 - c)
        zero = add(one, scale(zero, sp.S.NegativeOne))
    mixed = add(mul(add(one, scale(zero, sp.S.NegativeOne)), low), mul(zero, high))
    return mixed if sign > 0 else add(one, scale(mixed, sp.S.NegativeOne))


def _condition(c: Expr, poly: Form) -> Poly:
    one = constant(sp.S.One)
    if isinstance(c, BooleanTrue):
        return one
    if isinstance(c, BooleanFalse):
        return {}
    if isinstance(c, sp.Not):
        return add(one, scale(_condition(c.args[0], poly), sp.S.NegativeOne))
    if isinstance(c, sp.And):
        out = one
        for a in c.args:
            out = mul(out, _condition(a, poly))
        return out
    if isinstance(c, sp.Or):
        return _condition(sp.Not(sp.And(*(sp.Not(a) for a in c.args)), evaluate=False), poly)
    if isinstance(c, sp.StrictGreaterThan):
        return step(c.lhs - c.rhs, sp.S.Zero, poly)
    if isinstance(c, sp.GreaterThan):
        return step(c.lhs - c.rhs, sp.S.One, poly)
    if isinstance(c, (sp.StrictLessThan, sp.LessThan)):
        return _condition(c.reversed, poly)
    if isinstance(c, sp.Ne):
        return add(
            one, scale(_condition(sp.Eq(c.lhs, c.rhs, evaluate=False), poly), sp.S.NegativeOne)
        )
    if isinstance(c, sp.Eq):
        d = c.lhs - c.rhs
        return add(step(d, sp.S.One, poly), scale(step(d, sp.S.Zero, poly), sp.S.NegativeOne))
    raise NotSupported(f"the condition {c}")


def piecewise(e: sp.Piecewise, poly: Form) -> Poly:
    """The cases, each times the indicator that it is the first to hold."""
    out: Poly = {}
    left = constant(sp.S.One)
    for value, condition in e.args:
        here = _condition(condition, poly)
        out = add(out, mul(mul(left, here), poly(value)))
        left = mul(left, add(constant(sp.S.One), scale(here, sp.S.NegativeOne)))
    return out


def extremum(e: Expr, poly: Form) -> Poly:
    """max(a, b) = b + (a - b) [a > b], folded over the arguments; min likewise."""
    args = sorted(e.args, key=str)
    out = args[0]
    sign = 1 if isinstance(e, sp.Max) else -1
    for a in args[1:]:
        out = out + (a - out) * UnitStep(sign * (a - out), 0)
    return poly(out)


def absolute(x: Expr, poly: Form) -> Poly:
    """|x| = x (2 [x > 0] - 1)."""
    if x.is_nonnegative:
        return poly(x)
    return mul(poly(x), add(scale(step(x, sp.S.Zero, poly), sp.Integer(2)), constant(-sp.S.One)))
