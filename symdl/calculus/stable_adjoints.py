"""Adjoint equations as they run: equal to those that are derived, and exact in the tails."""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from symdl.calculus.exponentials import without_cancelling
from symdl.calculus.stabilise import rewritten, same
from symdl.formula import Equation
from symdl.notation.functions import HYPERBOLIC
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import inline

__all__ = ["stable_adjoint"]


@lru_cache(maxsize=4096)
def stable_adjoint(equation: Equation, definitions: tuple[Equation, ...]) -> Equation:
    """Rewrite one adjoint equation of a formula with these equations, if that is proved equal.

    >>> x, y, bar = sp.symbols("x y xbar", real=True)
    >>> print(stable_adjoint(Equation(bar, 1 - sp.exp(-y)), (Equation(y, sp.log(1 + sp.exp(x))),)))
    xbar = -expm1(-y)
    """
    if not any(e.rhs.has(sp.exp, sp.log, *HYPERBOLIC) for e in (equation, *definitions)):
        return equation
    meaning = {e.lhs: e.rhs for e in definitions}
    defined = {e.variable for e in definitions}
    known = {
        a: inline(a, meaning)
        for a in sorted(equation.rhs.atoms(Elem, sp.Symbol), key=str)
        if not isinstance(a, TensorSymbol) and (a.tensor if isinstance(a, Elem) else a) in defined
    }
    rhs = without_cancelling(rewritten(equation.rhs, meaning), known)
    if rhs == equation.rhs or not same(equation.rhs, rhs, known):
        return equation
    return Equation(equation.lhs, rhs)
