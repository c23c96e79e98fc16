"""Sequential in Keras' words: shapes, history, seeds, weights, and the step underneath."""

from typing import Any

import numpy as np
import pytest

from symdl.errors import InputError, Mismatch
from symdl.training.layers import Activation, Dense, Input
from symdl.training.optimizers import SGD, Adam
from symdl.training.sequential import Sequential

RNG = np.random.default_rng(2)
X = RNG.standard_normal((50, 4))
LABELS = RNG.integers(0, 3, 50)
ONE_HOT = np.eye(3)[LABELS]


def classifier(loss="sparse_categorical_crossentropy", **words):
    model = Sequential([Dense(6, "tanh"), Dense(3, "softmax")], seed=3)
    model.compile(**{"optimizer": SGD(0.1), "loss": loss, "metrics": ["accuracy"], **words})
    return model


def test_shapes():
    model = classifier()
    assert model.predict(X).shape == (50, 3)
    assert model.predict(X[:1]).shape == (1, 3)
    assert [w.shape for w in model.get_weights()] == [(4, 6), (6,), (6, 3), (3,)]
    assert list(model.step.parameters) == ["dense_1.W", "dense_1.b", "dense_2.W", "dense_2.b"]
    np.testing.assert_allclose(model.predict(X).sum(axis=1), 1)


def test_predictions_do_not_depend_on_the_batches():
    model = classifier()
    np.testing.assert_allclose(model.predict(X, batch_size=7), model.predict(X, batch_size=50))
    found = model.evaluate(X, LABELS, batch_size=7)
    np.testing.assert_allclose(found, model.evaluate(X, LABELS, batch_size=50))


def test_history_has_a_number_an_epoch():
    model = classifier()
    history = model.fit(X, LABELS, epochs=3, validation_split=0.2)
    assert history.epoch == [0, 1, 2]
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert all(len(v) == 3 for v in history.history.values())
    assert history.history["loss"][2] < history.history["loss"][0]
    loss, accuracy = model.evaluate(X[40:], LABELS[40:])
    assert history.history["val_loss"][-1] == pytest.approx(loss)
    assert history.history["val_accuracy"][-1] == pytest.approx(accuracy)


def test_validation_data_is_the_split_given_by_hand():
    by_split = classifier().fit(X, LABELS, epochs=2, validation_split=0.2)
    by_hand = classifier().fit(X[:40], LABELS[:40], epochs=2, validation_data=(X[40:], LABELS[40:]))
    assert by_split.history == by_hand.history


def test_the_loss_of_an_epoch_is_the_mean_before_each_update():
    model = classifier()
    first = model.evaluate(X, LABELS)[0]
    assert model.fit(X, LABELS, batch_size=50).history["loss"][0] == pytest.approx(first)


def trained(seed, **words):
    model = classifier(optimizer=Adam(0.01), **words)
    model.fit(X, LABELS, epochs=3, batch_size=8, seed=seed)
    return model.get_weights()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_same_seed_repeats_bit_for_bit(dtype):
    for a, b in zip(trained(1, dtype=dtype), trained(1, dtype=dtype), strict=True):
        assert a.dtype == dtype
        np.testing.assert_array_equal(a, b)
    pairs = zip(
        trained(np.random.default_rng(1), dtype=dtype), trained(1, dtype=dtype), strict=True
    )
    for a, b in pairs:
        np.testing.assert_array_equal(a, b)


def test_another_seed_shuffles_otherwise():
    assert not np.array_equal(trained(1)[0], trained(2)[0])


def test_shuffle_is_true_or_false():
    with pytest.raises(InputError, match="shuffle must be True or False, not 'no'"):
        classifier().fit(X, LABELS, shuffle="no")


def test_without_shuffle_the_order_is_that_of_the_rows():
    model, by_hand = classifier(), classifier()
    model.fit(X, LABELS, batch_size=20, shuffle=False)
    for start in (0, 20, 40):
        by_hand.train_on_batch(X[start : start + 20], LABELS[start : start + 20])
    for a, b in zip(model.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_changes_no_data():
    x, y = X.copy(), LABELS.copy()
    classifier().fit(x, y, epochs=2)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, LABELS)


