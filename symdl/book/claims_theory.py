"""What the theory says of an optimizer, initializer, noise or normalization beyond its formula.

Each claim is worded as it is true, and judged when called: claims are found by the catalogue's
names, and judged on the formula that is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TypeAlias

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import adjoint
from symdl.calculus.joint import joint_adjoint
from symdl.catalog import activations, initializers, layers, noise, normalization, schedules
from symdl.catalog import optimizers as o
from symdl.errors import Impossible
from symdl.evidence.gradients import judge_reduction
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.moments import STANDARD_NORMAL, UNIFORM, Law, mean, noise_named, variance
from symdl.evidence.normalizing import (
    judge_centred,
    judge_moved,
    judge_scale,
    judge_single,
    judge_spread,
)  # fmt: skip
from symdl.evidence.preservation import (
    judge_initial_law,
    judge_preserves,
    largest_weight,
    preservation,
    second_moment_share,
    uniform_limit,
)  # fmt: skip
from symdl.evidence.recurrence import mean_after, unroll
from symdl.evidence.updates import (
    judge_decay_is_not_penalty,
    judge_decay_is_penalty,
    judge_decouples,
    judge_look_ahead,
)  # fmt: skip
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Formula, Variable
from symdl.notation.tensors import real
from symdl.training.noise import Dropout, GaussianNoise

__all__ = ["DECAY", "averaged_axes", "claims", "judge_compact", "judge_noise", "judge_unbiased"]

Claim: TypeAlias = tuple[str, Callable[[], Verdict]]

_DENSITIES = {noise.uniform: UNIFORM, noise.normal: STANDARD_NORMAL}
DECAY = sp.Symbol("decay", positive=True)


def claims(formula: Formula) -> tuple[Claim, ...]:
    """The claims on a formula of the catalogue; none for one that it does not know.

    >>> [(what, judge().level) for what, judge in claims(o.SGD)]
    [('weight decay is an L2 penalty', 'proved')]
    """
    for known, found in _FAMILIES:
        if formula.name in known:
            return tuple(found(formula))
    return ()


# ------------------------------------------------------------------------------------- optimizers


def _of_optimizer(f: Formula) -> Iterator[Claim]:
    for old, _ in f.state:
        unrolled = _unrolled(f, old)
        if unrolled is not None:
            yield f"{old} unrolled is a sum over all steps", unrolled
    defined = {v.name for v in f.defined}
    for old, hat in ((o.m, o.m_hat), (o.v, o.v_hat)):
        if hat.name in defined and _corrects(f, old, hat):
            yield f"{hat} has no bias", partial(judge_unbiased, f, old, hat)
    yield from _of_decay(f)
    if f.name == o.NESTEROV.name:
        names = (o.w, o.velocity, o.momentum)
        what = "it is momentum with the gradient taken a step ahead"
        yield what, partial(judge_look_ahead, f, o.MOMENTUM, names)


def _unrolled(f: Formula, old: Variable) -> Callable[[], Verdict] | None:
    try:
        unroll(f, old)
    except Impossible:  # a maximum, or a factor that changes, has no such sum
        return None
    return lambda: unroll(f, old).verdict


def _corrects(f: Formula, old: sp.Symbol, hat: sp.Symbol) -> bool:
    """True if ``hat`` is the state after the step over a number: Adam's correction."""
    following = dict(f.state)[old]
    read = {v for v in f.equation(hat).rhs.free_symbols if v not in dict(f.hyper)}
    return read == {following, o.step}


def judge_unbiased(f: Formula, old: sp.Symbol, hat: sp.Symbol) -> Verdict:
    """Judge that the corrected moment has the mean of what is averaged: g, or its square.

    Each step draws its gradient from the same law, and the moment starts at 0.
    """
    mu, square = real("mu"), sp.Symbol("square", positive=True)
    unrolled = unroll(f, old)
    found, verdict = mean_after(unrolled, {o.g: Law((mu, square))}, from_zero=True)
    corrected = f.equation(hat).rhs.xreplace({dict(f.state)[old]: found, o.step: unrolled.steps})
    return weakest((verdict, judge_equation(corrected, {o.m: mu, o.v: square}[old])))


