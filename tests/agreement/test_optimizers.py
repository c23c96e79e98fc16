"""Twenty steps of every optimizer against plain NumPy: the papers' forms and Keras' forms."""

import numpy as np
import pytest

import symdl as sd
from symdl.errors import InputError, NotSupported
from symdl.training import conventions
from tests.agreement.close import SEEDS, close, numbers, shape
from tests.agreement.compiled import Updater
from tests.catalog import references as paper

STEPS = 20


def constant(rate):
    return lambda t: rate


# ---------------------------------------------------- as Keras 3 has them: update(w, g, t, state)


def keras_adagrad(lr, eps, start):
    def update(w, g, t, s):
        s["a"] = s.get("a", start) + g * g
        return w - lr * g / np.sqrt(s["a"] + eps)

    return update


def keras_rmsprop(lr, rho, eps):
    def update(w, g, t, s):
        s["a"] = rho * s.get("a", 0.0) + (1 - rho) * g * g
        return w - lr * g / np.sqrt(s["a"] + eps)

    return update


def keras_adam(lr, b1, b2, eps, *, decay=0.0, amsgrad=False):
    def update(w, g, t, s):
        w = w - lr * decay * w
        s["m"] = s.get("m", 0.0) + (g - s.get("m", 0.0)) * (1 - b1)
        s["v"] = s.get("v", 0.0) + (g * g - s.get("v", 0.0)) * (1 - b2)
        s["top"] = np.maximum(s.get("top", 0.0), s["v"])
        alpha = lr * np.sqrt(1 - b2**t) / (1 - b1**t)
        return w - alpha * s["m"] / (np.sqrt(s["top"] if amsgrad else s["v"]) + eps)

    return update


def pytorch_momentum(lr, mu, nesterov):
    """The rate outside the velocity; ``lr`` is a function of the step."""

    def update(w, g, t, s):
        s["u"] = mu * s.get("u", 0.0) + g
        return w - lr(t) * (g + mu * s["u"] if nesterov else s["u"])

    return update


def pytorch_adamax(lr, b1, b2, eps):
    def update(w, g, t, s):
        s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
        s["u"] = np.maximum(b2 * s.get("u", 0.0), np.abs(g) + eps)
        return w - lr / (1 - b1**t) * s["m"] / s["u"]

    return update


# ------------------------------------------------------------- random constants, one pair a case


def pairs(rng):
    """Name -> our optimizer and the update written again, with the same random constants."""
    lr, eps = 10 ** rng.uniform(-4, -0.5), 10 ** rng.uniform(-9, -2)
    mu, rho, b1, b2 = (rng.uniform(low, high) for low, high in
                       ((0.1, 0.99), (0, 0.99), (0, 0.99), (0.3, 0.9999)))  # fmt: skip
    start, decay, psi = rng.uniform(0.01, 1), rng.uniform(0, 0.5), 10 ** rng.uniform(-4, 0)
    moments, rate = (b1, b2, eps), constant(lr)
    falling = sd.InverseTimeDecay(lr, 3, decay)
    return {
        "sgd": (sd.SGD(lr), paper.sgd(rate)),
        "momentum": (sd.SGD(lr, mu), paper.momentum(rate, mu)),
        "nesterov": (sd.SGD(lr, mu, True), paper.momentum(rate, mu, True)),
        "adagrad": (sd.Adagrad(lr, eps), paper.adagrad(rate, eps)),
        "rmsprop": (sd.RMSprop(lr, rho, eps), paper.rmsprop(rate, rho, eps)),
        "adadelta": (sd.Adadelta(lr, rho, eps), paper.adadelta(rate, rho, eps)),
        "adam": (sd.Adam(lr, *moments), paper.adam(rate, *moments)),
        "amsgrad": (
            sd.Adam(lr, *moments, amsgrad=True),
            paper.adam(rate, *moments, amsgrad=True),
        ),
        "adamw": (sd.AdamW(lr, decay, *moments), paper.adam(rate, *moments, decay=decay)),
        "adamax": (sd.Adamax(lr, *moments), paper.adamax(rate, *moments)),
        "nadam": (sd.Nadam(lr, *moments, psi), paper.nadam(rate, *moments, psi)),
        "nadam as in Keras": (sd.Nadam(lr, *moments, 1.0), paper.nadam(rate, *moments, 1.0)),
        "adagrad as in Keras": (
            sd.Adagrad(lr, eps, start, epsilon_inside=True),
            keras_adagrad(lr, eps, start),
        ),
        "rmsprop as in Keras": (
            sd.RMSprop(lr, rho, eps, epsilon_inside=True),
            keras_rmsprop(lr, rho, eps),
        ),
        "adam as in Keras": (sd.Adam(lr, *moments, epsilon_hat=True), keras_adam(lr, *moments)),
        "amsgrad as in Keras": (
            sd.Adam(lr, *moments, amsgrad=True, epsilon_hat=True),
            keras_adam(lr, *moments, amsgrad=True),
        ),
        "adamw as in Keras": (
            sd.AdamW(lr, decay, *moments, epsilon_hat=True),
            keras_adam(lr, *moments, decay=decay),
        ),
        "momentum as in PyTorch": (
            sd.SGD(falling, mu, rate_in_velocity=False),
            pytorch_momentum(falling, mu, False),
        ),
        "nesterov as in PyTorch": (
            sd.SGD(falling, mu, True, rate_in_velocity=False),
            pytorch_momentum(falling, mu, True),
        ),
        "adamax as in PyTorch": (
            sd.Adamax(lr, *moments, epsilon_inside=True),
            pytorch_adamax(lr, *moments),
        ),
    }


