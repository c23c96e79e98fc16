"""Product, quotient, reciprocal and power."""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.rules.basic import varies
from symdl.calculus.tree import Deriv, Expansion, Rule

__all__ = ["Exponent", "Power", "Product", "Quotient", "Reciprocal"]


def _is_divisor(e: Expr) -> bool:
    return e.is_Pow and e.exp.is_Rational and e.exp < 0


class Reciprocal(Rule):
    """(1/g)' = -g' / g^2."""

    name = "reciprocal"

    def expand(self, d: Deriv) -> Expansion | None:
        e = d.expr
        if not (e.is_Pow and e.exp == -1 and varies(e.base, d)):
            return None
        g = e.base
        return Expansion((Deriv(g, d.wrt),), lambda r: -r / g**2, (sp.Ne(g, 0),))


class Quotient(Rule):
    """(f/g)' = (f' g - f g') / g^2."""

    name = "quotient"

    def expand(self, d: Deriv) -> Expansion | None:
        if not d.expr.is_Mul:
            return None
        below = [a for a in d.expr.args if _is_divisor(a)]
        if not below or len(below) == len(d.expr.args):
            return None
        f = sp.Mul(*(a for a in d.expr.args if not _is_divisor(a)))
        g = 1 / sp.Mul(*below)
        return Expansion(
            (Deriv(f, d.wrt), Deriv(g, d.wrt)),
            lambda fd, gd: (fd * g - f * gd) / g**2,
            (sp.Ne(g, 0),),
        )


class Product(Rule):
    """(f g)' = f' g + f g'."""

    name = "product"

    def expand(self, d: Deriv) -> Expansion | None:
        if not d.expr.is_Mul:
            return None
        factors = d.expr.args

        def build(*results: Expr) -> Expr:
            terms = (sp.Mul(*factors[:k], r, *factors[k + 1 :]) for k, r in enumerate(results))
            return sp.Add(*terms)

        return Expansion(tuple(Deriv(f, d.wrt) for f in factors), build)


class Power(Rule):
    """(f^n)' = n f^(n-1) f' for a constant n."""

    name = "power"

    def expand(self, d: Deriv) -> Expansion | None:
        e = d.expr
        if not e.is_Pow or e.base is sp.E or varies(e.exp, d):
            return None
        f, n = e.base, e.exp
        needs = () if n.is_Integer and n > 0 else (sp.Ne(f, 0),)
        return Expansion((Deriv(f, d.wrt),), lambda r: n * f ** (n - 1) * r, needs)


class Exponent(Rule):
    """(f^g)' = f^g (g log f)', for f > 0."""

    name = "exponent"

    def expand(self, d: Deriv) -> Expansion | None:
        e = d.expr
        if not e.is_Pow or e.base is sp.E:
            return None
        f, g = e.base, e.exp
        return Expansion((Deriv(g * sp.log(f), d.wrt),), lambda r: e * r, (sp.Gt(f, 0),))
