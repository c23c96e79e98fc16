"""Mean, sum and none of every loss: by hand, against plain Python row by row, and in training."""

import math
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import symdl as sd
import symdl.evidence.reductions as judged
from symdl.backends.function import compile_function
from symdl.calculus.adjoint import adjoint, bar
from symdl.calculus.compose import Renaming
from symdl.calculus.rows import reduced
from symdl.catalog import losses
from symdl.errors import InputError, Mismatch, NotSupported
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.networks import judge_running_form
from symdl.evidence.reductions import judge_reductions
from symdl.notation.binders import Total
from symdl.training.losses import loss_formula, loss_of

# ------------------------------------------------------------------- one row of each loss, by hand


def softmax(z):
    e = [math.exp(a) for a in z]
    return [a / sum(e) for a in e]


def logistic(z):
    return 1 / (1 + math.exp(-z))


def mean(values):
    return math.fsum(values) / len(values)


def binary(p, t):
    return -(t * math.log(p) + (1 - t) * math.log(1 - p))


def huber(d):
    return d * d / 2 if abs(d) <= 1 else abs(d) - 0.5


def over(f):
    return lambda y, t: [f(a, b) for a, b in zip(y, t, strict=True)]


ROW = {
    "half_squared_error": lambda y, t: sum(over(lambda a, b: (a - b) ** 2 / 2)(y, t)),
    "mean_squared_error": lambda y, t: mean(over(lambda a, b: (a - b) ** 2)(y, t)),
    "mean_absolute_error": lambda y, t: mean(over(lambda a, b: abs(a - b))(y, t)),
    "huber": lambda y, t: mean(over(lambda a, b: huber(a - b))(y, t)),
    "log_cosh": lambda y, t: mean(over(lambda a, b: math.log(math.cosh(a - b)))(y, t)),
    "hinge": lambda y, t: mean(over(lambda a, b: max(0.0, 1 - a * b))(y, t)),
    "binary_crossentropy": lambda p, t: mean(over(binary)(p, t)),
    "categorical_crossentropy": lambda p, t: -sum(over(lambda a, b: b * math.log(a))(p, t)),
    "sparse_categorical_crossentropy": lambda p, c: -math.log(p[int(c)]),
    "binary_crossentropy_from_logits": lambda z, t: mean(over(binary)(map(logistic, z), t)),
    "categorical_crossentropy_from_logits": lambda z, t: (
        -sum(over(lambda a, b: b * math.log(a))(softmax(z), t))
    ),
    "sparse_categorical_crossentropy_from_logits": lambda z, c: -math.log(softmax(z)[int(c)]),
    "kl_divergence": lambda p, t: sum(over(lambda a, b: b * math.log(b / a))(p, t)),
}
NAMES = list(ROW)


def shares(z):
    return np.array([softmax(row) for row in z])


def data(loss, rows, columns, seed=0):
    """Targets and predictions that the loss can read."""
    rng = np.random.default_rng(seed)
    y, t = rng.normal(size=(2, rows, columns)) * 1.5
    if loss.startswith("sparse"):
        t = rng.integers(0, columns, rows)
    elif loss == "hinge":
        t = np.sign(t)
    elif loss.startswith("binary"):
        t = 1 / (1 + np.exp(-t))
    elif loss.startswith("categorical") or loss == "kl_divergence":
        t = shares(t)
    if loss == "binary_crossentropy":
        y = 1 / (1 + np.exp(-y))
    elif loss.endswith("categorical_crossentropy") or loss == "kl_divergence":
        y = shares(y)
    return t, y


def rows_of(loss, t, y):
    pairs = zip(y.tolist(), t.tolist(), strict=True)
    return np.array([ROW[loss](a, b) for a, b in pairs])


def test_the_table_has_every_loss():
    assert {f.name for f in losses.ALL} == set(NAMES)


@pytest.mark.parametrize(
    ("loss", "t", "y", "rows"),
    [
        ("mse", [[0.0, 0.0], [1.0, 2.0], [0.0, 1.0]], [[1, 3], [1, 2], [2, 1]], [5, 0, 2]),
        ("mae", [[0.0, 0.0], [1.0, 2.0], [0.0, 1.0]], [[1, 3], [1, 2], [-2, 1]], [2, 0, 1]),
        ("hinge", [[1], [-1], [1]], [[3.0], [0.5], [-1.0]], [0, 1.5, 2]),
        ("half_squared_error", [[0.0, 0.0], [1.0, 1.0]], [[3, 4], [1, 3]], [12.5, 2]),
    ],
)
def test_by_hand(loss, t, y, rows):
    assert sd.Loss(loss, reduction="none")(t, y).tolist() == rows
    assert float(sd.Loss(loss, reduction="sum")(t, y)) == sum(rows)
    assert float(sd.Loss(loss)(t, y)) == pytest.approx(sum(rows) / len(rows), rel=1e-15)


