"""Losses against NumPy and SciPy: values, and gradients by complex steps, for every reduction."""

import itertools

import numpy as np
import pytest
from scipy import special

from symdl.calculus.rows import REDUCTIONS, reduced
from symdl.catalog import losses
from tests.agreement import complex_step
from tests.agreement.close import SEEDS, close, numbers, shape
from tests.agreement.compiled import function, gradient, with_values

# ------------------------------------------------------------- the loss of each row, written again


def logistic(z):
    return 1 / (1 + np.exp(-z))


def log_softmax(z):
    top = np.real(z).max(-1, keepdims=True)
    return z - top - np.log(np.exp(z - top).sum(-1, keepdims=True))


def huber(y, t, delta):
    d = complex_step.magnitude(y - t)
    return np.where(np.real(d) <= delta, d * d / 2, delta * (d - delta / 2)).mean(-1)


def log_cosh(y, t):
    d = complex_step.magnitude(y - t)
    return (d + np.log1p(np.exp(-2 * d)) - np.log(2)).mean(-1)


def binary(p, t):
    return -(t * np.log(p) + (1 - t) * np.log1p(-p)).mean(-1)


def picked(rows, labels):
    return rows[np.arange(len(rows)), labels]


BY_HAND = {
    "half_squared_error": lambda y, t: ((y - t) ** 2).sum(-1) / 2,
    "mean_squared_error": lambda y, t: ((y - t) ** 2).mean(-1),
    "mean_absolute_error": lambda y, t: complex_step.magnitude(y - t).mean(-1),
    "huber": huber,
    "log_cosh": log_cosh,
    "hinge": lambda y, t: complex_step.larger(1 - t * y, 0).mean(-1),
    "binary_crossentropy": binary,
    "categorical_crossentropy": lambda p, t: -(t * np.log(p)).sum(-1),
    "sparse_categorical_crossentropy": lambda p, c: -np.log(picked(p, c)),
    "kl_divergence": lambda p, t: (t * (np.log(t) - np.log(p))).sum(-1),
    "binary_crossentropy_from_logits": lambda z, t: binary(logistic(z), t),
    "categorical_crossentropy_from_logits": lambda z, t: -(t * log_softmax(z)).sum(-1),
    "sparse_categorical_crossentropy_from_logits": lambda z, c: -picked(log_softmax(z), c),
}
SCIPY = {
    "huber": lambda y, t, delta: special.huber(delta, y - t).mean(-1),
    "binary_crossentropy": lambda p, t: (
        -(special.xlogy(t, p) + special.xlog1py(1 - t, -p)).mean(-1)
    ),
    "categorical_crossentropy": lambda p, t: -special.xlogy(t, p).sum(-1),
    "kl_divergence": lambda p, t: special.rel_entr(t, p).sum(-1),
    "binary_crossentropy_from_logits": lambda z, t: (
        -(t * special.log_expit(z) + (1 - t) * special.log_expit(-z)).mean(-1)
    ),
    "categorical_crossentropy_from_logits": lambda z, t: (
        -(t * special.log_softmax(z, axis=-1)).sum(-1)
    ),
    "sparse_categorical_crossentropy_from_logits": lambda z, c: (
        -picked(special.log_softmax(z, axis=-1), c)
    ),
}

every = pytest.mark.parametrize("formula", losses.ALL, ids=lambda f: f.name)
kinds = pytest.mark.parametrize(
    ("reduction", "weighted"), [*itertools.product(REDUCTIONS, (False, True))]
)


def drawn(formula, seed):
    """The formula with random constants, and predictions, targets and weights that fit it."""
    rng = np.random.default_rng(seed)
    constants = {s.name: rng.uniform(0.1, 3) for s, _ in formula.hyper}
    size = shape(rng, 2)
    y, t = numbers(rng, size), numbers(rng, size)
    if formula.inputs[0] is losses.p:
        y = special.softmax(y, axis=-1) * 0.999 + 5e-4
    if formula.inputs[1] is losses.c:
        t = rng.integers(0, size[1], size[0])
    elif formula.name == "hinge":
        t = np.where(t > 0, 1.0, -1.0)
    elif "entropy" in formula.name or formula.name == "kl_divergence":
        t = special.softmax(t / np.abs(t).max(), axis=-1)
    return with_values(formula, **constants), constants, (y, t), rng.uniform(0, 2, size[0])


def put_together(rows, reduction, weights):
    """The reductions, as Keras has them: a mean is divided by the number of rows."""
    rows = rows if weights is None else rows * weights
    return {"none": lambda: rows, "sum": rows.sum, "mean": lambda: rows.sum() / len(rows)}[
        reduction
    ]()


def test_every_loss_is_compared():
    assert {f.name for f in losses.ALL} == BY_HAND.keys()


@every
@kinds
def test_value(formula, reduction, weighted):
    for seed in SEEDS:
        chosen, constants, (y, t), weights = drawn(formula, seed)
        given = (y, t, weights) if weighted else (y, t)
        found = function(reduced(chosen, reduction, weighted))(*given)
        for table in (BY_HAND, SCIPY):
            if formula.name in table:
                rows = table[formula.name](y, t, **constants)
                close(found, put_together(rows, reduction, weights if weighted else None))


def of_prediction(prediction, *, name, t, reduction, weights, **constants):
    return put_together(BY_HAND[name](prediction, t, **constants), reduction, weights)


@every
@kinds
def test_gradient(formula, reduction, weighted):
    for seed in SEEDS:
        chosen, constants, (y, t), weights = drawn(formula, seed)
        given = (y, t, weights) if weighted else (y, t)
        up = np.random.default_rng(seed).standard_normal(len(y)) if reduction == "none" else 1.0
        words = {"name": formula.name, "t": t, "reduction": reduction, **constants}
        words["weights"] = weights if weighted else None
        seeded = (*given, up) if reduction == "none" else given
        kind = reduced(chosen, reduction, weighted)
        found = gradient(kind, formula.inputs[0])(*seeded)[1]
        close(found, complex_step.gradients(of_prediction, [y], up, **words)[0])


def test_a_wrong_divisor_is_seen():
    rows, t = np.ones((2, 3)), np.zeros((2, 3))
    assert function(losses.MSE)(rows, t) == 1
    with pytest.raises(AssertionError):
        close(function(losses.HALF_SQUARED_ERROR)(rows, t), BY_HAND["mean_squared_error"](rows, t))
    with pytest.raises(AssertionError):
        close(put_together(t[0] + 1, "mean", rows[0] * 2), 1.0)
