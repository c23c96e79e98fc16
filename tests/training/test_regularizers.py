"""Penalties in layers: the loss includes them, and their gradient is the textbook's."""

import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.calculus.compose import Piece, Renaming
from symdl.calculus.network import backpropagate
from symdl.training.regularizers import of_rank, regularizer_of

rng = np.random.default_rng(6)
X = rng.normal(size=(14, 4))
Y = rng.normal(size=(14, 2))

i, j = sd.indices("i:D j:K")
W = sd.tensors("W[i,j]", i, j)
R, s = sp.symbols("R s", real=True)
# a rounded |W|, and a penalty that is no sum over elements: the squared sum of all weights
SOFT = sd.Formula(
    sp.Eq(R, s * sd.total(sp.sqrt(W[i, j] ** 2 + 1) - 1, i, j)),
    output=R, inputs=[W], hyper={s: 0.1}, name="soft_abs",
)  # fmt: skip
SQUARED_SUM = sd.Formula(
    sp.Eq(R, sd.total(W[i, j], i, j) ** 2), output=R, parameters=[W], name="squared_sum"
)


def made(first, second=None, loss="mse", dtype="float64"):
    layers = [sd.Dense(5, "tanh", **first), sd.Dense(2, **(second or {}))]
    model = sd.Sequential(layers, seed=3)
    model.compile(sd.SGD(0.1), loss, dtype=dtype)
    model.predict(X)
    return model


def data_loss(model):
    return float(((model.predict(X) - Y) ** 2).mean())


def hidden(model):
    kernel, bias = model.get_weights()[:2]
    return np.tanh(X @ kernel + bias)


CASES = [
    ({"kernel_regularizer": "l2"}, lambda W, b, h: 0.01 * (W**2).sum()),
    ({"kernel_regularizer": "l2(l2=0.3)"}, lambda W, b, h: 0.3 * (W**2).sum()),
    ({"kernel_regularizer": sd.L1(0.2)}, lambda W, b, h: 0.2 * np.abs(W).sum()),
    (
        {"kernel_regularizer": sd.L1L2(l1=0.1, l2=0.3)},
        lambda W, b, h: 0.1 * np.abs(W).sum() + 0.3 * (W**2).sum(),
    ),
    ({"bias_regularizer": sd.L2(0.5)}, lambda W, b, h: 0.5 * (b**2).sum()),
    ({"bias_regularizer": "l1_l2(l1=1, l2=2)"}, lambda W, b, h: np.abs(b).sum() + 2 * b @ b),
    ({"activity_regularizer": sd.L2(0.5)}, lambda W, b, h: 0.5 * (h**2).sum() / len(h)),
    ({"activity_regularizer": sd.L1(0.5)}, lambda W, b, h: 0.5 * np.abs(h).sum() / len(h)),
    ({"kernel_regularizer": SOFT}, lambda W, b, h: 0.1 * (np.sqrt(W**2 + 1) - 1).sum()),
    ({"kernel_regularizer": SQUARED_SUM}, lambda W, b, h: W.sum() ** 2),
    (
        {"kernel_regularizer": "l2", "bias_regularizer": "l1", "activity_regularizer": sd.L2(0.1)},
        lambda W, b, h: 0.01 * (W**2).sum() + 0.01 * np.abs(b).sum() + 0.1 * (h**2).sum() / len(h),
    ),
]
each = pytest.mark.parametrize(("words", "penalty"), CASES, ids=[str(w) for w, _ in CASES])


@each
def test_the_loss_includes_the_penalty(words, penalty):
    model = made(words)
    weights = model.get_weights()
    model.set_weights([rng.normal(size=w.shape) for w in weights])
    expected = data_loss(model) + penalty(*model.get_weights()[:2], hidden(model))
    assert model.evaluate(X, Y) == pytest.approx(expected, rel=1e-12)
    assert model.train_on_batch(X, Y) == pytest.approx(expected, rel=1e-12)


