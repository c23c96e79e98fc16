"""What the page of conventions says of Keras and PyTorch, against them where they are installed."""

import inspect
import os
import runpy
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.agreement.close import RELATIVE, SEEDS, close, numbers, shape
from tests.agreement.compiled import Updater, function, with_values
from tests.agreement.test_normalizations import drawn
from tests.agreement.test_optimizers import STEPS, pairs

SCRIPT = Path(__file__).parents[2] / "derivations" / "conventions" / "conventions.py"
PAGE = runpy.run_path(str(SCRIPT))
NUMBERS = list(PAGE["numbers"]())


@pytest.fixture(scope="module")
def keras():
    """Keras on PyTorch; it reads its backend from the environment when it is imported."""
    pytest.importorskip("torch")
    os.environ.setdefault("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras")


def default(made, word):
    return inspect.signature(made).parameters[word].default


def test_the_numbers_of_keras(keras):
    rooms = (keras.optimizers, keras.layers, keras.losses, keras.activations)
    said = [n for _, _, n, _ in NUMBERS if n]
    for name, word, value in said:
        (room,) = (r for r in rooms if hasattr(r, name))
        assert default(getattr(room, name), word) == value, (name, word)
    assert default(keras.layers.LeakyReLU, "negative_slope") == 0.3
    assert default(keras.layers.PReLU, "alpha_initializer") == "Zeros"
    assert len(said) == 24


def test_the_numbers_of_pytorch():
    torch = pytest.importorskip("torch")
    said = [n for _, _, _, n in NUMBERS if n]
    for name, word, value in said:
        made = getattr(torch.optim, name, None) or getattr(torch.nn, name)
        assert default(made, word) == value, (name, word)
    assert default(torch.nn.RMSNorm, "eps") is None
    assert torch.nn.Linear(3, 5).weight.shape == (5, 3)
    assert len(said) == 24


def test_all_claims_are_proved():
    assert {verdict.level for _, verdict in PAGE["checked"]()} == {"proved"}


# our case -> Keras' optimizer of the same words
KERAS = {
    "sgd": "SGD", "momentum": "SGD", "nesterov": "SGD", "adagrad as in Keras": "Adagrad",
    "rmsprop as in Keras": "RMSprop", "adadelta": "Adadelta", "adam as in Keras": "Adam",
    "amsgrad as in Keras": "Adam", "adamw as in Keras": "AdamW", "adamax": "Adamax",
    "nadam as in Keras": "Nadam",
}  # fmt: skip
LESS_EXACT = {"adamw as in Keras": 1e-5}  # decay times rate, in single precision


def single(value):
    return float(np.float32(value)) if isinstance(value, float) else value


def rounded(optimizer):
    """Keras holds constants in single precision, whatever the type of the weights."""
    return replace(optimizer, **{k: single(v) for k, v in vars(optimizer).items()})


old_arrays = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@old_arrays
@pytest.mark.parametrize("case", KERAS)
def test_twenty_steps_are_those_of_keras(keras, case):
    made = getattr(keras.optimizers, KERAS[case])
    for seed in SEEDS[:3]:
        rng = np.random.default_rng(seed)
        ours = rounded(pairs(rng)[case][0])
        known = inspect.signature(made).parameters
        words = {k: v for k, v in vars(ours).items() if k in known and v is not None}
        start = numbers(rng, shape(rng, 1))
        weight = keras.Variable(start, dtype="float64")
        optimizer = made(**words)
        updater = Updater(ours.formula, start)
        for _ in range(STEPS):
            g = numbers(rng, start.shape)
            optimizer.apply([keras.ops.convert_to_tensor(g, dtype="float64")], [weight])
            wanted = keras.ops.convert_to_numpy(weight)
            close(updater.step(g), wanted, LESS_EXACT.get(case, RELATIVE))


@old_arrays
def test_the_running_statistics_are_those_of_keras(keras):
    for seed in SEEDS[:3]:
        formula, constants, (x, gamma, beta), (mean, var), _ = drawn("batch_normalization", seed)
        constants = {k: single(v) for k, v in constants.items()}
        formula = with_values(formula, **constants)
        layer = keras.layers.BatchNormalization(dtype="float64", **constants)
        layer.build(x.shape)
        layer.set_weights([gamma, beta, mean, var])
        y = layer(x, training=True)
        found = function(formula)(x, gamma, beta, mean, var)
        wanted = [keras.ops.convert_to_numpy(v) for v in (y, *layer.non_trainable_variables)]
        for ours, theirs in zip(found, wanted, strict=True):
            close(ours, theirs, 1e-5)  # its moments are of single precision