def _of_decay(f: Formula) -> Iterator[Claim]:
    names = (o.w, o.g, o.rate)
    if f.name == o.SGD.name:
        yield "weight decay is an L2 penalty", partial(judge_decay_is_penalty, f, names, DECAY)
    else:
        judge = partial(judge_decay_is_not_penalty, f, names, DECAY)
        yield "weight decay is not an L2 penalty", judge
    if f.name == o.ADAMW.name:
        decays = (o.w, o.rate, o.weight_decay)
        yield "the decay stands beside Adam", partial(judge_decouples, f, o.ADAM, decays)


# -------------------------------------------------------------------------------------- schedules


def _of_schedule(f: Formula) -> Iterator[Claim]:
    rate, t = inlined(f.output, f.equations), o.step
    s = schedules
    if f.name == s.WARM_UP.name:
        there = rate.xreplace({t: s.warmup_steps})
        yield "the target is reached after the warm-up", partial(judge_equation, there, s.target)
        return
    first = rate.xreplace({t: sp.S.One})
    yield "step 1 has the initial rate", partial(judge_equation, first, s.initial)
    if f.name == s.COSINE_DECAY.name:
        end = rate.xreplace({t: s.decay_steps + 1})
        what = "the decay ends at alpha times the initial rate"
        yield what, partial(judge_equation, end, s.alpha * s.initial)
    if f.name in (s.EXPONENTIAL_DECAY.name, s.STEP_DECAY.name):
        later = rate.xreplace({t: t + s.decay_steps})
        what = "decay_steps later it is decay_rate times as large"
        yield what, partial(judge_equation, later, s.decay_rate * rate)


# ----------------------------------------------------------------------------------- initializers


def _of_initializer(f: Formula) -> Iterator[Claim]:
    if not f.random:
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


# ---------------------------------------------------------------------------------- regularization


def _of_noise(f: Formula) -> Iterator[Claim]:
    (x,) = f.inputs
    place = x[f.equation(f.output).index]
    stated = {
        noise.DROPOUT.name: place**2 * noise.rate / (1 - noise.rate),
        noise.GAUSSIAN_NOISE.name: noise.stddev**2,
    }[f.name]
    yield "the mean of y is x", partial(judge_noise, f, mean, place)
    yield "the variance of y", partial(judge_noise, f, variance, stated)
    yield "prediction leaves x as it is", partial(_left_out, f)


def judge_noise(
    f: Formula, moment: Callable[[Expr, Mapping[sp.Symbol, Law]], Expr], stated: Expr
) -> Verdict:
    """Judge the mean or the variance of the output of a formula that adds noise."""
    drawn = {v: d for v, d in _DENSITIES.items() if v in f.random}
    out = inlined(f.equation(f.output).rhs, f.equations)
    e, laws = noise_named(out, drawn, domain=dict(f.domain))
    return judge_equation(moment(e, laws), stated)


def _left_out(f: Formula) -> Verdict:
    """The layer of the formula has no equation in prediction."""
    layer = next(x for x in (Dropout(0.5), GaussianNoise(1.0)) if x.training.name == f.name)
    if layer.prediction is None:
        return Verdict("proved", "the layer has no equation in prediction")
    return Verdict("refuted", f"in prediction it is {layer.prediction.name}")


# ----------------------------------------------------------------------------------- normalization


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
            unrolled = _unrolled(f, old)
            assert unrolled is not None
            yield f"{old} unrolled is a sum over all steps", unrolled
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


_Family: TypeAlias = tuple[frozenset[str], Callable[[Formula], Iterator[Claim]]]


def _names(formulas: tuple[Formula, ...]) -> frozenset[str]:
    return frozenset(f.name for f in formulas)


_FAMILIES: tuple[_Family, ...] = (
    (_names(o.ALL), _of_optimizer),
    (_names(schedules.ALL), _of_schedule),
    (_names(initializers.ALL), _of_initializer),
    (_names(noise.ALL), _of_noise),
    (_names(normalization.ALL), _of_normalization),
)
