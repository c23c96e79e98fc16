"""The activations that need an error function, a logarithm of a sum, a slope or a jump."""

from dataclasses import replace
from functools import cache

import mpmath
import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.book.catalogue import entry
from symdl.calculus.compose import elementwise
from symdl.calculus.differentiate import differentiate
from symdl.catalog import activations, layers
from symdl.errors import Impossible
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.networks import judge_running_form
from symdl.evidence.recheck import recheck
from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indicators import UnitStep
from symdl.notation.normal import is_zero
from symdl.notation.tensors import real, tensors
from symdl.training.gradient import compile_gradient

MP = mpmath.mp.clone()
MP.dps = 60
n, j = sd.indices("n:N j:K")
z, h = tensors("z[n,j] h[n,j]", n, j)
x, y = real("x"), real("y")
DTYPES = ["float64", "float32"]

NAMES = [
    "step", "sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "selu", "softplus", "softsign",
    "silu", "gelu", "gelu_tanh", "mish", "hard_sigmoid", "hard_silu", "log_sigmoid",
    "softmax", "log_softmax", "maxout",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_activation_is_an_entry_and_proved(name):
    known = {f.name: f for f in (*activations.ALL, *layers.ALL)}
    assert known[name].source
    assert known[name].domain
    assert entry(name).level == "proved"
    assert {what for what, _ in entry(name).verdicts} >= {"the form that runs"}


@cache
def running(formula, dtype):
    """Value and gradient of each element of an array, as in training."""
    return compile_gradient(elementwise(formula, z[n, j], h), dtype=dtype)


def distances(found, x, functions):
    """The error in units of the last place over max(1, |x f'/f|): value, or slope."""
    f, slope = functions
    out = []
    for v, ours in zip(x, found, strict=True):
        at = MP.mpf(float(v))
        exact = f(at)
        condition = max(1, abs(at * slope(at) / exact)) if exact else 1
        with np.errstate(under="ignore"):
            unit = float(np.spacing(np.abs(x.dtype.type(float(exact)))))
        out.append(float(abs(MP.mpf(float(ours)) - exact) / unit / condition))
    return max(out)


def gelu(v):
    return v * MP.ncdf(v)


def gelu_slope(v):
    return MP.ncdf(v) + v * MP.npdf(v)


def gelu_second(v):
    return (2 - v * v) * MP.npdf(v)


def around(dtype):
    rng = np.random.default_rng(0)
    grid = [np.linspace(-40, 40, 1601), rng.uniform(-2, 2, 600), rng.uniform(-9, -1, 600)]
    tiny = 10.0 ** rng.uniform(-30, 0, 200)
    return np.concatenate([*grid, tiny, -tiny]).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gelu_and_its_gradient_over_the_whole_range(dtype):
    v = around(dtype)
    with np.errstate(all="raise", under="ignore"):
        value, slope = running(activations.GELU, dtype)(v[None, :], np.ones((1, len(v)), dtype))
    assert value.dtype == slope.dtype == dtype
    assert distances(value[0], v, (gelu, gelu_slope)) <= 4
    assert distances(slope[0], v, (gelu_slope, gelu_second)) <= 8  # a sum of two such terms


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gelu_that_cancels_is_seen(dtype):
    """1 + erf u taken as written: its left tail has no digit left."""
    v = np.linspace(-9, -4, 20).astype(dtype)
    one = v.dtype.type(1)
    erf = np.array([float(MP.erf(MP.mpf(float(w)) / MP.sqrt(2))) for w in v]).astype(dtype)
    assert distances(v * (one + erf) / 2, v, (gelu, gelu_slope)) > 1e3


def test_gelu_of_one_equation_has_the_same_value():
    own = Formula(sp.Eq(y, x * (1 + sp.erf(x / sp.sqrt(2))) / 2), output=y, inputs=[x])
    assert judge_running_form(own).level == "proved"
    assert sd.compile(own)(-20.0) == pytest.approx(float(gelu(MP.mpf(-20))), rel=1e-12)


def test_special_values_of_gelu():
    given = np.array([[0.0, -0.0, 1e3, -1e3, np.nan]])
    value, slope = running(activations.GELU, "float64")(given, np.ones_like(given))
    np.testing.assert_array_equal(value, [[0, 0, 1e3, 0, np.nan]])
    np.testing.assert_array_equal(slope, [[0.5, 0.5, 1, 0, np.nan]])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda e: e * sp.Rational(1001, 1000),
        lambda e: e.replace(sp.erf, lambda u: sp.erf(2 * u)),
        lambda e: e.replace(sp.erf, lambda u: -sp.erf(u)),
    ],
)
def test_another_gelu_is_refuted(wrong):
    f = activations.GELU
    right = inlined(f.equation(f.output).rhs, f.equations)
    assert judge_equation(right, right).level == "proved"
    assert judge_equation(wrong(right), right).level == "refuted"


