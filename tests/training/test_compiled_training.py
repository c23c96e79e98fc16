"""The compiled backend trains as the NumPy backend does: every layer, loss and optimizer."""

import numpy as np
import pytest

import symdl as sd
from symdl.backends import compiled
from symdl.backends.compiled import CompiledStep
from symdl.training.layers import ACTIVATIONS
from symdl.training.losses import LOSSES
from symdl.training.optimizers import OPTIMIZERS
from tests.backends.compiled_functions import needs_compiler

LAYERS = {
    "dropout": lambda: [sd.Dense(6, "relu"), sd.Dropout(0.3), sd.Dense(6, "tanh"), sd.Dropout(0.2)],
    "noise": lambda: [sd.Dense(6, "tanh"), sd.GaussianNoise(0.1)],
    "batch": lambda: [sd.Dense(6), sd.BatchNormalization(), sd.Activation("relu")],
    "layer": lambda: [sd.Dense(6, "tanh"), sd.LayerNormalization()],
    "rms": lambda: [sd.Dense(6, "tanh"), sd.RMSNormalization()],
    "maxout": lambda: [sd.Maxout(5, 3)],
    "prelu": lambda: [sd.Dense(6), sd.PReLU()],
    "no bias": lambda: [sd.Dense(6, "sigmoid", use_bias=False)],
    "l2": lambda: [sd.Dense(6, "tanh", kernel_regularizer=sd.L2(0.01))],
    "max norm": lambda: [sd.Dense(6, "tanh", kernel_constraint=sd.MaxNorm(1.0))],
}
OPTIMIZERS_OF = {name: kind() for name, kind in OPTIMIZERS.items()} | {
    "momentum": sd.SGD(0.01, momentum=0.9),
    "nesterov": sd.SGD(0.01, momentum=0.9, nesterov=True),
    "amsgrad": sd.Adam(amsgrad=True),
    "schedule": sd.SGD(sd.StepDecay(0.1, 3, 0.5)),
    "clipped": sd.SGD(0.1, clipnorm=0.1),
    "globally clipped": sd.SGD(0.1, global_clipnorm=0.1),
}


# steps let no gradient through, and prelu has a slope of its own: it is a layer
NOT_HERE = ("step", "step_strict", "prelu")


def trained(backend, layers, loss, optimizer, *, dtype, sparse):
    """Losses and weights after some epochs, by ``fit``; the last batch is shorter."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(41, 5)).astype(dtype)
    t = rng.integers(0, 3, 41) if sparse else rng.uniform(0.1, 0.9, (41, 3)).astype(dtype)
    if loss.startswith("categorical_crossentropy") or loss in ("kl_divergence", "kld"):
        t = t / t.sum(axis=1, keepdims=True)
    if loss in ("hinge", "squared_hinge"):
        t = np.sign(t - 0.5)
    model = sd.Sequential([sd.Input(5), *layers])
    model.set_weights(weights_of(model))
    model.compile(optimizer=optimizer, loss=loss, dtype=dtype, backend=backend)
    history = model.fit(x, t, epochs=2, batch_size=8, seed=1, verbose=0)
    assert getattr(model.step, "backend", "numpy") == backend
    return history.history["loss"], model.get_weights(), model.predict(x), model.step


def weights_of(model):
    rng = np.random.default_rng(5)
    drawn = model.get_weights()
    return [a + rng.normal(size=a.shape) * 0.01 for a in drawn]


def agree(layers, loss, optimizer, dtype="float64", sparse=False):
    needs_compiler()
    one = trained("numpy", layers(), loss, optimizer, dtype=dtype, sparse=sparse)
    two = trained("compiled", layers(), loss, optimizer, dtype=dtype, sparse=sparse)
    tolerance = 1e-9 if dtype == "float64" else 2e-3
    np.testing.assert_allclose(two[0], one[0], rtol=tolerance, atol=tolerance)
    for a, b in zip(two[1], one[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(two[2], one[2], rtol=tolerance, atol=tolerance)
    assert isinstance(two[3], CompiledStep)


def net(*hidden, last=None):
    return [*hidden, sd.Dense(3, last or "linear")]


@pytest.fixture(params=["one thread", "two threads"])
def threads(request, monkeypatch):
    """Small steps too are shared by two threads."""
    if request.param == "two threads":
        monkeypatch.setattr(compiled, "_MUCH", 0)
        monkeypatch.setattr(compiled, "two_threads", lambda: True)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", LAYERS)
def test_layers(name, dtype):
    agree(lambda: net(*LAYERS[name]()), "mse", sd.SGD(0.05), dtype)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("name", OPTIMIZERS_OF)
def test_optimizers(name):
    agree(lambda: net(sd.Dense(6, "tanh")), "mse", OPTIMIZERS_OF[name])


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n not in NOT_HERE])
def test_activations(name):
    agree(lambda: net(sd.Dense(6, name)), "mse", sd.SGD(0.05))


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    last = {"categorical_crossentropy": "softmax", "binary_crossentropy": "sigmoid"}
    sparse = name.startswith("sparse")
    ending = "softmax" if sparse or "kl" in name else last.get(name, "sigmoid")
    ending = "linear" if name.endswith("logits") else ending
    agree(lambda: net(sd.Dense(6, "tanh"), last=ending), name, sd.SGD(0.05), sparse=sparse)