@each
def test_the_gradient_is_that_of_the_whole_and_proved(words, penalty):
    model = made(words)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    assert all(check.ok for check in sd.verify.check_model(model, X, Y).values())
    assert {verdict.level for _, verdict in sd.backprop(model).verify()} == {"proved"}


@each
def test_it_is_saved(words, penalty, tmp_path):
    model = made(words)
    model.save(tmp_path / "m.npz")
    loaded = sd.Sequential.load(tmp_path / "m.npz", formulas=[SOFT, SQUARED_SUM])
    assert loaded.evaluate(X, Y) == model.evaluate(X, Y)
    assert loaded.layers[0].penalties == model.layers[0].penalties


def test_the_textbook_gradients_are_added():
    """dL/dW = dE/dW + 2 l2 W + l1 sign W, taken apart by leaving the penalty out."""
    with_penalty, without = made({"kernel_regularizer": sd.L1L2(0.2, 0.3)}), made({})
    weights = with_penalty.get_weights()
    without.set_weights(weights)
    _, ours = with_penalty.step.gradients(X, Y)
    _, plain = without.step.gradients(X, Y)
    kernel = weights[0]
    extra = 0.2 * np.sign(kernel) + 0.6 * kernel
    np.testing.assert_allclose(ours["dense_1.W"], plain["dense_1.W"] + extra, rtol=1e-12)
    for name in ("dense_1.b", "dense_2.W", "dense_2.b"):
        np.testing.assert_allclose(ours[name], plain[name], rtol=1e-13)


def test_the_equations_show_it():
    shown = [str(e) for e in sd.backprop(made({"kernel_regularizer": "l2"})).equations]
    assert "dense_1.R_W = sum[j,k](dense_1.W[j, k]**2)/100" in shown
    assert "L = L_0 + dense_1.R_W" in shown
    assert "dense_1.Wbar_1[i, j] = dense_1.W[i, j]/50" in shown
    derivation = sd.backprop(made({"kernel_regularizer": "l2"})).derivation("dense_1.W")
    assert derivation.verify().level == "proved"
    assert r"+ \frac{W^{(\mathrm{dense\_1})}_{j k}}{50}" in derivation.latex()


def test_l1_is_not_moved_by_its_penalty_at_zero():
    model = made({"kernel_regularizer": sd.L1(0.5), "kernel_initializer": "zeros"})
    _, gradients = model.step.gradients(X, Y)
    plain = made({"kernel_initializer": "zeros"})
    plain.set_weights(model.get_weights())
    expected = plain.step.gradients(X, Y)[1]["dense_1.W"]
    np.testing.assert_allclose(gradients["dense_1.W"], expected, rtol=1e-13)


def test_it_works_with_a_loss_that_is_derived_with_the_activation():
    model = sd.Sequential(
        [
            sd.Dense(6, "relu", kernel_regularizer="l2"),
            sd.Dense(3, "softmax", kernel_regularizer="l1"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    labels = np.arange(14) % 3
    model.fit(X, labels, epochs=2, verbose=0)
    first, second = model.get_weights()[0], model.get_weights()[2]
    log_likelihood = np.log(model.predict(X))[np.arange(14), labels].mean()
    expected = -log_likelihood + 0.01 * (first**2).sum() + 0.01 * np.abs(second).sum()
    assert model.evaluate(X, labels)[0] == pytest.approx(expected, rel=1e-12)
    assert all(check.ok for check in sd.verify.check_model(model, X, labels).values())


def test_it_works_where_prediction_differs_from_training():
    layers = [sd.Dense(6, kernel_regularizer="l2"), sd.BatchNormalization(), sd.Dropout(0.3)]
    model = sd.Sequential([*layers, sd.Dense(2, activity_regularizer="l1")])
    model.compile("sgd", "mse")
    model.fit(X, Y, epochs=2, verbose=0)
    kernel, out = model.get_weights()[0], model.predict(X)
    expected = ((out - Y) ** 2).mean() + 0.01 * (kernel**2).sum() + 0.01 * np.abs(out).sum() / 14
    assert model.evaluate(X, Y) == pytest.approx(expected, rel=1e-12)
    assert all(check.ok for check in sd.verify.check_model(model, X, Y).values())


def test_weights_shrink_in_float32_too():
    free, held = (
        made({}, dtype="float32"),
        made({"kernel_regularizer": "l2(l2=1)"}, dtype="float32"),
    )
    for model in (free, held):
        model.fit(X, Y, epochs=30, verbose=0)
    assert np.abs(held.get_weights()[0]).sum() < 0.2 * np.abs(free.get_weights()[0]).sum()


# ------------------------------------------------------------------ refusals and planted errors


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"kernel_regularizer": "l3"}, "unknown regularizer 'l3'; did you mean 'l"),
        ({"kernel_regularizer": sd.L1}, r"L1 is a class: write L1\(\)"),
        ({"kernel_regularizer": 0.01}, "unknown regularizer 0.01"),
        ({"kernel_regularizer": "l2(l2=-1)"}, "l2 of l2 must be a finite number >= 0"),
        ({"kernel_regularizer": "l2(l1=1)"}, "l2 has no 'l1'"),
        ({"bias_regularizer": "l2", "use_bias": False}, "there is no bias"),
    ],
)
def test_what_is_no_regularizer_is_refused(words, message):
    with pytest.raises(sd.InputError, match=message):
        sd.Dense(3, **words)


