"""Losses against plain Python, their kinks, their range, and training with each of them."""

import math

import mpmath
import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.calculus.joint import joint_adjoint
from symdl.catalog import losses
from symdl.errors import InputError, Mismatch
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.networks import judge_running_form
from symdl.notation.binders import Total
from symdl.training.losses import Huber, loss_formula
from symdl.verify import check_model

RNG = np.random.default_rng(11)
ROWS, COLUMNS = 5, 3


def logistic(z):
    return 1 / (1 + math.exp(-z))


def softmax(row):
    total = sum(math.exp(z) for z in row)
    return [math.exp(z) / total for z in row]


def shares(z):
    return np.array([softmax(row) for row in z])


def huber(y, t, delta=1.0):
    d = abs(y - t)
    return d * d / 2 if d <= delta else delta * (d - delta / 2)


def cross_entropy(row, t):
    return -sum(b * math.log(a) for a, b in zip(softmax(row), t, strict=True))


def binary(z, t):
    return -(t * math.log(logistic(z)) + (1 - t) * math.log(1 - logistic(z)))


ELEMENT = {
    "mean_absolute_error": lambda y, t: abs(y - t),
    "huber": huber,
    "huber(delta=2.0)": lambda y, t: huber(y, t, 2.0),
    "log_cosh": lambda y, t: math.log(math.cosh(y - t)),
    "hinge": lambda y, t: max(0.0, 1 - t * y),
    "binary_crossentropy_from_logits": binary,
}
ROW = {
    "categorical_crossentropy_from_logits": cross_entropy,
    "sparse_categorical_crossentropy_from_logits": lambda row, c: -math.log(softmax(row)[int(c)]),
    "kl_divergence": lambda row, t: sum(
        b * math.log(b / a) for a, b in zip(row, t, strict=True) if b > 0
    ),
}
NEW = (*ELEMENT, *ROW)


def data(loss, rows=ROWS, columns=COLUMNS, rng=RNG):
    """What the formula reads: predictions and targets that fit it."""
    y, t = rng.normal(size=(2, rows, columns)) * 2
    if loss == "hinge":
        return y, np.sign(t)
    if loss == "binary_crossentropy_from_logits":
        return y, 1 / (1 + np.exp(-t))
    if loss.startswith("sparse"):
        return y, rng.integers(0, columns, rows)
    if loss == "kl_divergence":
        return shares(y), shares(t)
    return (y, shares(t)) if loss in ROW else (y, t)


def expected(loss, y, t):
    if loss in ELEMENT:
        found = [ELEMENT[loss](a, b) for a, b in zip(y.ravel(), t.ravel(), strict=True)]
    else:
        found = [ROW[loss](a, b) for a, b in zip(y.tolist(), t.tolist(), strict=True)]
    return math.fsum(found) / len(found)


@pytest.mark.parametrize("loss", NEW)
@pytest.mark.parametrize("shape", [(1, 1), (2, 4), (7, 3)])
def test_value(loss, shape):
    y, t = data(loss, *shape)
    assert float(sd.compile(loss_formula(loss))(y, t)) == pytest.approx(
        expected(loss, y, t), rel=1e-12
    )


@pytest.mark.parametrize("delta", [0.1, 1.0, 3.7])
def test_huber_is_scipys(delta):
    special = pytest.importorskip("scipy.special")
    y, t = data("huber")
    found = sd.compile(loss_formula(Huber(delta)))(y, t)
    assert float(found) == pytest.approx(special.huber(delta, y - t).mean(), rel=1e-12)


def test_kl_divergence_is_scipys():
    special = pytest.importorskip("scipy.special")
    p, t = data("kl_divergence")
    t[0] = [1, 0, 0]
    found = sd.compile(losses.KL_DIVERGENCE)(p, t)
    assert float(found) == pytest.approx(special.rel_entr(t, p).sum() / len(p), rel=1e-12)


@pytest.mark.parametrize("formula", losses.ALL, ids=lambda f: f.name)
def test_gradient_and_running_form_are_proved(formula):
    verdicts = (*judge_adjoint(formula), ("runs", judge_running_form(formula)))
    assert {v.level for _, v in verdicts} == {"proved"}
    assert formula.source
    assert formula.title


def test_kinks_are_stated():
    kinked = {f.name for f in losses.ALL if f.kinks}
    assert kinked == {"mean_absolute_error", "huber", "hinge"}


@pytest.mark.parametrize("rows", [1, 4])
def test_gradients_of_logits_are_probability_minus_target(rows):
    n, j, p, t = losses.n, losses.j, losses.p, losses.t
    binary, several = (
        joint_adjoint(f)[0].inlined(losses.z).rhs
        for f in (
            losses.BINARY_CROSSENTROPY_FROM_LOGITS,
            losses.CATEGORICAL_CROSSENTROPY_FROM_LOGITS,
        )
    )
    assert sp.expand(binary - (p[n, j] - t[n, j]) / (losses.N * losses.K)) == 0
    assert sp.expand(several - (p[n, j] - t[n, j]) / losses.N) == 0


