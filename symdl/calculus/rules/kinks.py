"""Functions with kinks: the value of the derivative at the kink is a stated convention."""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.tree import Deriv, Expansion, Rule
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.notation.walk import variables

__all__ = ["MaxOfTwo", "Piecewise", "Stairs"]


class MaxOfTwo(Rule):
    """max(f, g)' = f' + (g' - f') [g > f]: at f = g the derivative of f is taken.

    Numbers come first, so max(0, x)' = [x > 0], 0 at the kink; min(f, g) = -max(-f, -g).
    """

    name = "maximum"

    def expand(self, d: Deriv) -> Expansion | None:
        if not isinstance(d.expr, (sp.Max, sp.Min)):
            return None
        f, *others = sorted(d.expr.args, key=lambda a: (not a.is_number, str(a)))
        g = d.expr.func(*others)
        step = UnitStep(g - f if isinstance(d.expr, sp.Max) else f - g, 0)
        return Expansion(
            (Deriv(f, d.wrt), Deriv(g, d.wrt)),
            lambda fd, gd: fd + (gd - fd) * step,
            (sp.Ne(f, g),),
        )


class Piecewise(Rule):
    """A function given by cases is differentiated case by case; a boundary goes with its case."""

    name = "case by case"

    def expand(self, d: Deriv) -> Expansion | None:
        if not isinstance(d.expr, sp.Piecewise):
            return None
        conditions = [c for _, c in d.expr.args]

        def build(*results: Expr) -> Expr:
            return sp.Piecewise(*zip(results, conditions, strict=True))

        relations = (c for c in conditions if isinstance(c, sp.core.relational.Relational))
        kinks = tuple(sp.Ne(c.lhs, c.rhs) for c in relations if variables(c.lhs - c.rhs))
        return Expansion(tuple(Deriv(v, d.wrt) for v, _ in d.expr.args), build, kinks)


class Stairs(Rule):
    """A function that is constant between its jumps has derivative 0 there (0 at the jumps)."""

    name = "constant between jumps"

    def expand(self, d: Deriv) -> Expansion | None:
        if not isinstance(
            d.expr, (UnitStep, sp.sign, sp.Heaviside, sp.floor, sp.ceiling, Delta, InRange)
        ):
            return None
        jumps = (sp.Ne(d.expr.args[0], 0),) if isinstance(d.expr, (UnitStep, sp.sign)) else ()
        return Expansion((), lambda: sp.S.Zero, jumps)
