"""The pass ``one_form``: a choice by the sign of z between forms that are equal becomes one form.

A stable logistic function is 1/(1 + e^-z) for z >= 0 and e^z/(1 + e^z) below, so that no power
overflows.  Where an overflow is noticed and handled, the first form serves everywhere: both are
the same function, and in a quotient of sums of positive terms nothing cancels.
"""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr

__all__ = ["one_form"]


def one_form(body: Expr) -> Expr:
    """Return ``body`` without its choice by sign, or ``body`` itself where that is not exact.

    >>> z = sp.Symbol("z", real=True)
    >>> top = sp.Piecewise((sp.exp(-sp.Abs(z)), z < 0), (1, True))
    >>> one_form(top / (1 + sp.exp(-sp.Abs(z))))
    1/(1 + exp(-z))
    >>> one_form(sp.log(1 + sp.exp(-sp.Abs(z))) + sp.Max(z, 0))
    log(1 + exp(-Abs(z))) + Max(0, z)
    """
    for z in sorted({a.args[0] for a in body.atoms(sp.Abs)}, key=str):
        if not isinstance(z, sp.Symbol):
            continue
        above, below = (_on_side(body, z, sign) for sign in (1, -1))
        if above is None or below is None or not _without_cancelling(above, z):
            continue
        y = sp.Dummy("y", positive=True)
        if sp.cancel(_over(above, z, y) - _over(below, z, y)) == 0:
            body = above
    return body


def _on_side(body: Expr, z: sp.Symbol, sign: int) -> Expr | None:
    """The form that ``body`` takes where z has that sign."""

    def chosen(e: sp.Piecewise) -> Expr:
        for value, condition in e.args:
            holds = condition.subs(z, sp.Dummy("z", real=True, positive=True) * sign)
            if holds == True:  # noqa: E712  (SymPy's own true)
                return value
            if holds != False:  # noqa: E712
                return e
        return e

    plain = body.replace(lambda e: isinstance(e, sp.Piecewise), chosen)
    plain = plain.xreplace({sp.Abs(z): sign * z})
    return None if plain.has(sp.Piecewise, sp.Abs) else plain


def _without_cancelling(e: Expr, z: sp.Symbol) -> bool:
    """Whether ``e`` is made of positive numbers and powers e^(kz) by sums, products, quotients."""
    if e.is_number:
        return bool(e.is_positive)
    if isinstance(e, sp.exp):
        return bool((e.args[0] / z).is_Integer)
    if e.is_Add or e.is_Mul:
        return all(_without_cancelling(a, z) for a in e.args)
    return bool(e.is_Pow and e.exp.is_Integer) and _without_cancelling(e.base, z)


def _over(e: Expr, z: sp.Symbol, y: sp.Symbol) -> Expr:
    """``e`` over y = e^z."""
    return e.replace(lambda a: isinstance(a, sp.exp), lambda a: y ** (a.args[0] / z))
