"""Claims on constraints: what holds of the weights after them."""

from __future__ import annotations

from functools import partial

import sympy as sp

from symdl.book.claims.parts import Claim, body
from symdl.catalog import constraints as c
from symdl.evidence.constrained import judge_columns_bounded
from symdl.evidence.signs import judge_nonnegative
from symdl.formula import Formula

__all__ = ["constraint_claims"]


def constraint_claims(formula: Formula) -> tuple[Claim, ...]:
    """The claims on a constraint, found by its name; none on anything else."""
    if formula.name == c.MAX_NORM.name:
        what = "no column is longer than max_value"
        return ((what, partial(judge_columns_bounded, formula, c.max_value)),)
    if formula.name == c.UNIT_NORM.name:
        return (("no column is longer than 1", partial(judge_columns_bounded, formula, sp.S.One)),)
    if formula.name == c.NON_NEG.name:
        return (("no weight is negative", partial(judge_nonnegative, body(formula))),)
    return ()
