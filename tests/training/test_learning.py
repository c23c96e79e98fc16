"""Models learn what they can learn, and not what they cannot."""

from pathlib import Path

import numpy as np
import pytest

import symdl.data
from symdl.training.data import one_hot, read_csv, split, standardize
from symdl.training.layers import Dense
from symdl.training.optimizers import SGD, Adam
from symdl.training.sequential import Sequential

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
EXCLUSIVE = np.array([0.0, 1.0, 1.0, 0.0])
IRIS = Path(symdl.data.__path__[0]) / "iris.csv"


@pytest.mark.parametrize("optimizer", [SGD(1.0, momentum=0.9), Adam(0.05)])
def test_two_layers_learn_exclusive_or(optimizer):
    model = Sequential([Dense(8, "tanh"), Dense(1, "sigmoid")])
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(XOR, EXCLUSIVE, epochs=300, batch_size=4)
    assert history.history["accuracy"][-1] == 1
    assert history.history["loss"][-1] < 0.05
    np.testing.assert_array_equal(model.predict(XOR)[:, 0] > 0.5, EXCLUSIVE > 0.5)


def test_one_layer_does_not():
    model = Sequential([Dense(1, "sigmoid")])
    model.compile(SGD(1.0), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(XOR, EXCLUSIVE, epochs=300, batch_size=4)
    assert history.history["accuracy"][-1] <= 0.75
    assert history.history["loss"][-1] == pytest.approx(np.log(2), rel=1e-3)


def test_a_line_is_found():
    x = np.linspace(-1, 1, 32)[:, None]
    model = Sequential([Dense(1)])
    model.compile(SGD(0.3), "mse", metrics=["mae"])
    history = model.fit(x, 3 * x[:, 0] - 2, epochs=100)
    kernel, bias = model.get_weights()
    assert kernel[0, 0] == pytest.approx(3, abs=1e-4)
    assert bias[0] == pytest.approx(-2, abs=1e-4)
    assert history.history["mae"][-1] < 1e-4


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_iris_is_learned(dtype):
    table = read_csv(IRIS, target="species")
    assert table.classes == ("setosa", "versicolor", "virginica")
    x, x_test, c, c_test = split(table.x, table.y, 0.3, seed=1, stratify=True)
    x, x_test = standardize(x, x_test)
    model = Sequential([Dense(8, "relu"), Dense(3, "softmax")], seed=1)
    model.compile(Adam(0.02), "categorical_crossentropy", ["accuracy"], dtype)
    model.fit(x, one_hot(c, 3), epochs=40, batch_size=16)
    found = model.evaluate(x_test, one_hot(c_test, 3))
    assert isinstance(found, list)
    assert found[1] >= 0.93
