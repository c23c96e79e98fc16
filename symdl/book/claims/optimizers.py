"""Claims on optimizers and schedules: moments unrolled, bias, decay; how a rate begins and ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import sympy as sp
from sympy.core.expr import Expr

from symdl.book.claims.parts import Claim, unrolled
from symdl.catalog import optimizers as o
from symdl.catalog import schedules
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.moments import Law
from symdl.evidence.recurrence import mean_after, unroll
from symdl.evidence.updates import (
    judge_decay_is_not_penalty,
    judge_decay_is_penalty,
    judge_decouples,
    judge_look_ahead,
)
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Formula
from symdl.notation.tensors import real

__all__ = ["DECAY", "judge_unbiased", "optimizer_claims", "schedule_claims"]

DECAY = sp.Symbol("decay", positive=True)


def optimizer_claims(formula: Formula) -> tuple[Claim, ...]:
    """The claims on an optimizer, found by its name; none on anything else.

    >>> [(what, judge().level) for what, judge in optimizer_claims(o.SGD)]
    [('weight decay is an L2 penalty', 'proved')]
    """
    return tuple(_of_optimizer(formula)) if formula.name in {f.name for f in o.ALL} else ()


def schedule_claims(formula: Formula) -> tuple[Claim, ...]:
    """The claims on a schedule, found by its name; none on anything else."""
    return tuple(_of_schedule(formula)) if formula.name in {f.name for f in schedules.ALL} else ()


def _of_optimizer(f: Formula) -> Iterator[Claim]:
    for old, _ in f.state:
        found = unrolled(f, old)
        if found is not None:
            yield f"{old} unrolled is a sum over all steps", found
    defined = {v.name for v in f.defined}
    for old, hat in ((o.m, o.m_hat), (o.v, o.v_hat)):
        if hat.name in defined and _corrects(f, old, hat):
            yield (
                f"{hat} has no bias, if all gradients have one law",
                partial(judge_unbiased, f, old, hat),
            )
    yield from _of_decay(f)
    yield from _in_known_cases(f)
    if f.name == o.NESTEROV.name:
        names = (o.w, o.velocity, o.momentum)
        what = "it is momentum with the gradient taken a step ahead"
        yield what, partial(judge_look_ahead, f, o.MOMENTUM, names)


def _in_known_cases(f: Formula) -> Iterator[Claim]:
    for name, what, variable, right, case in _known_cases():
        if name == f.name:
            left = inlined(variable, f.equations).subs(dict(case))
            yield what, partial(judge_equation, left, right)


def _known_cases() -> Sequence[tuple[str, str, Expr, Expr, Mapping[Expr, Expr]]]:
    """(optimizer, what is claimed, variable, what it comes to, in which case)."""
    zero = sp.S.Zero
    descent = inlined(o.SGD.output, o.SGD.equations)
    adam = inlined(o.ADAM.output, o.ADAM.equations)
    first = {o.m: zero, o.v: zero, o.a: zero, o.v_max: zero, o.spread: zero, o.step: sp.S.One}
    bare = first | {o.epsilon: zero}
    signed = o.w - o.rate * o.g / sp.Abs(o.g)
    says = "first step without epsilon: the rate times the sign of g"
    return (
        (o.MOMENTUM.name, "without momentum it is sgd", o.w_new, descent, {o.momentum: zero}),
        (o.NESTEROV.name, "without momentum it is sgd", o.w_new, descent, {o.momentum: zero}),
        (o.ADAGRAD.name, says, o.w_new, signed, bare),
        (o.RMSPROP.name, says, o.w_new, signed, bare | {o.rho: zero}),
        (o.ADADELTA.name, "first step: the mean of g^2", o.a_new, (1 - o.rho) * o.g**2, first),
        (o.AMSGRAD.name, "first step: m_hat is the gradient", o.m_hat, o.g, first),
        (o.ADAMAX.name, says, o.w_new, signed, bare),
        (o.ADAMW.name, "without decay it is adam", o.w_new, adam, {o.weight_decay: zero}),
        (o.NADAM.name, "first step: v_hat is the square of g", o.v_hat, o.g**2, first),
        (o.ADAM.name, "first step: m_hat is the gradient", o.m_hat, o.g, first),
        (o.ADAM.name, "first step: v_hat is its square", o.v_hat, o.g**2, first),
    )


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
    sums = unroll(f, old)
    found, verdict = mean_after(sums, {o.g: Law((mu, square))}, from_zero=True)
    corrected = f.equation(hat).rhs.xreplace({dict(f.state)[old]: found, o.step: sums.steps})
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
