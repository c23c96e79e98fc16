"""Claims on constraints: how long the columns of a constrained kernel are."""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr

from symdl.evidence.clipping import judge_at_most
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.signs import judge_nonnegative
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Formula
from symdl.notation.binders import Binder, Total
from symdl.notation.tensors import Elem

__all__ = ["judge_columns_bounded"]


def judge_columns_bounded(constraint: Formula, bound: Expr) -> Verdict:
    """Judge that the norm of each column of the constrained matrix is at most ``bound``.

    V[i,j] = f(r[j]) W[i,j], r[j] the norm of column j of W, has the norm f(r) r: an equation, by
    the normal form.  That f(r) r <= bound is judged on each piece of r >= 0.

    >>> from symdl.catalog.constraints import MAX_NORM, max_value
    >>> judge_columns_bounded(MAX_NORM, max_value).level
    'proved'
    """
    (w,), output = constraint.inputs, constraint.equation(constraint.output)
    i, _ = output.index
    square = Total(w[output.index] ** 2, i)
    r = sp.Symbol("r", nonnegative=True)
    norms = {e.lhs: r for e in constraint.equations if e.rhs == sp.sqrt(square)}
    later = [e for e in constraint.equations if e.lhs not in norms]
    value = inlined(output.lhs, later).xreplace(norms)
    factor = value / w[output.index]
    constrained = Total(inlined(output.lhs, constraint.equations) ** 2, i)
    if not norms or factor.has(Elem, Binder):
        return _tried(bound**2 - constrained)
    length = judge_equation(constrained, factor.xreplace({r: sp.sqrt(square)}) ** 2 * square)
    return weakest((length, judge_at_most(factor * r, bound, r, sp.S.Zero)))


def _tried(room: Expr) -> Verdict:
    """Without a factor there is no proof, but there may be a counterexample."""
    seen = judge_nonnegative(room)
    if seen.level == "refuted":
        return seen
    return Verdict("unknown", "the constraint does not give W times a factor of its norm alone")
