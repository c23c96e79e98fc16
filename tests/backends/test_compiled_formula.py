"""Plain formulas on the compiled backend: the same values, checks and errors as on NumPy."""

import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.catalog import activations, losses
from symdl.training.gradient import compile_gradient
from tests.backends.compiled_functions import needs_compiler

n, i, j = sd.indices("n:N i:D j:K")
X, W, Z = sd.tensors("x[n,i] W[i,j] z[n,j]", n, i, j)
DENSE = sd.Formula(
    sp.Eq(Z[n, j], sd.total(X[n, i] * W[i, j], i)), output=Z, inputs=[X], parameters=[W]
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_product_for_changing_sizes(dtype):
    needs_compiler()
    run, generator = sd.compile(DENSE, backend="compiled", dtype=dtype), np.random.default_rng(0)
    assert run.backend == "compiled"
    assert "nest" in run.source or "product" in run.source
    for shape in ((2, 3, 4), (64, 32, 48), (1, 1, 1), (2, 3, 4)):
        x, w = generator.normal(size=shape[:2]), generator.normal(size=shape[1:])
        found = run(x, w)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, x @ w, rtol=1e-4 if dtype == "float32" else 1e-12)


def test_results_are_the_callers_own():
    needs_compiler()
    run = sd.compile(activations.SOFTMAX, backend="compiled")
    first = run([[0.0, 0.0]])
    run([[0.0, 50.0]])
    assert first.tolist() == [[0.5, 0.5]]


def test_several_outputs_numbers_and_labels():
    needs_compiler()
    run = compile_gradient(losses.SPARSE_CATEGORICAL_CROSSENTROPY, backend="compiled")
    loss, gradient = run([[0.25, 0.75], [0.5, 0.5]], [1, 0])
    assert loss == pytest.approx(-np.log(0.75 * 0.5) / 2, rel=1e-15)
    np.testing.assert_allclose(gradient, [[0, -2 / 3], [-1, 0]], rtol=1e-15)
    assert compile_gradient(activations.SIGMOID, backend="compiled")(0.0) == (0.5, 0.25)


def test_the_same_errors():
    needs_compiler()
    run = sd.compile(DENSE, backend="compiled")
    with pytest.raises(sd.Mismatch, match="D = 3"):
        run(np.ones((2, 3)), np.ones((4, 5)))
    with pytest.raises(sd.Mismatch, match="2 arrays are needed"):
        run(np.ones((2, 3)))
    labelled = sd.compile(losses.SPARSE_CATEGORICAL_CROSSENTROPY, backend="compiled")
    with pytest.raises(sd.Mismatch, match="0 to 1"):
        labelled([[0.5, 0.5]], [2])
    with pytest.raises(sd.NotSupported, match="cuda"):
        sd.compile(DENSE, backend="cuda")


def test_without_a_compiler_numpy_runs_and_says_so(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.warns(RuntimeWarning, match="NumPy backend runs instead"):
        run = sd.compile(activations.TANH, backend="compiled")
    assert run.backend == "numpy"
    assert run(0.0) == 0.0
