"""Clipping formulas: values by hand, what is proved of them, and formulas that are wrong."""

import math
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.calculus.stabilise import stabilise
from symdl.catalog import clipping
from symdl.evidence.clipping import (
    judge_direction,
    judge_elements_bounded,
    judge_norm_bounded,
    judge_unchanged_below,
    judge_zero_stays,
)
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.networks import judge_running_form
from symdl.formula import Equation
from symdl.notation.binders import Total

BY_VALUE, BY_NORM, GLOBAL = clipping.ALL
RESCALING = (BY_NORM, GLOBAL)


@pytest.mark.parametrize(
    ("formula", "g", "expected"),
    [
        (BY_VALUE, [0.5, -0.5, 3.0, -3.0, 1.0, -1.0, 0.0], [0.5, -0.5, 1, -1, 1, -1, 0]),
        (BY_NORM, [3.0, 4.0], [0.6, 0.8]),
        (BY_NORM, [0.3, -0.4], [0.3, -0.4]),
        (BY_NORM, [0.0, 0.0, 0.0], [0, 0, 0]),
        (BY_NORM, [-1.0], [-1]),
        (GLOBAL, [2.0, 3.0, 6.0], [2 / 7, 3 / 7, 6 / 7]),
    ],
)
def test_by_hand(formula, g, expected):
    np.testing.assert_allclose(sd.compile(formula)(g), expected, rtol=1e-15, atol=0)


@pytest.mark.parametrize("formula", clipping.ALL, ids=lambda f: f.name)
def test_gradient_and_running_form_are_proved(formula):
    verdicts = [v for _, v in judge_adjoint(formula)] + [judge_running_form(formula)]
    assert {v.level for v in verdicts} == {"proved"}
    assert formula.source
    assert formula.title
    assert formula.kinks
    assert formula.domain_of(formula.inputs[0]) == sp.S.Reals


@pytest.mark.parametrize("formula", RESCALING, ids=lambda f: f.name)
def test_what_is_proved_of_rescaling(formula):
    for judge in (judge_norm_bounded, judge_direction, judge_unchanged_below, judge_zero_stays):
        assert judge(formula).level == "proved", judge.__name__


def test_what_is_proved_and_refuted_of_clipping_by_value():
    assert judge_elements_bounded(BY_VALUE).level == "proved"
    assert judge_zero_stays(BY_VALUE).level == "proved"
    turned = judge_direction(BY_VALUE)
    assert turned.level == "refuted"
    assert dict(turned.counterexample)["left"] != dict(turned.counterexample)["right"]
    assert judge_norm_bounded(BY_VALUE).level == "refuted"


def test_what_is_not_decided_is_no_pass():
    assert judge_elements_bounded(BY_NORM).level == "unknown"
    assert judge_unchanged_below(BY_VALUE).level == "unknown"


def with_factor(value):
    norm, _, last = BY_NORM.equations
    return replace(BY_NORM, equations=(norm, Equation(clipping.factor, value), last))


def with_last(value):
    return replace(
        BY_NORM, equations=(*BY_NORM.equations[:2], Equation(clipping.clipped[clipping.k], value))
    )


def by_value(value):
    (last,) = BY_VALUE.equations
    return replace(BY_VALUE, equations=(Equation(last.lhs, value),))


c, r, k = clipping.clipnorm, clipping.norm, clipping.k
g, limit = clipping.g, clipping.clipvalue
WRONG = [
    (judge_norm_bounded, with_factor(sp.Rational(1001, 1000) * c / sp.Max(r, c))),
    (judge_norm_bounded, with_factor(c / sp.Min(r, c))),
    (judge_norm_bounded, with_factor(sp.S.One)),
    (judge_norm_bounded, with_factor(c**2 / sp.Max(r, c) ** 2 * sp.Max(1, r))),
    (judge_direction, with_last(-clipping.factor * g[k])),
    (judge_direction, with_last(clipping.factor * g[k] ** 3)),
    (judge_direction, with_last(clipping.factor * (g[k] + Total(g[k], k)))),
    (judge_unchanged_below, with_factor(c / (r + c))),
    (judge_unchanged_below, with_factor(c / r)),
    (judge_zero_stays, with_factor(c / r)),
    (judge_zero_stays, with_last(clipping.factor * (g[k] + 1))),
    (judge_elements_bounded, by_value(sp.Min(limit, g[k]))),
    (
        judge_elements_bounded,
        by_value(sp.Max(-limit, sp.Min(sp.Rational(1001, 1000) * limit, g[k]))),
    ),
    (judge_elements_bounded, by_value(2 * sp.Max(-limit, sp.Min(limit, g[k])))),
]


@pytest.mark.parametrize(("judge", "formula"), WRONG)
def test_planted_errors_are_refuted(judge, formula):
    assert judge(formula).level == "refuted"


# ----------------------------------------------------------------------------- numbers of all sizes


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-3, 1.0, 50.0, 1e15, 1e30, 1e37])
def test_the_norm_over_the_whole_range(dtype, size):
    run = sd.compile(BY_NORM, dtype=dtype)
    direction = np.array([0.36, -0.48, 0.8])
    found = run((size * direction).astype(dtype))
    eps = float(np.finfo(dtype).eps)
    expected = min(size, 1.0) * direction
    np.testing.assert_allclose(found, expected, rtol=8 * eps, atol=1e-38 if size else 0)


def test_squares_that_would_overflow():
    """The norm as written overflows here, and the clipped gradient would be 0."""
    (scale, *_) = stabilise(BY_NORM).formula.equations
    assert str(scale.lhs) == "scale"
    g = np.full(4, 1e200)
    assert np.isinf(np.vdot(g, g))
    np.testing.assert_allclose(sd.compile(BY_NORM)(g), 0.5, rtol=1e-15)


def test_below_the_threshold_nothing_is_rounded():
    g = np.random.default_rng(0).normal(size=50)
    g *= 0.999 / math.sqrt(np.vdot(g, g))
    for formula in clipping.ALL:
        assert (sd.compile(formula)(g) == g).all()


@pytest.mark.parametrize("formula", RESCALING, ids=lambda f: f.name)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_no_number_is_made_of_what_is_none(formula, bad):
    with np.errstate(invalid="ignore"):
        found = sd.compile(formula)(np.array([1.0, bad, 0.0]))
    assert np.isnan(found[1])


def test_clipping_infinity_by_value():
    found = sd.compile(BY_VALUE)(np.array([np.nan, np.inf, -np.inf]))
    assert np.isnan(found[0])
    assert found[1:].tolist() == [1, -1]


def test_pytorch_clips_alike():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    for scale in (0.01, 1.0, 30.0):
        g = rng.normal(size=20) * scale
        p = torch.zeros(20, dtype=torch.float64, requires_grad=True)
        p.grad = torch.tensor(g)
        torch.nn.utils.clip_grad_value_([p], 1.0)
        np.testing.assert_allclose(sd.compile(BY_VALUE)(g), p.grad.numpy(), rtol=1e-15)
        p.grad = torch.tensor(g)
        torch.nn.utils.clip_grad_norm_([p], 1.0)  # PyTorch adds 1e-6 to the norm
        np.testing.assert_allclose(sd.compile(GLOBAL)(g), p.grad.numpy(), rtol=2e-6)
