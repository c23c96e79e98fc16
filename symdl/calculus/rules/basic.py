"""Constant, identity, sum and constant factor."""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.tree import Deriv, Expansion, Rule
from symdl.notation.indicators import Delta
from symdl.notation.tensors import Elem
from symdl.notation.walk import variables

__all__ = ["Constant", "Identity", "Linearity", "Scale", "varies"]


def varies(e: Expr, d: Deriv) -> bool:
    """True if ``e`` reads the variable of ``d``."""
    return d.variable in variables(e)


class Constant(Rule):
    """dc/dx = 0 for c that does not read x."""

    name = "constant"

    def expand(self, d: Deriv) -> Expansion | None:
        return None if varies(d.expr, d) else Expansion((), lambda: sp.S.Zero)


class Identity(Rule):
    """dx/dx = 1, and d x[i, j] / d x[a, b] = Delta(i - a) Delta(j - b)."""

    name = "identity"

    def expand(self, d: Deriv) -> Expansion | None:
        e, wrt = d.expr, d.wrt
        if e == wrt:
            return Expansion((), lambda: sp.S.One)
        if not (isinstance(e, Elem) and isinstance(wrt, Elem) and e.tensor == wrt.tensor):
            return None
        pairs = zip(e.index, wrt.index, strict=True)
        return Expansion((), lambda: sp.Mul(*(Delta(i - a) for i, a in pairs)))


class Linearity(Rule):
    """(f + g)' = f' + g'."""

    name = "sum"

    def expand(self, d: Deriv) -> Expansion | None:
        if not d.expr.is_Add:
            return None
        return Expansion(tuple(Deriv(a, d.wrt) for a in d.expr.args), sp.Add)


class Scale(Rule):
    """(c f)' = c f' for a constant c."""

    name = "constant factor"

    def expand(self, d: Deriv) -> Expansion | None:
        if not d.expr.is_Mul:
            return None
        constants = [a for a in d.expr.args if not varies(a, d)]
        if not constants:
            return None
        c = sp.Mul(*constants)
        rest = sp.Mul(*(a for a in d.expr.args if varies(a, d)))
        return Expansion((Deriv(rest, d.wrt),), lambda r: c * r)
