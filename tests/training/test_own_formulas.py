"""An activation, a loss and a layer from one formula each: used everywhere, judged from outside."""

import json
import math

import mpmath
import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.training.kinds import joins
from symdl.training.losses import LOSSES, joins_activation, loss_formula
from symdl.training.network import network
from tests.training import own

rng = np.random.default_rng(4)
X = rng.normal(size=(24, 4))
Y = rng.normal(size=(24, 3))
BITS = (Y > 0).astype(float)
ONE_HOT = np.eye(3)[np.arange(24) % 3]
ALL = (own.SWISH, own.WAVE, own.SLOPED, own.SOFT, own.PINBALL, own.FOCAL, own.LOW_RANK)

MODELS = {
    "activation in Dense": ([sd.Dense(5, own.SWISH), sd.Dense(3)], "mse", Y),
    "activation as a layer": ([sd.Dense(5), sd.Activation(own.SWISH), sd.Dense(3)], "mse", Y),
    "name of the catalogue": ([sd.Dense(5, own.WAVE), sd.Dense(3)], "mse", Y),
    "trained activation": (
        [sd.Dense(5), sd.Activation(own.SLOPED, initial={"h": 0.25}), sd.Dense(3)], "mse", Y,
    ),
    "rows": ([sd.Dense(5, "tanh"), sd.Dense(3, own.SOFT)], "categorical_crossentropy", ONE_HOT),
    "rows, labels": ([sd.Dense(3, own.SOFT)], "sparse_categorical_crossentropy", np.arange(24) % 3),
    "pinball": ([sd.Dense(5, "tanh"), sd.Dense(3)], own.PINBALL, Y),
    "focal": ([sd.Dense(5, "tanh"), sd.Dense(3, "sigmoid")], own.FOCAL, BITS),
    "all own": ([own.low_rank(6), sd.Activation(own.SWISH), sd.Dense(3)], own.PINBALL, Y),
    "layer last": ([own.low_rank(3)], "mse", Y),
}  # fmt: skip
each = pytest.mark.parametrize("name", MODELS)


def made(name, **words):
    layers, loss, targets = MODELS[name]
    model = sd.Sequential(layers)
    model.compile(sd.SGD(0.2), loss, **words)
    return model, targets


# ------------------------------------------------------------------ works everywhere


@each
def test_it_trains_and_its_gradients_are_right(name):
    model, targets = made(name)
    losses = model.fit(X, targets, epochs=8, batch_size=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all(check.ok for check in sd.verify.check_model(model, X, targets).values())


@each
def test_it_is_proved_and_derived_line_by_line(name):
    model, _ = made(name)
    derived = sd.backprop(model)
    assert {verdict.level for _, verdict in derived.verify()} == {"proved"}
    first = derived.wrt[0].name
    derivation = derived.derivation(first)
    assert derivation.verify().level == "proved"
    assert r"\frac" in derivation.latex()


@each
def test_it_is_saved_by_name_and_found_again(name, tmp_path):
    model, targets = made(name)
    model.fit(X, targets, verbose=0)
    model.save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz", allow_pickle=False) as file:
        assert all(file[part].dtype.kind in "fU" for part in file.files)
        json.loads(str(file["architecture"]))
    loaded = sd.Sequential.load(tmp_path / "m.npz", formulas=ALL)
    assert (loaded.layers, loaded.setup) == (model.layers, model.setup)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.evaluate(X, targets) == model.evaluate(X, targets)


@each
def test_the_step_compiles_in_float32_too(name):
    model, targets = made(name, dtype="float32")
    step = sd.compile(model.__class__([sd.Input(4), *model.layers]), loss=MODELS[name][1])
    assert "def make_gradients" in step.source
    model.fit(X, targets, epochs=2, verbose=0)
    assert model.predict(X).dtype == np.float32
    assert all(check.ok for check in sd.verify.check_model(model, X, targets).values())


def test_predictions_are_what_numpy_says():
    model, _ = made("trained activation")
    model.predict(X)
    W, b, h, V, c = model.get_weights()
    assert h.tolist() == [0.25] * 5
    z = X @ W + b
    expected = np.where(z > 0, z, h * z) @ V + c
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-13)
    model, _ = made("activation in Dense")
    model.predict(X)
    W, b, V, c = model.get_weights()
    z = X @ W + b
    np.testing.assert_allclose(model.predict(X), z / (1 + np.exp(-1.5 * z)) @ V + c, rtol=1e-12)
    model, _ = made("layer last")
    model.predict(X)
    A, B, b = model.get_weights()
    assert (A.shape, B.shape, b.tolist()) == ((4, 2), (2, 3), [0.5] * 3)
    np.testing.assert_allclose(model.predict(X), X @ A @ B + b, rtol=1e-13)


