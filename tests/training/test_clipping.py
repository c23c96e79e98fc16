"""Optimizers that clip: against NumPy over several steps, what is refused, and what files keep."""

import tracemalloc

import numpy as np
import pytest

import symdl as sd
from symdl.errors import InputError
from symdl.training.optimizers import OPTIMIZERS
from tests.catalog import references

RNG = np.random.default_rng(12)
X = RNG.normal(size=(20, 3)) * 3
T = RNG.normal(size=(20, 2)) * 10
WORDS = ("clipvalue", "clipnorm", "global_clipnorm")
EVERY = list(OPTIMIZERS.values())


def clipped(gradients, word, limit):
    """The three ways, in plain NumPy."""
    if word == "clipvalue":
        return [np.clip(g, -limit, limit) for g in gradients]
    if word == "clipnorm":
        return [g * min(1.0, limit / np.linalg.norm(g)) if g.any() else g for g in gradients]
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    return [g * min(1.0, limit / norm) for g in gradients]


def model_of(optimizer, **words):
    model = sd.Sequential([sd.Dense(4, "tanh", input_dim=3), sd.Dense(2)], seed=3)
    model.compile(optimizer, "mse", **words)
    return model


def gradients_of(model):
    _, found = model.step.gradients(X, T)
    return list(found.values())


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("limit", [0.05, 0.6, 1e6])
def test_one_step_of_sgd(word, limit):
    model = model_of(sd.SGD(0.1, **{word: limit}))
    gradients = gradients_of(model)
    before = model.get_weights()
    model.train_on_batch(X, T)
    after, expected = model.get_weights(), clipped(gradients, word, limit)
    for old, new, g in zip(before, after, expected, strict=True):
        np.testing.assert_allclose(old - new, 0.1 * g, rtol=1e-9, atol=1e-15)


