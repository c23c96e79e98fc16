"""The mark that others are measured by must itself be right."""

import tracemalloc
from itertools import pairwise
from math import sqrt

import numpy as np
import pytest

from tests.benchmarks.handwritten import FlatAdamNet

SIZES = [[5, 3], [4, 8, 8, 3], [6, 5, 4, 3, 2]]


def problem(sizes, batch, dtype=np.float64):
    rng = np.random.default_rng(3)
    weights = []
    for fan_in, fan_out in pairwise(sizes):
        weights += [rng.standard_normal((fan_in, fan_out)) / sqrt(fan_in)]
        weights += [rng.standard_normal(fan_out) / 4]
    x = rng.standard_normal((batch, sizes[0]))
    t = np.eye(sizes[-1])[rng.integers(0, sizes[-1], batch)]
    return [w.astype(dtype) for w in weights], x.astype(dtype), t.astype(dtype)


def plain_loss(weights, x, t):
    """The same net in five lines, for complex weights too."""
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        z = x @ kernel + bias
        x = z * (z.real > 0)
    z = x @ weights[-2] + weights[-1]
    return np.mean(np.log(np.exp(z).sum(axis=1)) - (t * z).sum(axis=1))


def complex_step_gradient(weights, x, t, h=1e-30):
    gradients = []
    for k, w in enumerate(weights):
        gradient = np.empty_like(w)
        for index in np.ndindex(w.shape):
            moved = [v.astype(complex) for v in weights]
            moved[k][index] += 1j * h
            gradient[index] = plain_loss(moved, x, t).imag / h
        gradients.append(gradient)
    return gradients


@pytest.mark.parametrize("sizes", SIZES)
def test_gradient_agrees_with_complex_steps(sizes):
    weights, x, t = problem(sizes, batch=7)
    net = FlatAdamNet(sizes, 7, np.float64, weights)
    assert net.loss_and_gradient(x, t) == pytest.approx(plain_loss(weights, x, t), rel=1e-13)
    expected = complex_step_gradient(weights, x, t)
    for found, right in zip(net.get_gradients(), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-11, atol=1e-14)


def test_large_logits_stay_finite():
    weights, x, t = problem([4, 3], batch=5, dtype=np.float32)
    net = FlatAdamNet([4, 3], 5, np.float32, weights)
    assert np.isfinite(net.step(x * np.float32(1e4), t))
    assert np.isfinite(net.parameters).all()


@pytest.mark.parametrize("sizes", SIZES)
def test_steps_are_adam(sizes):
    steps = 150  # past the place where the running means are rescaled, more than once
    weights, x, t = problem(sizes, batch=7)
    net = FlatAdamNet(sizes, 7, np.float64, weights)
    m, v = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    for k in range(1, steps + 1):
        oracle = FlatAdamNet(sizes, 7, np.float64, weights)
        assert net.step(x, t) == pytest.approx(oracle.loss_and_gradient(x, t), rel=1e-9)
        rate = 0.001 * sqrt(1 - 0.999**k) / (1 - 0.9**k)
        for i, g in enumerate(oracle.get_gradients()):
            m[i] = 0.9 * m[i] + 0.1 * g
            v[i] = 0.999 * v[i] + 0.001 * g**2
            weights[i] = weights[i] - rate * m[i] / (np.sqrt(v[i]) + 1e-7 * sqrt(1 - 0.999**k))
    for found, right in zip(net.get_weights(), weights, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-8, atol=1e-10)


def test_float32_follows_float64_and_learns():
    sizes = [4, 8, 8, 3]
    weights, x, t = problem(sizes, batch=32)
    net64 = FlatAdamNet(sizes, 32, np.float64, weights)
    net32 = FlatAdamNet(sizes, 32, np.float32, weights)
    x32, t32 = x.astype(np.float32), t.astype(np.float32)
    exact = [net64.step(x, t) for _ in range(200)]
    found = [net32.step(x32, t32) for _ in range(200)]
    assert net32.parameters.dtype == np.float32
    np.testing.assert_allclose(found, exact, rtol=1e-3)
    assert exact[-1] < exact[0]


def test_a_step_allocates_no_array():
    sizes = [300, 400, 100]
    weights, x, t = problem(sizes, batch=200, dtype=np.float32)
    net = FlatAdamNet(sizes, 200, np.float32, weights)
    net.step(x, t)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(70):
            net.step(x, t)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # NumPy casts the mask through a buffer of 8,192 items; the smallest matrix here has 20,000
    assert peak - before < 4 * 10_000
