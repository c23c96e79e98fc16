"""Claims on gradient clipping: how long the clipped gradient is, and where it points."""

from __future__ import annotations

from functools import partial

from symdl.book.claims.parts import Claim
from symdl.catalog import clipping as c
from symdl.evidence.clipping import (
    judge_direction,
    judge_elements_bounded,
    judge_norm_bounded,
    judge_unchanged_below,
    judge_zero_stays,
)
from symdl.evidence.verdict import negated
from symdl.formula import Formula

__all__ = ["clipping_claims"]


def clipping_claims(formula: Formula) -> tuple[Claim, ...]:
    """The claims on a clipping formula, found by its name; none on anything else."""
    if formula.name == c.CLIP_BY_VALUE.name:
        return (
            ("no element beyond the threshold", partial(judge_elements_bounded, formula)),
            ("0 stays 0", partial(judge_zero_stays, formula)),
            ("it may turn the direction", lambda: negated(judge_direction(formula))),
        )
    if formula.name not in {f.name for f in c.ALL}:
        return ()
    return (
        ("the norm is at most the threshold", partial(judge_norm_bounded, formula)),
        ("the direction stays", partial(judge_direction, formula)),
        ("below the threshold nothing changes", partial(judge_unchanged_below, formula)),
        ("0 stays 0", partial(judge_zero_stays, formula)),
    )
