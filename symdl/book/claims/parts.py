"""Parts that the claims of several kinds have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import sympy as sp
from sympy.core.expr import Expr

from symdl.derivation.plain_printer import plain_text
from symdl.errors import Impossible
from symdl.evidence.judge import inlined
from symdl.evidence.recurrence import unroll
from symdl.evidence.verdict import Verdict
from symdl.formula import Formula, Variable

__all__ = ["Claim", "at", "body", "defaults", "interval_text", "unrolled"]

Claim: TypeAlias = tuple[str, Callable[[], Verdict]]


def body(formula: Formula) -> Expr:
    """The output of a formula in terms of what is given to it."""
    return inlined(formula.equation(formula.output).rhs, formula.equations)


def at(formula: Formula, value: Expr) -> Expr:
    """The output of a formula of one scalar, read at another value."""
    (x,) = formula.inputs
    return body(formula).subs(x, value)


def defaults(formula: Formula) -> Expr:
    """The output with the default values of the hyper-parameters."""
    return body(formula).xreplace(dict(formula.hyper))


def interval_text(values: sp.Interval) -> str:
    """An interval as it is written.

    >>> interval_text(sp.Interval.Ropen(0, sp.oo))
    '[0, oo)'
    """
    left, right = "(" if values.left_open else "[", ")" if values.right_open else "]"
    return f"{left}{plain_text(values.start)}, {plain_text(values.end)}{right}"


def unrolled(f: Formula, old: Variable) -> Callable[[], Verdict] | None:
    """What judges the sum that a state unrolls to; None where it has no such sum."""
    try:
        unroll(f, old)
    except Impossible:  # a maximum, or a factor that changes
        return None
    return lambda: unroll(f, old).verdict
