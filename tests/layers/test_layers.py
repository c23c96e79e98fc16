"""The layers in a model: training against hand-written NumPy, files, summary, refusals."""

import warnings

import numpy as np
import pytest
import sympy as sp

from symdl.errors import InputError
from symdl.formula import Formula
from symdl.notation.indices import indices
from symdl.notation.tensors import tensors
from symdl.training.backprop import backprop
from symdl.training.layers import Activation, Dense, Input
from symdl.training.noise import Dropout, GaussianNoise
from symdl.training.normalization import BatchNormalization, LayerNormalization, RMSNormalization
from symdl.training.own_layer import FormulaLayer
from symdl.training.rectifiers import Maxout, PReLU
from symdl.training.sequential import Sequential
from symdl.verify.gradients import check_model
from tests.layers import numpy_layers as by_hand

rng = np.random.default_rng(8)
X = rng.normal(0.5, 1.5, (24, 5))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
LAYERS = (
    LayerNormalization(),
    RMSNormalization(),
    Maxout(6, pieces=3),
    PReLU(),
    BatchNormalization(momentum=0.8),
    Dropout(0.4),
    GaussianNoise(0.3),
)
IDS = [type(layer).__name__ for layer in LAYERS]
each = pytest.mark.parametrize("layer", LAYERS, ids=IDS)


def model(layer, dtype="float64", optimizer="adam", seed=0):
    made = Sequential([Dense(6), layer, Activation("tanh"), Dense(2, "softmax")], seed=seed)
    made.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], dtype=dtype)
    return made


def fitted(layer, **kwargs):
    made = model(layer, **kwargs)
    made.history = made.fit(X, Y, epochs=3, batch_size=7, seed=4, verbose=0).history
    return made


@each
def test_a_model_trains_and_repeats_bit_for_bit(layer):
    one, two = fitted(layer), fitted(layer)
    assert one.history == two.history
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    start = model(layer)
    start.predict(X)
    assert one.evaluate(X, Y)[0] < start.evaluate(X, Y)[0]


@each
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_gradients_agree_with_differences_of_the_training_loss(layer, dtype):
    made = fitted(layer, dtype=dtype)
    checks = check_model(made, X[:8], Y[:8], elements=12)
    assert set(checks) == set(made.step.parameters)
    assert all(c.ok for c in checks.values()), checks


