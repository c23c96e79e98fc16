"""Claims on the losses: convex in the prediction or not, never negative, least at which place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import sympy as sp

from symdl.book.claims.parts import Claim, body
from symdl.catalog import activations as a
from symdl.catalog import losses as c
from symdl.errors import NotSupported
from symdl.evidence.convexity import judge_convex_formula
from symdl.evidence.domain_points import Domain
from symdl.evidence.identities import judge_sum
from symdl.evidence.judge import judge_equation
from symdl.evidence.least import judge_least_at, judge_value_at, put
from symdl.evidence.ranges import range_of
from symdl.evidence.reductions import judge_reductions
from symdl.evidence.signs import judge_nonnegative
from symdl.evidence.verdict import Verdict, negated, weakest
from symdl.formula import Equation, Formula
from symdl.notation.binders import Total
from symdl.notation.tensors import real

__all__ = ["domain_of_all", "loss_claims"]

_NOT_CONVEX: tuple[str, ...] = ()

# losses that read the softmax of their logits, and the same losses of probabilities
_OF_SOFTMAX: Mapping[str, Formula] = {
    c.CATEGORICAL_CROSSENTROPY_FROM_LOGITS.name: c.CATEGORICAL_CROSSENTROPY,
    c.SPARSE_CATEGORICAL_CROSSENTROPY_FROM_LOGITS.name: c.SPARSE_CATEGORICAL_CROSSENTROPY,
}

_SQUARES = (c.HALF_SQUARED_ERROR.name, c.MSE.name, c.MAE.name, c.HUBER.name, c.LOG_COSH.name)
_ENTROPIES = (c.CATEGORICAL_CROSSENTROPY.name, c.KL_DIVERGENCE.name)


def domain_of_all(formula: Formula) -> Domain:
    """The domains of everything given to a formula."""
    return {v: formula.domain_of(v) for v in formula.given}


def _reduced(f: Formula) -> Verdict:
    """The weakest verdict on the sum, the rows, and the weighted mean."""
    try:
        return weakest(verdict for _, verdict in judge_reductions(f))
    except NotSupported as error:
        return Verdict("unknown", str(error))


def loss_claims(formula: Formula) -> tuple[Claim, ...]:
    """The claims on a loss, found by its name; none on anything else."""
    return tuple(_claims(formula)) if formula.name in {f.name for f in c.ALL} else ()


def _claims(f: Formula) -> Iterator[Claim]:
    yield "mean, sum and weighted mean are made of the same rows", partial(_reduced, f)
    prediction, name = f.inputs[0], f.name
    if name in _NOT_CONVEX:
        what = f"not convex in {prediction}: two points and their chord"
        yield what, lambda: negated(judge_convex_formula(f, prediction, domain_of_all(f)))
    else:
        convex = partial(judge_convex_formula, f, prediction, domain_of_all(f))
        yield f"convex in {prediction}", convex
    if name == c.KL_DIVERGENCE.name:
        yield "never negative, where the rows of p and of t sum to 1", partial(_by_gibbs, f)
    else:
        yield "never negative", _never_negative(f)
    if name in _SQUARES:
        target = f.inputs[1]
        yield "0 where y = t", partial(judge_value_at, f, {prediction: target}, sp.S.Zero)
    if name == c.HINGE.name:
        yield "0 where y = t", partial(_zero_at_every_target, f)
    if name == c.BINARY_CROSSENTROPY.name:
        yield "least where p = t", partial(_least_where_right, f)
    if name in _ENTROPIES:
        what = "least where p = t, among rows that sum to 1 (Gibbs)"
        yield what, partial(_least_by_gibbs, f)


def _never_negative(f: Formula) -> Callable[[], Verdict]:
    if f.name in _OF_SOFTMAX:
        return partial(_never_negative_of_softmax, _OF_SOFTMAX[f.name])
    if f.name == c.HUBER.name:
        return partial(_least_is_zero, f)
    return partial(judge_nonnegative, body(f), domain_of_all(f))


def _never_negative_of_softmax(f: Formula) -> Verdict:
    """The outputs of softmax are positive and sum to 1, so they are at most 1."""
    domain = {**domain_of_all(f), f.inputs[0]: sp.Interval.Lopen(0, 1)}
    return weakest(
        (
            judge_nonnegative(body(f), domain),
            judge_nonnegative(body(a.SOFTMAX), None, strict=True),
            judge_sum(a.SOFTMAX, 1, sp.S.One),
        )
    )


def _least_is_zero(f: Formula) -> Verdict:
    prediction, target = f.inputs
    there = {prediction: target}
    return weakest(
        (
            judge_least_at(f, prediction, there, domain_of_all(f)),
            judge_value_at(f, there, sp.S.Zero),
        )
    )


def _zero_at_every_target(f: Formula) -> Verdict:
    """The targets that there are, one after the other."""
    prediction, target = f.inputs
    values = f.domain_of(target)
    return weakest(judge_value_at(f, {target: v, prediction: v}, sp.S.Zero) for v in values)


def _least_where_right(f: Formula) -> Verdict:
    """Targets strictly between 0 and 1, where the slope exists."""
    prediction, target = f.inputs
    there = {prediction: c.q, target: c.q}
    return judge_least_at(f, prediction, there, domain_of_all(f))


# ----------------------------------------------------------------------------------------- Gibbs


def _excess() -> tuple[sp.Expr, Verdict]:
    """r - 1 - log r with r = p/t, and the verdict that it is never negative.

    With r = exp(s), which is any positive number, it is exp(s) - 1 - s.
    """
    s = real("s")
    r = c.p[c.n, c.j] / c.q[c.n, c.j]
    least = range_of(sp.exp(s) - 1 - s, s).least
    shown = r - 1 - sp.log(r)
    if least != 0:
        return shown, Verdict("unknown", f"the least value of exp(s) - 1 - s is {least}")
    return shown, Verdict("proved", "r - 1 - log r is least at r = 1, where it is 0")


def _is_mean_excess(e: sp.Expr) -> Verdict:
    """Judge that ``e`` is the mean of t (r - 1 - log r) where the rows of p and t sum to 1.

    The two differ by the sums of t less those of p, whatever these are.
    """
    more, never_negative = _excess()
    t, p = (Total(v[c.n, c.j], c.j) for v in (c.q, c.p))
    mean = Total(c.q[c.n, c.j] * more, c.n, c.j) / c.N
    rows = tuple(Equation(total, sp.S.One) for total in (t, p))
    same = judge_equation(e, mean + Total(t - p, c.n) / c.N)
    return weakest((same, judge_equation(t - p, sp.S.Zero, assumptions=rows), never_negative))


def _by_gibbs(f: Formula) -> Verdict:
    return _is_mean_excess(body(f))


def _least_by_gibbs(f: Formula) -> Verdict:
    """The loss less its value at p = t is never negative."""
    prediction, target = f.inputs
    loss = put(body(f), {target: c.q})
    return _is_mean_excess(loss - put(loss, {prediction: c.q}))