def test_log_cosh_is_what_its_name_says():
    n, j, y, t = losses.n, losses.j, losses.y, losses.t
    named = Total(sp.log(sp.cosh(y[n, j] - t[n, j])), n, j) / (losses.N * losses.K)
    written = inlined(losses.L, losses.LOG_COSH.equations)
    assert judge_equation(written, named).ok


def test_from_logits_is_the_loss_after_its_activation():
    y, t = data("binary_crossentropy_from_logits")
    joined = sd.compile(losses.BINARY_CROSSENTROPY)(1 / (1 + np.exp(-y)), t)
    assert sd.compile(losses.BINARY_CROSSENTROPY_FROM_LOGITS)(y, t) == pytest.approx(joined)


# ------------------------------------------------------------------------------- the whole range


def one_output(loss, dtype):
    """A model of one weight 1, so that its gradient is the gradient of the output times x."""
    model = sd.Sequential([sd.Input(1), sd.Dense(1, use_bias=False)])
    model.set_weights([np.ones((1, 1))])
    model.compile(optimizer=None, loss=loss, dtype=dtype)
    return model


MAGNITUDES = [0.0, 1e-30, 1e-4, 0.5, 1.0, 3.0, 50.0, 90.0, 1000.0, 1e18, 1e30]
EXACT = {  # loss -> value and slope for the output y and the target t
    "mean_absolute_error": (lambda y, t: abs(y - t), lambda y, t: mpmath.sign(y - t)),
    "huber": (
        lambda y, t: (y - t) ** 2 / 2 if abs(y - t) <= 1 else abs(y - t) - mpmath.mpf(1) / 2,
        lambda y, t: max(-1, min(1, y - t)),
    ),
    "log_cosh": (
        lambda y, t: abs(y - t) + mpmath.log1p(mpmath.exp(-2 * abs(y - t))) - mpmath.log(2),
        lambda y, t: mpmath.tanh(y - t),
    ),
    "hinge": (lambda y, t: max(0, 1 - t * y), lambda y, t: -t if t * y < 1 else 0),
    "binary_crossentropy_from_logits": (
        lambda y, t: max(y, 0) - y * t + mpmath.log1p(mpmath.exp(-abs(y))),
        lambda y, t: 1 / (1 + mpmath.exp(-y)) - t,
    ),
}


# both cases of Huber's loss are evaluated, and the one that overflows is not taken
@pytest.mark.filterwarnings("ignore:overflow encountered in square:RuntimeWarning")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", EXACT)
def test_finite_and_right_over_the_whole_range(loss, dtype):
    value, slope = EXACT[loss]
    step = one_output(loss, dtype).step
    eps, target = float(np.finfo(dtype).eps), 1.0 if loss in ("hinge",) else 0.0
    largest = [] if dtype == "float32" else [1e200, 8e307]
    for size in [*MAGNITUDES, *largest]:
        for y in {size, -size}:
            at = float(np.dtype(dtype).type(y))
            exact = mpmath.mpf(at)
            found = step.evaluate(np.array([[y]], dtype), np.array([[target]], dtype))
            wanted = value(exact, target)
            assert found == pytest.approx(float(wanted), rel=8 * eps, abs=4 * eps), y
            if size == 0:
                continue
            _, g = step.gradients(np.array([[y]], dtype), np.array([[target]], dtype))
            with np.errstate(over="ignore"):
                product = float(np.dtype(dtype).type(slope(exact, target) * exact))
            tolerance = 8 * eps * max(1.0, abs(at))
            assert g["dense_1.W"].item() == pytest.approx(product, rel=8 * eps, abs=tolerance), y


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", [[0.0, 0.0], [1e4, -1e4], [-750.0, 750.0], [3e38, -3e38]])
def test_softmax_cross_entropies_of_logits_are_finite(row, dtype):
    given = np.array([row], dtype)
    model = sd.Sequential([sd.Input(2), sd.Dense(2, use_bias=False)])
    model.set_weights([np.eye(2)])
    for loss, t in (
        ("categorical_crossentropy_from_logits", np.array([[0.0, 1.0]], dtype)),
        ("sparse_categorical_crossentropy_from_logits", np.array([1])),
    ):
        model.compile(optimizer=None, loss=loss, dtype=dtype)
        with np.errstate(over="ignore"):  # the product of the large input and its error
            found, gradients = model.step.gradients(given, t)
        gap = float(given[0, 0]) - float(given[0, 1])
        exact = float(max(gap, 0) + mpmath.log1p(mpmath.exp(-abs(mpmath.mpf(gap)))))
        if exact < float(np.finfo(dtype).max):
            assert found == pytest.approx(exact, rel=8 * float(np.finfo(dtype).eps))
            assert np.isfinite(gradients["dense_1.W"]).all()