def test_train_on_batch_returns_the_loss_before_the_update():
    model = classifier(metrics=[])
    before = model.evaluate(X, LABELS, batch_size=50)
    assert model.train_on_batch(X, LABELS) == pytest.approx(before)
    assert model.evaluate(X, LABELS, batch_size=50) < before


def test_labels_and_one_hot_rows_train_alike():
    first = classifier().fit(X, LABELS, epochs=2).history
    for given in (ONE_HOT, ONE_HOT.astype(int), ONE_HOT.astype(bool)):
        second = classifier("categorical_crossentropy").fit(X, given, epochs=2).history
        assert first["loss"] == pytest.approx(second["loss"])
        assert first["accuracy"] == second["accuracy"]
    column = classifier().fit(X, LABELS[:, None], epochs=2).history
    assert column == first


def test_recompiling_keeps_the_weights():
    model = classifier()
    model.fit(X, LABELS)
    before = model.get_weights()
    model.compile(Adam(), "categorical_crossentropy", dtype="float32")
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b.astype(np.float32))
    model.train_on_batch(X, ONE_HOT)
    assert model.get_weights()[0].dtype == np.float32


def test_set_weights():
    model, other = classifier(), classifier()
    model.fit(X, LABELS)
    other.predict(X)
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    copies = model.get_weights()
    copies[0][...] = 0
    assert model.get_weights()[0].any()


def test_wrong_weights_are_refused_and_change_nothing():
    model = Sequential([Input(2), Dense(1)])
    before = model.get_weights()
    with pytest.raises(Mismatch, match=r"2 weights \(dense_1.W, dense_1.b\), given 1"):
        model.set_weights([np.zeros((2, 1))])
    with pytest.raises(Mismatch, match=r"dense_1.b has shape \(1,\), given \(2,\)"):
        model.set_weights([np.ones((2, 1)), np.zeros(2)])
    with pytest.raises(InputError, match=r"dense_1.W has nan at row 1, column 0"):
        model.set_weights([[[0.0], [np.nan]], [0.0]])
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_predict_before_compile_and_the_same_after():
    model = Sequential([Dense(6, "tanh"), Dense(3, "softmax")], seed=3)
    before = model.predict(X)
    model.compile(loss="categorical_crossentropy")
    np.testing.assert_allclose(model.predict(X), before, rtol=1e-14)


def test_one_column_of_targets_may_be_flat():
    model = Sequential([Dense(1)])
    model.compile("sgd", "mse")
    flat = model.evaluate(X, X[:, 0])
    assert flat == pytest.approx(model.evaluate(X, X[:, :1]))


def test_one_layer_object_twice_is_two_layers():
    layer = Dense(4, "tanh")
    weights = Sequential([Input(4), layer, layer]).get_weights()
    assert not np.array_equal(weights[0], weights[2])


@pytest.mark.parametrize("optimizer", ["sgd", "adam", SGD(0.05, momentum=0.9), Adam(0.01)])
@pytest.mark.parametrize(
    ("activation", "loss"), [("sigmoid", "bce"), ("tanh", "half_squared_error"), (None, "mse")]
)
def test_every_optimizer_lowers_the_loss(optimizer, activation, loss):
    model = Sequential([Dense(8, "leaky_relu"), Dense(1, activation)])
    model.compile(optimizer, loss)
    y = (X[:, 0] > 0).astype(float)
    losses = model.fit(X, y, epochs=5, batch_size=10).history["loss"]
    assert losses[-1] < losses[0]


def test_adding_after_compile():
    model = Sequential([Dense(4, "relu")])
    model.compile("sgd", "mse")
    model.predict(X)
    kept = model.get_weights()[0]
    model.add(Dense(2))
    np.testing.assert_array_equal(model.get_weights()[0], kept)
    assert model.predict(X).shape == (50, 2)


