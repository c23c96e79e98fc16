"""Layers and a loss as pieces: one formula a kind, symbolic sizes, the last two taken jointly."""

import pytest
import sympy as sp

from symdl.calculus.network import backpropagate
from symdl.errors import InputError, Mismatch
from symdl.notation.indices import size_of
from symdl.training.layers import Activation, Dense, Input
from symdl.training.network import joint_kind, network, parameters_of, sizes_of

DEEP = [Dense(4, "relu"), Dense(8, "relu"), Dense(3, "softmax")]


def test_layers_of_a_kind_share_one_formula():
    pieces = network(DEEP, "categorical_crossentropy").pieces
    names = ["dense", "relu", "dense", "relu", "dense", "softmax with categorical_crossentropy"]
    assert [p.kind.name for p in pieces] == names
    assert pieces[0].kind == pieces[2].kind
    assert pieces[1].kind == pieces[3].kind
    assert hash(pieces[1].kind) == hash(pieces[3].kind)
    assert joint_kind("sigmoid", "binary_crossentropy") is joint_kind(
        "sigmoid", "binary_crossentropy"
    )


def test_variables_carry_the_names_of_their_layers():
    net = network(DEEP, "categorical_crossentropy")
    defined = [e.variable.name for p in net.pieces for e in p.equations]
    assert defined == [
        *("dense_1.z", "dense_1.h", "dense_2.z", "dense_2.h"),
        *("dense_3.z", "dense_3.e", "dense_3.S", "dense_3.h", "L"),
    ]
    assert [v.name for v in (net.input, net.output, net.target)] == ["x", "dense_3.h", "t"]
    assert net.output.axes == net.target.axes == (size_of("N"), size_of("D3"))
    assert net.output.positive_elements


def test_widths_leave_the_equations_alone():
    wide = [Dense(4000, "relu"), Dense(8000, "relu"), Dense(30, "softmax")]
    narrow, other = (network(layers, "categorical_crossentropy") for layers in (DEEP, wide))
    assert [p.equations for p in narrow.pieces] == [p.equations for p in other.pieces]
    symbols = {axis for p in narrow.parameters for axis in p.variable.axes}
    assert symbols == {size_of(f"D{k}") for k in range(4)}


def test_what_a_piece_puts_out_is_what_the_next_reads():
    net = network(DEEP, "mse")
    value = net.input
    for piece in net.pieces:
        assert piece.variable(piece.kind.inputs[0]) == value
        value = piece.variable(piece.kind.output)
    assert value == net.loss == sp.Symbol("L", real=True)


def test_labels_range_over_the_last_layer():
    net = network(DEEP, "sparse_categorical_crossentropy")
    assert net.target.axes == (size_of("N"),)
    assert net.target.labels == size_of("D3")


def test_without_an_activation_the_loss_stands_alone():
    for layers in ([Dense(1)], [Dense(1, "linear")], [Dense(1), Activation("linear")]):
        net = network(layers, "mse")
        assert [p.kind.name for p in net.pieces] == ["dense", "mean_squared_error"]
        assert net.output.name == "dense_1.z"


@pytest.mark.parametrize("name", ["softmax", "sigmoid", "tanh"])
def test_a_loss_without_logarithms_leaves_the_activation_a_piece_of_its_own(name):
    net = network([Dense(2, name)], "mse")
    assert [p.kind.name for p in net.pieces] == ["dense", name, "mean_squared_error"]
    assert net.output.name == "dense_1.h"


def test_an_activation_layer_is_the_same_as_the_word_in_dense():
    net = network([Input(3), Dense(2), Activation("softmax")], "categorical_crossentropy")
    assert net.pieces[-1].kind == network(DEEP, "categorical_crossentropy").pieces[-1].kind
    assert net.output.name == "activation_1.h"


def test_constants_of_activations_are_numbers_in_the_network():
    piece = network([Dense(2, "leaky_relu"), Dense(1)], "mse").pieces[1]
    (equation,) = piece.equations
    assert equation.rhs.has(sp.Rational(1, 10))
    assert {s.name for s in equation.rhs.atoms(sp.Symbol)} == {"dense_1.z", "n", "j"}


def test_the_assumption_is_under_the_names_of_the_model():
    (assumption,) = network(DEEP, "categorical_crossentropy").assumptions
    assert str(assumption) == "sum[j](t[n, j]) = 1"
    assert not network(DEEP, "mse").assumptions


def test_the_joint_gradient_is_the_short_one():
    net = network([Dense(3, "softmax")], "categorical_crossentropy")
    derived = backpropagate(net.pieces, [p.variable for p in net.parameters])
    assert str(derived.backward[0]) == "dense_1.zbar[n, j] = (dense_1.h[n, j] - t[n, j])/N"


def test_initializers_look_ahead_to_an_activation_layer():
    he, glorot = (
        parameters_of([Dense(3), Activation(name), Dense(1)])[0].initializer.name
        for name in ("relu", "tanh")
    )
    assert (he, glorot) == ("he_uniform", "glorot_uniform")


def test_no_bias():
    assert [p.name for p in parameters_of([Dense(3, use_bias=False)])] == ["dense_1.W"]


@pytest.mark.parametrize("layers", [[], [Input(3)], [Activation("relu")]])
def test_a_model_needs_weights(layers):
    with pytest.raises(InputError, match=r"add Dense\(units\)"):
        network(layers, "mse")


@pytest.mark.parametrize("layers", [[Dense(1, "softmax")], [Dense(1), Activation("softmax")]])
def test_softmax_over_one_unit_is_refused(layers):
    with pytest.raises(InputError, match="always 1; use 'sigmoid'"):
        network(layers, "sparse_categorical_crossentropy")


def test_sizes():
    d0, d1, d2 = (size_of(f"D{k}") for k in range(3))
    layers = [Dense(5, input_dim=4), Activation("tanh"), Dense(3, input_dim=5)]
    assert sizes_of(layers) == {d0: 4, d1: 5, d2: 3}
    assert sizes_of([Input(4), *layers]) == {d0: 4, d1: 5, d2: 3}
    assert sizes_of([Dense(5)], 7) == {d0: 7, d1: 5}
    with pytest.raises(InputError, match="size of the input is not known"):
        sizes_of([Dense(5)])
    with pytest.raises(Mismatch, match="dense_2 expects 4 columns, but dense_1 puts out 5"):
        sizes_of([Dense(5), Dense(3, input_dim=4)], 2)
    with pytest.raises(Mismatch, match="dense_1 expects 3 columns, but input_1 puts out 4"):
        sizes_of([Input(4), Dense(5, input_dim=3)])
    with pytest.raises(Mismatch, match="input_1 expects 4 columns, but x has 9"):
        sizes_of([Input(4), Dense(5)], 9)