REFERENCES = {
    "sgd": references.sgd(lambda t: 0.01),
    "adam": references.adam(lambda t: 0.001),
    "adagrad": references.adagrad(lambda t: 0.01),
    "rmsprop": references.rmsprop(lambda t: 0.001),
    "adadelta": references.adadelta(lambda t: 1.0),
    "adamw": references.adam(lambda t: 0.001, decay=0.004),
    "adamax": references.adamax(lambda t: 0.001),
    "nadam": references.nadam(lambda t: 0.001),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("word", WORDS)
def test_twenty_steps_of_every_optimizer(name, word):
    model = model_of(OPTIMIZERS[name](**{word: 0.3}))
    model.predict(X)
    states = [{} for _ in range(4)]
    for t in range(1, 21):
        weights = model.get_weights()
        gradients = clipped(gradients_of(model), word, 0.3)
        model.train_on_batch(X, T)
        for w, g, s, found in zip(weights, gradients, states, model.get_weights(), strict=True):
            np.testing.assert_allclose(found, REFERENCES[name](w, g, t, s), rtol=1e-9, atol=1e-12)


def test_each_tensor_has_a_norm_of_its_own_and_all_have_one_together():
    lengths = {}
    for word in WORDS:
        model = model_of(sd.SGD(1.0, **{word: 0.5}))
        model.predict(X)
        before = model.get_weights()
        model.train_on_batch(X, T)
        moves = [a - b for a, b in zip(before, model.get_weights(), strict=True)]
        lengths[word] = [np.linalg.norm(m) for m in moves]
        assert max(np.abs(m).max() for m in moves) <= 0.5 * (1 + 1e-12)
    assert max(lengths["clipnorm"]) == pytest.approx(0.5)
    assert np.linalg.norm(lengths["clipnorm"]) > 0.5 + 1e-3
    assert np.linalg.norm(lengths["global_clipnorm"]) == pytest.approx(0.5)
    assert max(lengths["clipvalue"]) > 0.5 + 1e-3


def test_gradients_are_shown_as_they_are_before():
    model, plain = model_of(sd.SGD(0.1, clipvalue=1e-3)), model_of(sd.SGD(0.1))
    for a, b in zip(gradients_of(model), gradients_of(plain), strict=True):
        assert (a == b).all()


@pytest.mark.parametrize("word", WORDS)
def test_a_gradient_of_zero_stays_zero(word):
    """Rows of zeros and targets that are met: all gradients of the first layer's kernel are 0."""
    model = model_of(sd.SGD(0.1, **{word: 1.0}))
    x = np.zeros((4, 3))
    t = model.predict(x)
    before = model.get_weights()
    with np.errstate(all="raise"):
        model.train_on_batch(x, t)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("word", ["clipnorm", "global_clipnorm"])
@pytest.mark.parametrize(("dtype", "size"), [("float64", 1e200), ("float32", 1e30)])
def test_a_gradient_whose_squares_overflow_still_moves_the_weights(word, dtype, size):
    model = sd.Sequential([sd.Dense(1, use_bias=False, input_dim=1)])
    model.set_weights([np.zeros((1, 1))])
    model.compile(sd.SGD(1.0, **{word: 0.25}), "mae", dtype=dtype)
    model.train_on_batch(np.array([[size]]), np.array([[1.0]]))
    assert model.get_weights()[0].item() == pytest.approx(0.25, rel=1e-6)


@pytest.mark.parametrize("word", ["clipnorm", "global_clipnorm"])
def test_a_gradient_that_is_no_number_is_not_hidden(word):
    model = model_of(sd.SGD(0.1, **{word: 1.0}))
    huge = np.full((2, 3), 1e308)
    model.set_weights([np.full(w.shape, 1e308) for w in _weights(model)])
    with pytest.warns(RuntimeWarning, match="the loss became"):
        model.fit(huge, np.full((2, 2), -1e308), epochs=3, verbose=0)


def _weights(model):
    model.predict(X)
    return model.get_weights()


def test_learning_with_a_rate_that_explodes_without():
    """A rate far too large: plain descent leaves the range of numbers, the clipped one does not."""
    plain, tame = (sd.Sequential([sd.Dense(1, input_dim=3)], seed=1) for _ in range(2))
    plain.compile(sd.SGD(0.5), "mse")
    tame.compile(sd.SGD(0.5, global_clipnorm=0.1), "mse")
    t = X @ [[1.0], [2.0], [-1.0]]
    with pytest.warns(RuntimeWarning, match="the loss became"):
        plain.fit(X, t, epochs=600, verbose=0)
    before = tame.evaluate(X, t)
    tame.fit(X, t, epochs=200, verbose=0)
    assert tame.evaluate(X, t) < before / 10


def test_the_threshold_can_be_changed_while_training():
    model = model_of(sd.SGD(1.0, clipnorm=0.5))
    model.predict(X)
    assert model.step.hyper["clipnorm"] == 0.5
    model.step.hyper["clipnorm"] = 0.125
    before = model.get_weights()
    model.train_on_batch(X, T)
    moves = [np.linalg.norm(a - b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert max(moves) == pytest.approx(0.125)


def test_weights_of_rows_are_clipped_too():
    model = model_of(sd.SGD(1.0, global_clipnorm=0.5))
    model.predict(X)
    before = model.get_weights()
    model.train_on_batch(X, T, sample_weight=np.full(20, 7.0))
    moves = [a - b for a, b in zip(before, model.get_weights(), strict=True)]
    assert np.linalg.norm([np.linalg.norm(m) for m in moves]) == pytest.approx(0.5)


@pytest.mark.parametrize("word", WORDS)
def test_the_source_comes_from_the_formula(word):
    step = model_of(sd.Adam(**{word: 1.0})).step
    assert "def make_clip(gradient, hyper):" in step.source
    assert f'hyper["{word}"]' in step.source
    assert "clip: " in step.explain()
    assert "make_clip" not in model_of(sd.Adam()).step.source


@pytest.mark.parametrize("word", WORDS)
def test_a_step_makes_no_arrays(word):
    model = sd.Sequential([sd.Dense(300, "tanh", input_dim=300), sd.Dense(1)], seed=3)
    model.compile(sd.SGD(0.01, **{word: 1.0}), "mse")
    x, t = RNG.normal(size=(8, 300)), np.zeros((8, 1))
    for _ in range(3):
        model.step(x, t)
    tracemalloc.start()
    model.step(x, t)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300 * 300 * 8 / 10


# --------------------------------------------------------------------------------- words and files


@pytest.mark.parametrize("made", EVERY)
@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("value", [0, 0.0, -1, float("nan"), float("inf"), "1", True, [1.0]])
def test_bad_thresholds(made, word, value):
    message = rf"{word} of {made.__name__} must be a finite number > 0, not .*: at 0 no weight"
    with pytest.raises(InputError, match=message):
        made(**{word: value})


@pytest.mark.parametrize("made", EVERY)
def test_two_at_a_time(made):
    with pytest.raises(InputError, match=f"clipvalue and clipnorm of {made.__name__} both clip"):
        made(clipvalue=1.0, clipnorm=1.0)
    with pytest.raises(InputError, match="clipnorm and global_clipnorm"):
        made(clipnorm=1.0, global_clipnorm=1.0)


def test_what_an_optimizer_says():
    assert repr(sd.Adamax(clipnorm=2)).endswith(", clipnorm=2.0)")
    assert "clip" not in repr(sd.Adam())
    assert sd.Adam().clipping is None
    assert sd.SGD(0.1, clipnorm=1.0) != sd.SGD(0.1)
    with pytest.raises(InputError, match="too many positional arguments"):
        sd.Adadelta(1.0, 0.95, 1e-6, 1.0)  # a threshold is given by its name


@pytest.mark.parametrize("word", WORDS)
def test_the_file_keeps_it(word, tmp_path):
    model = model_of(sd.Adam(**{word: 0.25}))
    model.train_on_batch(X, T)
    model.save(tmp_path / "model.npz")
    again = sd.Sequential.load(tmp_path / "model.npz")
    assert again.setup == model.setup
    assert getattr(again.setup.optimizer, word) == 0.25
    assert again.setup.optimizer.clipping == model.setup.optimizer.clipping


def test_schedules_and_decay_keep_it():
    optimizer = sd.Adam(sd.ExponentialDecay(0.1, 10, 0.5), clipnorm=0.5)
    assert float(optimizer.clipping.formula.hyper[0][1]) == 0.5
    model = model_of(optimizer)
    model.fit(X, T, epochs=2, verbose=0)
    assert model.step.hyper["clipnorm"] == 0.5
