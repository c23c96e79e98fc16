"""Zeros isolated, values enclosed: against numbers by hand and by mpmath."""

import mpmath
import pytest
import sympy as sp

from symdl.errors import InputError, NotSupported
from symdl.evidence.enclosures import enclosure, judge_rounded_range
from symdl.evidence.intervals import enclosed, sign_on
from symdl.evidence.ranges import judge_range, range_of
from symdl.evidence.zeros import narrowed, zeros
from symdl.notation.tensors import real

x = real("x")
third = sp.Rational(1, 3)
TINY = sp.Rational(1, 10**12)

# the zeros, by hand or by mpmath's own root finder
KNOWN = {
    x - third: [third],
    x - sp.Rational(2, 7): [sp.Rational(2, 7)],
    x**2 + 1: [],
    x**3 - 2 * x: [-sp.sqrt(2), 0, sp.sqrt(2)],
    sp.exp(x) - 3: [sp.log(3)],
    sp.exp(x): [],
    1 + x + sp.exp(x): [-1 - sp.LambertW(sp.exp(-1))],
    x * sp.exp(x) - 1: [sp.LambertW(1)],
    sp.exp(x) - 4 * x: [-sp.LambertW(-sp.Rational(1, 4)), -sp.LambertW(-sp.Rational(1, 4), -1)],
    sp.exp(2 * x) - 5 * sp.exp(x) + 6: [sp.log(2), sp.log(3)],
    sp.tanh(x) - sp.Rational(1, 2): [sp.log(3) / 2],
    (2 - x**2) * sp.exp(-(x**2) / 2): [-sp.sqrt(2), sp.sqrt(2)],
    sp.erf(x) - sp.Rational(1, 2): [sp.Float(mpmath.erfinv(0.5), 15)],
}


@pytest.mark.parametrize("e", KNOWN, ids=str)
def test_every_zero_is_alone_in_its_interval(e):
    found = zeros(e, x)
    assert len(found) == len(KNOWN[e])
    for around, at in zip(found, KNOWN[e], strict=True):
        assert around[0] < sp.N(at, 30) < around[1]
        low, high = narrowed(e, x, around, TINY)
        assert high - low <= TINY
        assert abs(sp.N(at, 30) - low) < sp.Float("1e-11")


HARD = [sp.exp(x) - 1 - x, sp.sin(x) - x / 10, sp.Function("f")(x), sp.log(x)]


@pytest.mark.parametrize("e", HARD, ids=str)
def test_what_cannot_be_isolated_is_refused(e):
    with pytest.raises(NotSupported):
        zeros(e, x)


def test_a_square_has_the_zero_of_what_is_squared():
    ((low, high),) = zeros((x - third) ** 2 * sp.exp(x), x)
    assert low < third < high


@pytest.mark.parametrize(
    "e",
    [
        sp.exp(-x), sp.tanh(x) * x, sp.log(2 + x**2), sp.sqrt(3 + x**2), 1 / (2 + x**2),
        sp.erf(x) + sp.pi * x, sp.erfc(x), sp.E * x**3,
    ],
    ids=str,
)  # fmt: skip
def test_an_interval_holds_every_value(e):
    low, high = sp.Rational(-1, 2), sp.Rational(2, 3)
    least, greatest = enclosed(e, x, low, high)
    f = sp.lambdify(x, e, "mpmath")
    for k in range(21):
        at = mpmath.mpf(-1) / 2 + mpmath.mpf(7) / 6 * k / 20
        assert mpmath.mpf(str(sp.N(least, 30))) - 1e-13 <= f(at)
        assert f(at) <= mpmath.mpf(str(sp.N(greatest, 30))) + 1e-13


def test_an_interval_without_real_values_is_refused():
    for e in (sp.log(x), sp.sqrt(x), 1 / x):
        with pytest.raises(NotSupported):
            enclosed(e, x, sp.Integer(-1), sp.Integer(1))


def test_the_sign_on_an_interval():
    assert sign_on(x**2 + 1, x, sp.Integer(-1), sp.Integer(1)) == 1
    assert sign_on(x, x, sp.Integer(-2), sp.Integer(-1)) == -1
    assert sign_on(x, x, sp.Integer(-1), sp.Integer(1)) == 0


def test_an_enclosure_agrees_with_the_exact_range():
    e = sp.exp(2 * x) - 2 * sp.exp(x)
    exact, found = range_of(e, x), enclosure(e, x)
    assert exact.least == -1
    assert found.least[0] <= -1 <= found.least[1]
    assert found.least[1] - found.least[0] < TINY
    assert found.greatest == (sp.oo, sp.oo)
    assert found.complete


def test_rounded_ranges():
    e = x * sp.exp(-(x**2))  # between -1/sqrt(2 e) and 1/sqrt(2 e), 0.42888...
    assert judge_rounded_range(e, x, "-0.4289", "0.42888").level == "proved"
    for low, high in (("-0.4288", "0.4289"), ("-0.4289", "0.4290"), ("-oo", "0.4289")):
        assert judge_rounded_range(e, x, low, high).level == "refuted"
    with pytest.raises(InputError, match="decimal"):
        judge_rounded_range(e, x, "least", "0.4289")


def test_what_only_a_grid_has_seen_is_not_proved():
    e = sp.exp(-(x**2) / 10) * sp.sin(x)
    assert judge_rounded_range(e, x, "-0.8222", "0.8222").level in ("numeric", "refuted", "unknown")
    assert judge_rounded_range(sp.sin(x), x, "-1", "1").level != "proved"
    assert judge_rounded_range(sp.Abs(x), x, "0", "oo").level == "unknown"


def test_a_range_with_parameters():
    a = sp.Symbol("a", positive=True)
    e = a / (1 + sp.exp(-x))
    assert judge_range(e, x, sp.Interval.open(0, a)).level == "proved"
    assert judge_range(e, x, sp.Interval.open(0, 2 * a)).level == "refuted"
    assert judge_range(e, x, sp.Interval.open(0, a / 2)).level == "refuted"
