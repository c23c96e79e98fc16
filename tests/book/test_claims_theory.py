"""Claims on optimizers, initializers, noise and normalization: proved, and refuted when planted."""

from dataclasses import replace

import pytest
import sympy as sp

from symdl.book.claims import claims
from symdl.book.claims.noise import judge_noise
from symdl.book.claims.normalization import averaged_axes, judge_compact
from symdl.book.claims.optimizers import judge_unbiased
from symdl.catalog import activations, initializers, noise, normalization, optimizers, schedules
from symdl.evidence.moments import mean
from symdl.formula import Equation, Formula

o = optimizers
EVERY = [f for m in (o, schedules, initializers, noise, normalization) for f in m.ALL]
WITHOUT = {"batch_normalization_inference"}


@pytest.mark.parametrize("f", EVERY, ids=lambda f: f.name)
def test_every_claim_is_proved(f):
    found = claims(f)
    assert bool(found) == (f.name not in WITHOUT)
    for what, judge in found:
        assert judge().level == "proved", what
    assert len({what for what, _ in found}) == len(found)


def test_what_is_not_known_has_no_claims():
    assert claims(replace(activations.TANH, name="my_own")) == ()


def with_equation(f, name, change):
    """The formula with another right side for one variable, under the same name."""
    equations = [
        Equation(e.lhs, change(e.rhs)) if e.variable.name == name else e for e in f.equations
    ]
    return Formula(
        equations, output=f.output, inputs=f.inputs, parameters=f.parameters, state=f.state,
        random=f.random, hyper=f.hyper, domain=dict(f.domain), name=f.name,
    )  # fmt: skip


MISTAKES = {
    "m_hat corrected by beta_2": (
        with_equation(o.ADAM, "m_hat", lambda e: e.xreplace({o.beta_1: o.beta_2})), "m_hat"),
    "m_hat corrected by t + 1": (
        with_equation(o.ADAM, "m_hat", lambda e: e.xreplace({o.step: o.step + 1})), "m_hat"),
    "m without 1 - beta": (
        with_equation(o.ADAM, "m_new", lambda e: o.beta_1 * o.m + o.g), "m_hat has no bias"),
    "dropout without its division": (
        with_equation(noise.DROPOUT, "y", lambda e: e * (1 - noise.rate)), "mean"),
    "He with half its variance": (
        with_equation(initializers.HE_NORMAL, "variance", lambda e: e / 2), "keeps"),
    "Glorot with a weight that is too long": (
        with_equation(initializers.GLOROT_UNIFORM, "w", lambda e: e * 2), "variance as stated"),
    "batch norm that keeps its mean": (
        with_equation(normalization.BATCH_NORMALIZATION, "mu", lambda e: e / 2), "the mean is 0"),
    "sgd with a rate squared": (
        with_equation(o.SGD, "w_new", lambda e: o.w - o.rate**2 * o.g), "L2 penalty"),
    "a warm-up that ends at half": (
        with_equation(schedules.WARM_UP, "learning_rate", lambda e: e / 2), "target"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_refuted(name):
    wrong, what = MISTAKES[name]
    found = [judge().level for said, judge in claims(wrong) if what in said]
    assert found == ["refuted"] * len(found)
    assert found


def test_parts_by_themselves():
    assert judge_unbiased(o.ADAM, o.m, o.m_hat).level == "proved"
    place = noise.x[noise.n, noise.i]
    assert judge_noise(noise.DROPOUT, mean, 2 * place).level == "refuted"
    assert averaged_axes(normalization.GROUP_NORMALIZATION) == (2, 3)
    alone = Formula(
        sp.Eq(activations.y, 2 * activations.x), output=activations.y, inputs=[activations.x]
    )
    assert judge_compact(alone).level == "refuted"
