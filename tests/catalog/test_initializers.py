"""Initial weights: bounds, moments and distribution, for all shapes and chosen constants."""

import math

import numpy as np
import pytest

import symdl as sd
from symdl.catalog import initializers
from symdl.errors import InputError
from symdl.training.initialize import draw
from symdl.training.layers import INITIALIZERS

SHAPES = [(300, 200), (20, 900)]

# the variance by hand for (fan_in, fan_out)
VARIANCE = {
    "glorot_uniform": lambda a, b: 2 / (a + b),
    "glorot_normal": lambda a, b: 2 / (a + b),
    "he_uniform": lambda a, b: 2 / a,
    "he_normal": lambda a, b: 2 / a,
    "lecun_uniform": lambda a, b: 1 / a,
    "lecun_normal": lambda a, b: 1 / a,
    "random_uniform": lambda a, b: 0.05**2 / 3,
    "random_normal": lambda a, b: 0.05**2,
}


def drawn(name, shape, seed=4):
    return draw(INITIALIZERS[name], shape, np.random.default_rng(seed))


def test_all_drawn_ones_are_tested():
    assert set(VARIANCE) == {f.name for f in initializers.ALL if f.random}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", VARIANCE)
def test_moments_and_bounds(name, shape):
    w, variance = drawn(name, shape), VARIANCE[name](*shape)
    assert w.mean() == pytest.approx(0, abs=4 * math.sqrt(variance / w.size))
    assert w.var() == pytest.approx(variance, rel=0.04)
    if name.endswith("uniform"):
        bound = math.sqrt(3 * variance)
        assert 0.99 * bound < np.abs(w).max() <= bound


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", VARIANCE)
def test_distribution(name, shape):
    stats = pytest.importorskip("scipy.stats")
    w, deviation = drawn(name, shape).ravel(), math.sqrt(VARIANCE[name](*shape))
    bound = math.sqrt(3) * deviation
    uniform = name.endswith("uniform")
    exact = stats.uniform(-bound, 2 * bound) if uniform else stats.norm(0, deviation)
    assert stats.kstest(w, exact.cdf).pvalue > 0.01


def test_a_wrong_scale_fails_the_test_of_the_distribution():
    stats = pytest.importorskip("scipy.stats")
    w = drawn("he_normal", (300, 200)).ravel()
    deviation = math.sqrt(2 / 300)
    assert stats.kstest(w * 1.03, stats.norm(0, deviation).cdf).pvalue < 0.01


@pytest.mark.parametrize("shape", [(5, 5), (8, 3), (3, 8), (1, 4)])
def test_orthogonal(shape):
    w = drawn("orthogonal", shape)
    assert w.shape == shape
    few = min(shape)
    product = w.T @ w if shape[0] >= shape[1] else w @ w.T
    np.testing.assert_allclose(product, np.eye(few), atol=1e-12)
    assert w.flags.c_contiguous


def test_orthogonal_directions_have_no_preference():
    signs = [drawn("orthogonal", (2, 2), seed)[0, 0] > 0 for seed in range(400)]
    assert 150 < sum(signs) < 250


def test_orthogonal_is_for_kernels():
    with pytest.raises(InputError, match=r"a kernel of two axes, not the shape \(3,\)"):
        draw(initializers.ORTHOGONAL, (3,), np.random.default_rng(0))


def kernel(initializer, shape=(40, 30)):
    columns, units = shape
    layer = sd.Dense(units, kernel_initializer=initializer, input_dim=columns)
    return sd.Sequential([layer], seed=1).get_weights()[0]


def test_constants_are_chosen_by_words():
    assert (kernel("constant(value=-0.5)") == -0.5).all()
    assert not kernel("constant").any()
    assert kernel("random_normal(stddev=2)").std() == pytest.approx(2, rel=0.1)
    assert 2.9 < np.abs(kernel("random_uniform(limit=3)")).max() <= 3
    np.testing.assert_allclose(kernel("random_normal(stddev=0.1)"), 2 * kernel("random_normal"))
    np.testing.assert_allclose(kernel("orthogonal").T @ kernel("orthogonal"), np.eye(30), atol=1e-9)


def test_chosen_constants_are_kept_in_the_file(tmp_path):
    layer = sd.Dense(2, kernel_initializer="random_normal(stddev=0.1)", input_dim=3)
    sd.Sequential([layer]).save(tmp_path / "model.npz")
    assert sd.Sequential.load(tmp_path / "model.npz").layers == (layer,)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lecun", "Dense: unknown kernel_initializer 'lecun'; did you mean 'lecun_"),
        ("ortogonal", "did you mean 'orthogonal'"),
        ("random_normal(stddev=-1)", "stddev of random_normal must be a finite number > 0"),
        ("random_normal(mean=1)", "random_normal has no 'mean'"),
        ("constant(value=nan)", "value of constant must be"),
        ("he_normal(scale=2)", "he_normal has no 'scale'; it has no constants"),
    ],
)
def test_what_is_refused(name, message):
    with pytest.raises(InputError, match=message):
        sd.Dense(3, kernel_initializer=name)