@pytest.mark.parametrize("loss", NAMES)
@pytest.mark.parametrize("shape", [(1, 2), (2, 2), (7, 3)])
def test_every_loss_and_reduction(loss, shape):
    t, y = data(loss, *shape)
    rows = rows_of(loss, t, y)
    s = np.random.default_rng(1).uniform(0, 3, len(rows))
    np.testing.assert_allclose(sd.Loss(loss, "none")(t, y), rows, rtol=1e-11)
    np.testing.assert_allclose(sd.Loss(loss, "sum")(t, y), rows.sum(), rtol=1e-11)
    np.testing.assert_allclose(sd.Loss(loss, "mean")(t, y), rows.mean(), rtol=1e-11)
    np.testing.assert_allclose(sd.Loss(loss, "none")(t, y, s), s * rows, rtol=1e-11)
    np.testing.assert_allclose(sd.Loss(loss, "sum")(t, y, s), (s * rows).sum(), rtol=1e-11)
    np.testing.assert_allclose(sd.Loss(loss, "mean")(t, y, s), (s * rows).mean(), rtol=1e-11)


# --------------------------------------------------------------------------- formulas and gradients

FORMS = [("none", False), ("sum", False), ("mean", True), ("sum", True), ("none", True)]


@pytest.mark.parametrize("formula", losses.ALL, ids=lambda f: f.name)
def test_gradients_and_running_forms_are_proved(formula):
    for reduction, weighted in (("sum", False), ("mean", True), ("none", True)):
        found = reduced(formula, reduction, weighted)
        verdicts = [v for _, v in judge_adjoint(found)] + [judge_running_form(found)]
        assert {v.level for v in verdicts} == {"proved"}, (reduction, weighted)


@pytest.mark.parametrize("formula", losses.ALL, ids=lambda f: f.name)
def test_reductions_are_proved(formula):
    assert [v.level for _, v in judge_reductions(formula)] == ["proved"] * 4


def test_mean_is_the_formula_as_it_is_written():
    assert all(reduced(f) is f for f in losses.ALL)


def test_the_gradient_of_none_by_hand():
    formula = sd.Loss("half_squared_error", reduction="none").reduced()
    (equation,) = sd.vjp(formula, "y").equations
    n, j = equation.lhs.index
    seed = bar(formula.output)[n]
    assert sp.expand(equation.rhs - seed * (losses.y[n, j] - losses.t[n, j])) == 0


@pytest.mark.parametrize("loss", NAMES)
def test_the_vjp_of_none_is_a_difference_of_the_rows(loss):
    """Seeds q: the gradient of sum_n q[n] l[n], against the rows in plain Python."""
    formula = sd.Loss(loss, "none").reduced()
    t, y = data(loss, 4, 3)
    q = np.array([1.0, -2.0, 0.5, 3.0])
    found = adjoint(formula, (formula.inputs[0],))
    constants = Renaming(dict(formula.hyper), {})
    run = compile_function(
        [constants.equation(e) for e in (*formula.equations, *found.equations)],
        [*formula.inputs, bar(formula.output)],
        [bar(formula.inputs[0])],
    )
    ours = run(y, t, q)
    step = 1e-6
    for place in np.ndindex(y.shape):
        high, low = y.copy(), y.copy()
        high[place] += step
        low[place] -= step
        slope = q @ (rows_of(loss, t, high) - rows_of(loss, t, low)) / (2 * step)
        assert ours[place] == pytest.approx(slope, rel=1e-6, abs=1e-7)


def test_planted_errors_are_refuted(monkeypatch):
    """A dropped 1/N, a forgotten factor and a weight left out, in the form that is judged."""
    right = reduced

    def spoil(change):
        def wrong(formula, reduction="mean", weighted=False):
            found = right(formula, reduction, weighted)
            return change(found, reduction, weighted)

        return wrong

    def twice_the_rows(f, reduction, weighted):
        return _with_last(f, lambda rhs: 2 * rhs) if reduction == "none" and not weighted else f

    def without_n(f, reduction, weighted):
        return _with_last(f, lambda rhs: rhs * losses.N) if weighted and reduction == "mean" else f

    def unweighted(f, reduction, weighted):
        if not weighted or reduction != "none":
            return f
        return _with_last(f, lambda rhs: right(losses.MSE, "none").equations[-1].rhs)

    for change, broken in (
        (twice_the_rows, [True, True, True, False]),
        (without_n, [False, False, True, True]),
        (unweighted, [False, False, True, False]),
    ):
        monkeypatch.setattr(judged, "reduced", spoil(change))
        verdicts = [v.level == "refuted" for _, v in judge_reductions(losses.MSE)]
        assert verdicts == broken, change.__name__


