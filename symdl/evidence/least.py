"""Where a convex formula is least: a point where its derivative is zero (there is no lower one)."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import adjoint
from symdl.evidence.convexity import judge_convex_formula
from symdl.evidence.domain_points import Domain
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Formula, Variable
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import substitute

__all__ = ["judge_least_at", "judge_value_at", "put"]


def put(e: Expr, values: Mapping[Variable, Variable | Expr]) -> Expr:
    """Put other variables, or one number for all elements, in the place of variables.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> i = indices("i:D")
    >>> y, t = tensors("y[i] t[i]", i)
    >>> put(y[i] - t[i], {y: t}), put(y[i] - t[i], {y: sp.S.One})
    (0, 1 - t[i])
    """
    for old, new in values.items():
        if not isinstance(old, TensorSymbol):
            e = e.xreplace({old: new})
        elif isinstance(new, TensorSymbol):
            e = substitute(e, old, lambda *at, new=new: Elem(new, *at))
        else:
            e = substitute(e, old, lambda *_, new=new: new)
    return e


def judge_value_at(
    formula: Formula, at: Mapping[Variable, Variable | Expr], value: Expr
) -> Verdict:
    """Judge what the output comes to where variables have other variables or numbers as values."""
    out = inlined(formula.equation(formula.output).rhs, formula.equations)
    return judge_equation(put(out, at), value)


def judge_least_at(
    formula: Formula, variable: Variable, at: Mapping[Variable, Variable | Expr], domain: Domain
) -> Verdict:
    """Judge that the formula is least in ``variable`` at a place.

    It is convex in it, and its derivative for it is zero there.
    """
    slope = adjoint(formula, (variable,)).inlined(variable).rhs
    slope = put(inlined(slope, formula.equations), at)
    flat = judge_equation(slope, sp.S.Zero)
    found = weakest((judge_convex_formula(formula, variable, domain), flat))
    if found.level != "proved":
        return found
    return Verdict("proved", "convex, and the derivative is zero there")
