"""Identities that look right: the false ones stay undecided, and some true ones are known."""

import math

import pytest
import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p

from symdl.notation.binders import ArgPeak, Peak, Total
from symdl.notation.functions import held, xlogy
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.notation.normal import equal, normal
from tests.notation.naive import close, placements, value
from tests.notation.strategies import A, B, M, P, R, W, c, d, i, j, k, q, s, t, u, v, worlds

POINTS = [world for seed in range(8, 24) for world in worlds(seed, ties=seed >= 16)]

FALSE = [
    # roots and powers forget signs
    (sp.sqrt(s**2), s),
    (sp.sqrt(s**2 * t**2), s * t),
    ((s**2) ** sp.Rational(3, 2), s**3),
    (sp.Abs(s) ** t, (1 + sp.Abs(s)) ** t),
    (sp.Abs(s + t), sp.Abs(s) + sp.Abs(t)),
    (sp.sqrt(q + q**2), q + sp.sqrt(q)),
    (sp.sqrt(sp.expand((s - 1) ** 2)), s - 1),
    (sp.sqrt(sp.expand((s - 1) ** 2 * (1 + t**2))), (s - 1) * sp.sqrt(1 + t**2)),
    (1 / sp.sqrt(sp.expand((s - 1) ** 2 * q)), 1 / ((s - 1) * sp.sqrt(q))),
    # a divisor under a root whose leading coefficient is negative
    (q / sp.sqrt(9 - q), sp.sqrt(9 - q) - 9 / sp.sqrt(9 - q)),
    (s**2 / sp.sqrt(9 - s**2), sp.sqrt(9 - s**2) - 9 / sp.sqrt(9 - s**2)),
    # two numbers that print alike
    (sp.exp(s * sp.Float(0.1)), sp.exp(s * sp.Float(math.nextafter(0.1, 1)))),
    # logarithms and exponentials
    (sp.log(1 + q**2), 2 * sp.log(1 + q)),
    (sp.exp(s * t), sp.exp(s) * sp.exp(t)),
    (sp.log(q) * sp.log(1 + q), sp.log(q + 1 + q)),
    (log1p(q), sp.log(q)),
    (expm1(s), sp.exp(s)),
    (sp.exp(s) / (1 + sp.exp(s)), 1 / (1 + sp.exp(s))),
    (sp.tanh(s), 2 / (1 + sp.exp(-s)) - 1),
    (sp.tanh(s) ** 2 + 1, 1 / sp.cosh(s) ** 2),
    # steps and kinks
    (UnitStep(s), 1 - UnitStep(s)),
    (UnitStep(s * t), UnitStep(s) * UnitStep(t)),
    (UnitStep(-s), UnitStep(s)),
    (UnitStep(s, 1), UnitStep(s, 0)),
    (UnitStep(s, 1) * t, UnitStep(s, 0) * t),
    (UnitStep(s), 1 - UnitStep(-s)),
    (UnitStep(s - t, 1), 1 - UnitStep(t - s, 1)),
    (UnitStep(s**2), sp.S.One),
    (sp.sign(s) ** 2, sp.S.One),
    (UnitStep(s, 1) * UnitStep(t), UnitStep(t)),
    (sp.Max(s, t), s + t),
    (sp.Max(0, s) ** 2, s**2),
    (sp.Max(s, t), sp.Max(s, -t)),
    (sp.Piecewise((s, s > 0), (t, True)), sp.Piecewise((t, s > 0), (s, True))),
    (UnitStep(P[i + 1]), sp.S.One),  # 0 is read behind the last element
    (P[i - 1] / (P[i - 1] + q) + q / (P[i - 1] + 2 * q), sp.S.One),
    (sp.sqrt(W[i, j] ** 2), W[i, j]),
    # sums
    (Total(u[i], i), A * u[k]),
    (Total(u[i] ** 2, i), Total(u[i], i) ** 2),
    (Total(u[i + 1], i), Total(u[i], i)),
    (Total(s, i), B * s),
    (Total(W[i, j], i), Total(W[i, j], i, j)),
    (Total(M[i, k], k), Total(M[k, i], k)),
    (Total(M[i, i], i), Total(M[i, k], i, k)),
    (Total(u[i] * M[i, k], i), u[k] * Total(M[i, k], i)),
    (Total(1 / P[i], i), 1 / Total(P[i], i)),
    (sp.log(Total(P[i], i)), Total(sp.log(P[i]), i)),
    (Total(u[i], i) * Total(v[j], j), Total(W[i, j], i, j)),
    (Total(Total(W[i, j], j) ** 2, i), Total(Total(W[i, j], i) ** 2, j)),
    # deltas, labels, ranges
    (Delta(i - k), sp.S.One),
    (Delta(i - k) * u[i], u[k]),
    (Total(Delta(i - k + 1), i), sp.S.One),
    (Total(Delta(2 * i - k), k), sp.S.One),
    (Total(Delta(2 * i - k), i), sp.S.One),
    (Total(Delta(k - c[i]), k), sp.S.One),  # c[i] is a place in the other axis
    (Total(Delta(j - c[i]) * v[j], j, i), Total(v[j], j)),
    (Total(Delta(i - d[j]), j), sp.S.One),
    (InRange(i + 1, A), sp.S.One),
    (R[i, c[k]], R[i, c[i]]),
    # maxima over an index
    (Peak(u[i], i), Total(u[i], i)),
    (Peak(-u[i], i), -Peak(u[i], i)),
    (Peak(s * u[i], i), s * Peak(u[i], i)),
    (Peak(u[i] ** 2, i), Peak(u[i], i) ** 2),
    (Peak(M[i, k], k), Peak(M[k, i], k)),
    (u[ArgPeak(u[i] ** 2, i)], Peak(u[i], i)),
]


