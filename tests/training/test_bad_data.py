"""Data that a model cannot be trained on: refused, with the row, the column and the remedy."""

import numpy as np
import pytest
import sympy as sp

from symdl.errors import InputError, Mismatch, NotSupported
from symdl.formula import Equation
from symdl.notation.indices import indices
from symdl.notation.tensors import tensors
from symdl.training.checks import check_assumption, numbers
from symdl.training.layers import Dense, Input
from symdl.training.sequential import Sequential

X = np.arange(12.0).reshape(6, 2)
T = np.eye(3)[[0, 1, 2, 0, 1, 2]]
C = np.array([0, 1, 2, 0, 1, 2])


def model(loss="categorical_crossentropy", units=3, dtype="float64"):
    last = {"mse": None, "binary_crossentropy": "sigmoid"}.get(loss, "softmax")
    made = Sequential([Dense(4, "relu"), Dense(units, last)])
    made.compile("sgd", loss, dtype=dtype)
    return made


def put(array, row, column, value):
    array = np.array(array, dtype=float)
    array[row, column] = value
    return array


@pytest.mark.parametrize("use", ["fit", "evaluate", "train_on_batch"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(use, value):
    with pytest.raises(InputError, match=r"x has (nan|-?inf) at row 3, column 1"):
        getattr(model(), use)(put(X, 3, 1, value), T)
    with pytest.raises(InputError, match=r"y has (nan|-?inf) at row 5, column 2"):
        getattr(model(), use)(X, put(T, 5, 2, value))


def test_predict_checks_too():
    with pytest.raises(InputError, match="x has nan at row 0, column 0"):
        model().predict([[np.nan, 1.0]])
    made = Sequential([Input(2), Dense(1)])
    with pytest.raises(Mismatch, match=r"input_1 expects x of shape \(rows, 2\), given \(1, 3\)"):
        made.predict([[1.0, 2.0, 3.0]])


def test_too_large_for_the_type():
    assert model().predict(put(X, 1, 0, 1e39)).shape == (6, 3)
    with pytest.raises(InputError, match=r"x has 1e\+39 is too large for float32 at row 1"):
        model(dtype="float32").predict(put(X, 1, 0, 1e39))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.array([["a", "b"]] * 6), "x holds text, not real numbers"),
        (X + 1j, "x holds complex numbers"),
        (np.array([["1.5", None]] * 6, dtype=object), "x has '1.5' at row 0, column 0"),
        ([[1.0, 2.0], [3.0]], "rows have unequal lengths"),
        (np.empty((0, 2)), r"x is empty: its shape is \(0, 2\)"),
        ([], "x is empty"),
        (np.empty((6, 0)), "x is empty"),
        ("data.csv", "x holds text"),
        (None, "x has None"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "x holds datetime64"),
    ],
)
def test_what_is_no_array_of_numbers(x, message):
    with pytest.raises(InputError, match=message):
        model().fit(x, T)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (X[:, 0], r"dense_1 expects x of shape \(rows, columns\), given \(6,\); one row is"),
        (X[None], r"given \(1, 6, 2\)"),
        (np.float64(3), r"given \(\)"),
        (X[:5], "x has 5 rows, but y has 6"),
    ],
)
def test_shapes_of_x(x, message):
    with pytest.raises(Mismatch, match=message):
        model().fit(x, T)


def test_the_first_data_settles_the_width():
    made = model()
    made.fit(X, T)
    with pytest.raises(Mismatch, match=r"dense_1 expects x of shape \(rows, 2\), given \(6, 1\)"):
        made.fit(X[:, :1], T)


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        ("categorical_crossentropy", T[:, :2], r"dense_2 puts out \(rows, 3\).*given \(6, 2\)"),
        ("categorical_crossentropy", C, "use the loss 'sparse_categorical_crossentropy'"),
        ("sparse_categorical_crossentropy", T, "use the loss 'categorical_crossentropy'"),
        ("mse", X[:, 0], r"y must have that shape, given \(6,\)"),
        ("mse", np.float64(1), "y has 0: each row needs its target"),
        ("mse", 1.0, "y has 0: each row needs its target"),
    ],
)
def test_shapes_of_y(loss, y, message):
    with pytest.raises(Mismatch, match=message):
        model(loss).fit(X, y)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 3, 0, 1, 2], r"the label 3 at row 2.*whole numbers 0 to 2"),
        ([0, 1, 2, 0, -1, 2], "the label -1 at row 4"),
        ([0, 1, 2, 0, 1, 0.5], "the label 0.5 at row 5"),
        (["a", "b", "c", "a", "b", "c"], "y holds text.*one_hot"),
        ([0, 1, 2, 0, np.nan, 2], "y has nan at row 4"),
    ],
)
def test_labels_out_of_range(labels, message):
    with pytest.raises(InputError, match=message):
        model("sparse_categorical_crossentropy").fit(X, labels)


def test_labels_may_be_whole_numbers_of_any_type():
    for dtype in (np.uint8, np.int32, np.float32, bool):
        made = model("sparse_categorical_crossentropy", units=2)
        assert np.isfinite(made.train_on_batch(X, (C > 0).astype(dtype)))


def test_rows_that_do_not_sum_to_one():
    t = T.copy()
    t[4] = [0.5, 0.4, 0.0]
    with pytest.raises(InputError, match=r"row 4 of y sums to 0\.9.*sum\[j\]\(t\[n, j\]\) = 1"):
        model().fit(X, t)
    assert np.isfinite(model("binary_crossentropy").train_on_batch(X, t))
    smooth = (0.9 * T + 0.1 / 3).astype(np.float32)
    assert np.isfinite(model(dtype="float32").train_on_batch(X, smooth))


def test_targets_outside_0_to_1():
    for loss in ("binary_crossentropy", "categorical_crossentropy"):
        with pytest.raises(InputError, match=r"y has 1\.5 at row 2, column 1.*from 0 to 1"):
            model(loss).fit(X, put(T, 2, 1, 1.5))
        with pytest.raises(InputError, match=r"y has -0\.1 at row 0, column 0"):
            model(loss).fit(X, put(T, 0, 0, -0.1))


def test_an_assumption_that_cannot_be_checked_is_not_passed_over():
    n, j = indices("n:N j:K")
    t = tensors("t[n,j]", n, j)
    with pytest.raises(NotSupported, match="checking the assumption"):
        check_assumption("y", T, Equation(t[n, j], sp.S(1)), "some loss")


def test_numbers_takes_lists_booleans_and_objects():
    assert numbers("x", [[True, 2]], "float32").dtype == np.float32
    assert numbers("x", np.array([[1, 2.5]], dtype=object), "float64").tolist() == [[1, 2.5]]
    transposed = numbers("x", np.asfortranarray(X), "float64")
    assert transposed.flags["C_CONTIGUOUS"]
