"""Weights of the rows of a data set: given one by one, or by the class of each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdl.catalog import losses
from symdl.errors import InputError, Mismatch
from symdl.formula import Formula
from symdl.training.checks import numbers
from symdl.training.losses import is_sparse

__all__ = ["class_weights", "sample_weights"]

Array = NDArray[Any]

_CLASSES = {  # the classes that a single column of targets can name
    losses.BINARY_CROSSENTROPY.name: (0, 1),
    losses.BINARY_CROSSENTROPY_FROM_LOGITS.name: (0, 1),
    losses.HINGE.name: (-1, 1),
}


def sample_weights(given: object, rows: int, dtype: str, part: str = "") -> Array:
    """Return weights of shape (rows,), or raise InputError or Mismatch; (rows, 1) is accepted too.

    >>> sample_weights([1, 0.5], 2, "float64")
    array([1. , 0.5])
    """
    name = f"sample_weight{part}"
    found = numbers(name, given, dtype)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.shape != (rows,):
        raise Mismatch(
            f"{name} must hold one weight a row, of shape ({rows},) for {rows} rows, given "
            f"{found.shape}"
        )
    if (found < 0).any():
        row = int(np.argmax(found < 0))
        raise InputError(
            f"{name} has {found[row]:g} at row {row}, but a weight is at least 0: a negative one "
            "would make the error of its row grow"
        )
    return np.ascontiguousarray(found)


def class_weights(given: object, t: Array, loss: Formula, width: int, dtype: str) -> Array:
    """Return the weight of the class of each row; a class that is not named has the weight 1.

    >>> from symdl.training.losses import loss_formula
    >>> t = np.array([0, 2, 1])
    >>> class_weights({2: 5.0}, t, loss_formula("sparse_categorical_crossentropy"), 3, "float64")
    array([1., 5., 1.])
    """
    known = _known(loss, width)
    chosen = _checked(given, known)
    found = np.ones(len(t), dtype)
    labels = _labels(t, loss)
    for label, weight in chosen.items():
        found[labels == label] = weight
    return found


def _known(loss: Formula, width: int) -> tuple[int, ...] | None:
    if is_sparse(loss) or width > 1:
        return tuple(range(width))
    return _CLASSES.get(loss.name)


def _checked(given: object, known: tuple[int, ...] | None) -> dict[int, float]:
    if not isinstance(given, Mapping) or not given:
        raise InputError(
            f"class_weight must be a dictionary such as {{0: 1.0, 1: 5.0}}, not {given!r}"
        )
    chosen = {}
    for label, weight in given.items():
        whole = isinstance(label, (int, np.integer)) and not isinstance(label, bool)
        if not whole or (known is not None and label not in known):
            classes = "whole numbers" if known is None else ", ".join(map(str, known))
            raise InputError(f"class_weight has the class {label!r}, but the classes are {classes}")
        (number,) = numbers(f"class_weight of the class {label}", [weight], "float64")
        if number < 0:
            raise InputError(
                f"class_weight of the class {label} is {number:g}, but a weight is at least 0"
            )
        chosen[int(label)] = float(number)
    return chosen


def _labels(t: Array, loss: Formula) -> Array:
    """The class of each row: its label, the column of its 1, or the number in its only column."""
    if is_sparse(loss):
        return t
    if t.shape[1] == 1:
        column: Array = t[:, 0]
        bad = column != np.floor(column)
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(
                f"class_weight needs classes as targets, but y has {column[row]:g} at row {row}; "
                "give sample_weight, one weight a row"
            )
        return column
    one_hot = ((t == 0) | (t == 1)).all(axis=1) & (t.sum(axis=1) == 1)
    if not one_hot.all():
        row = int(np.argmin(one_hot))
        raise InputError(
            f"class_weight needs a single class a row, but row {row} of y is not a single 1 among "
            "zeros; give sample_weight, one weight a row"
        )
    return np.asarray(t.argmax(axis=1))
