"""Weights of the rows: by hand, against plain NumPy with complex steps, and what is refused."""

import numpy as np
import pytest

import symdl as sd
from symdl.errors import InputError, Mismatch
from symdl.training.losses import loss_formula
from symdl.training.row_weights import class_weights

RNG = np.random.default_rng(8)
X = RNG.normal(size=(10, 2))
LABELS = RNG.integers(0, 3, 10)
ONE_HOT = np.eye(3)[LABELS]
S = RNG.uniform(0, 4, 10)


def model_of(loss="categorical_crossentropy", units=3, activation="softmax", **words):
    model = sd.Sequential(
        [sd.Dense(4, "tanh", input_dim=2), sd.Dense(units, activation)], seed=words.pop("seed", 2)
    )
    model.compile(words.pop("optimizer", sd.SGD(0.1)), loss, **words)
    return model


def in_numpy(weights, s, whole=np.mean, x=X, t=ONE_HOT):
    """The weighted cross entropy of the model above; takes complex weights."""
    a, b, c, d = weights
    z = np.tanh(x @ a + b) @ c + d
    e = np.exp(z)
    p = e / e.sum(axis=1, keepdims=True)
    return whole(s * -(t * np.log(p)).sum(axis=1))


def complex_step(weights, s, whole=np.mean):
    out = []
    for k, w in enumerate(weights):
        g = np.empty(w.shape)
        for place in np.ndindex(w.shape):
            moved = [v.astype(complex) for v in weights]
            moved[k][place] += 1e-30j
            g[place] = in_numpy(moved, s, whole).imag / 1e-30
        out.append(g)
    return out


def test_by_hand():
    """y = w x with w = 2 on (1, 0), (2, 1), (3, 5): errors 2, 3, 1 and l = 4, 9, 1."""
    model = sd.Sequential([sd.Dense(1, use_bias=False, input_dim=1)])
    model.set_weights([np.array([[2.0]])])
    model.compile(sd.SGD(0.5), "mse")
    x, t, s = np.array([[1.0], [2.0], [3.0]]), np.array([[0.0], [1.0], [5.0]]), [3.0, 0.0, 6.0]
    assert model.evaluate(x, t, sample_weight=s) == (3 * 4 + 6 * 1) / 3
    # dL/dw = 1/3 (3 * 2*2*1 + 6 * 2*1*3) = 1/3 (12 + 36) = 16 for errors 2 and 6 - 5 = 1
    assert model.train_on_batch(x, t, sample_weight=s) == 6
    assert model.get_weights()[0].item() == pytest.approx(2 - 0.5 * 16)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
@pytest.mark.parametrize(("reduction", "whole"), [("mean", np.mean), ("sum", np.sum)])
def test_losses_and_updates_are_those_of_complex_steps(loss, reduction, whole):
    t = LABELS if loss.startswith("sparse") else ONE_HOT
    model = model_of(sd.Loss(loss, reduction=reduction), optimizer=sd.SGD(0.01))
    model.predict(X)
    before = model.get_weights()
    expected = in_numpy(before, S, whole)
    assert model.evaluate(X, t, sample_weight=S) == pytest.approx(expected, rel=1e-12)
    assert model.evaluate(X, t, sample_weight=S, batch_size=3) == pytest.approx(expected, rel=1e-12)
    assert model.train_on_batch(X, t, S) == pytest.approx(expected, rel=1e-12)
    for old, new, g in zip(
        before, model.get_weights(), complex_step(before, S, whole), strict=True
    ):
        np.testing.assert_allclose(old - new, 0.01 * g, rtol=1e-9, atol=1e-15)


def test_the_gradient_is_derived_and_proved():
    model = sd.Sequential([sd.Dense(3, "tanh", input_dim=2), sd.Dense(2, "softmax")])
    found = sd.backprop(model, "categorical_crossentropy", weighted=True)
    assert {v.level for _, v in found.verify()} == {"proved"}
    assert "s[n]" in str(found.derived.backward[0])


