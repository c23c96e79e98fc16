"""What users give as data: turned into arrays that the step can run on, or refused with a reason.

Rows and columns are counted from 0, as NumPy counts them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdl.catalog import losses
from symdl.errors import InputError, Mismatch, NotSupported
from symdl.formula import Equation, Formula
from symdl.notation.binders import Total
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.training.losses import is_sparse

__all__ = ["check_assumption", "features", "labels", "numbers", "same_rows", "targets", "weights"]

Array = NDArray[Any]

_SUM_TOLERANCE = 1e-5  # one-hot rows and smoothed labels in float32 stay well within
_PROBABILITIES = (
    losses.BINARY_CROSSENTROPY.name,
    losses.BINARY_CROSSENTROPY_FROM_LOGITS.name,
    losses.CATEGORICAL_CROSSENTROPY.name,
    losses.CATEGORICAL_CROSSENTROPY_FROM_LOGITS.name,
    losses.KL_DIVERGENCE.name,
)
_LABELLED = {  # what says the same with class labels
    losses.CATEGORICAL_CROSSENTROPY.name: losses.SPARSE_CATEGORICAL_CROSSENTROPY.name,
    losses.CATEGORICAL_CROSSENTROPY_FROM_LOGITS.name: (
        losses.SPARSE_CATEGORICAL_CROSSENTROPY_FROM_LOGITS.name
    ),
}


def numbers(name: str, given: object, dtype: str) -> Array:
    """Return ``given`` as an array of finite real numbers, or raise InputError.

    >>> numbers("x", [[1, 2]], "float32")
    array([[1., 2.]], dtype=float32)
    """
    array = _as_array(name, given)
    with np.errstate(over="ignore"):
        cast = np.asarray(array, dtype=dtype, order="C")
    if not np.isfinite(cast).all():
        place = tuple(int(p[0]) for p in np.nonzero(~np.isfinite(cast)))
        value = array[place]
        too_large = f" is too large for {dtype}" if np.isfinite(value) else ""
        raise InputError(
            f"{name} has {value}{too_large} at {_place(place)}; every value must be a finite "
            "number, so fill in or leave out the row"
        )
    return cast


def _as_array(name: str, given: object) -> Array:
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise InputError(f"{name} is no array: its rows have unequal lengths") from error
    if array.dtype.kind == "O":
        array = _from_objects(name, array)
    if array.dtype.kind not in "biuf":
        what = {"U": "text", "S": "text", "T": "text", "c": "complex numbers"}
        raise InputError(
            f"{name} holds {what.get(array.dtype.kind, str(array.dtype))}, not real numbers; "
            "turn class names into labels 0, 1, 2, ... or one column a class (one_hot)"
        )
    if array.size == 0:
        raise InputError(f"{name} is empty: its shape is {array.shape}")
    return array


def _from_objects(name: str, array: Array) -> Array:
    for place, value in np.ndenumerate(array):
        if not isinstance(value, (bool, int, float, np.number, np.bool_)):
            raise InputError(f"{name} has {value!r} at {_place(place)}, which is not a number")
    return array.astype(np.float64)


def _place(place: tuple[int, ...]) -> str:
    words = ("row", "column")
    if len(place) > len(words):
        return f"place {place}"
    return ", ".join(f"{word} {p}" for word, p in zip(words, place, strict=False)) or "its place"


def features(given: object, width: int | None, layer: str, dtype: str, part: str = "") -> Array:
    """Return x of shape (rows, width); ``layer`` reads it, ``part`` says which data it is.

    >>> features([[1.0, 2.0]], 2, "dense_1", "float64").shape
    (1, 2)
    """
    x = numbers(f"x{part}", given, dtype)
    if x.ndim != 2 or width not in (None, x.shape[1]):
        hint = "; one row is x[None, :], one column is x[:, None]" if x.ndim == 1 else ""
        raise Mismatch(
            f"{layer} expects x{part} of shape (rows, {width or 'columns'}), given {x.shape}{hint}"
        )
    return x


def same_rows(x: Array, y: object, part: str = "") -> None:
    """Raise Mismatch where x and y have unequal numbers of rows."""
    try:
        rows = len(y)  # type: ignore[arg-type]
    except TypeError:
        rows = 0
    if rows != len(x):
        raise Mismatch(f"x{part} has {len(x)} rows, but y has {rows}: each row needs its target")


def targets(
    given: object,
    loss: Formula,
    width: int,
    layer: str,
    *,
    dtype: str,
    assumed: tuple[Equation, ...] = (),
    part: str = "",
) -> Array:
    """Return the targets as ``loss`` reads them: labels (rows,) or numbers (rows, width)."""
    if is_sparse(loss):
        return labels(given, width, layer, f"y{part}")
    name = f"y{part}"
    t = numbers(name, given, dtype)
    if t.ndim == 1 and width == 1:
        t = t[:, None]
    if t.ndim != 2 or t.shape[1] != width:
        raise Mismatch(_wrong_targets(name, t, loss, width, layer))
    if loss.name in _PROBABILITIES:
        _within_unit(name, t, loss)
    if loss.name == losses.HINGE.name:
        _plus_or_minus_one(name, t, loss)
    for assumption in assumed:
        check_assumption(name, t, assumption, loss.name)
    return t


def _wrong_targets(name: str, t: Array, loss: Formula, width: int, layer: str) -> str:
    text = f"{layer} puts out (rows, {width}), so {name} must have that shape, given {t.shape}"
    if t.ndim == 1 and loss.name in _LABELLED:
        text += f"; for class labels use the loss {_LABELLED[loss.name]!r}, or one_hot(y)"
    return text


def _within_unit(name: str, t: Array, loss: Formula) -> None:
    bad = (t < 0) | (t > 1)
    if bad.any():
        row, column = (int(p[0]) for p in np.nonzero(bad))
        raise InputError(
            f"{name} has {t[row, column]:g} at row {row}, column {column}, but the targets of "
            f"{loss.name} are probabilities from 0 to 1"
        )


def _plus_or_minus_one(name: str, t: Array, loss: Formula) -> None:
    bad = np.abs(t) != 1
    if bad.any():
        row, column = (int(p[0]) for p in np.nonzero(bad))
        hint = "; write 2*y - 1 for classes 0 and 1" if np.isin(t, (0, 1)).all() else ""
        raise InputError(
            f"{name} has {t[row, column]:g} at row {row}, column {column}, but the targets of "
            f"{loss.name} are -1 and 1{hint}"
        )


def labels(given: object, classes: int, layer: str, name: str = "y") -> Array:
    """Return class labels as whole numbers (rows,); (rows, 1) is accepted too.

    >>> labels([[0], [2]], 3, "dense_1")
    array([0, 2])
    """
    array = numbers(name, given, "float64")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise Mismatch(
            f"{name} must hold one class label a row, of shape (rows,) or (rows, 1), given "
            f"{array.shape}; for one column a class use the loss 'categorical_crossentropy'"
        )
    bad = (array < 0) | (array >= classes) | (array != np.floor(array))
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"{name} has the label {array[row]:g} at row {row}, but the labels of {layer} are the "
            f"whole numbers 0 to {classes - 1}"
        )
    return array.astype(np.int64)


def check_assumption(name: str, t: Array, assumption: Equation, loss: str) -> None:
    """Check an equation that the derivation relied on, such as sum_j t[n,j] = 1, on each row."""
    sums = _row_sums(t, assumption.lhs)
    if sums is None or not assumption.rhs.is_Number:
        raise NotSupported(f"checking the assumption '{assumption}' on data")
    expected = float(assumption.rhs)
    off = np.abs(sums - expected)
    row = int(np.argmax(off))
    if off[row] > _SUM_TOLERANCE:
        raise InputError(
            f"row {row} of {name} sums to {sums[row]:.6g}, but {loss} is derived for rows that "
            f"sum to {expected:g}: {assumption.lhs} = {assumption.rhs}"
        )


def _row_sums(t: Array, e: sp.Expr) -> Array | None:
    """The sums over the last axis, where ``e`` is such a sum of the targets."""
    if not isinstance(e, Total) or len(e.bounds) != 1 or not isinstance(e.body, Elem):
        return None
    read: TensorSymbol = e.body.tensor
    if e.body.index[-1] != e.bounds[0] or read.rank != t.ndim:
        return None
    return np.asarray(t.sum(axis=-1, dtype=np.float64))


def weights(
    given: Mapping[str, object], expected: Mapping[str, Array], where: str = ""
) -> dict[str, Array]:
    """Return new values for all ``expected`` weights, or raise Mismatch naming the first wrong one.

    >>> weights({"dense_1.b": [1]}, {"dense_1.b": np.zeros(1)})
    {'dense_1.b': array([1.])}
    """
    strange = [name for name in given if name not in expected]
    if strange:
        names = ", ".join(expected)
        raise Mismatch(f"{where}the model has no weight {strange[0]}; it has: {names}")
    found = {}
    for name, old in expected.items():
        if name not in given:
            raise Mismatch(f"{where}the weight {name} of shape {old.shape} is missing")
        new = numbers(f"{where}{name}", given[name], str(old.dtype))
        if new.shape != old.shape:
            raise Mismatch(f"{where}{name} has shape {old.shape}, given {new.shape}")
        found[name] = new
    return found
