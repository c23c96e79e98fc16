"""Compiled activations and cross entropies over the whole range of a dtype, against mpmath."""

from functools import cache

import mpmath
import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.catalog import activations, losses
from tests.backends.compiled_functions import needs_compiler

mpmath.mp.dps = 60
DTYPES = ["float32", "float64"]


@pytest.fixture(params=["numpy", "compiled"])
def backend(request):
    if request.param == "compiled":
        needs_compiler()
    return request.param


def sweep(dtype):
    """Log-spaced magnitudes of both signs over the whole range, zeros and tiny numbers."""
    info = np.finfo(dtype)
    low, high = np.log10(float(info.tiny)), np.log10(float(info.max)) - 0.1
    grid = 10.0 ** np.linspace(low, high, 120)
    grid = np.concatenate([grid, np.linspace(0.1, 120, 60), [0.0, float(info.smallest_subnormal)]])
    return np.concatenate([grid, -grid]).astype(dtype)


def truth(f, x, dtype):
    """The exact values, rounded once to the dtype."""
    with np.errstate(over="ignore"):
        return np.array([np.dtype(dtype).type(str(f(mpmath.mpf(float(v))))) for v in x])


def assert_right(found, exact, dtype):
    finite = np.isfinite(exact)
    assert found.dtype == dtype
    assert np.isfinite(found[finite]).all()
    error = np.abs(found[finite].astype(np.longdouble) - exact[finite].astype(np.longdouble))
    assert (error <= 8 * np.spacing(np.abs(exact[finite]))).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("formula", "exact"),
    [
        (activations.SIGMOID, lambda v: 1 / (1 + mpmath.exp(-v))),
        (activations.TANH, mpmath.tanh),
        (activations.RELU, lambda v: max(v, 0)),
        (activations.LEAKY_RELU, lambda v: v if v > 0 else v / 10),
    ],
    ids=lambda a: getattr(a, "name", ""),
)
def test_activation_over_the_whole_range(formula, exact, dtype, backend):
    x = sweep(dtype)
    run = sd.compile(formula, dtype=dtype, backend=backend)
    found = np.array([run(v) for v in x])
    assert_right(found.astype(dtype), truth(exact, x, dtype), dtype)
    assert np.isnan(run(np.dtype(dtype).type("nan")))


@cache
def model(units, activation, loss, dtype, backend):
    """A model whose logits are its input: the kernel is the identity."""
    net = sd.Sequential([sd.Input(units), sd.Dense(units, activation=activation, use_bias=False)])
    net.set_weights([np.eye(units)])
    net.compile(optimizer=None, loss=loss, dtype=dtype, backend=backend)
    return net.step


LOGITS = [
    [0.0, 0.0, 0.0],
    [1e4, 0.0, -1e4],
    [-1e4, -1e4, -1e4 - 1],
    [80.0, 700.0, 709.0],
    [1e30, 1e30, -1e30],
    [-750.0, 0.5, 750.0],
    [3e38, 0.0, -1.0],
]


def softmax(row):
    row = [mpmath.mpf(float(v)) for v in row]
    top = max(row)
    exps = [mpmath.exp(v - top) for v in row]
    return [e / sum(exps) for e in exps]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", LOGITS)
