"""Choosing between equal forms of an expression: its cost, and a tidy factored form."""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr

from symdl.notation.binders import Binder
from symdl.notation.indicators import UnitStep
from symdl.notation.tensors import Elem

__all__ = ["cost", "tidy"]


def cost(e: Expr) -> int:
    """Count the operations: 1 an addition or product, 4 a division, 8 a function, 20 a sum."""
    if isinstance(e, (Elem, sp.Symbol)) or e.is_Number:
        return 0
    if isinstance(e, Binder):
        return 20 + cost(e.body)
    if e.is_Mul:
        return _product_cost(e)
    inner = sum(cost(a) for a in e.args)
    if e.is_Add:
        return inner + len(e.args) - 1
    if e.is_Pow and e.base is not sp.E:
        return inner + (1 if e.exp == 2 else 2 if e.exp.is_Integer and e.exp > 0 else 4)
    if isinstance(e, (sp.Piecewise, sp.functions.elementary.piecewise.ExprCondPair)):
        return inner + 1
    if isinstance(e, UnitStep):
        return inner + (20 if e.args[0].has(UnitStep) else 1)
    if isinstance(e, (sp.Abs, sp.sign, sp.Max, sp.Min)) or not isinstance(e, sp.Expr):
        return inner + 1
    return inner + 8


def _product_cost(e: Expr) -> int:
    """A product is one pass a factor, and all its divisors together one division."""
    above = [a for a in e.args if a != -1 and not (a.is_Pow and a.exp == -1)]
    below = [a.base for a in e.args if a.is_Pow and a.exp == -1]
    passes = max(len(above) - 1, 0) + (3 + len(below) if below else 0)
    return sum(cost(a) for a in above + below) + passes


def tidy(e: Expr) -> Expr:
    """Return the cheapest of the expanded, collected and factored forms of ``e``."""
    names: dict[Expr, sp.Symbol] = {}
    plain = _abstract(e, names)
    back = {s: a for a, s in names.items()}
    if not plain.is_rational_function():
        return e
    forms = [plain]
    together = sp.together(plain)
    for f in (together, sp.factor(together), sp.cancel(together)):
        forms.append(_signs(f))
    best = min(forms, key=lambda f: (cost(f), not f.is_Mul))  # the first of equals
    return best.xreplace(back)


def _abstract(e: Expr, names: dict[Expr, sp.Symbol]) -> Expr:
    """Replace everything but sums, products and whole powers by symbols."""
    if e.is_Rational:
        return e
    if e.is_Add or e.is_Mul:
        return e.func(*(_abstract(a, names) for a in e.args))
    if e.is_Pow and e.exp.is_Integer:
        return _abstract(e.base, names) ** e.exp
    return names.setdefault(e, sp.Dummy(str(e)))


def _signs(e: Expr) -> Expr:
    """Move a leading minus sign into a factor that has one: -y (y - 1) becomes y (1 - y)."""
    if not (e.is_Mul and e.args[0].is_Rational and e.args[0] < 0):
        return e
    for k, a in enumerate(e.args):
        if a.is_Add and len(a.args) == 2:
            rest = sp.Mul(-1, *(b for i, b in enumerate(e.args) if i != k))
            return rest * sp.Add(*(-t for t in a.args))
    return e