def test_losses_are_what_numpy_says():
    model, _ = made("pinball")
    p = model.predict(X)
    expected = np.maximum(0.9 * (Y - p), -0.1 * (Y - p)).mean()
    assert model.evaluate(X, Y) == pytest.approx(expected, rel=1e-13)
    model, _ = made("focal")
    p = model.predict(X)
    rows = BITS * (1 - p) ** 2 * np.log(p) + (1 - BITS) * p**2 * np.log(1 - p)
    assert model.evaluate(X, BITS) == pytest.approx(-rows.sum() / len(X), rel=1e-12)


def test_a_pinball_loss_learns_the_quantile():
    draws = np.sort(np.random.default_rng(1).exponential(size=(400, 1)), axis=0)
    model = sd.Sequential([sd.Dense(1, kernel_initializer="zeros")])
    model.compile(sd.SGD(0.5), own.PINBALL)
    model.fit(np.zeros((400, 1)), draws, epochs=300, batch_size=400, verbose=0)
    below = float((draws < model.predict(np.zeros((1, 1)))).mean())
    assert abs(below - 0.9) < 0.02


@pytest.mark.parametrize(("score", "target"), [(800.0, 0.0), (-800.0, 1.0), (800.0, 1.0)])
def test_a_loss_with_named_logarithms_is_finite_where_the_activation_saturates(score, target):
    model = sd.Sequential([sd.Input(1), sd.Dense(1, "sigmoid")])
    model.compile("sgd", own.FOCAL)
    model.set_weights([[[score]], [0.0]])
    loss, gradients = model.step.gradients([[1.0]], [[target]])
    with mpmath.workdps(1000):
        p = 1 / (1 + mpmath.exp(-score))
        expected = (1 - p) ** 2 * mpmath.log(p) if target else p**2 * mpmath.log(1 - p)
    assert loss == pytest.approx(-float(expected), rel=1e-14, abs=1e-300)
    assert all(np.isfinite(g).all() for g in gradients.values())


def test_an_exponential_of_an_own_activation_does_not_overflow():
    run = sd.compile(own.SWISH)
    assert (float(run(-1e4)), float(run(1e4))) == (0, 1e4)
    model, _ = made("activation in Dense")
    assert np.isfinite(model.predict(1e6 * X)).all()


def test_summary_and_names():
    model, _ = made("all own")
    model.predict(X)
    text = model.summary()
    assert "low_rank_1" in text
    assert "my_swish" in text
    assert list(model.step.parameters)[:3] == ["low_rank_1.A", "low_rank_1.B", "low_rank_1.b"]


# ------------------------------------------------------------------ names of the catalogue


def test_a_name_of_the_catalogue_is_the_users_own_formula(tmp_path):
    model, _ = made("name of the catalogue")
    model.predict(X)
    W, b, V, c = model.get_weights()
    np.testing.assert_allclose(model.predict(X), np.sin(X @ W + b) @ V + c, rtol=1e-12)
    labels = [what for what, _ in sd.backprop(model).verify()]
    assert any(label.startswith("own relu: ") for label in labels)
    assert "own relu" in model.summary()
    model.save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as file:
        described = json.loads(str(file["architecture"]))["layers"][0]["activation"]
    assert (described["formula"], described["equations"]) == ("relu", ["y = sin(x)"])
    with pytest.raises(sd.InputError, match=r"the formula 'relu' \(y = sin\(x\)\)"):
        sd.Sequential.load(tmp_path / "m.npz")


def test_a_loss_called_hinge_does_not_ask_for_signs():
    loss = sd.Formula(
        own.PINBALL.equations, output=own.PINBALL.output, inputs=own.PINBALL.inputs,
        hyper=own.PINBALL.hyper, name="hinge",
    )  # fmt: skip
    model = sd.Sequential([sd.Dense(3)])
    model.compile("sgd", loss)
    model.fit(X, Y, verbose=0)
    model.compile("sgd", "hinge")
    with pytest.raises(sd.InputError, match="targets of hinge are -1 and 1"):
        model.fit(X, Y, verbose=0)


def test_the_catalogues_own_formulas_are_themselves():
    from symdl.catalog import activations

    by_formula = network([sd.Dense(3, activations.TANH)], "mse")
    assert by_formula.pieces == network([sd.Dense(3, "tanh")], "mse").pieces


@pytest.mark.parametrize("name", LOSSES)
def test_what_is_derived_with_the_activation_is_seen_in_the_formula(name):
    loss = loss_formula(name)
    copy = sd.Formula(
        loss.equations, output=loss.output, inputs=loss.inputs, hyper=loss.hyper, name="copy"
    )
    assert joins(copy) == joins(loss) == joins_activation(loss)


# ------------------------------------------------------------------ files