def test_softmax(row, dtype, backend):
    row = np.array([row], dtype)
    step = model(3, "softmax", "categorical_crossentropy", dtype, backend)
    found = step.forward(row)
    assert_right(found[0], np.array([np.dtype(dtype).type(str(p)) for p in softmax(row[0])]), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", LOGITS)
@pytest.mark.parametrize("label", [0, 1, 2])
@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_categorical_cross_entropy_of_logits(row, label, loss, dtype, backend):
    row = np.array([row], dtype)
    target = np.array([label]) if loss.startswith("sparse") else np.eye(3, dtype=dtype)[[label]]
    exact = -mpmath.log(softmax(row[0])[label])
    found = model(3, "softmax", loss, dtype, backend).evaluate(row, target)
    eps = float(np.finfo(dtype).eps)
    assert np.isfinite(found)
    assert abs(found - float(exact)) <= 8 * eps * max(1.0, float(exact))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("z", [0.0, 1e-30, 5.0, -5.0, 40.0, -40.0, 800.0, -800.0, 1e30, -1e30])
@pytest.mark.parametrize("target", [0.0, 1.0, 0.25])
def test_binary_cross_entropy_of_logits(z, target, dtype, backend):
    v = mpmath.mpf(float(np.dtype(dtype).type(z)))
    exact = mpmath.log1p(mpmath.exp(-abs(v))) + max(v, 0) - v * target
    found = model(1, "sigmoid", "binary_crossentropy", dtype, backend).evaluate(
        np.array([[z]], dtype), np.array([[target]], dtype)
    )
    assert found == pytest.approx(float(exact), rel=8 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("p", "t", "exact"),
    [
        ([1.0, 0.0], [1.0, 0.0], 0.0),
        ([0.0, 1.0], [0.0, 1.0], 0.0),
        ([1e-30, 1.0], [1.0, 0.0], 30 * np.log(10)),
        ([0.25, 0.75], [0.5, 0.5], -0.5 * np.log(0.1875)),
    ],
)
def test_cross_entropy_of_probabilities_is_not_clamped(p, t, exact, dtype, backend):
    run = sd.compile(losses.CATEGORICAL_CROSSENTROPY, dtype=dtype, backend=backend)
    found = run(np.array([p], dtype), np.array([t], dtype))
    assert float(found) == pytest.approx(exact, rel=4 * float(np.finfo(dtype).eps), abs=0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_in_gives_nan_out(dtype, backend):
    nan = float("nan")
    softmaxed = model(3, "softmax", "categorical_crossentropy", dtype, backend)
    assert np.isnan(softmaxed.forward(np.array([[nan, 0, 1]], dtype))).all()
    target = np.eye(3, dtype=dtype)[[1]]
    assert np.isnan(softmaxed.evaluate(np.array([[nan, 0, 1]], dtype), target))
    one = np.array([[1.0]], dtype)
    sigmoid = model(1, "sigmoid", "binary_crossentropy", dtype, backend)
    assert np.isnan(sigmoid.forward(nan * one)).all()
    assert np.isnan(sigmoid.evaluate(nan * one, one))
    for formula in (losses.CATEGORICAL_CROSSENTROPY, losses.BINARY_CROSSENTROPY):
        run = sd.compile(formula, dtype=dtype, backend=backend)
        assert np.isnan(run(nan * one, 0 * one))


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_float32_stays_float32(loss, backend):
    step = model(3, "softmax", loss, "float32", backend)
    x = np.zeros((2, 3), np.float32)
    assert step.forward(x).dtype == np.float32


N, J, K2 = sd.indices("n:N j:K k:K")
Z, P = sd.tensors("z[n,j] p[n,j]", N, J)
WHOLE = sd.total(sp.exp(Z[N, K2]), K2)
OWN = {
    "softmax": (sp.exp(Z[N, J]) / WHOLE, softmax),
    "log of softmax": (Z[N, J] - sp.log(WHOLE), lambda row: [mpmath.log(p) for p in softmax(row)]),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", LOGITS[:6])
@pytest.mark.parametrize("name", OWN)
def test_a_users_own_softmax_in_one_equation_is_finite_too(name, row, dtype, backend):
    formula, exact = OWN[name]
    own = sd.Formula(sp.Eq(P[N, J], formula), output=P, inputs=Z)
    run = sd.compile(own, dtype=dtype, backend=backend)
    row = np.array([row], dtype)
    found, right = run(row)[0], np.array([float(v) for v in exact(row[0])])
    scale = max(1.0, float(np.abs(row).max()))
    tolerance = 8 * float(np.finfo(dtype).eps) * (scale if name != "softmax" else 1.0)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, right, rtol=8 * float(np.finfo(dtype).eps), atol=tolerance)
