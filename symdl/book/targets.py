"""The column to predict: labels or numbers, and the loss and the last layer that fit it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdl.catalog import activations, losses
from symdl.errors import InputError
from symdl.training.data import Table, one_hot
from symdl.training.layers import Dense
from symdl.training.losses import check_last_activation, is_sparse, loss_formula

__all__ = ["Targets", "targets_for"]

Array = NDArray[Any]

_SOFTMAX, _SIGMOID = activations.SOFTMAX.name, activations.SIGMOID.name
_SHOWN = 6  # names of classes in a message


@dataclass(frozen=True)
class Targets:
    """What the loss reads: ``values``; ``labels`` and the number of ``classes``, 0 for numbers."""

    loss: str
    values: Array
    labels: Array
    classes: int = 0


def targets_for(table: Table, last: Dense, loss: str | None = None) -> Targets:
    """Choose the loss where none is given, and bring the column into the form that it reads.

    Softmax, and sigmoid with two names or with 0 and 1, classify; anything else is regression.
    """
    formula = loss_formula(_usual_loss(table, last) if loss is None else loss)
    check_last_activation(formula, last.activation)
    classifies = bool(table.classes) or last.activation == _SOFTMAX or is_sparse(formula)
    if not classifies and last.activation == _SIGMOID:
        classifies = formula.name == losses.BINARY_CROSSENTROPY.name and _all_in(table.y, (0, 1))
    if not classifies:
        return _numbers(table, last, formula.name)
    labels, classes = _labels(table, last)
    if is_sparse(formula):
        return Targets(formula.name, labels, labels, classes)
    values = labels[:, None].astype(float) if last.units == 1 else one_hot(labels, last.units)
    return Targets(formula.name, values, labels, classes)


def _usual_loss(table: Table, last: Dense) -> str:
    if last.activation == _SOFTMAX:
        return losses.SPARSE_CATEGORICAL_CROSSENTROPY.name
    if last.activation == _SIGMOID:
        return losses.BINARY_CROSSENTROPY.name
    if table.classes:
        raise InputError(
            f"the target {table.target!r} holds names ({_named(table)}), but the last layer puts "
            f"out plain numbers: end --layers with {_fitting(len(table.classes))}"
        )
    return losses.MSE.name


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