@pytest.mark.parametrize("make", [lambda: sd.L1(-1), lambda: sd.L2(np.nan), lambda: sd.L1L2(l2=-1)])
def test_strengths_are_not_negative(make):
    with pytest.raises(sd.InputError, match="must be a finite number >= 0"):
        make()


def test_formulas_that_are_no_penalty_are_refused():
    V = sd.tensors("V[i,j]", i, j)
    two = sd.Formula(sp.Eq(R, sd.total(W[i, j] * V[i, j], i, j)), output=R, inputs=[W, V])
    tensor = sd.Formula(sp.Eq(V[i, j], W[i, j] ** 2), output=V, inputs=[W])
    with pytest.raises(sd.InputError, match="a regularizer reads one tensor"):
        sd.Dense(3, kernel_regularizer=two)
    with pytest.raises(sd.InputError, match="must be one number"):
        sd.Dense(3, kernel_regularizer=tensor)
    pairs = sd.Formula(
        sp.Eq(R, sd.total(W[i, j] * sd.total(W[i, j], i), i, j)), output=R, inputs=[W], name="pairs"
    )
    model = sd.Sequential([sd.Dense(2, bias_regularizer=pairs)])
    with pytest.raises(sd.NotSupported, match="'pairs' is not a sum over the elements"):
        model.compile("sgd", "mse")


def test_outputs_of_a_joint_loss_are_not_penalized_silently():
    model = sd.Sequential([sd.Dense(3, "softmax", activity_regularizer="l2")])
    with pytest.raises(sd.NotSupported, match="derived together with the last activation"):
        model.compile("sgd", "categorical_crossentropy")


def test_a_piece_that_reads_what_another_keeps_to_itself_is_refused():
    """Its adjoint would miss that use, and the gradient would be silently wrong."""
    x, u, y, L = sp.symbols("x u y L", real=True)
    first = sd.Formula([sp.Eq(u, x**2), sp.Eq(y, sp.sin(u))], output=y, inputs=[x], name="first")
    second = sd.Formula(sp.Eq(L, y * u), output=L, inputs=[y, u], name="second")
    pieces = [Piece(f, Renaming({}, {})) for f in (first, second)]
    with pytest.raises(sd.InputError, match="second reads u, which is no output of its piece"):
        backpropagate(pieces, [x])


def test_a_vectors_penalty_is_that_of_a_matrix_with_one_column():
    for name in ("l1", "l2", "l1_l2"):
        formula = regularizer_of(name, "")
        vector = of_rank(formula, 1)
        b = rng.normal(size=5)
        whole = sd.compile(formula)(b[:, None])
        assert sd.compile(vector)(b) == pytest.approx(whole, rel=1e-14)