CASES = list(pairs(np.random.default_rng(0)))


def run(optimizer, update, rng):
    """Yield our weights and those of the other update, step by step."""
    start = numbers(rng, shape(rng, 1))
    updater, w, state = Updater(optimizer.formula, start), start, {}
    for t in range(1, STEPS + 1):
        g = numbers(rng, start.shape)
        w = update(w, g, t, state)
        yield updater.step(g), w


@pytest.mark.parametrize("case", CASES)
def test_twenty_steps(case):
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        for found, wanted in run(*pairs(rng)[case], rng):
            close(found, wanted)


@pytest.mark.parametrize(
    ("case", "other"),
    [
        ("adagrad", "adagrad as in Keras"),
        ("rmsprop", "rmsprop as in Keras"),
        ("adam", "adam as in Keras"),
        ("adamax", "adamax as in PyTorch"),
    ],
)
def test_one_convention_is_not_the_other(case, other):
    rng = np.random.default_rng(1)
    made = pairs(rng)
    found, wanted = zip(*run(made[case][0], made[other][1], rng), strict=True)
    with pytest.raises(AssertionError):
        close(found, wanted)


def test_a_form_that_a_formula_has_no_place_for_is_refused():
    adam, sgd = sd.Adam().formula, sd.SGD().formula
    for change, formula in (
        (conventions.epsilon_inside_root, sgd),
        (conventions.epsilon_inside_maximum, adam),
        (conventions.epsilon_beside_uncorrected_root, sgd),
        (conventions.rate_outside_velocity, adam),
    ):
        with pytest.raises(NotSupported, match="no such place"):
            change(formula)


@pytest.mark.parametrize(
    "make",
    [
        lambda: sd.SGD(rate_in_velocity=False),
        lambda: sd.Adagrad(initial_accumulator_value=-0.1),
        lambda: sd.Adagrad(epsilon_inside=1),
        lambda: sd.RMSprop(epsilon_inside="yes"),
        lambda: sd.Adam(epsilon_hat=None),
        lambda: sd.Adamax(epsilon_inside=0),
        lambda: sd.BatchNormalization(unbiased="yes"),
    ],
)
def test_words_for_the_conventions_are_checked(make):
    with pytest.raises(InputError, match=r"must be|is about"):
        make()


@pytest.mark.parametrize(
    "optimizer",
    [
        sd.SGD(0.1, 0.9, rate_in_velocity=False),
        sd.Adagrad(0.1, initial_accumulator_value=0.1, epsilon_inside=True),
        sd.AdamW(epsilon_hat=True),
    ],
)
def test_a_saved_model_keeps_them(optimizer, tmp_path):
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    model = sd.Sequential([sd.Input(3), sd.BatchNormalization(unbiased=True), sd.Dense(2)])
    model.compile(optimizer, "mse")
    model.save(tmp_path / "model.npz")
    again = sd.Sequential.load(tmp_path / "model.npz")
    assert (again.setup.optimizer, again.layers) == (optimizer, model.layers)
    assert again.train_on_batch(x, t) == model.train_on_batch(x, t)
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_batch_of_one_has_no_unbiased_variance():
    model = sd.Sequential([sd.Input(3), sd.BatchNormalization(unbiased=True)])
    model.compile("sgd", "mse")
    with pytest.raises(InputError, match=r"divide by 0 .* N - 1 for N rows"):
        model.train_on_batch(np.ones((1, 3)), np.ones((1, 3)))
