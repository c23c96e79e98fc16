"""The column to predict: labels or numbers, and the loss and the last layer that fit it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdl.catalog import activations, losses
from symdl.errors import InputError
from symdl.training.data import Standardizer, Table, one_hot
from symdl.training.layers import Dense
from symdl.training.losses import check_last_activation, is_sparse, loss_of

__all__ = ["Targets", "targets_for", "usual_loss"]

Array = NDArray[Any]

_SOFTMAX, _SIGMOID = activations.SOFTMAX.name, activations.SIGMOID.name
_DISTANCES = (losses.MSE.name, losses.HALF_SQUARED_ERROR.name)
_USUAL_SMOOTHING = 0.1
_SHOWN = 6  # names of classes in a message


@dataclass(frozen=True)
class Targets:
    """What the loss reads: ``values``, one row a row of the table.

    labels     the classes as whole numbers; empty for a target of numbers
    classes    how many there are; 0 for numbers
    smoothing  the share of a one-hot target that is spread evenly over all classes in training
    """

    loss: str
    values: Array
    labels: Array
    classes: int = 0
    smoothing: float = 0.0

    def smoothed(self, rows: Array) -> Array:
        """The values of some rows as they are trained on."""
        if not self.smoothing:
            return self.values[rows]
        return self.values[rows] * (1 - self.smoothing) + self.smoothing / self.classes

    def scale_of(self, rows: Array) -> Standardizer:
        """The mean and deviation of numbers that a loss of distances reads; else no change."""
        if not self.classes and self.loss in _DISTANCES:
            return Standardizer.of(self.values[rows])
        return _Unchanged(np.zeros(1), np.ones(1))

    def baseline(self, train: Array, held: Array) -> float:
        """The accuracy or mean absolute error of always guessing what training saw most."""
        if self.classes:
            commonest = np.bincount(self.labels[train]).argmax()
            return float(np.mean(self.labels[held] == commonest))
        return float(np.mean(np.abs(self.values[held] - self.values[train].mean())))


class _Unchanged(Standardizer):
    """Labels and probabilities stay what they are."""

    def __call__(self, x: object) -> Array:
        return np.asarray(x)


def targets_for(
    table: Table, last: Dense, loss: str | None = None, smoothing: float | None = None
) -> Targets:
    """Choose the loss where none is given, and bring the column into the form that it reads.

    Softmax, and sigmoid with two names or with 0 and 1, classify; anything else is regression.
    Targets of a softmax whose loss was not chosen are smoothed unless ``smoothing`` is 0.
    """
    chosen = loss_of(_usual_loss(table, last) if loss is None else loss)
    if chosen.reduction != "mean":
        raise InputError(
            f"--loss {loss!r}: what is reported is a mean over rows; leave the reduction away"
        )
    formula = chosen.formula
    check_last_activation(formula, None if last.applied is None else last.applied.name)
    one_hot_read = formula.name == losses.CATEGORICAL_CROSSENTROPY.name
    if smoothing is None:
        smoothing = _USUAL_SMOOTHING if loss is None and one_hot_read else 0.0
    if smoothing and not one_hot_read:
        raise InputError(
            f"--smoothing spreads one-hot targets, which {formula.name} does not read; leave it "
            "away, or end --layers with softmax and use the loss categorical_crossentropy"
        )
    classifies = bool(table.classes) or last.activation == _SOFTMAX or is_sparse(formula)
    if not classifies and formula.name == losses.BINARY_CROSSENTROPY.name:
        classifies = _all_in(table.y, (0, 1))
    if not classifies:
        return _numbers(table, last, formula.name)
    labels, classes = _labels(table, last)
    if is_sparse(formula):
        return Targets(formula.name, labels, labels, classes)
    values = labels[:, None].astype(float) if last.units == 1 else one_hot(labels, last.units)
    return Targets(formula.name, values, labels, classes, smoothing)


def usual_loss(last: Dense) -> str:
    """Return the loss that fits the activation of the last layer.

    >>> usual_loss(Dense(3, "softmax")), usual_loss(Dense(1))
    ('categorical_crossentropy', 'mean_squared_error')
    """
    if last.activation == _SOFTMAX:
        return losses.CATEGORICAL_CROSSENTROPY.name
    if last.activation == _SIGMOID:
        return losses.BINARY_CROSSENTROPY.name
    return losses.MSE.name


def _usual_loss(table: Table, last: Dense) -> str:
    found = usual_loss(last)
    if table.classes and found == losses.MSE.name:
        raise InputError(
            f"the target {table.target!r} holds names ({_named(table)}), but the last layer puts "
            f"out plain numbers: end --layers with {_fitting(len(table.classes))}"
        )
    return found


def _labels(table: Table, last: Dense) -> tuple[Array, int]:
    """The labels as whole numbers, once they fit the last layer."""
    outputs = 2 if last.units == 1 else last.units
    if table.classes:
        count = len(table.classes)
        if count < 2:
            raise InputError(
                f"the target {table.target!r} holds only {table.classes[0]!r}: there is nothing "
                "to tell apart"
            )
        if count != outputs or (last.activation == _SIGMOID and last.units > 1):
            raise InputError(
                f"the target {table.target!r} has {count} classes ({_named(table)}), but --layers "
                f"ends with {last.units}:{last.activation}; end it with {_fitting(count)}"
            )
        return table.y.astype(np.int64), count
    bad = (table.y < 0) | (table.y >= outputs) | (table.y != np.floor(table.y))
    if bad.any():
        row = int(np.argmax(bad))
        largest = table.y.max()
        raise InputError(
            f"the target {table.target!r} has {table.y[row]:g} in row {row + 1} below the header, "
            f"but {last.units}:{last.activation} reads the labels 0 to {outputs - 1}; "
            + (
                f"number the classes from 0, or end --layers with {int(largest) + 1}:softmax"
                if _whole(table.y)
                else "for a target of numbers end --layers with 1:linear"
            )
        )
    return table.y.astype(np.int64), outputs


def _numbers(table: Table, last: Dense, loss: str) -> Targets:
    if last.units != 1:
        raise InputError(
            f"the target {table.target!r} is one column of numbers, but --layers ends with "
            f"{last.units} units; end it with 1:linear, or with {last.units}:softmax for labels"
        )
    if loss == losses.BINARY_CROSSENTROPY.name and not ((table.y >= 0) & (table.y <= 1)).all():
        row = int(np.argmax((table.y < 0) | (table.y > 1)))
        raise InputError(
            f"the target {table.target!r} has {table.y[row]:g} in row {row + 1} below the header, "
            "but 1:sigmoid reads probabilities from 0 to 1; for numbers end --layers with 1:linear"
        )
    return Targets(loss, table.y[:, None], np.zeros(0, np.int64))


def _fitting(classes: int) -> str:
    return "1:sigmoid or 2:softmax" if classes == 2 else f"{classes}:softmax"


def _named(table: Table) -> str:
    names = table.classes[:_SHOWN]
    return ", ".join(names) + (", ..." if len(table.classes) > len(names) else "")


def _all_in(y: Array, values: tuple[int, ...]) -> bool:
    return bool(np.isin(y, values).all())


def _whole(y: Array) -> bool:
    return bool((y == np.floor(y)).all() and (y >= 0).all())