def test_log_softmax_is_the_logarithm_of_probabilities():
    f = activations.LOG_SOFTMAX
    out = f.equation(f.output)
    i = out.index[1]
    total = inlined(Total(sp.exp(out.rhs), i), f.equations)
    assert is_zero(total - 1)
    assert judge_equation(total, sp.S.One).level == "proved"
    assert judge_equation(2 * total, sp.S.One).level == "refuted"
    levels = {what: verdict.level for what, verdict in judge_adjoint(f)}
    assert set(levels.values()) == {"proved"}
    assert "gradient of z" in levels


LOGITS = [
    [0.0, 0.0, 0.0], [1e4, 0.0, -1e4], [80.0, 700.0, 709.0], [1e30, 1e30, -1e30],
    [-750.0, 0.5, 750.0], [3e38, 0.0, -1.0], [1.0, -2.0, 0.25],
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", LOGITS, ids=str)
def test_log_softmax_and_its_gradient_do_not_overflow(row, dtype):
    """Against mpmath; for an adjoint g the gradient is g - p sum g."""
    given, up = np.array([row], dtype), np.array([[0.5, -1.0, 2.0]], dtype)
    value, slope = compile_gradient(activations.LOG_SOFTMAX, dtype=dtype)(given, up)
    exact = [MP.mpf(float(v)) for v in given[0]]
    top = max(exact)
    total = MP.fsum(MP.exp(v - top) for v in exact)
    right = [v - top - MP.log(total) for v in exact]
    g = [MP.mpf(float(v)) for v in up[0]]
    gradient = [a - MP.exp(r) * MP.fsum(g) for a, r in zip(g, right, strict=True)]
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(value[0], [float(v) for v in right], rtol=8 * eps, atol=1e-30)
    np.testing.assert_allclose(slope[0], [float(v) for v in gradient], rtol=0, atol=8 * eps)


def test_log_softmax_passes_nan_on():
    found = sd.compile(activations.LOG_SOFTMAX)(np.array([[np.nan, 0, 1], [0, 0, 0]]))
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


X = np.array([[-1.0, 0.0], [2.0, -3.0]])


@pytest.mark.parametrize(("name", "at_zero"), [("step", 1), ("step_strict", 0)])
def test_a_step_predicts(name, at_zero):
    model = sd.Sequential([sd.Input(2), sd.Dense(2, use_bias=False), sd.Activation(name)])
    model.set_weights([np.eye(2)])
    np.testing.assert_array_equal(model.predict(X), [[0, at_zero], [1, 0]])
    model.compile(optimizer=None, loss="mse")
    assert model.evaluate(X, np.zeros((2, 2))) == pytest.approx((at_zero + 1) / 4)
    inside = sd.Sequential([sd.Input(2), sd.Dense(2, name, use_bias=False)])
    inside.set_weights([np.eye(2)])
    np.testing.assert_array_equal(inside.predict(X), model.predict(X))


@pytest.mark.parametrize(
    ("model", "stuck"),
    [
        ([sd.Dense(3, "step"), sd.Dense(1)], "dense_1.W, dense_1.b would"),
        ([sd.Dense(3, "relu"), sd.Dense(1, "step_strict")], "dense_1.W, .* dense_2.b would"),
        ([sd.Dense(3, use_bias=False), sd.Activation("step"), sd.Dense(1)], "dense_1.W would"),
    ],
)
def test_what_a_step_would_keep_from_learning_is_refused(model, stuck):
    net = sd.Sequential([sd.Input(2), *model])
    net.compile(optimizer="sgd", loss="mse")
    with pytest.raises(Impossible, match=stuck + ".* the derivative of 'step"):
        net.fit(X, np.ones((2, 1)), epochs=1, verbose=0)


def test_a_step_below_all_weights_is_no_hindrance():
    net = sd.Sequential([sd.Input(2), sd.Activation("step"), sd.Dense(1)])
    net.compile(optimizer="sgd", loss="mse")
    before = net.get_weights()[0].copy()
    net.fit(X, np.ones((2, 1)), epochs=1, verbose=0)
    assert not np.array_equal(net.get_weights()[0], before)


def test_the_derivative_of_a_step_is_0_off_the_jump():
    for formula in (activations.STEP, activations.STEP_STRICT):
        assert all(v.level == "proved" for _, v in judge_adjoint(formula))
        assert "x = 0: a jump" in formula.kinks[0]
    node = differentiate(UnitStep(x**2 - 1, 1), x)
    assert recheck(node, judge_equation).level == "proved"
    assert recheck(replace(node, after=sp.S.One), judge_equation).level == "refuted"
    assert recheck(replace(node, conditions=()), judge_equation).level != "proved"
    moving = differentiate(UnitStep(y, sp.Rational(1, 2)), x)
    assert moving.after == 0


def test_prelu_learns_its_slope_as_an_activation():
    net = sd.Sequential([sd.Input(2), sd.Dense(2), sd.Activation("prelu", initial={"alpha": 0.25})])
    net.compile(optimizer="sgd", loss="mse")
    net.fit(X, -np.ones((2, 2)), epochs=2, verbose=0)
    slopes = net.get_weights()[-1]
    assert slopes.shape == (2,)
    assert not np.array_equal(slopes, [0.25, 0.25])