def test_weights_of_one_and_of_two():
    plain, ones, twos = model_of(), model_of(), model_of(optimizer=sd.SGD(0.05))
    for model, words in (
        (plain, {}), (ones, {"sample_weight": np.ones(10)}), (twos, {"sample_weight": [2] * 10}),
    ):  # fmt: skip
        model.fit(X, ONE_HOT, epochs=3, batch_size=4, verbose=0, **words)
    for a, b, c in zip(plain.get_weights(), ones.get_weights(), twos.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(a, c, rtol=1e-12, atol=1e-15)


def test_a_whole_weight_is_a_repeated_row():
    """Summed, a row of weight 3 counts as three rows of it, and one of weight 0 not at all."""
    s = np.array([3, 0, 1, 2, 1, 1, 0, 1, 1, 2])
    weighted, repeated = (model_of("categorical_crossentropy(reduction=sum)") for _ in range(2))
    weighted.train_on_batch(X, ONE_HOT, sample_weight=s)
    repeated.train_on_batch(np.repeat(X, s, axis=0), np.repeat(ONE_HOT, s, axis=0))
    for a, b in zip(weighted.get_weights(), repeated.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


def test_the_mean_is_divided_by_the_number_of_rows():
    """As in Keras: not by the sum of the weights."""
    model = model_of()
    y = model.predict(X)
    rows = -(ONE_HOT * np.log(y)).sum(axis=1)
    found = model.evaluate(X, ONE_HOT, sample_weight=S)
    assert found == pytest.approx((S * rows).sum() / 10, rel=1e-12)
    assert found != pytest.approx((S * rows).sum() / S.sum(), rel=1e-3)


def test_both_steps_share_weights_and_moments():
    """Adam with and without weights in turn is Adam of one list of gradients."""
    mixed, ones = (model_of(optimizer=sd.Adam(0.01)) for _ in range(2))
    for k in range(6):
        mixed.train_on_batch(X, ONE_HOT, *([np.ones(10)] if k % 2 else []))
        ones.train_on_batch(X, ONE_HOT)
    for a, b in zip(mixed.get_weights(), ones.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    assert mixed.step.state["step"] == 6


def test_running_statistics_and_noise_with_weights():
    layers = [
        sd.Dense(4, input_dim=2), sd.BatchNormalization(), sd.Dropout(0.5), sd.Dense(3, "softmax"),
    ]  # fmt: skip
    models = [sd.Sequential(layers, seed=1) for _ in range(2)]
    for model, words in zip(models, ({}, {"sample_weight": np.ones(10)}), strict=True):
        model.compile(sd.SGD(0.1), "categorical_crossentropy")
        model.fit(X, ONE_HOT, epochs=3, batch_size=5, seed=3, verbose=0, **words)
    for a, b in zip(*(m.get_weights() for m in models), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_fit_with_validation():
    model = model_of(optimizer=sd.SGD(1e-300))
    rows = S * -(ONE_HOT * np.log(model.predict(X))).sum(axis=1)
    plain = -(ONE_HOT * np.log(model.predict(X))).sum(axis=1)
    words = {"epochs": 1, "batch_size": 3, "verbose": 0, "sample_weight": S}
    split = model.fit(X, ONE_HOT, validation_split=0.4, **words).history
    assert split["loss"] == pytest.approx([rows[:6].mean()])
    assert split["val_loss"] == pytest.approx([rows[6:].mean()])
    pair = model.fit(X, ONE_HOT, validation_data=(X[:4], ONE_HOT[:4]), **words).history
    assert pair["val_loss"] == pytest.approx([plain[:4].mean()])
    triple = model.fit(X, ONE_HOT, validation_data=(X[:4], ONE_HOT[:4], S[:4]), **words).history
    assert triple["val_loss"] == pytest.approx([rows[:4].mean()])


def test_metrics_are_not_weighted():
    model = model_of(metrics=["accuracy", "mae"])
    plain, weighted = model.evaluate(X, ONE_HOT), model.evaluate(X, ONE_HOT, sample_weight=S)
    assert plain[1:] == weighted[1:]
    assert plain[0] != weighted[0]


def test_shuffled_rows_keep_their_weights():
    """Rows of weight 0 have labels that are wrong on purpose: nothing of them is learned."""
    t, s = np.concatenate([ONE_HOT, np.roll(ONE_HOT, 1, axis=1)]), np.repeat([1.0, 0.0], 10)
    x = np.concatenate([X, X + 100])
    model = model_of("categorical_crossentropy(reduction=sum)", optimizer=sd.SGD(0.01))
    model.fit(x, t, sample_weight=s, epochs=5, batch_size=20, verbose=0)
    alone = model_of("categorical_crossentropy(reduction=sum)", optimizer=sd.SGD(0.01))
    alone.fit(X, ONE_HOT, epochs=5, batch_size=10, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-13)


def test_float32():
    model = model_of(dtype="float32")
    found = model.evaluate(X, ONE_HOT, sample_weight=S)
    expected = in_numpy([w.astype(np.float64) for w in model.get_weights()], S)
    assert found == pytest.approx(expected, rel=1e-5)


# ---------------------------------------------------------------------------------- class weights


@pytest.mark.parametrize(
    ("loss", "t"),
    [("sparse_categorical_crossentropy", LABELS), ("categorical_crossentropy", ONE_HOT)],
)
def test_class_weights_are_sample_weights(loss, t):
    by_row = np.where(LABELS == 2, 5.0, np.where(LABELS == 0, 0.5, 1.0))
    one, other = model_of(loss), model_of(loss)
    a = one.fit(X, t, class_weight={0: 0.5, 2: 5}, epochs=2, batch_size=4, verbose=0)
    b = other.fit(X, t, sample_weight=by_row, epochs=2, batch_size=4, verbose=0)
    assert a.history == b.history
    assert one.train_on_batch(X, t, S, {2: 5, 0: 0.5}) == other.train_on_batch(X, t, S * by_row)


def test_validation_has_no_class_weights():
    model = model_of(optimizer=sd.SGD(1e-300))
    rows = -(ONE_HOT * np.log(model.predict(X))).sum(axis=1)
    found = model.fit(X, ONE_HOT, class_weight={0: 7.0}, validation_split=0.4, verbose=0).history
    factor = np.where(LABELS == 0, 7.0, 1.0)
    assert found["loss"] == pytest.approx([(factor * rows)[:6].mean()])
    assert found["val_loss"] == pytest.approx([rows[6:].mean()])


@pytest.mark.parametrize(
    ("loss", "t", "width", "given", "expected"),
    [
        ("bce", [[0.0], [1.0]], 1, {1: 4.0}, [1, 4]),
        ("hinge", [[-1.0], [1.0]], 1, {-1: 4.0, 1: 0.0}, [4, 0]),
        ("mse", [[3.0], [7.0]], 1, {7: 2}, [1, 2]),
        ("sparse_categorical_crossentropy", [1, 0, 2], 3, {np.int64(1): 2.0}, [2, 1, 1]),
    ],
)
def test_class_weights_by_loss(loss, t, width, given, expected):
    found = class_weights(given, np.array(t), loss_formula(loss), width, "float64")
    assert found.tolist() == expected


# --------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([1.0] * 9, Mismatch, r"sample_weight must hold one weight a row, of shape \(10,\)"),
        (np.ones((10, 3)), Mismatch, r"for 10 rows, given \(10, 3\)"),
        (2.0, Mismatch, "one weight a row"),
        ([1.0] * 8 + [-0.5, 1.0], InputError, r"has -0.5 at row 8, but a weight is at least 0"),
        ([1.0] * 9 + [np.nan], InputError, "sample_weight has nan at row 9"),
        ([1.0] * 9 + [np.inf], InputError, "sample_weight has inf at row 9"),
        (["a"] * 10, InputError, "sample_weight holds text"),
        ([[1.0]] * 9 + [[1.0, 2.0]], InputError, "unequal lengths"),
        ([], InputError, "sample_weight is empty"),
    ],
)
def test_bad_sample_weights(given, error, message):
    model = model_of()
    model.predict(X)
    before = model.get_weights()
    for call in (model.fit, model.train_on_batch, model.evaluate):
        with pytest.raises(error, match=message):
            call(X, ONE_HOT, sample_weight=given)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_a_column_of_weights_is_accepted():
    model = model_of()
    found = model.evaluate(X, ONE_HOT, sample_weight=S[:, None])
    assert found == model.evaluate(X, ONE_HOT, sample_weight=S.tolist())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1.0, 2.0, 3.0], r"must be a dictionary such as \{0: 1.0, 1: 5.0\}"),
        ({}, "must be a dictionary"),
        ({3: 1.0}, "has the class 3, but the classes are 0, 1, 2"),
        ({"1": 1.0}, "has the class '1'"),
        ({True: 1.0}, "has the class True"),
        ({1: -2.0}, "of the class 1 is -2, but a weight is at least 0"),
        ({1: np.nan}, "class_weight of the class 1 has nan"),
        ({1: "much"}, "class_weight of the class 1 holds text"),
    ],
)
def test_bad_class_weights(given, message):
    with pytest.raises(InputError, match=message):
        model_of().fit(X, ONE_HOT, class_weight=given, verbose=0)


