"""Layers, losses, optimizers and metrics by name: what is accepted, and what is refused how."""

import math
from typing import Any

import numpy as np
import pytest

from symdl.errors import InputError, NotSupported
from symdl.training.layers import ACTIVATIONS, Activation, Dense, Input
from symdl.training.losses import LOSSES, check_last_activation, loss_formula
from symdl.training.metrics import metric_of
from symdl.training.optimizers import SGD, Adam, optimizer_of
from symdl.training.schedules import ExponentialDecay

NO: Any = "no"


def test_layers_are_values():
    assert Dense(3, "relu") == Dense(3, activation="relu")
    assert hash(Input((4,))) == hash(Input(4))
    units: Any = np.int64(3)
    assert Dense(units).units == 3
    with pytest.raises(AttributeError):
        Dense(3).units = 4  # type: ignore[misc]


@pytest.mark.parametrize("units", [0, -1, 2.5, "8", True, None])
def test_units_must_be_positive_whole_numbers(units):
    with pytest.raises(InputError, match="units of Dense must be a whole number of at least 1"):
        Dense(units)


@pytest.mark.parametrize("dim", [0, 1.5, "4"])
def test_input_sizes_must_be_positive_whole_numbers(dim):
    with pytest.raises(InputError, match="whole number"):
        Dense(3, input_dim=dim)
    with pytest.raises(InputError, match="whole number"):
        Input(dim)


def test_input_of_several_axes_is_not_supported_yet():
    with pytest.raises(NotSupported, match="2 axes"):
        Input((28, 28))


@pytest.mark.parametrize("make", [lambda n: Dense(3, n), Activation])
@pytest.mark.parametrize(("wrong", "right"), [("rleu", "relu"), ("Sigmoid", "sigmoid")])
def test_unknown_activation_names_the_nearest(make, wrong, right):
    with pytest.raises(InputError, match=f"unknown activation '{wrong}'; did you mean '{right}'"):
        make(wrong)


def test_unknown_names_list_those_known():
    with pytest.raises(InputError, match=r"known: .*he_uniform"):
        Dense(3, kernel_initializer="identity")
    with pytest.raises(InputError, match="use_bias"):
        Dense(3, use_bias=NO)
    with pytest.raises(InputError, match="did you mean 'mean_squared_error'"):
        loss_formula("mean_square_error")


@pytest.mark.parametrize("name", [*(n for n, f in ACTIVATIONS.items() if not f.parameters), None])
def test_the_initializer_goes_with_the_activation(name):
    expected = "he_uniform" if name in ("relu", "leaky_relu") else "glorot_uniform"
    assert Dense(3, name).initializer().name == expected
    assert Dense(3, name, kernel_initializer="he_normal").initializer().name == "he_normal"


def test_every_catalogue_loss_has_its_name():
    assert all(loss_formula(name).name in (name, *LOSSES) for name in LOSSES)
    assert loss_formula("mse") is loss_formula("mean_squared_error")


@pytest.mark.parametrize(
    ("loss", "activation", "remedy"),
    [
        ("categorical_crossentropy", "relu", "activation='softmax'"),
        ("categorical_crossentropy", None, "no activation.*activation='softmax'"),
        ("categorical_crossentropy", "sigmoid", "use the loss 'binary_crossentropy'"),
        ("sparse_categorical_crossentropy", "sigmoid", "activation='softmax'"),
        ("binary_crossentropy", "tanh", "activation='sigmoid'"),
        ("binary_crossentropy", "softmax", "use the loss 'categorical_crossentropy'"),
    ],
)
def test_a_loss_that_cannot_read_the_outputs_says_what_to_do(loss, activation, remedy):
    with pytest.raises(InputError, match=remedy):
        check_last_activation(loss_formula(loss), activation)


@pytest.mark.parametrize("activation", [None, "relu", "softmax"])
def test_squared_errors_read_any_output(activation):
    check_last_activation(loss_formula("mse"), activation)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SGD(0),
        lambda: SGD(-0.1),
        lambda: SGD(math.nan),
        lambda: SGD(math.inf),
        lambda: SGD(NO),
        lambda: SGD(momentum=1),
        lambda: SGD(momentum=-0.1),
        lambda: Adam(beta_1=1.0),
        lambda: Adam(beta_2=-0.5),
        lambda: Adam(epsilon=0),
    ],
)
def test_constants_of_optimizers_have_ranges(make):
    with pytest.raises(InputError, match="must be"):
        make()


def test_an_optimizer_carries_its_constants_into_the_formula():
    assert [str(v) for _, v in SGD(0.1, momentum=0.7).formula.hyper] == ["1/10", "7/10"]
    falling = SGD(ExponentialDecay(0.1, decay_steps=3, decay_rate=0.5)).formula.hyper
    assert {s.name: str(v) for s, v in falling} == {
        "initial_learning_rate": "1/10", "decay_steps": "3", "decay_rate": "1/2",
    }  # fmt: skip
    found = {s.name: float(v) for s, v in Adam(0.01, beta_1=0.5).formula.hyper}
    assert found == {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": 0.999, "epsilon": 1e-7}
    found = {s.name: float(v) for s, v in SGD(0.1, momentum=0.7).formula.hyper}
    assert found == {"learning_rate": 0.1, "momentum": 0.7}


def test_optimizers_by_name():
    assert optimizer_of("adam") == Adam()
    with pytest.raises(InputError, match="did you mean 'adam'"):
        optimizer_of("adams")
    with pytest.raises(InputError, match=r"write SGD\(\)"):
        optimizer_of(SGD)


def test_accuracy_follows_loss_and_width():
    p = np.array([[0.2, 0.8], [0.6, 0.4]])
    labels, rows = np.array([1, 1]), np.array([[0, 1], [0, 1]])
    sparse = metric_of("accuracy", loss_formula("sparse_categorical_crossentropy"), 2)
    assert sparse.compute(labels, p) == 0.5
    categorical = metric_of("acc", loss_formula("categorical_crossentropy"), 2)
    assert categorical.compute(rows, p) == 0.5
    binary = metric_of("accuracy", loss_formula("bce"), 2)
    assert binary.compute(np.array([[0, 1], [0, 0]]), p) == 0.75
    single = metric_of("accuracy", loss_formula("mse"), 1)
    assert single.compute(np.array([[1], [0]]), np.array([[0.7], [0.8]])) == 0.5


def test_distances_to_labels_are_refused():
    with pytest.raises(InputError, match="use 'accuracy'"):
        metric_of("mae", loss_formula("sparse_categorical_crossentropy"), 3)
    with pytest.raises(InputError, match="unknown metric 'acuracy'; did you mean 'accuracy'"):
        metric_of("acuracy", loss_formula("mse"), 1)
