"""compile: from a model to the step that trains it."""

import numpy as np
import pytest

from symdl.catalog.activations import LEAKY_RELU
from symdl.catalog.layers import DENSE
from symdl.catalog.optimizers import MOMENTUM
from symdl.errors import InputError, NotSupported
from symdl.training.compile import compile
from symdl.training.layers import Dense, Input
from symdl.training.optimizers import SGD
from symdl.training.sequential import Sequential

X = np.random.default_rng(7).standard_normal((8, 2))
T = X[:, :1] * 2


def test_the_step_trains_the_model():
    model = Sequential([Input(2), Dense(1)])
    step = compile(model, loss="mse", optimizer=SGD(0.1))
    before = model.predict(X)
    first = step.step(X, T)
    assert step.step(X, T) < first
    assert not np.array_equal(model.predict(X), before)
    assert model.evaluate(X, T) == pytest.approx(step.evaluate(X, T))


def test_without_an_optimizer_there_are_gradients():
    model = Sequential([Input(2), Dense(1)])
    loss, gradients = compile(model, loss="mse").gradients(X, T)
    assert loss == pytest.approx(model.evaluate(X, T))
    residual = 2 * (model.predict(X) - T) / len(X)
    np.testing.assert_allclose(gradients["dense_1.W"], X.T @ residual)
    np.testing.assert_allclose(gradients["dense_1.b"], residual.sum(axis=0))


def test_the_loss_of_the_model_is_taken_over():
    model = Sequential([Input(2), Dense(1)])
    model.compile("sgd", "half_squared_error")
    step = compile(model, optimizer="sgd", dtype="float32")
    assert step.evaluate(X, T) == pytest.approx(model.evaluate(X, T))
    assert step.parameters["dense_1.W"].dtype == np.float32


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_formula_becomes_a_function(dtype):
    dense = compile(DENSE, dtype=dtype)
    w, b = np.ones((2, 3)), np.arange(3.0)
    found = dense(X, w, b)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, X @ w + b, rtol=1e-5)
    assert compile(LEAKY_RELU, dtype=dtype)(-1.0) == pytest.approx(-0.1)


def test_the_states_of_a_formula_are_given_and_returned():
    new, velocity = compile(MOMENTUM)(1.0, 2.0, 0.5)
    assert velocity == pytest.approx(0.9 * 0.5 - 0.01 * 2)
    assert new == pytest.approx(1 + velocity)


def test_a_formula_takes_no_loss():
    with pytest.raises(InputError, match="compiled as it is"):
        compile(DENSE, loss="mse")  # type: ignore[call-overload]
    with pytest.raises(NotSupported, match="backend 'c'"):
        compile(DENSE, backend="c")


def test_what_is_refused():
    with pytest.raises(NotSupported, match="the backend 'cuda'; there is: numpy"):
        compile(Sequential([Input(2), Dense(1)]), loss="mse", backend="cuda")
    with pytest.raises(InputError, match="give a loss"):
        compile(Sequential([Input(2), Dense(1)]))
    with pytest.raises(InputError, match="size of the input is not known"):
        compile(Sequential([Dense(1)]), loss="mse")
