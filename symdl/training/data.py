"""Data before training: tables from CSV files, standardizing, one-hot rows, splitting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdl.errors import InputError, Mismatch
from symdl.training.checks import labels as checked_labels
from symdl.training.checks import numbers, same_rows
from symdl.training.choices import positive_int, real_number
from symdl.training.initialize import generator_of
from symdl.training.table import Table, read_csv

__all__ = ["Standardizer", "Table", "one_hot", "read_csv", "split", "standardize"]

Array = NDArray[Any]
Seed = int | np.random.Generator


@dataclass(frozen=True)
class Standardizer:
    """(x - mean) / scale for each column; a constant column has scale 1 and becomes 0.

    >>> Standardizer.of([[1.0, 5.0], [3.0, 5.0]])([[5.0, 5.0]])
    array([[3., 0.]])
    """

    mean: Array
    scale: Array

    @classmethod
    def of(cls, x: object) -> Standardizer:
        """Take mean and standard deviation of the columns of x, which should be training data."""
        columns = _columns("x", x)
        constant = columns.max(axis=0) == columns.min(axis=0)
        mean = np.where(constant, columns[0], columns.mean(axis=0))
        return cls(mean, np.where(constant, 1.0, columns.std(axis=0)))

    def __call__(self, x: object) -> Array:
        """Standardize x (rows, columns) with the stored mean and scale."""
        columns = _columns("x", x)
        if columns.shape[1] != len(self.mean):
            raise Mismatch(f"x has {columns.shape[1]} columns, but the mean has {len(self.mean)}")
        return np.asarray((columns - self.mean) / self.scale)


def standardize(train: object, *others: object) -> tuple[Array, ...]:
    """Shift and scale columns to mean 0 and deviation 1 by the mean and deviation of ``train``.

    Returns the training part and the others in the order given; a constant column becomes 0 in
    the training part.  Raises InputError for anything but finite numbers, Mismatch for shapes.

    >>> train, test = standardize([[1.0], [3.0]], [[5.0]])
    >>> train.tolist(), test.tolist()
    ([[-1.0], [1.0]], [[3.0]])
    """
    by = Standardizer.of(train)
    return (by(train), *(by(other) for other in others))


def _columns(name: str, given: object) -> Array:
    x = numbers(name, given, "float64")
    if x.ndim != 2:
        raise Mismatch(f"{name} must have the shape (rows, columns), given {x.shape}")
    return x


def one_hot(labels: object, classes: int | None = None) -> Array:
    """Return rows with a 1 at the label: t[n,j] = 1 where j = labels[n], else 0.

    ``classes`` defaults to the largest label plus 1.  Raises InputError for labels out of range.

    >>> one_hot([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    if classes is None:
        classes = int(np.max(numbers("labels", labels, "float64"))) + 1
    count = positive_int("classes", max(classes, 1))
    c = checked_labels(labels, count, "one_hot", "labels")
    t = np.zeros((len(c), count))
    t[np.arange(len(c)), c] = 1
    return t


def split(
    x: object, y: object, fraction: float = 0.2, seed: Seed = 0, stratify: bool = False
) -> tuple[Array, Array, Array, Array]:
    """Shuffle the rows and hold ``fraction`` of them back: x_train, x_test, y_train, y_test.

    ``stratify`` keeps the share of each class (each distinct value of y).  The same seed gives
    the same split.  Raises InputError where a part would be empty.

    >>> x_train, x_test, y_train, y_test = split(np.eye(4), [0, 1, 0, 1], 0.5, stratify=True)
    >>> sorted(y_train.tolist()), sorted(y_test.tolist())
    ([0, 1], [0, 1])
    """
    rows, t = np.asarray(x), np.asarray(y)
    if rows.ndim == 0 or len(rows) == 0:
        raise InputError(f"x is empty: its shape is {rows.shape}")
    same_rows(rows, t)
    part = real_number("fraction", fraction, 0, 1, low_open=True)
    generator = generator_of(seed)
    groups = _classes(t) if stratify else [np.arange(len(rows))]
    counts = _shares([len(g) for g in groups], part)
    held = [generator.permutation(g)[:k] for g, k in zip(groups, counts, strict=True)]
    is_test = np.zeros(len(rows), bool)
    is_test[np.concatenate(held)] = True
    test = generator.permutation(np.flatnonzero(is_test))
    train = generator.permutation(np.flatnonzero(~is_test))
    if not len(test) or not len(train):
        raise InputError(
            f"fraction={part:g} of {len(rows)} rows leaves {len(train)} for training and "
            f"{len(test)} for testing; both need at least one"
        )
    return rows[train], rows[test], t[train], t[test]


def _classes(t: Array) -> list[Array]:
    """The rows of each distinct target; a target may be a whole one-hot row."""
    _, which = np.unique(t, axis=0, return_inverse=True)
    which = which.reshape(-1)
    groups = [np.flatnonzero(which == k) for k in range(int(which.max()) + 1)]
    for group in groups:
        if len(group) < 2:
            raise InputError(
                f"the class of row {group[0]} has a single row, so it cannot be in both parts; "
                "stratify=False does not need it to be"
            )
    return groups


def _shares(sizes: Sequence[int], part: float) -> list[int]:
    """Whole numbers near ``part`` of each size whose sum is near ``part`` of all."""
    exact = [part * size for size in sizes]
    shares = [int(e) for e in exact]
    missing = round(sum(exact)) - sum(shares)
    by_remainder = sorted(range(len(sizes)), key=lambda k: (shares[k] - exact[k], k))
    for k in by_remainder[:missing]:
        shares[k] += 1
    if len(sizes) == 1:
        return shares
    return [min(max(share, 1), size - 1) for share, size in zip(shares, sizes, strict=True)]