@each
def test_a_file_keeps_everything(layer, tmp_path):
    made = fitted(layer)
    made.save(tmp_path / "model.npz")
    again = Sequential.load(tmp_path / "model.npz")
    assert again.layers == made.layers
    np.testing.assert_array_equal(again.predict(X), made.predict(X))
    assert again.evaluate(X, Y) == made.evaluate(X, Y)
    for a, b in zip(made.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@each
def test_the_summary_names_the_layer(layer, capsys):
    made = fitted(layer)
    assert f"{layer.training.name}_1" in made.summary()
    capsys.readouterr()


@pytest.mark.parametrize("layer", [LAYERS[0], LAYERS[2], LAYERS[4], LAYERS[5]], ids=type)
def test_backpropagation_through_the_layer_is_proved(layer):
    found = backprop(Sequential([Dense(3), layer, Dense(1)]), "mse").verify()
    assert {verdict.level for _, verdict in found} == {"proved"}


def test_a_layer_may_come_first_or_stand_twice():
    made = Sequential([Input(5), BatchNormalization(), Dropout(0.2), Dropout(0.2), PReLU()])
    made.compile("sgd", "mse")
    made.fit(X, X, epochs=2, verbose=0)
    assert made.predict(X).shape == X.shape
    names = {name.split(".")[0] for name in made.step.parameters}
    assert names == {"batch_normalization_1", "prelu_1"}
    assert all(c.ok for c in check_model(made, X, X).values())


def test_layers_without_a_declared_width_take_that_of_the_data():
    made = Sequential([LayerNormalization(), PReLU()])
    made.compile("sgd", "mse")
    made.fit(X, X, verbose=0)
    assert [w.shape for w in made.get_weights()] == [(5,)] * 3


# ------------------------------------------------------------------------- what a layer computes


def alone(layer, columns=5):
    made = Sequential([Input(columns), layer])
    made.compile("sgd", "mse")
    return made


def test_layer_normalization_predicts_as_by_hand():
    made = alone(LayerNormalization(epsilon=1e-5))
    gamma, beta = rng.normal(size=5), rng.normal(size=5)
    made.set_weights([gamma, beta])
    wanted = by_hand.layer_norm(X, gamma, beta, 1e-5)
    np.testing.assert_allclose(made.predict(X), wanted, rtol=1e-12)


def test_rms_normalization_predicts_as_by_hand():
    made = alone(RMSNormalization())
    made.set_weights([gamma := rng.normal(size=5)])
    np.testing.assert_allclose(made.predict(X), by_hand.rms_norm(X, gamma, 1e-6), rtol=1e-12)


def test_maxout_predicts_as_by_hand_and_learns_the_absolute_value():
    made = alone(Maxout(3, pieces=4))
    w, b = (rng.normal(size=a.shape) for a in made.get_weights())
    assert w.shape == (5, 4, 3)
    made.set_weights([w, b])
    np.testing.assert_allclose(made.predict(X), by_hand.maxout(X, w, b), rtol=1e-12)
    x = np.linspace(-1, 1, 41)[:, None]
    bend = alone(Maxout(1, pieces=2), columns=1)
    bend.compile("adam", "mse")
    bend.step.hyper["learning_rate"] = 0.05
    bend.fit(x, np.abs(x), epochs=200, verbose=0)
    assert bend.evaluate(x, np.abs(x)) < 1e-3


def test_each_piece_of_maxout_starts_as_a_dense_layer_would():
    made = alone(Maxout(30, pieces=8), columns=20)
    limit = np.sqrt(6 / (20 + 30))
    kernel = made.get_weights()[0]
    assert 0.95 * limit < np.abs(kernel).max() <= limit


def test_prelu_learns_its_slope():
    x = rng.normal(size=(64, 2))
    made = alone(PReLU(), columns=2)
    np.testing.assert_array_equal(made.get_weights()[0], [0.25, 0.25])
    y = np.where(x > 0, x, x * [0.7, -0.3])
    made.compile("adam", "mse")
    made.step.hyper["learning_rate"] = 0.05
    made.fit(x, y, epochs=150, verbose=0)
    np.testing.assert_allclose(made.get_weights()[0], [0.7, -0.3], atol=1e-3)


# ----------------------------------------------------------------------------- batch normalization


def test_training_takes_the_batch_and_prediction_the_running_statistics():
    made = alone(BatchNormalization(momentum=0.9))
    gamma, beta, mean, var = rng.normal(size=(4, 5))
    var = var**2
    made.set_weights([gamma, beta, mean, var])
    wanted = by_hand.batch_norm_inference(X, mean, var, gamma, beta)
    np.testing.assert_allclose(made.predict(X), wanted, rtol=1e-12)
    t = rng.normal(size=X.shape)
    in_training = by_hand.batch_norm(X, gamma, beta)
    assert made.step.gradients(X, t)[0] == pytest.approx(np.mean((in_training - t) ** 2))
    assert made.evaluate(X, t) == pytest.approx(np.mean((wanted - t) ** 2))
    np.testing.assert_array_equal(made.get_weights()[2], mean)  # nothing has changed them
    made.train_on_batch(X, t)
    new_mean, new_var = made.get_weights()[2:]
    np.testing.assert_allclose(new_mean, 0.9 * mean + 0.1 * X.mean(0), rtol=1e-12)
    np.testing.assert_allclose(new_var, 0.9 * var + 0.1 * X.var(0), rtol=1e-12)
    made.train_on_batch(X, t)
    np.testing.assert_allclose(
        made.get_weights()[2], 0.81 * mean + 0.19 * X.mean(0), rtol=1e-12
    )  # fmt: skip


def test_gradient_steps_agree_with_hand_written_ones():
    made = alone(BatchNormalization())
    made.predict(X)
    made.step.hyper["learning_rate"] = 0.1
    t, gamma, beta = rng.normal(size=X.shape), np.ones(5), np.zeros(5)
    for _ in range(3):
        up = 2 * (by_hand.batch_norm(X, gamma, beta) - t) / X.size
        _, scale, shift = by_hand.batch_norm_backward(X, gamma, up)
        gamma, beta = gamma - 0.1 * scale, beta - 0.1 * shift
        made.train_on_batch(X, t)
    np.testing.assert_allclose(made.get_weights()[0], gamma, rtol=1e-10)
    np.testing.assert_allclose(made.get_weights()[1], beta, rtol=1e-10)


def test_running_statistics_settle_on_those_of_the_data():
    made = alone(BatchNormalization(momentum=0.5))
    made.fit(X, X, epochs=40, batch_size=len(X), verbose=0)
    np.testing.assert_allclose(made.get_weights()[2], X.mean(0), rtol=1e-9)
    np.testing.assert_allclose(made.get_weights()[3], X.var(0), rtol=1e-9)


def test_a_batch_of_one_gives_beta():
    made = alone(BatchNormalization())
    beta = rng.normal(size=5)
    made.set_weights([np.ones(5), beta, np.zeros(5), np.ones(5)])
    loss = made.step.gradients(X[:1], np.zeros((1, 5)))[0]
    assert loss == pytest.approx(np.mean(beta**2), rel=1e-14)


def test_running_statistics_are_weights_but_have_no_gradient():
    made = fitted(BatchNormalization())
    assert list(made.step.statistics) == [
        "batch_normalization_1.running_mean", "batch_normalization_1.running_var"
    ]  # fmt: skip
    assert not set(made.step.statistics) & set(made.step.gradients(X, Y)[1])
    assert len(made.get_weights()) == 8
    more = model(BatchNormalization())
    more.predict(X)
    more.set_weights(made.get_weights())
    np.testing.assert_array_equal(more.predict(X), made.predict(X))


def test_adding_a_layer_and_compiling_again_keep_the_running_statistics():
    made = alone(BatchNormalization())
    made.fit(X, X, verbose=0)
    before = made.get_weights()
    made.add(Dense(2))
    made.compile("sgd", "mse")
    for a, b in zip(before, made.get_weights(), strict=False):
        np.testing.assert_array_equal(a, b)


# ------------------------------------------------------------------------------- dropout and noise


@pytest.mark.parametrize("layer", [Dropout(0.5), GaussianNoise(2.0)], ids=type)
def test_prediction_is_untouched(layer):
    made = Sequential([Input(5), Dense(3), layer])
    made.compile("sgd", "mse")
    w, b = made.get_weights()
    np.testing.assert_allclose(made.predict(X), X @ w + b, rtol=1e-12)
    t = rng.normal(size=(24, 3))
    assert made.evaluate(X, t) == pytest.approx(np.mean((X @ w + b - t) ** 2))
    assert made.step.gradients(X, t)[0] != pytest.approx(made.evaluate(X, t))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_mask_is_that_of_the_generator(dtype):
    """The loss and the gradient of W for x with its mask worked out by hand."""
    made = Sequential([Input(5), Dropout(0.25), Dense(1, use_bias=False)])
    made.compile("sgd", "mse", dtype=dtype)
    (w,) = made.get_weights()
    made.step.generator = np.random.default_rng(3)
    t = rng.normal(size=(24, 1))
    loss, gradients = made.step.gradients(X, t)
    mask = np.random.default_rng(3).random(X.shape) >= 0.25
    dropped = X * mask / 0.75
    rel = 1e-12 if dtype == "float64" else 1e-5
    assert loss == pytest.approx(np.mean((dropped @ w - t) ** 2), rel=rel)
    by = dropped.T @ (dropped @ w - t) * 2 / 24
    np.testing.assert_allclose(gradients["dense_1.W"], by, rtol=rel, atol=rel)


def test_each_batch_and_each_layer_draws_anew():
    made = Sequential([Input(5), Dropout(0.5), Dropout(0.5), Dense(1, use_bias=False)])
    made.compile("sgd", "mse")
    made.set_weights([np.ones((5, 1))])
    made.step.generator = np.random.default_rng(0)
    x, t = np.ones((400, 5)), np.zeros((400, 1))
    first, second = (made.step.gradients(x, t)[1]["dense_1.W"] for _ in range(2))
    assert not np.array_equal(first, second)
    made.step.generator = np.random.default_rng(0)
    np.testing.assert_array_equal(made.step.gradients(x, t)[1]["dense_1.W"], first)
    draws = np.random.default_rng(0)
    kept = (draws.random(x.shape) >= 0.5) & (draws.random(x.shape) >= 0.5)
    seen = kept * 4.0
    np.testing.assert_allclose(first, seen.T @ seen.sum(1, keepdims=True) * 2 / 400, rtol=1e-12)


def test_another_seed_gives_other_masks_and_shuffle_is_not_needed_for_them():
    found = []
    for seed in (1, 1, 2):
        made = model(Dropout(0.5))
        made.fit(X, Y, epochs=1, seed=seed, shuffle=False, verbose=0)
        found.append(made.get_weights()[0])
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_a_rate_of_zero_changes_nothing():
    plain = Sequential([Input(5), Dense(3)])
    none = Sequential([Input(5), Dropout(0), Dense(3), GaussianNoise(0)])
    for made in (plain, none):
        made.compile("sgd", "mse")
        made.fit(X, X[:, :3], epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(plain.get_weights()[0], none.get_weights()[0], rtol=1e-13)


def test_noise_under_a_joint_loss_and_above_softmax():
    with pytest.raises(InputError, match="the last layer has no activation"):
        Sequential([Dense(3, "softmax"), Dropout(0.5)]).compile("sgd", "categorical_crossentropy")


# -------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Dropout(1.0), r"rate of Dropout must be in \[0, 1\), not 1.0"),
        (lambda: Dropout(-0.1), "rate of Dropout"),
        (lambda: Dropout("half"), "rate of Dropout"),
        (lambda: Dropout(float("nan")), "rate of Dropout"),
        (lambda: GaussianNoise(-1), "stddev of GaussianNoise must be a finite number >= 0"),
        (lambda: GaussianNoise(float("inf")), "stddev of GaussianNoise"),
        (lambda: BatchNormalization(momentum=1), r"momentum of BatchNormalization must be in"),
        (lambda: BatchNormalization(momentum=-0.1), "momentum of BatchNormalization"),
        (lambda: BatchNormalization(epsilon=0), "epsilon of BatchNormalization must be a finite"),
        (lambda: LayerNormalization(epsilon=0), "epsilon of LayerNormalization"),
        (lambda: RMSNormalization(epsilon=-1e-6), "epsilon of RMSNormalization"),
        (lambda: Maxout(0), "units of Maxout must be a whole number of at least 1, not 0"),
        (lambda: Maxout(3, pieces=0), "pieces of Maxout must be a whole number of at least 1"),
        (lambda: Maxout(3, kernel_initializer="he"), "unknown kernel_initializer 'he'"),
        (lambda: PReLU(initial_slope=-1), "initial_slope of PReLU"),
    ],
)
def test_bad_hyper_parameters_are_refused_when_made(make, reason):
    with pytest.raises(InputError, match=reason):
        make()


