"""Claims on noise: mean and variance of what comes out in training, and prediction untouched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import sympy as sp
from sympy.core.expr import Expr

from symdl.book.claims.parts import Claim
from symdl.catalog import noise
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.moments import STANDARD_NORMAL, UNIFORM, Law, mean, noise_named, variance
from symdl.evidence.verdict import Verdict
from symdl.formula import Formula
from symdl.training.noise import Dropout, GaussianNoise

__all__ = ["judge_noise", "noise_claims"]

_DENSITIES = {noise.uniform: UNIFORM, noise.normal: STANDARD_NORMAL}


def noise_claims(formula: Formula) -> tuple[Claim, ...]:
    """The claims on a formula that adds noise, found by its name; none on anything else."""
    return tuple(_of_noise(formula)) if formula.name in {f.name for f in noise.ALL} else ()


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
