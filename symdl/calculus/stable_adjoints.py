"""Adjoint equations as they run: equal to those that are derived, and exact in the tails."""

from __future__ import annotations

from functools import lru_cache

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.expr import Expr

from symdl.calculus.exponentials import definitions_read, without_cancelling
from symdl.calculus.stabilise import rewritten, same
from symdl.formula import Equation, Formula
from symdl.notation.binders import Binder
from symdl.notation.functions import HYPERBOLIC, damped
from symdl.notation.tensors import Elem
from symdl.notation.walk import variables

__all__ = ["stable_adjoint"]

_SHARE = sp.Interval(0, 1)


@lru_cache(maxsize=4096)
def stable_adjoint(equation: Equation, formula: Formula, exact: bool = True) -> Equation:
    """Rewrite one adjoint equation of a formula, if that is proved equal.

    Without ``exact`` only where that computes no exponential more: 1 - y^2 stays as it is, and
    loses its digits where |y| is nearly 1.

    >>> x, y, bar = sp.symbols("x y xbar", real=True)
    >>> f = Formula(sp.Eq(y, sp.log(1 + sp.exp(x))), output=y, inputs=[x])
    >>> print(stable_adjoint(Equation(bar, 1 - sp.exp(-y)), f))
    xbar = -expm1(-y)
    """
    if not any(e.rhs.has(sp.exp, sp.log, *HYPERBOLIC) for e in (equation, *formula.equations)):
        return equation
    meaning = {e.lhs: e.rhs for e in formula.equations}
    known = definitions_read(equation.rhs, meaning)
    shares = {v for v in formula.given if formula.domain_of(v).is_subset(_SHARE)}
    rhs = _damped(without_cancelling(rewritten(equation.rhs, meaning), known, shares))
    if not exact and _exponentials(rhs) > _exponentials(equation.rhs):
        rhs = rewritten(equation.rhs, {})
    if rhs == equation.rhs or not same(equation.rhs, rhs, known):
        return equation
    return Equation(equation.lhs, rhs)


def _exponentials(e: Expr) -> int:
    return len(e.atoms(sp.exp, sp.log, expm1, log1p, *HYPERBOLIC))


def _damped(e: Expr) -> Expr:
    """Products of e^-|u| and a polynomial that overflows before the exponential is 0."""
    if not e.args or isinstance(e, (Elem, Binder)):
        return e
    e = e.func(*(_damped(a) for a in e.args))
    falling = [a for a in e.args if isinstance(a, sp.exp) and a.args[0].could_extract_minus_sign()]
    growing = [a for a in e.args if a.is_Add and _plain(a).is_polynomial()]
    if not (e.is_Mul and len(falling) == 1 and growing and any(map(_squares, growing))):
        return e
    growing += [a for a in e.args if a.is_Symbol or isinstance(a, Elem)]
    rest = [a for a in e.args if a not in growing and a not in falling]
    return sp.Mul(*rest) * damped(sp.Mul(*growing), falling[0])


def _plain(e: Expr) -> Expr:
    """``e`` with a symbol for each element."""
    return e.xreplace({a: sp.Dummy(real=True) for a in e.atoms(Elem)})


def _squares(e: Expr) -> bool:
    """Whether a sum has squares or higher powers, which overflow where their base does not."""
    return any(p.exp.is_Integer and p.exp > 1 for p in e.atoms(sp.Pow) if variables(p))