def test_a_model_of_noise_alone_has_nothing_to_train():
    with pytest.raises(InputError, match="no layer with weights"):
        Sequential([Input(5), Dropout(0.5)]).compile("sgd", "mse")


def test_a_step_allocates_next_to_nothing():
    """Arrays of a training step are made once: a step adds no more than small objects."""
    import tracemalloc

    big = rng.normal(size=(2048, 64))
    made = Sequential([Input(64), Dense(64), BatchNormalization(), Dropout(0.2), Dense(64)])
    made.compile("sgd", "mse")
    step = made.step
    for _ in range(3):
        step(big, big)
    tracemalloc.start()
    step(big, big)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < big.nbytes / 8


def test_training_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(BatchNormalization())


def test_a_layer_of_ones_own_is_one_formula():
    """Scale by a squared weight: derived, proved, trained and checked without a line of code."""
    n, i = indices("n:N i:D")
    x, y, w = tensors("x[n,i] y[n,i] w[i]", n, i)
    formula = Formula(
        sp.Eq(y[n, i], x[n, i] * w[i] ** 2), output=y, inputs=[x], parameters=[w], name="scale"
    )

    made = Sequential([Input(5), FormulaLayer(formula, initial={"w": 0.5}), Dense(2)])
    made.compile("sgd", "mse")
    made.fit(X, X[:, :2], verbose=0)
    assert next(iter(made.step.parameters)) == "scale_1.w"
    assert all(c.ok for c in check_model(made, X, X[:, :2]).values())
    verdicts = backprop(made).verify()
    assert {verdict.level for _, verdict in verdicts} == {"proved"}
