"""Claims on initializers: the law of the draw, and which mean square a layer keeps by it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import sympy as sp

from symdl.book.claims.parts import Claim
from symdl.catalog import activations, initializers, layers, losses
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.preservation import (
    judge_initial_law,
    judge_norm_kept,
    judge_preserves,
    largest_weight,
    preservation,
    second_moment_share,
    uniform_limit,
)
from symdl.evidence.symmetry import judge_alike, judge_stays_zero, two_layers
from symdl.evidence.verdict import weakest
from symdl.formula import Formula
from symdl.notation.indices import size_of

__all__ = ["initializer_claims"]


def initializer_claims(formula: Formula) -> tuple[Claim, ...]:
    """The claims on an initializer, found by its name; none on anything else."""
    if formula.name == initializers.ORTHOGONAL.name:
        what = "orthonormal rows keep the norm of what a layer reads"
        return ((what, partial(judge_norm_kept, layers.DENSE_NO_BIAS, layers.W)),)
    known = {f.name for f in initializers.ALL}
    return tuple(_of_initializer(formula)) if formula.name in known else ()


def _of_initializer(f: Formula) -> Iterator[Claim]:
    if not f.random:
        yield from _of_constant(f)
        return
    yield (
        "the mean is 0, the variance as stated",
        partial(judge_initial_law, f, initializers.variance),
    )
    sizes = dict(zip((initializers.fan_in, initializers.fan_out), layers.W.axes, strict=True))
    way = {"lecun": "forward", "he": "forward", "glorot": "mean"}.get(f.name.split("_")[0])
    if way is not None:
        share = sp.S.One
        what = "a dense layer keeps the mean square"
        if f.name.startswith("he"):
            share = second_moment_share(activations.RELU).value
            what += " after relu"
        elif way == "mean":
            what += ", averaged over forward and backward"
        found = preservation(layers.DENSE, layers.W, share)
        yield what, partial(judge_preserves, f, found, sizes, way)
    if initializers.uniform in f.random:
        spread = inlined(initializers.variance, f.equations)
        _, limit = uniform_limit(spread)
        what = "the limit follows from the variance"
        yield what, partial(judge_equation, largest_weight(f), limit)


def _of_constant(f: Formula) -> Iterator[Claim]:
    """What a start without draws leads to, in a net of two layers with tanh between them."""
    net = two_layers(layers.DENSE, activations.TANH, losses.MSE)
    yield (
        "hidden units that begin alike stay alike",
        lambda: weakest(verdict for _, verdict in judge_alike(net, size_of("H"))),
    )
    if f.name == initializers.ZEROS.name:
        *others, _ = net.parameters
        start = {p: f.equation(f.output).rhs for p in others}
        yield (
            "in a net of tanh nothing but the last bias ever moves",
            lambda: weakest(judge_stays_zero(net, p, start) for p in others),
        )
