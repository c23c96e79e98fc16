"""Initial weights follow the formulas of the catalogue, and the seed alone decides them."""

import numpy as np
import pytest

import symdl as sd
from symdl.catalog import activations, initializers
from symdl.errors import Impossible, InputError
from symdl.evidence.preservation import second_moment_share
from symdl.notation.tensors import TensorSymbol
from symdl.training.initialize import draw, seed_of
from symdl.training.layers import Activation, Dense, Input
from symdl.training.network import network
from symdl.training.sequential import Sequential

SHAPE = (300, 200)
VARIANCES = {
    "glorot_uniform": 2 / 500,
    "glorot_normal": 2 / 500,
    "he_uniform": 2 / 300,
    "he_normal": 2 / 300,
    "lecun_uniform": 1 / 300,
    "lecun_normal": 1 / 300,
    "random_uniform": 0.05**2 / 3,
    "random_normal": 0.05**2,
    "constant": 0.0,
    "zeros": 0.0,
}


@pytest.mark.parametrize("formula", initializers.ALL, ids=lambda f: f.name)
def test_variance_is_what_the_formula_says(formula):
    w = draw(formula, SHAPE, np.random.default_rng(1))
    assert w.shape == SHAPE
    assert w.var() == pytest.approx(VARIANCES[formula.name], rel=0.02)
    assert abs(w.mean()) < 1e-3
    if formula.name.endswith("uniform"):
        assert np.abs(w).max() <= np.sqrt(3 * VARIANCES[formula.name])


LAYERS = (Dense(3, "relu"), Dense(2))


def weights(seed=0, layers=LAYERS):
    return Sequential([Input(4), *layers], seed=seed).get_weights()


def test_the_seed_decides():
    for a, b in zip(weights(7), weights(7), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(weights(7)[0], weights(8)[0])
    assert not np.array_equal(weights(7)[0].ravel()[:6], weights(7)[2].ravel())
    a, b = (weights(np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(a[0], b[0])


def test_biases_start_at_zero():
    assert not weights()[1].any()


def test_adding_a_layer_changes_no_weights_below():
    model = Sequential([Dense(3, input_dim=4)])
    first = model.get_weights()[0]
    model.add(Activation("tanh"))
    model.add(Dense(2))
    np.testing.assert_array_equal(model.get_weights()[0], first)
    np.testing.assert_array_equal(weights(layers=(Dense(3), Dense(2)))[0], first)


@pytest.mark.parametrize("seed", [-1, 1.5, "seven", None, True])
def test_what_a_seed_is(seed):
    with pytest.raises(InputError, match="seed must be a whole number"):
        seed_of(seed)


def start_of(*layers):
    """The usual start of the first kernel."""
    return network([sd.Input(4), *layers], "mse").parameters[0].initializer.name


def test_he_where_the_activation_has_a_part_of_the_mean_square_of_its_own():
    rectifiers = set()
    for f in activations.ALL:
        if any(isinstance(v, TensorSymbol) for v in f.inputs):
            continue
        try:
            share = second_moment_share(f).value
        except Impossible:
            continue
        if share not in (0, 1):
            rectifiers.add(f.name)
    assert rectifiers == {"relu", "leaky_relu", "prelu"}
    assert start_of(sd.Dense(3, activation="relu")) == "he_uniform"
    assert start_of(sd.Dense(3), sd.PReLU()) == "he_uniform"
    assert start_of(sd.Dense(3), sd.Dropout(0.5), sd.Activation("leaky_relu")) == "he_uniform"
    for name in ("tanh", "sigmoid", "elu", "selu", "softplus", None):
        assert start_of(sd.Dense(3, activation=name)) == "glorot_uniform"
    assert start_of(sd.Dense(3), sd.BatchNormalization(), sd.Activation("relu")) == "glorot_uniform"
