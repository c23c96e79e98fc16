"""Epochs of nets of a few numbers, written on variables: the same as steps on arrays."""

import numpy as np
import pytest

import symdl as sd
from symdl.backends import c_library, c_straight
from symdl.training.optimizers import Optimizer
from tests.backends import test_scalar_step
from tests.backends.compiled_functions import needs_compiler

OPTIMIZERS = {**test_scalar_step.OPTIMIZERS, "nadam": lambda: sd.Nadam(0.01)}


@pytest.fixture(autouse=True)
def large(monkeypatch):
    """Steps are written out that are longer than it pays."""
    needs_compiler()
    monkeypatch.setenv("SYMDL_CACHE", "off")
    monkeypatch.setattr(c_straight, "_MOST", 10_000)


def net(backend, optimizer="sgd", activation="sigmoid", loss="mse", last="", **words):
    bias, metrics = words.pop("bias", True), words.pop("metrics", ())
    model = sd.Sequential(
        [sd.Input(2), sd.Dense(3, activation=activation, use_bias=bias),
         sd.Dense(2, activation=last or activation, use_bias=bias)]
    )  # fmt: skip
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(size=a.shape) for a in model.get_weights()])
    rule: Optimizer = OPTIMIZERS[optimizer]()
    model.compile(loss=loss, optimizer=rule, metrics=list(metrics), dtype="float64",
                  backend=backend, **words)  # fmt: skip
    return model.step


def data(rows, simplex=False):
    rng = np.random.default_rng(rows)
    x, t = rng.normal(size=(rows, 2)), rng.uniform(0.1, 0.9, size=(rows, 2))
    return x, t / t.sum(axis=1, keepdims=True) if simplex else t


def by_hand(step, x, t, batch, order):
    """The same steps one after another, on arrays."""
    step._plain = None
    losses, metrics = [], []
    for k in range(0, len(order), batch):
        rows = order[k : k + batch]
        losses.append(step.step(x[rows], t[rows]))
        metrics.append(step.metrics.copy())
    return np.array(losses), np.array(metrics)


def compare(a, b, data, batch, order):
    (x, t), rtol = data, 1e-11
    kept = np.empty((len(order) // batch, len(a.metrics)))
    found = a.epoch(x, t, batch=batch, order=order, metrics=kept)
    losses, metrics = by_hand(b, x, t, batch, order)
    np.testing.assert_allclose(found, losses, rtol=rtol)
    np.testing.assert_allclose(kept, metrics, rtol=rtol)
    for name, value in a.parameters.items():
        np.testing.assert_allclose(value, b.parameters[name], rtol=rtol, atol=1e-14)
    assert a.state.keys() == b.state.keys()
    for name, value in a.state.items():
        np.testing.assert_allclose(value, b.state[name], rtol=10 * rtol, atol=1e-14)


def is_straight(step):
    return "#define ROW" in step.source


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers_and_steps_in_between(optimizer, batch):
    x, t = data(12)
    order = np.array([3, 1, 4, 1, 5, 9, 2, 6, 11, 0, 8, 7])
    a, b = net("compiled", optimizer), net("numpy", optimizer)
    compare(a, b, (x, t), batch, order)
    assert is_straight(a)
    for step in (a, b):
        step.step(x[:batch], t[:batch])
        step.hyper["learning_rate"] *= 0.5
    compare(a, b, (x, t), batch, np.arange(12))


@pytest.mark.parametrize("activation", ["tanh", "relu", "softplus", "elu", "linear", "softsign"])
def test_activations(activation):
    x, t = data(6)
    a, b = net("compiled", activation=activation), net("numpy", activation=activation)
    compare(a, b, (x, t), 1, np.arange(6))
    assert is_straight(a)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "binary_crossentropy", "mae"])
def test_losses_and_metrics(loss):
    words = {"loss": loss, "last": "softmax" if loss[0] == "c" else "sigmoid", "metrics": ["mae"]}
    x, t = data(6, simplex=loss[0] == "c")
    a, b = net("compiled", **words), net("numpy", **words)
    compare(a, b, (x, t), 2, np.arange(6))
    assert is_straight(a)
    assert len(a.metrics) == 1


def test_rows_as_they_lie_and_numbers_far_out():
    x, t = data(5)
    x[2] = [-5e3, 4e3]
    a, b = net("compiled", bias=False), net("numpy", bias=False)
    losses = a.epoch(x, t, batch=1)
    np.testing.assert_allclose(losses, by_hand(b, x, t, 1, np.arange(5))[0], rtol=1e-11)
    assert np.isfinite(losses).all()


def test_what_is_not_covered_runs_in_loops(monkeypatch):
    x, t = data(4)
    narrow = sd.Sequential([sd.Input(2), sd.Dense(2, activation="tanh")])
    narrow.compile(loss="mse", optimizer="sgd", dtype="float32", backend="compiled")
    narrow.step.epoch(x, t, batch=1)
    assert not is_straight(narrow.step)
    monkeypatch.setattr(c_straight, "_MOST", 20)
    longer = net("compiled")
    longer.epoch(x, t, batch=1)
    assert not is_straight(longer)


def test_it_is_said_in_the_accounts():
    x, t = data(4)
    step = net("compiled")
    step.epoch(x, t, batch=1)
    assert "statements on variables, without arrays" in step.explain(batch=1)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("learning_rate * ", "1.001 * learning_rate * "),
        (" < 0.0 ? ", " > 0.0 ? "),
        ("order[s * r->batch + n]", "order[s * r->batch]"),
        ("losses[s] = ", "losses[s] = 1.0001 * "),
    ],
)
def test_planted_errors_are_seen(right, wrong, monkeypatch):
    plain = c_library.compile_c

    def planted(source):
        assert right in source
        place = source.index("#define ROW") if "#define ROW" in source else len(source)
        return plain(source[:place] + source[place:].replace(right, wrong))

    monkeypatch.setattr(c_library, "compile_c", planted)
    x, t = data(4)
    with pytest.raises(AssertionError):
        compare(net("compiled"), net("numpy"), (x, t), 2, np.array([2, 0, 3, 1]))