def test_load_refuses_another_formula_of_that_name(tmp_path):
    model, _ = made("activation in Dense")
    model.predict(X)
    model.save(tmp_path / "m.npz")
    words = {"output": own.y, "inputs": [own.x], "name": "my_swish"}
    other = sd.Formula(own.SWISH.equations, hyper={own.a: 2}, **words)
    with pytest.raises(sd.Mismatch, match=r"its hyper were \['a = 3/2'\], and are \['a = 2'\]"):
        sd.Sequential.load(tmp_path / "m.npz", formulas=[other])
    with pytest.raises(sd.InputError, match="two different formulas are called 'my_swish'"):
        sd.Sequential.load(tmp_path / "m.npz", formulas=[other, own.SWISH])
    with pytest.raises(sd.InputError, match="with 'my_swish' in it"):
        sd.Sequential.load(tmp_path / "m.npz", formulas=["my_swish"])


def test_a_formula_without_a_name_trains_but_is_not_saved(tmp_path):
    nameless = sd.Formula(sp.Eq(own.y, own.x**3), output=own.y, inputs=[own.x])
    model = sd.Sequential([sd.Dense(2, nameless), sd.Dense(3)])
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert {v.level for _, v in sd.backprop(model).verify()} == {"proved"}
    with pytest.raises(sd.InputError, match=r"needs a name to be saved.*y = x\*\*3"):
        model.save(tmp_path / "m.npz")


# ------------------------------------------------------------------ state, draws, prediction


def running_mean():
    """x less a running mean of its columns in prediction, less the batch's mean in training."""
    r, i = sd.indices("r:R i:I")
    x, y, mean, old, new = sd.tensors("x[r,i] y[r,i] mu[i] old[i] new[i]", r, i)
    training = sd.Formula(
        [
            sp.Eq(mean[i], sd.total(x[r, i], r) / r.size),
            sp.Eq(new[i], (old[i] + mean[i]) / 2),
            sp.Eq(y[r, i], x[r, i] - mean[i]),
        ],
        output=y, inputs=[x], state=[(old, new)], name="centred",
    )  # fmt: skip
    predicting = sd.Formula(sp.Eq(y[r, i], x[r, i] - old[i]), output=y, inputs=[x, old])
    return sd.FormulaLayer(training, initial={"old": 0}, in_prediction=predicting)


def test_running_statistics_move_in_training_and_are_read_in_prediction():
    model = sd.Sequential([running_mean(), sd.Dense(1)])
    model.compile(sd.SGD(1e-9), "mse")
    model.train_on_batch(X, Y[:, :1])
    assert list(model.step.statistics) == ["centred_1.old"]
    old = model.step.statistics["centred_1.old"].copy()
    np.testing.assert_allclose(old, X.mean(axis=0) / 2)
    W, b = (w for w in model.get_weights() if w.shape != old.shape)
    np.testing.assert_allclose(model.predict(X), (X - old) @ W + b, rtol=1e-12)


def test_draws_are_those_of_the_seed_and_stay_out_of_prediction():
    r, i = sd.indices("r:R i:I")
    x, y, v = sd.tensors("x[r,i] y[r,i] v[r,i]", r, i)
    noisy = sd.Formula(
        sp.Eq(y[r, i], x[r, i] * (1 + v[r, i])), output=y, inputs=[x], random=[v], name="noisy"
    )
    layer = sd.FormulaLayer(noisy, draws={"v": "normal"}, in_prediction=None)
    first, second = (sd.Sequential([layer, sd.Dense(3)]) for _ in range(2))
    for model in (first, second):
        model.compile("sgd", "mse")
        model.fit(X, Y, epochs=2, seed=5, verbose=0)
    np.testing.assert_array_equal(first.predict(X), second.predict(X))
    W, b = first.get_weights()
    np.testing.assert_allclose(first.predict(X), X @ W + b, rtol=1e-12)
    with pytest.raises(sd.InputError, match="give in_prediction="):
        sd.FormulaLayer(noisy, draws={"v": "normal"})
    with pytest.raises(sd.InputError, match="from what is v drawn"):
        sd.FormulaLayer(noisy, in_prediction=None)


def test_a_scalar_parameter_serves_all_columns():
    r, i = sd.indices("r:R i:I")
    x, y = sd.tensors("x[r,i] y[r,i]", r, i)
    s = sp.Symbol("s", real=True)
    scaled = sd.Formula(
        sp.Eq(y[r, i], s * x[r, i]), output=y, inputs=[x], parameters=[s], name="scaled"
    )
    model = sd.Sequential([sd.FormulaLayer(scaled, initial={"s": 2})])
    model.compile(sd.SGD(0.1), "mse")
    np.testing.assert_array_equal(model.predict(X), 2 * X)
    assert all(c.ok for c in sd.verify.check_model(model, X, X**2).values())
    model.fit(X, 3 * X, epochs=60, verbose=0)
    assert model.get_weights()[0] == pytest.approx(3)