def test_class_weights_need_classes():
    with pytest.raises(InputError, match=r"row 0 of y is not a single 1 among zeros"):
        model_of().fit(X, np.full((10, 3), 1 / 3), class_weight={0: 2.0}, verbose=0)
    regression = model_of("mse", units=1, activation=None)
    with pytest.raises(InputError, match=r"needs classes as targets, but y has 0.5 at row 1"):
        regression.fit(X[:2], [[1.0], [0.5]], class_weight={0: 2.0}, verbose=0)
    with pytest.raises(InputError, match="has the class 2, but the classes are 0, 1"):
        model_of("bce", units=1, activation="sigmoid").fit(
            X[:2], [[1.0], [0.0]], class_weight={2: 2.0}, verbose=0
        )


@pytest.mark.parametrize("given", [(X,), (X, ONE_HOT, S, S), 3])
def test_bad_validation_data(given):
    with pytest.raises(Mismatch, match=r"a pair \(x, y\), or \(x, y, sample_weight\)"):
        model_of().fit(X, ONE_HOT, validation_data=given, verbose=0)


def test_validation_weights_are_checked():
    with pytest.raises(InputError, match="sample_weight of validation_data has -1 at row 0"):
        model_of().fit(X, ONE_HOT, validation_data=(X[:2], ONE_HOT[:2], [-1, 1]), verbose=0)


def test_planted_errors_would_be_seen():
    """A gradient that forgets the weights, or divides by their sum, is far from complex steps."""
    model = model_of()
    model.predict(X)
    weights = model.get_weights()
    right = complex_step(weights, S)
    forgotten, divided = complex_step(weights, np.ones(10)), complex_step(weights, S * 10 / S.sum())
    for wrong in (forgotten, divided):
        assert not all(np.allclose(a, b, rtol=1e-3) for a, b in zip(right, wrong, strict=True))
