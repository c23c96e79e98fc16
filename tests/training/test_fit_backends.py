"""``fit`` gives the same history and weights on both backends, for the kinds of the workloads."""

import numpy as np
import pytest

import symdl as sd
from symdl.backends import compiled
from tests.backends.compiled_functions import needs_compiler

ROWS, WIDTH = 43, 6


def classifier(normalized=False, width=9):
    """A bias before a normalization has the gradient 0 up to rounding, which Adam scales up."""
    hidden = []
    for units in (width, 8):
        hidden += [sd.Dense(units, use_bias=not normalized)]
        hidden += [sd.BatchNormalization()] if normalized else []
        hidden += [sd.Activation("relu")]
    return [*hidden, sd.Dense(3, "softmax")]


# layers, loss, optimizer, batch: W1 to W6, narrower and less deep
KINDS = {
    "W1": (
        lambda: [sd.Dense(3, "sigmoid", use_bias=False) for _ in range(2)],
        "half_squared_error", lambda: sd.SGD(0.5), 1,
    ),
    "W2": (classifier, "categorical_crossentropy", lambda: sd.Adam(0.01), 32),
    "W3": (lambda: classifier(width=20), "categorical_crossentropy", lambda: sd.Adam(0.01), 8),
    "W4": (classifier, "categorical_crossentropy", lambda: sd.SGD(0.01, momentum=0.9), 8),
    "W5": (
        lambda: [*(sd.Dense(7, "tanh") for _ in range(5)), sd.Dense(3)],
        "mean_squared_error", lambda: sd.SGD(0.01), 8,
    ),
    "W6": (
        lambda: classifier(normalized=True), "categorical_crossentropy",
        lambda: sd.Adam(0.01), 8,
    ),
}  # fmt: skip


def fitted(kind, backend, dtype):
    layers, loss, optimizer, batch = KINDS[kind]
    model = sd.Sequential([sd.Input(WIDTH), *layers()])
    model.compile(optimizer(), loss, metrics=["accuracy", "mse"], backend=backend, dtype=dtype)
    rng = np.random.default_rng(3)
    x, t = rng.normal(size=(ROWS, WIDTH)), np.eye(3)[rng.integers(0, 3, ROWS)]
    found = model.fit(x, t, epochs=2, batch_size=batch, validation_split=0.2, seed=1, verbose=0)
    assert getattr(model.step, "backend", "numpy") == backend
    return found.history, model.get_weights()


@pytest.mark.parametrize("threads", ["one thread", "two threads"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", KINDS)
def test_both_backends_agree(kind, dtype, threads, monkeypatch):
    needs_compiler()
    if threads == "two threads":  # which share small steps too
        monkeypatch.setattr(compiled, "_MUCH", 0)
        monkeypatch.setattr(compiled, "two_threads", lambda: True)
    (one, first), (two, second) = (fitted(kind, b, dtype) for b in ("numpy", "compiled"))
    close = 1e-9 if dtype == "float64" else 2e-3
    assert list(one) == list(two)
    assert "val_accuracy" in one
    for name, numbers in one.items():
        np.testing.assert_allclose(two[name], numbers, rtol=close, atol=close, err_msg=name)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(b, a, rtol=close, atol=close)