# ------------------------------------------------------------------ refusals

n, j, w = sd.indices("n:N j:K w:W")
s, v, z, t, c = sd.tensors("s[n,j] v[n,j] z[n,w] t[n,j] c[j]", n, j, w)
two = sd.Formula(sp.Eq(own.y, own.x + own.g), output=own.y, inputs=[own.x, own.g])
wide = sd.Formula(sp.Eq(z[n, w], sd.total(s[n, j], j)), output=z, inputs=[s], name="wide")
column = sd.Formula(sp.Eq(v[n, j], s[n, j] + c[j]), output=v, inputs=[s, c])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sd.Dense(3, activation=lambda x: x), "an activation is a name such as 'relu'"),
        (lambda: sd.Dense(3, activation=own.x**2), "an activation is a name"),
        (lambda: sd.Activation(two), "one input is needed, it has: x, g"),
        (lambda: sd.Activation(wide), r"v\[N, K\]|must have the shape of the input s\[N, K\]"),
        (lambda: sd.Dense(3, own.SLOPED), r"needs initial values.*Activation\(\.\.\., initial"),
        (lambda: sd.Activation(own.SLOPED), "no initial values for h"),
        (lambda: sd.Activation(own.SLOPED, initial={"k": 1}), "there is no parameter 'k'"),
        (lambda: sd.Activation("tanh", initial={"a": 1}), "no parameter 'a'; it has none"),
        (lambda: sd.Activation(own.SLOPED, initial={"h": "zeroes"}), "did you mean 'zeros'"),
        (lambda: sd.Activation(own.SLOPED, initial={"h": math.nan}), "h must be a finite number"),
        (lambda: sd.Activation(own.SLOPED, initial=3), "must be a dictionary"),
        (lambda: sd.FormulaLayer("dense"), "made from a formula"),
        (lambda: sd.FormulaLayer(column), "one input x"),
        (lambda: sd.FormulaLayer(own.SWISH), r"its input must be x\[n,i\]"),
        (lambda: sd.FormulaLayer(wide), "give units, the size W"),
        (lambda: sd.FormulaLayer(wide, units=0), "units of FormulaLayer 'wide' must be a whole"),
        (lambda: sd.FormulaLayer(own.SOFT, units=3), "leave units away"),
        (lambda: sd.FormulaLayer(own.LOW_RANK, units=2), r"sizes=\{'M': 2\}"),
        (lambda: own.low_rank(2, rank=0), "the size M of FormulaLayer 'low_rank'"),
        (lambda: sd.FormulaLayer(own.SOFT, sizes={"M": 2}), "has no axis of its own"),
        (lambda: sd.FormulaLayer(own.SOFT, draws={"v": "normal"}), "the formula has none"),
        (lambda: sd.FormulaLayer(own.LOW_RANK, units=2, sizes={"M": 2}), "no initial values for A"),
        (lambda: sd.FormulaLayer(own.SOFT, in_prediction="nothing"), "a formula or None"),
        (lambda: sd.FormulaLayer(own.SOFT, in_prediction=wide), "in prediction it may read"),
    ],
)
def test_formulas_that_do_not_fit_are_refused_when_made(make, message):
    with pytest.raises(sd.InputError, match=message):
        make()


L = sp.Symbol("L", real=True)
LOSS = {"output": L, "name": "l"}


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (sd.Formula(sp.Eq(L, sd.total(s[n, j], n, j)), inputs=[s], **LOSS), "two inputs are need"),
        (sd.Formula(sp.Eq(L, sd.total(s[n, j] * c[j], n, j)), inputs=[s, c], **LOSS), "targets c"),
        (sd.Formula(sp.Eq(L, sd.total(s[n, j] * c[j], n, j)), inputs=[c, s], **LOSS), "not c.K."),
        (sd.Formula(sp.Eq(v[n, j], s[n, j] * t[n, j]), output=v, inputs=[s, t]), "one number"),
        (
            sd.Formula(sp.Eq(L, sd.total(s[n, j] * c[j] * t[n, j], n, j)), inputs=[s, t],
                       parameters=[c], **LOSS),
            "belong to layers",
        ),
    ],
)  # fmt: skip
def test_losses_that_do_not_fit_are_refused(loss, message):
    model = sd.Sequential([sd.Dense(3)])
    with pytest.raises(sd.InputError, match=message):
        model.compile("sgd", loss)


@pytest.mark.parametrize("value", ["0.1", None, True, math.inf, sp.nan, own.x])
def test_constants_are_numbers(value):
    with pytest.raises(sd.InputError, match="the default value of a must be a real number"):
        sd.Formula(sp.Eq(own.y, own.a * own.x), output=own.y, inputs=[own.x], hyper={own.a: value})
