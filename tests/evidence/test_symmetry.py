"""Symmetric starts: judged on derived adjoints, and run in plain NumPy."""

import numpy as np
import pytest
import sympy as sp

from symdl.calculus.compose import chain
from symdl.catalog import activations as act
from symdl.catalog import layers
from symdl.catalog.losses import MSE
from symdl.errors import InputError
from symdl.evidence.symmetry import (
    gradient_at,
    judge_alike,
    judge_stays_zero,
    two_layers,
    with_unit_alike,
)  # fmt: skip
from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indices import Index, indices, size_of
from symdl.notation.normal import equal
from symdl.notation.tensors import tensors

H = size_of("H")


def weight(net, name):
    return next(p for p in net.parameters if p.name == name)


@pytest.mark.parametrize("activation", [act.TANH, act.SIGMOID, act.RELU], ids=lambda a: a.name)
def test_units_that_are_alike_get_the_same_gradients(activation):
    net = two_layers(layers.DENSE, activation, MSE)
    found = dict(judge_alike(net, H))
    assert set(found) == {"gradient of W1", "gradient of b1", "gradient of W2"}
    assert all(v.level == "proved" for v in found.values())


def test_units_with_a_number_of_their_own_are_not_alike():
    """sum_h v_h tanh(w_h x) a_h with given a: a_h tells the units apart."""
    h, n = indices("h:H n:N")
    v, w, a, x, y = tensors("v[h] w[h] a[h] x[n] y[n]", h, n)
    net = Formula(
        sp.Eq(y[n], Total(v[h] * sp.tanh(w[h] * x[n]) * a[h], h)),
        output=y, inputs=[x, a], parameters=[v, w],
    )  # fmt: skip
    assert {verdict.level for _, verdict in judge_alike(net, H)} == {"refuted"}


def test_dropout_breaks_the_symmetry():
    h, n = indices("h:H n:N")
    v, w, x, u, s, y = tensors("v[h] w[h] x[n] u[n,h] s[n,h] y[n]", h, n)
    net = Formula(
        [sp.Eq(s[n, h], sp.tanh(w[h] * x[n]) * u[n, h]), sp.Eq(y[n], Total(v[h] * s[n, h], h))],
        output=y, inputs=[x], parameters=[v, w], random=[u],
    )  # fmt: skip
    assert {verdict.level for _, verdict in judge_alike(net, H)} == {"refuted"}


def test_the_other_unit_is_put_in_outside_of_sums_alone():
    h = indices("h:H")
    v, g = tensors("v[h] g[h]", h)
    a, b = Index("a", H), Index("b", H)
    e = v[b] * g[b] + Total(v[h], h)
    assert with_unit_alike(e, (v,), b, a) == v[a] * g[b] + Total(v[h], h)


def test_no_parameter_over_the_axis():
    with pytest.raises(InputError, match="lies over Z"):
        judge_alike(two_layers(layers.DENSE, act.TANH, MSE), size_of("Z"))


@pytest.mark.parametrize("activation", [act.TANH, act.SIGMOID, act.RELU], ids=lambda a: a.name)
def test_a_second_kernel_of_zeros_stops_the_first(activation):
    net = two_layers(layers.DENSE, activation, MSE)
    first, second = weight(net, "W1"), weight(net, "W2")
    assert judge_stays_zero(net, first, {second: sp.S.Zero}).level == "proved"
    assert judge_stays_zero(net, first, {second: sp.Rational(1, 100)}).level == "refuted"
    assert judge_stays_zero(net, second, {second: sp.S.Zero}).level == "refuted"


def test_zeros_everywhere_by_hand():
    """At zeros y = 0, so the last bias gets -2 sum t / (N K), and tanh leaves all others at 0."""
    net = two_layers(layers.DENSE, act.TANH, MSE)
    start = dict.fromkeys(net.parameters, sp.S.Zero)
    *others, last = net.parameters
    assert all(gradient_at(net, p, start) == 0 for p in others)
    n, j = MSE.inputs[1].axes
    t = MSE.inputs[1]
    k, m = Index("k", j), Index("m", n)
    found = gradient_at(net, last, start)
    by_hand = -2 * Total(t[m, k], m) / (n * j)
    assert equal(found.xreplace({Index("j", j): k}), by_hand)


def test_a_symmetric_net_in_numpy():
    """Ten steps from a symmetric start: the columns stay equal, bit for bit."""
    generator = np.random.default_rng(0)
    x, t = generator.standard_normal((2, 20, 3))
    w1, w2 = np.full((3, 4), 0.3), np.full((4, 3), -0.2)
    for _ in range(10):
        h = np.tanh(x @ w1)
        dy = 2 * (h @ w2 - t) / t.size
        g2, g1 = h.T @ dy, x.T @ (dy @ w2.T * (1 - h**2))
        w1, w2 = w1 - 0.5 * g1, w2 - 0.5 * g2
    assert np.ptp(w1, axis=1).max() < 1e-15
    assert np.ptp(w2, axis=0).max() < 1e-15
    assert np.ptp(w1, axis=0).max() > 1e-3


def test_a_net_of_two_layers():
    net = two_layers(layers.DENSE, act.TANH)
    assert [p.name for p in net.parameters] == ["W1", "b1", "W2", "b2"]
    assert weight(net, "W1").axes == (size_of("D"), H)
    assert weight(net, "W2").axes == (H, size_of("K"))
    assert chain(net, MSE).output == MSE.output