def _with_last(formula, change):
    *before, last = formula.equations
    return replace(formula, equations=(*before, sd.Equation(last.lhs, change(last.rhs))))


# -------------------------------------------------------------------------------------- in a model


def model_of(loss, seed=1, optimizer="sgd", units=3, activation="softmax"):
    model = sd.Sequential(
        [sd.Dense(4, "tanh", input_dim=2), sd.Dense(units, activation)], seed=seed
    )
    model.compile(optimizer, loss)
    return model


def table(rows=11, units=3):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(rows, 2))
    return x, np.eye(units)[rng.integers(0, units, rows)]


@pytest.mark.parametrize("loss", ["mse", "categorical_crossentropy"])
def test_what_is_reported_does_not_depend_on_the_batches(loss):
    x, t = table()
    summed, averaged = model_of(sd.Loss(loss, reduction="sum")), model_of(loss)
    y = averaged.predict(x)
    rows = rows_of(loss_formula(loss).name, t, y)
    for size in (1, 3, 11, 32):
        assert averaged.evaluate(x, t, batch_size=size) == pytest.approx(rows.mean(), rel=1e-12)
        assert summed.evaluate(x, t, batch_size=size) == pytest.approx(rows.sum(), rel=1e-12)
    assert summed.train_on_batch(x, t) == pytest.approx(rows.sum(), rel=1e-12)
    assert averaged.train_on_batch(x, t) == pytest.approx(rows.mean(), rel=1e-12)


def test_fit_reports_what_its_batches_had():
    """With a rate so small that the weights stay, the epoch's loss is that of the data."""
    x, t = table()
    for loss, whole in (("mse", np.mean), ("mse(reduction=sum)", np.sum)):
        model = model_of(loss, optimizer=sd.SGD(1e-300))
        rows = rows_of("mean_squared_error", t, model.predict(x))
        history = model.fit(x, t, batch_size=4, epochs=1, verbose=0, validation_data=(x[:5], t[:5]))
        assert history.history["loss"][0] == pytest.approx(whole(rows), rel=1e-12)
        assert history.history["val_loss"][0] == pytest.approx(whole(rows[:5]), rel=1e-12)


@pytest.mark.parametrize("loss", ["mse", "categorical_crossentropy", "huber(delta=0.5)"])
def test_the_gradient_of_the_sum_is_n_times_that_of_the_mean(loss):
    x, t = table()
    averaged = model_of(loss)
    text = loss_of(loss).words
    summed = model_of(sd.Loss(text, reduction="sum"))
    mean_of, means = averaged.step.gradients(x, t)
    sum_of, sums = summed.step.gradients(x, t)
    assert sum_of == pytest.approx(len(x) * mean_of, rel=1e-12)
    for name, g in means.items():
        np.testing.assert_allclose(sums[name], len(x) * g, rtol=1e-11, atol=1e-14)


def test_gradients_of_the_sum_pass_the_check_of_differences():
    x, t = table()
    model = model_of(sd.Loss("categorical_crossentropy", reduction="sum"))
    checks = sd.verify.check_model(model, x, t)
    assert all(c.ok for c in checks.values())


def test_a_network_with_a_summed_loss_is_proved():
    model = sd.Sequential([sd.Dense(3, "tanh", input_dim=2), sd.Dense(2, "softmax")])
    found = sd.backprop(model, "categorical_crossentropy(reduction=sum)")
    levels = {v.level for _, v in found.verify()}
    assert levels == {"proved"}
    assert losses.N not in found.gradient("dense_2.W").free_symbols