@pytest.mark.parametrize(("a", "b"), FALSE, ids=str)
def test_a_false_identity_is_not_believed(a, b):
    assert equal(a, b) is None
    assert any(differs(a, b, place) for w in POINTS for place in placements([a, b], w))


def differs(a, b, place):
    try:
        return not close(value(a, place), value(b, place))
    except (ValueError, ZeroDivisionError):
        return False


TRUE = [
    (sp.sqrt(s**2), sp.Abs(s)),
    (sp.sqrt(sp.expand((s - 1) ** 2)), sp.Abs(s - 1)),
    (1 / sp.sqrt(sp.expand((s + 3) ** 2 * (1 + t**2))), 1 / (sp.Abs(s + 3) * sp.sqrt(1 + t**2))),
    (sp.sqrt(4 * q - 4 * q * s), 2 * sp.sqrt(q) * sp.sqrt(1 - s)),
    (sp.sqrt(1 - s) * sp.sqrt(4 - 4 * s), 2 - 2 * s),
    (q / sp.sqrt(9 - q), 9 / sp.sqrt(9 - q) - sp.sqrt(9 - q)),
    (s**2 / sp.sqrt(9 - s**2), 9 / sp.sqrt(9 - s**2) - sp.sqrt(9 - s**2)),
    (sp.sqrt(9 - s**2) / (s**2 - 9), -1 / sp.sqrt(9 - s**2)),
    (sp.tanh(s), 2 / (1 + sp.exp(-2 * s)) - 1),
    (1 / (1 + sp.exp(-s)), sp.exp(s) / (1 + sp.exp(s))),
    (sp.log(1 + sp.exp(s)), s + sp.log(1 + sp.exp(-s))),
    (sp.log(1 + sp.exp(s)), sp.Max(0, s) + log1p(sp.exp(-sp.Abs(s)))),
    (log1p(expm1(s)), s),
    (xlogy(s, q), s * sp.log(q)),
    (held(s, -1), s),
    (sp.Max(0, s), s * UnitStep(s)),
    (UnitStep(s), 1 - UnitStep(-s, 1)),
    (UnitStep(-s, sp.Rational(1, 4)), 1 - UnitStep(s, sp.Rational(3, 4))),
    (UnitStep(s, 1) * UnitStep(s), UnitStep(s)),
    (s * UnitStep(s, 1), s * UnitStep(s, 0)),
    (sp.Abs(s), sp.sign(s) * s),
    (sp.Piecewise((s, s > 0), (0, True)), sp.Max(0, s)),
    (sp.Piecewise((s, s < 0), (t, True)), sp.Piecewise((t, s >= 0), (s, True))),
    (1 / (s * t) + 1 / (s * (s - t)), 1 / (t * (s - t))),
    ((s**2 - t**2) / (s - t), s + t),
    (Total(s, i), A * s),
    (Total(u[i] * v[j], i, j), Total(u[i], i) * Total(v[j], j)),
    (Total(M[i, k] - M[k, i], i, k), sp.S.Zero),
    (Total((u[i] - Total(u[k], k) / A), i), sp.S.Zero),
    (Total(P[i] / Total(P[k], k), i), sp.S.One),
    (Total(Delta(i - k) * M[i, k], k), M[i, i]),
    (Total(Delta(j - c[i]) * v[j], j), v[c[i]]),
    (Total(Delta(i - k + 1) * u[i] ** 2, i), InRange(k - 1, A) * u[k - 1] ** 2),
    (Delta(i - k) * u[i], Delta(i - k) * u[k]),
    (Delta(i - k) ** 2, Delta(k - i)),
    (UnitStep(R[i, c[k]]), sp.S.One),
    (sp.log(sp.exp(s) * P[i] ** 2 / q), s + 2 * sp.log(P[i]) - sp.log(q)),
    (2**s * 3**s, 6**s),
]


