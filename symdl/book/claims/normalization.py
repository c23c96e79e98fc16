"""Claims on normalizations: what they make of mean and variance, and the compact backward."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from symdl.book.claims.parts import Claim, unrolled
from symdl.calculus.adjoint import adjoint
from symdl.calculus.joint import joint_adjoint
from symdl.catalog import normalization
from symdl.evidence.gradients import judge_reduction
from symdl.evidence.normalizing import (
    judge_centred,
    judge_moved,
    judge_scale,
    judge_single,
    judge_spread,
)
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Formula

__all__ = ["averaged_axes", "judge_compact", "normalization_claims"]


def normalization_claims(formula: Formula) -> tuple[Claim, ...]:
    """The claims on a normalization, found by its name; none on anything else."""
    known = {f.name for f in normalization.ALL}
    return tuple(_of_normalization(formula)) if formula.name in known else ()


def _of_normalization(f: Formula) -> Iterator[Claim]:
    n = normalization
    if f.name == n.BATCH_NORMALIZATION_INFERENCE.name:
        return
    var = next(v for v in f.defined if v.name == "var")
    along = averaged_axes(f)
    sizes = tuple(f.inputs[0].axes[k] for k in along)
    hidden = next(v for v in f.defined if v.name.lower() == "h")
    centred = f.name != n.RMS_NORMALIZATION.name
    if centred:
        yield "before gamma and beta the mean is 0", partial(judge_centred, f, sizes, hidden)
    what = "before gamma and beta the mean square is var / (var + epsilon)"
    yield what, partial(judge_spread, f, sizes, hidden, var, n.epsilon)
    if centred:
        yield "a shift of the input changes nothing", partial(judge_moved, f, along)
    what = "a positive factor of the input changes nothing (epsilon = 0)"
    yield what, partial(judge_scale, f, along, n.epsilon)
    if f.name == n.BATCH_NORMALIZATION.name:
        rows = sizes[0]
        yield "a batch of one gives beta", partial(judge_single, f, rows, n.beta[n.i])
        for old, _ in f.state:
            found = unrolled(f, old)
            assert found is not None
            yield f"{old} unrolled is a sum over all steps", found
    yield "the compact backward equals the raw adjoint", partial(judge_compact, f)


def averaged_axes(f: Formula) -> tuple[int, ...]:
    """The axes of the input over which a normalization takes its mean square."""
    var = next(e for e in f.equations if e.variable.name == "var")
    return tuple(k for k, size in enumerate(f.inputs[0].axes) if size not in var.variable.axes)


def judge_compact(f: Formula) -> Verdict:
    """Judge each elimination that made an adjoint compact; there must be one for the input."""
    joint, reductions = joint_adjoint(f)
    if f.inputs[0] not in {v for v, _ in reductions}:
        return Verdict("refuted", "no elimination was found", (("adjoint", str(adjoint(f).wrt)),))
    return weakest(judge_reduction(r, joint) for _, r in reductions)
