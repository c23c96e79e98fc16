"""Adjoint equations as they run: equal to those that are derived, and exact in the tails."""

from __future__ import annotations

from functools import lru_cache

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.expr import Expr

from symdl.calculus.exponentials import definitions_read, without_cancelling
from symdl.calculus.far_out import held_far_out
from symdl.calculus.stabilise import rewritten, same
from symdl.formula import Equation, Formula
from symdl.notation.functions import HYPERBOLIC

__all__ = ["stable_adjoint"]

_SHARE = sp.Interval(0, 1)


@lru_cache(maxsize=4096)
def stable_adjoint(equation: Equation, formula: Formula, exact: bool = True) -> Equation:
    """Rewrite one adjoint equation of a formula, if that is proved equal.

    Without ``exact`` only where that computes no exponential more: 1 - y^2 stays as it is, and
    loses its digits where |y| is nearly 1; and 0 inf stays nan where the argument is infinite.

    >>> x, y, bar = sp.symbols("x y xbar", real=True)
    >>> f = Formula(sp.Eq(y, sp.log(1 + sp.exp(x))), output=y, inputs=[x])
    >>> print(stable_adjoint(Equation(bar, 1 - sp.exp(-y)), f))
    xbar = -expm1(-y)
    """
    meaning = {e.lhs: e.rhs for e in formula.equations}
    known = definitions_read(equation.rhs, meaning)
    rhs = equation.rhs
    if any(e.rhs.has(sp.exp, sp.log, *HYPERBOLIC) for e in (equation, *formula.equations)):
        shares = {v for v in formula.given if formula.domain_of(v).is_subset(_SHARE)}
        rhs = without_cancelling(rewritten(rhs, meaning), known, shares)
        if not exact and _exponentials(rhs) > _exponentials(equation.rhs):
            rhs = rewritten(equation.rhs, {})
    if exact:
        rhs = held_far_out(rhs, formula)
    if rhs == equation.rhs or not same(equation.rhs, rhs, known):
        return equation
    return Equation(equation.lhs, rhs)


def _exponentials(e: Expr) -> int:
    return len(e.atoms(sp.exp, sp.log, expm1, log1p, *HYPERBOLIC))
