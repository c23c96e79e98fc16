"""Penalties: their gradients, the kink of L1, and why L1 gives zeros while L2 does not."""

import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.catalog import regularizers
from symdl.catalog.regularizers import L1, L1_L2, L2, W, i, j, l1, l2
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.networks import judge_running_form
from symdl.verify import check_gradient

WEIGHTS = np.array([[0.5, -2.0, 0.0], [1e-3, 3.0, -1.0]])
BY_HAND = {
    "l1": lambda w: 0.01 * np.abs(w).sum(),
    "l2": lambda w: 0.01 * (w**2).sum(),
    "l1_l2": lambda w: 0.01 * np.abs(w).sum() + 0.01 * (w**2).sum(),
}


@pytest.mark.parametrize("formula", regularizers.ALL, ids=lambda f: f.name)
def test_proved_and_compiled(formula):
    verdicts = (*judge_adjoint(formula), ("runs", judge_running_form(formula)))
    assert {v.level for _, v in verdicts} == {"proved"}
    assert formula.source
    assert float(sd.compile(formula)(WEIGHTS)) == pytest.approx(BY_HAND[formula.name](WEIGHTS))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("formula", regularizers.ALL, ids=lambda f: f.name)
def test_over_the_whole_range(formula, dtype):
    largest = 1e18 if dtype == "float32" else 1e150
    for size in (0.0, 1e-30, 1.0, largest):
        w = np.array([[size, -size]], dtype)
        found = sd.compile(formula, dtype=dtype)(w)
        assert float(found) == pytest.approx(BY_HAND[formula.name](w.astype(float)), rel=1e-6)


def gradient(formula):
    return sd.vjp(formula).inlined(W).rhs


def test_gradients():
    w = W[i, j]
    assert sp.expand(gradient(L1) - l1 * sp.sign(w)) == 0
    assert sp.expand(gradient(L2) - 2 * l2 * w) == 0
    assert sp.expand(gradient(L1_L2) - l1 * sp.sign(w) - 2 * l2 * w) == 0


def test_the_kink_is_stated_and_its_slope_is_zero():
    assert L1.kinks == L1_L2.kinks == ("W = 0: the derivative of |W| is taken as 0",)
    assert not L2.kinks
    assert gradient(L1).subs(W[i, j], 0) == 0


def test_gradients_against_differences():
    w = np.where(WEIGHTS == 0, 0.7, WEIGHTS)
    exact = 0.01 * np.sign(w) + 0.02 * w
    run = sd.compile(L1_L2)
    assert check_gradient(lambda v: float(run(v)), exact, w).ok


# min over w of (w - a)^2/2 + penalty(w), for a > 0; the other side is its mirror image


def stationary(penalty, a, w):
    return sp.solve(sp.diff((w - a) ** 2 / 2 + penalty, w), w)


def test_l1_thresholds_and_l2_shrinks():
    a, w = sp.symbols("a w", positive=True)
    strength = sp.Symbol("l", positive=True)
    one = {l1: strength, l2: strength}
    absolute, square = (
        formula.equations[0].rhs.subs(one).replace(lambda e: e.func.__name__ == "Total", inner(w))
        for formula in (L1, L2)
    )
    (least,) = stationary(absolute, a, w)
    assert sp.expand(least - (a - strength)) == 0  # so for a <= l no w > 0 is stationary
    (shrunk,) = stationary(square, a, w)
    assert sp.simplify(shrunk - a / (1 + 2 * strength)) == 0  # never 0 for a > 0
    # the slopes on both sides of w = 0 bracket 0 exactly for |a| <= l: there the minimum is 0
    right = sp.diff((w - a) ** 2 / 2 + absolute, w).subs(w, 0)
    assert sp.expand(right - (strength - a)) == 0


def inner(w):
    """One weight in place of the sum over all of them."""
    return lambda e: e.open()[0].replace(lambda x: x.func.__name__ == "Elem", lambda *_: w)


@pytest.mark.parametrize("formula", [L1, L2], ids=["l1", "l2"])
def test_which_weights_become_zero(formula):
    """The least of (w - a)^2/2 + penalty on a grid: zeros for |a| <= l with L1 alone."""
    strength = 0.25
    grid = np.arange(-2.0, 2.0001, 1 / 64)
    wanted = {l1: sp.Float(strength), l2: sp.Float(strength)}
    equation = formula.equations[0].rhs.subs(wanted)
    penalty = sp.lambdify(
        sp.Symbol("w"),
        equation.replace(
            lambda e: e.func.__name__ == "Total", inner(sp.Symbol("w", real=True))
        ).subs(sp.Symbol("w", real=True), sp.Symbol("w")),
        "numpy",
    )
    for a in (-1.5, -0.25, -0.125, 0.0, 0.125, 0.25, 1.0, 1.5):
        best = grid[np.argmin((grid - a) ** 2 / 2 + penalty(grid))]
        soft = np.sign(a) * max(abs(a) - strength, 0)
        expected = soft if formula is L1 else a / (1 + 2 * strength)
        assert best == pytest.approx(expected, abs=1 / 64)
        assert (best == 0) == (abs(a) <= strength if formula is L1 else a == 0)