def test_summary_counts_the_weights(capsys):
    model = Sequential([Input(4), Dense(6), Activation("tanh"), Dense(3, use_bias=False)])
    text = model.summary()
    assert capsys.readouterr().out == text + "\n"
    for part in ("dense_1", "(N, 6)", "W (4, 6), b (6,)", "30", "tanh", "18"):
        assert part in text
    assert text.endswith("Total number of weights: 48")
    assert "known with the input size" in Sequential([Dense(3)]).summary()


def test_what_must_come_first():
    model = Sequential([Dense(1)])
    with pytest.raises(InputError, match="call compile"):
        model.fit(X, X[:, 0])
    with pytest.raises(InputError, match="compile needs a loss"):
        model.compile("sgd")
    model.compile(None, "mse")
    with pytest.raises(InputError, match="size of the input is not known"):
        _ = model.step
    with pytest.raises(InputError, match="without an optimizer"):
        model.fit(X, X[:, 0])
    with pytest.raises(InputError, match="no layer with weights"):
        Sequential().compile("sgd", "mse")


def test_what_is_no_layer():
    number: Any = 8
    with pytest.raises(InputError, match=r"such as Dense\(8\), not 8"):
        Sequential([number])
    kind: Any = Dense
    with pytest.raises(InputError, match=r"write Dense\(\.\.\.\)"):
        Sequential([kind])
    with pytest.raises(InputError, match="Input must be the first layer"):
        Sequential([Dense(3), Input(3)])


def test_a_mismatch_of_loss_and_activation_shows_at_compile():
    with pytest.raises(InputError, match="activation='softmax'"):
        Sequential([Dense(3, "relu")]).compile("sgd", "categorical_crossentropy")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number"),
        ({"batch_size": 0}, "batch_size must be a whole number"),
        ({"batch_size": 2.5}, "batch_size must be a whole number"),
        ({"validation_split": 1}, r"validation_split must be in \[0, 1\)"),
        ({"validation_split": 0.999}, "leaves 0 for training"),
        ({"verbose": 3}, "verbose must be 0"),
        ({"seed": -1}, "seed must be"),
        ({"callbacks": [print]}, "callbacks must be Callback objects"),
        ({"validation_split": 0.1, "validation_data": (X, LABELS)}, "not both"),
    ],
)
def test_words_of_fit_out_of_range(words, message):
    with pytest.raises(InputError, match=message):
        classifier().fit(X, LABELS, **words)


def test_validation_data_is_checked_too():
    with pytest.raises(Mismatch, match=r"a pair \(x, y\)"):
        classifier().fit(X, LABELS, validation_data=X)
    with pytest.raises(
        Mismatch, match=r"x of validation_data of shape \(rows, 4\), given \(50, 3\)"
    ):
        classifier().fit(X, LABELS, validation_data=(X[:, :3], LABELS))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"dtype": "float16"}, "unknown dtype 'float16'"),
        ({"metrics": "accuracy"}, "metrics must be a list"),
        ({"metrics": ["acuracy"]}, "did you mean 'accuracy'"),
        ({"optimizer": "adamm"}, "did you mean 'adam'"),
    ],
)
def test_words_of_compile_that_are_unknown(words, message):
    with pytest.raises(InputError, match=message):
        classifier(**words)


def test_divergence_stops_with_one_warning():
    model = Sequential([Dense(8, "relu"), Dense(1)])
    model.compile(SGD(1e6), "mse")
    with pytest.warns(RuntimeWarning, match="smaller learning_rate") as caught:
        history = model.fit(X, X[:, 0], epochs=500)
    assert len(caught) == 1
    assert len(history.epoch) < 500
    assert not np.isfinite(history.history["loss"][-1])


def test_the_step_can_be_read():
    model = classifier()
    model.predict(X)
    step = model.step
    assert "def " in step.source
    assert isinstance(step.explain(), str)
