"""A table trained on: what ``symdl train`` does, from the words of the command line to a report."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdl.book.layers_text import read_layers
from symdl.book.targets import Targets, targets_for
from symdl.errors import InputError
from symdl.training.callbacks import Callback
from symdl.training.choices import choose, positive_int, real_number
from symdl.training.data import Standardizer, Table, read_csv, split
from symdl.training.layers import Dense
from symdl.training.optimizers import OPTIMIZERS, Optimizer
from symdl.training.sequential import Sequential

__all__ = ["Options", "Report", "train_csv", "train_table"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Options:
    """The choices of a training run; the loss is chosen by the targets where it is None."""

    layers: str
    optimizer: str = "adam"
    learning_rate: float | None = None
    loss: str | None = None
    epochs: int = 200
    batch: int = 16
    validation: float = 0.2
    seed: int = 0
    dtype: str = "float64"


_RATES = {"adam": 0.01, "sgd": 0.1}  # for standardized columns; --learning-rate chooses another


@dataclass(frozen=True)
class Report:
    """What came out: ``measures`` are taken on the rows that were held out.

    ``model`` reads standardized columns; ``raw_model`` is the same function of the columns as they
    stand in the file.
    """

    model: Sequential
    table: Table
    options: Options
    targets: Targets
    standardizer: Standardizer
    trained_on: int
    held_out: int
    stratified: bool
    measures: dict[str, float]
    loss: float
    notes: tuple[str, ...] = field(default=())

    def raw_model(self) -> Sequential:
        """The model with mean and deviation of the columns put into its first kernel and bias."""
        model = Sequential(self.model.layers, seed=self.options.seed)
        model.compile(
            optimizer=_optimizer(self.options), loss=self.targets.loss, dtype=self.options.dtype
        )
        model.predict(self.table.x[:1])
        kernel, bias, *rest = self.model.get_weights()
        scale, mean = self.standardizer.scale, self.standardizer.mean
        scaled = kernel / scale[:, None]
        model.set_weights([scaled, bias - mean @ scaled, *rest])
        return model


def train_csv(
    path: str | os.PathLike[str],
    target: str,
    options: Options,
    callbacks: Sequence[Callback] = (),
) -> Report:
    """Read a table, hold a part of its rows out, train on the others, and measure on that part."""
    _check(options)
    layers = read_layers(options.layers)
    return train_table(read_csv(path, target), layers, options, callbacks)


def train_table(
    table: Table, layers: Sequence[Dense], options: Options, callbacks: Sequence[Callback] = ()
) -> Report:
    """Train on a part of the rows of a table, and measure on those that were held out."""
    targets = targets_for(table, layers[-1], options.loss)
    stratified = targets.classes > 0 and bool(np.bincount(targets.labels).min(initial=2) > 1)
    rows = np.arange(len(table.y))
    groups = targets.labels if stratified else rows
    train, held, _, _ = split(rows, groups, options.validation, options.seed, stratified)
    standardizer = Standardizer.of(table.x[train])
    x, t = standardizer(table.x), targets.values
    model = Sequential(layers, seed=options.seed)
    metric = "accuracy" if targets.classes else "mae"
    chosen = _optimizer(options)
    model.compile(chosen, targets.loss, metrics=[metric], dtype=options.dtype)
    notes = _fit(model, x[train], t[train], options, callbacks)
    loss, measure = model.evaluate(x[held], t[held])
    return Report(
        model,
        table,
        options,
        targets,
        standardizer,
        len(train),
        len(held),
        stratified,
        {metric: measure},
        loss,
        notes,
    )


def _fit(
    model: Sequential, x: Array, t: Array, options: Options, callbacks: Sequence[Callback]
) -> tuple[str, ...]:
    """Train, and return what the training warned about."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(
            x,
            t,
            epochs=options.epochs,
            batch_size=options.batch,
            seed=options.seed,
            verbose=0,
            callbacks=callbacks,
        )
    return tuple(dict.fromkeys(str(w.message) for w in caught))


def _optimizer(options: Options) -> Optimizer:
    made = choose("optimizer", options.optimizer, OPTIMIZERS, "--optimizer")
    rate = options.learning_rate
    return made(learning_rate=_RATES[options.optimizer] if rate is None else rate)


def _check(options: Options) -> None:
    """Refuse what would only fail after the data was read."""
    positive_int("--epochs", options.epochs)
    positive_int("--batch", options.batch)
    real_number("--validation", options.validation, 0, 1, low_open=True)
    if options.learning_rate is not None:
        real_number("--learning-rate", options.learning_rate, 0, low_open=True)
    if options.seed < 0:
        raise InputError(f"--seed must be a whole number of at least 0, not {options.seed}")
    _optimizer(options)
