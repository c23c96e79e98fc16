"""Steps of a few numbers in plain floats do what the same steps do on arrays."""

import warnings

import numpy as np
import pytest

import symdl as sd
from symdl.backends.module import load

OPTIMIZERS = {
    "sgd": lambda: sd.SGD(0.5),
    "momentum": lambda: sd.SGD(0.1, momentum=0.9),
    "nesterov": lambda: sd.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": lambda: sd.Adam(0.01),
    "rmsprop": lambda: sd.RMSprop(0.01),
}


def small(optimizer="sgd", activation="sigmoid", loss="mse", dtype="float64", bias=False, **words):
    layers = [sd.Input(2), sd.Dense(2, activation=activation, use_bias=bias),
              sd.Dense(2, activation=words.pop("last", activation), use_bias=bias)]  # fmt: skip
    model = sd.Sequential(layers)
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(size=a.shape) for a in model.get_weights()])
    step = sd.compile(model, loss=loss, optimizer=OPTIMIZERS[optimizer](), dtype=dtype, **words)
    return model, step


def on_arrays(*args, **words):
    _, step = small(*args, **words)
    step._plain = None
    return step


def same(a, b, x, t, *, steps=5, rtol=1e-12):
    for _ in range(steps):
        assert a.step(x, t) == pytest.approx(b.step(x, t), rel=rtol)
    for name, value in a.parameters.items():
        np.testing.assert_allclose(value, b.parameters[name], rtol=rtol, atol=1e-14)
    assert a.state.keys() == b.state.keys()
    for name, value in a.state.items():
        np.testing.assert_allclose(value, b.state[name], rtol=1e-11, atol=1e-14)


X, T = np.array([[0.05, 0.1]]), np.array([[0.01, 0.99]])


def runs_plainly(step):
    return "scalar_step" in step.source


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(optimizer):
    _, plain = small(optimizer)
    same(plain, on_arrays(optimizer), X, T)
    assert runs_plainly(plain)


@pytest.mark.parametrize("activation", ["tanh", "relu", "softplus", "elu", "linear", "softsign"])
def test_activations(activation):
    _, plain = small(activation=activation)
    same(plain, on_arrays(activation=activation), X, T)
    assert runs_plainly(plain)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "binary_crossentropy", "mae"])
def test_losses(loss):
    target, last = np.array([[0.25, 0.75]]), "softmax" if loss[0] == "c" else "sigmoid"
    words = {"loss": loss, "last": last, "bias": True}
    _, plain = small("adam", **words)
    same(plain, on_arrays("adam", **words), X, target)


def test_batches_of_several_sizes_and_arrays_in_between():
    rng = np.random.default_rng(0)
    (_, a), b = small("adam"), on_arrays("adam")
    for rows in (1, 2, 1, 40, 1, 3):
        x, t = rng.normal(size=(rows, 2)), rng.uniform(size=(rows, 2))
        same(a, b, x, t, steps=2, rtol=1e-10)
    assert "def scalar_step_1(" in a.source
    assert "def scalar_step_40(" not in a.source
    assert "scalar_step_1:" in a.explain()
    assert "would stand for" in a.explain()


def test_what_overflows_goes_on_in_arrays():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (_, a), b = small(), on_arrays()
        far = np.array([[-5e3, 4e3]])
        same(a, b, far, T, steps=3)
        assert runs_plainly(a)
        same(a, b, X, T)


def test_parameters_hyper_parameters_and_state_are_those_that_are_shown():
    (model, a), b = small("momentum"), on_arrays("momentum")
    for step in (a, b):
        step.step(X, T)
        step.parameters["dense_1.W"][0, 1] = 0.125
        step.hyper["learning_rate"] = 0.3
    same(a, b, X, T)
    kept = a.state
    _, again = small("momentum")
    for name, value in a.parameters.items():
        again.parameters[name][...] = value
    again.set_state(kept)
    again.hyper["learning_rate"] = 0.3
    assert again.step(X, T) == a.step(X, T)
    np.testing.assert_array_equal(again.parameters["dense_1.W"], a.parameters["dense_1.W"])
    assert a.state["step"] == kept["step"] + 1
    np.testing.assert_array_equal(model.get_weights()[0], a.parameters["dense_1.W"])


def test_gradients_and_losses_are_those_of_arrays():
    (_, a), b = small(), on_arrays()
    a.step(X, T), b.step(X, T)
    assert a.evaluate(X, T) == pytest.approx(b.evaluate(X, T), rel=1e-14)
    _, grads = a.gradients(X, T)
    for name, value in b.gradients(X, T)[1].items():
        np.testing.assert_allclose(grads[name], value, rtol=1e-12)


def test_what_is_not_covered_runs_on_arrays():
    _, narrow = small(dtype="float32")
    narrow.step(X.astype(np.float32), T.astype(np.float32))
    assert not runs_plainly(narrow)
    model = sd.Sequential([sd.Input(2), sd.Dense(2), sd.Dropout(0.5), sd.Dense(2)])
    step = sd.compile(model, loss="mse", optimizer="sgd")
    step.step(X, T)
    assert not runs_plainly(step)
    assert "not used: it is for steps of an update alone" in step.explain()


def test_lists_and_other_types_are_taken_as_before():
    (_, a), b = small(), on_arrays()
    assert a.step(X.tolist(), T.tolist()) == pytest.approx(b.step(X, T), rel=1e-14)
    with pytest.raises(sd.errors.Mismatch):
        a.step(np.zeros((1, 3)), T)
    with pytest.raises(sd.errors.Mismatch):
        a.step(X)


def test_the_source_runs_without_symdl():
    _, step = small()
    before = [float(v) for a in step.parameters.values() for v in a.ravel()]
    loss = step.step(X, T)
    once = load(step.source)["scalar_step_1"]
    found, after = once(before, X[0].tolist(), T[0].tolist(), step.hyper["learning_rate"])
    assert found == loss
    assert after == [float(v) for a in step.parameters.values() for v in a.ravel()]
    assert "np." not in step.source[step.source.index("def scalar_step_1") :]