# ------------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("mse", "mean_squared_error"),
        ("mse(reduction=mean)", "mean_squared_error"),
        ("mse(reduction=sum_over_batch_size)", "mean_squared_error"),
        ("mse(reduction=sum)", "mean_squared_error(reduction=sum)"),
        ("huber(delta=2, reduction=sum)", "huber(delta=2.0, reduction=sum)"),
        ("huber( reduction = sum , delta = 2 )", "huber(delta=2.0, reduction=sum)"),
        (sd.Loss("mae", "sum"), "mean_absolute_error(reduction=sum)"),
        (sd.Huber(0.5, reduction="sum"), "huber(delta=0.5, reduction=sum)"),
        (sd.Huber(), "huber"),
    ],
)
def test_words(given, words):
    found = loss_of(given)
    assert found.words == words
    again = loss_of(words)
    assert (again.formula, again.reduction) == (found.formula, found.reduction)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sd.Loss("mse", reduction="summ"), "unknown reduction 'summ'; did you mean 'sum'"),
        (lambda: sd.Loss("mse", reduction=None), "unknown reduction None"),
        (lambda: sd.Loss("mze"), "unknown loss 'mze'; did you mean 'mse'"),
        (lambda: sd.Loss(3), "unknown loss 3"),
        (lambda: loss_of("mse(reduction=sum, reduction=mean)"), "names its reduction twice"),
        (lambda: loss_of("mse(reduction=)"), "unknown reduction ''"),
        (lambda: loss_of("mse(delta=1, reduction=sum)"), "has no 'delta'"),
        (lambda: loss_of(sd.Loss), r"write Loss\(\)"),
        (lambda: reduced(losses.MSE, "total"), "a reduction is one of mean, sum, none"),
    ],
)
def test_bad_words(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_none_cannot_be_trained_with():
    model = sd.Sequential([sd.Dense(1, input_dim=1)])
    with pytest.raises(InputError, match="one loss a row, but a model is trained with one number"):
        model.compile(loss=sd.Loss("mse", reduction="none"))


def test_shapes_that_do_not_fit():
    with pytest.raises(Mismatch, match="so N = 2, but"):
        sd.Loss("mse")([[0.0], [1.0], [2.0]], [[0.0], [1.0]])
    with pytest.raises(Mismatch, match="so N = 2, but s"):
        sd.Loss("mse", "none")([[0.0], [1.0]], [[0.0], [1.0]], sample_weight=[1.0])


def _own(rhs, n, j):
    L = sp.Symbol("L", real=True)
    y, t = sd.tensors("y[n,j] t[n,j]", n, j)
    return sd.Formula(sp.Eq(L, rhs(y, t), evaluate=False), output=L, inputs=[y, t], name="own")


def test_a_formula_of_ones_own():
    n, j = sd.indices("n:M j:Q")
    fourth = _own(lambda y, t: Total((y[n, j] - t[n, j]) ** 4, n, j) / n.size, n, j)
    t, y = [[0.0, 0.0], [1.0, 1.0]], [[1.0, 2.0], [1.0, 0.0]]
    assert sd.Loss(fourth, "none")(t, y).tolist() == [17, 1]
    model = sd.Sequential([sd.Dense(2, input_dim=2)])
    model.compile(loss=sd.Loss(fourth, reduction="sum"))
    assert model.evaluate(y, model.predict(np.array(y))) == 0
    model.compile(loss=fourth)
    x = np.array(y)
    expected = ((model.predict(x) - np.array(t)) ** 4).sum(axis=1)
    assert model.evaluate(x, t, batch_size=1) == pytest.approx(expected.mean())
    weighted = model.evaluate(x, t, sample_weight=[2, 0.5])
    assert weighted == pytest.approx((expected * [2, 0.5]).mean())


def test_a_loss_that_is_no_mean_over_rows_has_no_rows():
    n, j = sd.indices("n:N j:K")
    squares = lambda y, t: Total((y[n, j] - t[n, j]) ** 2, n, j)  # noqa: E731
    for rhs in (
        squares,  # no 1/N
        lambda y, t: sp.sqrt(squares(y, t) / n.size),
        lambda y, t: squares(y, t) / n.size**2,
        lambda y, t: squares(y, t) / n.size + 1,
    ):
        formula = _own(rhs, n, j)
        assert sd.Loss(formula).reduced() == sd.Loss(formula).formula
        for reduction, weighted in FORMS:
            with pytest.raises(NotSupported, match="own is no mean over its rows"):
                reduced(formula, reduction, weighted)


def test_the_file_keeps_the_reduction(tmp_path):
    x, t = table()
    model = model_of(sd.Loss("categorical_crossentropy", reduction="sum"))
    before = model.evaluate(x, t)
    model.save(tmp_path / "model.npz")
    again = sd.Sequential.load(tmp_path / "model.npz")
    assert again.setup == model.setup
    assert again.evaluate(x, t) == before
