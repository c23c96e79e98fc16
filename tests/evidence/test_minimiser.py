"""Minima case by case: against a search on a grid, and with errors planted."""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from symdl.errors import NotSupported
from symdl.evidence.minimiser import judge_minimiser, minimiser

w, a = sp.symbols("w a", real=True)
s, q = sp.symbols("s q", positive=True)
DISTANCE = (w - a) ** 2 / 2
L1, L2, BOTH = DISTANCE + s * sp.Abs(w), DISTANCE + s * w**2, DISTANCE + s * sp.Abs(w) + q * w**2
HINGED = DISTANCE + s * sp.Max(0, w - 1)
ASYMMETRIC = DISTANCE + sp.Max(-s * w, q * w)
ALL = {"l1": L1, "l2": L2, "elastic net": BOTH, "hinge": HINGED, "pinball": ASYMMETRIC}


@pytest.mark.parametrize("e", ALL.values(), ids=ALL)
def test_the_cases_are_proved(e):
    judged = judge_minimiser(e, w, a, minimiser(e, w, a))
    assert {verdict.level for _, verdict in judged} == {"proved"}


@pytest.mark.parametrize("e", ALL.values(), ids=ALL)
def test_the_cases_are_what_a_search_finds(e):
    numbers = {s: 0.7, q: 0.4}
    grid = np.linspace(-4, 4, 80_001)
    for at in np.linspace(-2.9, 2.9, 23):
        (value,) = {
            float(case.value.subs({**numbers, a: at}))
            for case in minimiser(e, w, a)
            if case.low.subs(numbers) <= at <= case.high.subs(numbers)
        }
        found = grid[np.argmin(sp.lambdify(w, e.subs({**numbers, a: at}), "numpy")(grid))]
        assert abs(value - found) < 2e-4


def test_l1_gives_zeros_on_an_interval_and_l2_only_for_zero():
    (zero,) = (case for case in minimiser(L1, w, a) if case.kink)
    assert (zero.low, zero.high, zero.value) == (-s, s, 0)
    (only,) = minimiser(L2, w, a)
    assert only.value == a / (1 + 2 * s)


FIRST, ZERO, LAST = minimiser(L1, w, a)


@pytest.mark.parametrize(
    "cases",
    [
        (replace(FIRST, value=a - s), ZERO, LAST),
        (FIRST, replace(ZERO, low=-2 * s, high=2 * s), LAST),
        (FIRST, ZERO, replace(LAST, value=a - s * sp.Rational(1001, 1000))),
        (FIRST, ZERO),
        (FIRST, LAST),
        (),
    ],
)
def test_wrong_cases_are_refuted(cases):
    assert any(v.level == "refuted" for _, v in judge_minimiser(L1, w, a, cases))


def test_what_is_not_convex_has_no_minimum_by_slopes():
    e = -((w - a) ** 2) / 2 + s * sp.Abs(w)
    with pytest.raises(NotSupported, match="not flat"):
        minimiser(e, w, a)
    concave = sp.sqrt(1 + (w - a) ** 2)
    with pytest.raises(NotSupported, match="must be linear"):
        minimiser(concave, w, a)
    bent = DISTANCE - s * sp.Abs(w)
    judged = dict(judge_minimiser(bent, w, a, minimiser(bent, w, a)))
    assert judged["the function is convex"].level == "refuted"