def test_zero_targets_of_the_divergence_count_nothing():
    run = sd.compile(losses.KL_DIVERGENCE)
    assert float(run([[0.0, 1.0]], [[0.0, 1.0]])) == 0
    assert float(run([[0.5, 0.5]], [[0.0, 1.0]])) == pytest.approx(math.log(2))


def test_slopes_at_the_kinks_are_the_stated_ones():
    step = one_output("mae", "float64").step
    assert step.gradients([[2.0]], [[2.0]])[1]["dense_1.W"].item() == 0
    step = one_output("hinge", "float64").step
    assert step.gradients([[1.0]], [[1.0]])[1]["dense_1.W"].item() == 0
    step = one_output(Huber(2.0), "float64").step
    assert step.gradients([[2.0]], [[0.0]])[1]["dense_1.W"].item() == 4


# --------------------------------------------------------------------------------------- training

LAST = {"kl_divergence": "softmax"}


def trained(loss, **words):
    model = sd.Sequential(
        [sd.Dense(4, "tanh", input_dim=3), sd.Dense(2, LAST.get(str(loss)))], seed=3
    )
    model.compile(optimizer=sd.SGD(0.1), loss=loss, **words)
    rng = np.random.default_rng(5)
    x = rng.normal(size=(12, 3))
    return model, x, data(str(loss), 12, 2, rng)[1]


@pytest.mark.parametrize("loss", NEW)
def test_a_model_learns_with_it_and_its_gradients_are_right(loss):
    model, x, t = trained(loss)
    assert all(c.ok for c in check_model(model, x, t).values())
    before = model.evaluate(x, t)
    model.fit(x, t, epochs=20, verbose=0)
    assert model.evaluate(x, t) < before
    assert model.predict(x).shape == (12, 2)


def test_a_chosen_constant_is_kept_in_the_file(tmp_path):
    model, x, t = trained(Huber(0.25))
    model.save(tmp_path / "model.npz")
    again = sd.Sequential.load(tmp_path / "model.npz")
    assert again.setup == model.setup
    assert again.setup.loss == "huber(delta=0.25)"
    assert again.evaluate(x, t) == model.evaluate(x, t)


# --------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("hubber", "did you mean 'huber'"),
        ("log-cosh", "did you mean 'log_cosh'"),
        ("huber(beta=1)", "huber has no 'beta'"),
        ("huber(delta=big)", "delta of huber must be a number, not 'big'"),
        ("huber(delta=-1)", "delta of huber must be a finite number > 0"),
        ("hinge(delta=1)", "hinge has no 'delta'; it has no constants"),
        (Huber, r"write Huber\(\)"),
    ],
)
def test_names(loss, message):
    with pytest.raises(InputError, match=message):
        loss_formula(loss)


@pytest.mark.parametrize("delta", [0, -1, math.nan, math.inf, "1", True])
def test_delta(delta):
    with pytest.raises(InputError, match="delta of huber"):
        Huber(delta)


def test_an_activation_does_not_come_twice():
    model = sd.Sequential([sd.Dense(2, "sigmoid", input_dim=2)])
    with pytest.raises(InputError, match=r"applies sigmoid itself.*'binary_crossentropy'"):
        model.compile(loss="binary_crossentropy_from_logits")
    with pytest.raises(InputError, match=r"applies softmax itself.*leave the activation away$"):
        model.compile(loss="categorical_crossentropy_from_logits")


def test_the_divergence_wants_softmax():
    model = sd.Sequential([sd.Dense(2, input_dim=2)])
    with pytest.raises(InputError, match="activation='softmax'"):
        model.compile(loss="kl_divergence")


@pytest.mark.parametrize(
    ("loss", "t", "message"),
    [
        ("hinge", [[0, 1]], r"has 0 at row 0, column 0.*-1 and 1; write 2\*y - 1"),
        ("hinge", [[1, -2]], "has -2 at row 0, column 1.*-1 and 1$"),
        ("binary_crossentropy_from_logits", [[0, 2]], "probabilities from 0 to 1"),
        ("categorical_crossentropy_from_logits", [[0.5, 0.6]], "row 0 of y sums to 1.1"),
        ("sparse_categorical_crossentropy_from_logits", [2], "whole numbers 0 to 1"),
    ],
)
def test_targets(loss, t, message):
    model = sd.Sequential([sd.Dense(2, input_dim=2)])
    model.compile(loss=loss)
    with pytest.raises(InputError, match=message):
        model.train_on_batch([[1.0, 2.0]], t)


def test_labels_for_the_one_hot_loss():
    model = sd.Sequential([sd.Dense(2, input_dim=2)])
    model.compile(loss="categorical_crossentropy_from_logits")
    with pytest.raises(Mismatch, match="'sparse_categorical_crossentropy_from_logits'"):
        model.train_on_batch([[1.0, 2.0], [1.0, 2.0]], [0, 1])
