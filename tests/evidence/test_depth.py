"""Gradients along depth: against SymPy's own diff and against plain numbers."""

import itertools

import numpy as np
import pytest
import sympy as sp

from symdl.catalog import activations as act
from symdl.catalog import layers
from symdl.errors import Impossible, InputError
from symdl.evidence import depth
from symdl.evidence.depth import (
    along,
    chain_of_units,
    judge_bound,
    judge_chain,
    judge_one_more,
    judge_wide_bound,
    lagrange,
    largest_slope,
)  # fmt: skip
from symdl.evidence.judge import inlined, judge_equation
from symdl.formula import Formula
from symdl.notation.tensors import real

KINDS = [act.SIGMOID, act.TANH, act.RELU]


@pytest.mark.parametrize("activation", KINDS, ids=lambda a: a.name)
def test_the_product(activation):
    assert judge_chain(activation, (1, 2)).level == "proved"
    assert judge_one_more(activation).level == "proved"


@pytest.mark.parametrize("activation", [act.SIGMOID, act.TANH], ids=lambda a: a.name)
def test_the_derivative_against_sympy(activation):
    found = along(activation, 3)
    h3 = inlined(found.chain.output, found.chain.equations)
    theirs = h3.diff(real("h_0"))
    ours = inlined(found.derived, found.chain.equations)
    point = {real("h_0"): sp.Rational(1, 3)}
    for k in range(1, 4):
        point |= {real(f"w_{k}"): sp.Rational(k, 2), real(f"b_{k}"): sp.Rational(-1, k)}
    assert abs(sp.N(theirs.xreplace(point) - ours.xreplace(point), 40)) < 1e-35
    assert abs(sp.N(theirs.xreplace(point), 20)) > 1e-3


def test_a_product_that_misses_a_factor_is_refuted():
    found = along(act.SIGMOID, 3)
    for wrong in (found.product / real("w_2"), found.product * real("h_1"), -found.product):
        assert judge_equation(found.derived, wrong).level == "refuted"


def test_a_chain_has_layers():
    with pytest.raises(InputError, match="at least one layer"):
        chain_of_units(act.TANH, 0)


def test_the_largest_slopes():
    assert [largest_slope(a) for a in KINDS] == [sp.Rational(1, 4), 1, 1]
    assert largest_slope(act.LEAKY_RELU) == 1
    x, y = real("x"), real("y")
    falling = Formula(sp.Eq(y, sp.tanh(x) / 2 - x), output=y, inputs=[x], name="falling")
    assert largest_slope(falling) == 1
    parabola = Formula(sp.Eq(y, x**2), output=y, inputs=[x], name="parabola")
    with pytest.raises(Impossible, match="no bound"):
        largest_slope(parabola)


@pytest.mark.parametrize("activation", KINDS, ids=lambda a: a.name)
def test_the_bound(activation):
    assert judge_bound(activation).level == "proved"


def test_a_bound_that_is_too_small_is_refuted(monkeypatch):
    monkeypatch.setattr(depth, "largest_slope", lambda a: sp.Rational(6, 25))
    assert judge_bound(act.SIGMOID).level == "refuted"
    assert judge_bound(act.TANH).level == "refuted"


def test_the_bound_in_plain_numbers():
    """No chain of three sigmoids exceeds it, on a grid of inputs, weights and biases."""
    w = np.array([1.5, -2.0, 4.0])
    worst = 0.0
    for h0, b in itertools.product(np.linspace(-3, 3, 7), np.linspace(-4, 4, 9)):
        h, slope = h0, 1.0
        for k in range(3):
            h = 1 / (1 + np.exp(-(w[k] * h + b)))
            slope *= h * (1 - h) * w[k]
        worst = max(worst, abs(slope))
    assert 0 < worst <= 0.25**3 * np.prod(np.abs(w))


def test_cauchy_and_schwarz():
    found = lagrange()
    assert all(v.level == "proved" for _, v in found.parts)
    assert judge_equation(found.gap, found.squares * 2).level == "refuted"


@pytest.mark.parametrize("activation", KINDS, ids=lambda a: a.name)
def test_the_bound_for_wide_layers(activation):
    found = judge_wide_bound(layers.DENSE, activation)
    assert all(v.level == "proved" for _, v in found)


def test_the_wide_bound_in_numpy():
    generator = np.random.default_rng(0)
    for _ in range(20):
        w, up, z = (generator.standard_normal(s) for s in ((5, 7), 7, 7))
        slope = 1 / (2 + 2 * np.cosh(z))
        down = w @ (slope * up)
        assert np.linalg.norm(down) <= np.linalg.norm(w) * np.linalg.norm(up) / 4
