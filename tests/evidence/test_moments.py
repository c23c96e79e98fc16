"""Laws of functions of a draw, against integrals in numbers; dropout's and noise's moments."""

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, stats

from symdl.catalog import noise
from symdl.errors import NotSupported
from symdl.evidence.judge import judge_equation
from symdl.evidence.moments import (
    STANDARD_NORMAL,
    UNIFORM,
    Law,
    law_of,
    mean,
    noise_named,
    variance,
)  # fmt: skip
from symdl.notation.indicators import UnitStep
from symdl.notation.tensors import real

u, v, r = real("u"), real("v"), sp.Symbol("rate", nonnegative=True)
BELOW_ONE = {r: sp.Interval.Ropen(0, 1)}
PLACE = noise.x[noise.n, noise.i]


@pytest.mark.parametrize(
    ("e", "plain"),
    [(sp.Max(0, u), lambda z: max(0.0, z)), (sp.Abs(u), abs), (u**2 + 1, lambda z: z**2 + 1),
     (UnitStep(u - sp.Rational(1, 2), 1), lambda z: float(z >= 0.5))],
    ids=["max", "abs", "square", "step"],
)  # fmt: skip
def test_laws_against_quadrature(e, plain):
    for density, chance, low, high in (
        (UNIFORM, stats.uniform.pdf, 0, 1),
        (STANDARD_NORMAL, stats.norm.pdf, -12, 12),
    ):
        found = law_of(e, u, density)
        for k in (1, 2):
            wanted = quadrature(plain, k, chance, (low, high))
            assert abs(float(found.powers[k - 1]) - wanted) < 1e-9


def quadrature(plain, k, chance, ends):
    inside = [p for p in (0, 0.5) if ends[0] < p < ends[1]]
    return integrate.quad(lambda z: plain(z) ** k * chance(z), *ends, points=inside)[0]


def test_the_law_of_a_mask():
    found = law_of(UnitStep(u - r, 1), u, UNIFORM, domain=BELOW_ONE)
    assert found == Law((1 - r, 1 - r))
    with pytest.raises(NotSupported):
        law_of(UnitStep(u - r, 1), u, UNIFORM)


def test_dropout():
    e, laws = noise_named(
        noise.DROPOUT.equations[0].rhs, {noise.uniform: UNIFORM}, domain=dict(noise.DROPOUT.domain)
    )
    assert [v.name for v in laws] == ["mask"]
    assert judge_equation(mean(e, laws), PLACE).level == "proved"
    spread = variance(e, laws)
    assert judge_equation(spread, PLACE**2 * noise.rate / (1 - noise.rate)).level == "proved"
    assert judge_equation(spread, PLACE**2 * noise.rate).level == "refuted"


def test_dropout_by_hand():
    """With rate 1/4, y is 0 a quarter of the time and 4x/3 otherwise."""
    e, laws = noise_named(
        noise.DROPOUT.equations[0].rhs, {noise.uniform: UNIFORM}, domain=dict(noise.DROPOUT.domain)
    )
    at = {noise.rate: sp.Rational(1, 4), PLACE: sp.Integer(3)}
    y = [sp.Integer(0), sp.Integer(4)]
    chances = [sp.Rational(1, 4), sp.Rational(3, 4)]
    middle = sum(p * a for p, a in zip(chances, y, strict=True))
    spread = sum(p * (a - middle) ** 2 for p, a in zip(chances, y, strict=True))
    assert mean(e, laws).xreplace(at) == middle == 3
    assert variance(e, laws).xreplace(at) == spread


def test_dropout_without_its_division_moves_the_mean():
    e, laws = noise_named(
        noise.DROPOUT.equations[0].rhs, {noise.uniform: UNIFORM}, domain=dict(noise.DROPOUT.domain)
    )
    assert judge_equation(mean(e * (1 - noise.rate), laws), PLACE).level == "refuted"


def test_gaussian_noise():
    e, laws = noise_named(noise.GAUSSIAN_NOISE.equations[0].rhs, {noise.normal: STANDARD_NORMAL})
    assert mean(e, laws) == PLACE
    assert variance(e, laws) == noise.stddev**2
    draws = np.random.default_rng(0).standard_normal(100_000)
    assert abs(np.var(3 + 0.5 * draws) - 0.25) < 0.01


def test_a_step_of_two_draws_is_refused():
    with pytest.raises(NotSupported, match="more than one draw"):
        noise_named(UnitStep(u - v, 1), {u: UNIFORM, v: UNIFORM})