@pytest.mark.parametrize(("a", "b"), TRUE, ids=str)
def test_a_true_identity_is_known(a, b):
    assert equal(a, b) is True
    assert not any(differs(a, b, place) for w in POINTS for place in placements([a, b], w))


ROOTS = [
    q / sp.sqrt(2 - q / 3), s**2 / sp.sqrt(9 - s**2), s**2 / sp.sqrt(s**2 - 3 * s + 2),
    s * sp.sqrt(2 * s * t) / sp.sqrt(9 - s * t), q * s / sp.sqrt(-s - s * t),
    (s**3 - 3 * s + 2) ** sp.Rational(-3, 2), s**2 * (4 - q * s**2) ** sp.Rational(-5, 2),
]  # fmt: skip


@pytest.mark.parametrize("e", ROOTS, ids=str)
def test_the_normal_form_of_a_root_has_its_value(e):
    found = normal(e)
    places = [place for w in POINTS for place in placements([e], w)]
    assert any(differs(2 * e, e, place) for place in places)  # it has a value somewhere
    assert not any(differs(e, found, place) for place in places)


BEYOND = [
    (sp.Abs(s * t), sp.Abs(s) * sp.Abs(t)),
    (sp.Max(s, t) + sp.Min(s, t), s + t),
    (sp.Max(s, t), (s + t + sp.Abs(s - t)) / 2),
    (sp.erfc(s), 1 - sp.erf(s)),
    (Total(u[i + 1], i), Total(u[i], i) - u[0]),
    (Total(Delta(2 * i - k), k), sp.Piecewise((1, 2 * i < A), (0, True))),
    (Peak(q * u[i], i), q * Peak(u[i], i)),
    (u[ArgPeak(u[i], i)], Peak(u[i], i)),
    (sp.log((1 + s**2) * (1 + t**2)), sp.log(1 + s**2) + sp.log(1 + t**2)),
]


@pytest.mark.parametrize(("a", "b"), BEYOND, ids=str)
def test_what_is_beyond_the_normal_form_is_undecided_or_known_and_never_refuted(a, b):
    assert equal(a, b) in (None, True)
    assert not any(differs(a, b, place) for w in POINTS for place in placements([a, b], w))
