"""The gradient of a whole model against central differences of its loss."""

import numpy as np
import pytest

from symdl.training.layers import Activation, Dense
from symdl.training.sequential import Sequential

RNG = np.random.default_rng(4)
X = RNG.standard_normal((7, 5))
ROWS = RNG.dirichlet(np.ones(3), 7)
UNIT = RNG.random((7, 3))
LABELS = RNG.integers(0, 3, 7)
NUMBERS = RNG.standard_normal((7, 3))

CASES = [
    ("categorical_crossentropy", "softmax", ROWS),
    ("sparse_categorical_crossentropy", "softmax", LABELS),
    ("binary_crossentropy", "sigmoid", UNIT),
    *(
        (loss, activation, NUMBERS)
        for loss in ("mse", "half_squared_error")
        for activation in (None, "sigmoid", "tanh", "relu", "leaky_relu", "softmax")
    ),
]


def central_differences(model, y, h=1e-6):
    gradients = []
    for k, w in enumerate(model.get_weights()):
        gradient = np.empty_like(w)
        for index in np.ndindex(w.shape):
            sides = []
            for sign in (1, -1):
                moved = model.get_weights()
                moved[k][index] += sign * h
                model.set_weights(moved)
                sides.append(model.evaluate(X, y))
                moved[k][index] -= sign * h
                model.set_weights(moved)
            gradient[index] = (sides[0] - sides[1]) / (2 * h)
        gradients.append(gradient)
    return gradients


@pytest.mark.parametrize(("loss", "activation", "y"), CASES)
def test_gradient_of_a_model(loss, activation, y):
    model = Sequential(
        [
            Dense(4, "tanh", input_dim=5),
            Dense(3, use_bias=False),
            Activation("leaky_relu"),
            Dense(4, "softmax"),
            Dense(3, activation, kernel_initializer="glorot_normal"),
        ],
        seed=1,
    )
    model.compile("sgd", loss)
    expected = central_differences(model, y)
    weights = model.get_weights()
    targets = y if y.ndim == 1 else y.astype(float)
    value, found = model.step.gradients(X, targets)
    assert value == pytest.approx(model.evaluate(X, y))
    for (name, gradient), right in zip(found.items(), expected, strict=True):
        np.testing.assert_allclose(gradient, right, rtol=1e-6, atol=1e-8, err_msg=name)
    model.train_on_batch(X, y)
    for new, old, right in zip(model.get_weights(), weights, expected, strict=True):
        np.testing.assert_allclose(new, old - 0.01 * right, rtol=1e-6, atol=1e-8)
