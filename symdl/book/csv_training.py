"""A table trained on: what ``symdl train`` does, from the words of the command line to a report."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdl.book.layers_text import read_layers
from symdl.book.targets import Targets, targets_for
from symdl.errors import InputError
from symdl.training.callbacks import Callback
from symdl.training.choices import choose, one_of, positive_int, real_number
from symdl.training.compile import DTYPES
from symdl.training.data import Standardizer, Table, read_csv, split
from symdl.training.layers import Dense
from symdl.training.optimizers import OPTIMIZERS, Optimizer
from symdl.training.sequential import Sequential

__all__ = ["Options", "Report", "train_csv", "train_table"]

Array = NDArray[Any]

# for standardized columns; the others keep their own
_RATES = {"adam": 0.01, "sgd": 0.1}


@dataclass(frozen=True)
class Options:
    """The choices of a training run; what is None is chosen by what is trained.

    The defaults were chosen by the mean accuracy on iris over seeds that no example and no test
    uses.
    """

    layers: str
    optimizer: str = "adam"
    learning_rate: float | None = None
    loss: str | None = None
    epochs: int = 100
    batch: int = 16
    validation: float = 0.2
    smoothing: float | None = None
    seed: int = 0
    dtype: str = "float64"
    features: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Report:
    """What came out: the measures are taken on the rows that were held out.

    model     reads the columns as they stand in the file: the means and deviations that it was
              trained with are in its first and last layer
    measure   the accuracy of classes, the mean absolute error of numbers
    baseline  the same measure for always guessing the commonest class, or the mean
    notes     what the training warned about
    """

    model: Sequential
    table: Table
    options: Options
    targets: Targets
    trained_on: int
    held_out: int
    stratified: bool
    loss: float
    measure: float
    baseline: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Parts:
    """Row numbers: trained on, and held out."""

    train: Array
    held: Array
    stratified: bool


def train_csv(
    path: str | os.PathLike[str],
    target: str,
    options: Options,
    callbacks: Sequence[Callback] = (),
) -> Report:
    """Read a table, hold a part of its rows out, train on the others, and measure on that part.

    Raises InputError for anything about the file, the layers or the options that cannot work.
    """
    _check(options)
    layers = read_layers(options.layers)
    return train_table(_read(Path(path), target, options.features), layers, options, callbacks)


def _read(path: Path, target: str, features: tuple[str, ...] | None) -> Table:
    try:
        return read_csv(path, target, features)
    except InputError as error:
        if not path.is_file():
            raise
        raise InputError(
            f"{error}; correct the file, or choose other columns with --target and --features"
        ) from error


def train_table(
    table: Table, layers: Sequence[Dense], options: Options, callbacks: Sequence[Callback] = ()
) -> Report:
    """Train on a part of the rows of a table, and measure on those that were held out."""
    targets = targets_for(table, layers[-1], options.loss, options.smoothing)
    parts = _split(targets, options)
    columns = Standardizer.of(table.x[parts.train])
    scale = targets.scale_of(parts.train)
    metric = "accuracy" if targets.classes else "mae"
    inner = _compiled(layers, targets, options, metric)
    x, t = columns(table.x[parts.train]), scale(targets.smoothed(parts.train))
    notes = _fit(inner, x, t, options, callbacks)
    _check_finite(inner, notes)
    model = _compiled(layers, targets, options, metric)
    model.predict(table.x[:1])
    model.set_weights(_in_units_of_the_file(inner.get_weights(), columns, scale))
    loss, measure = _measured(model, table.x[parts.held], targets.values[parts.held])
    return Report(
        model, table, options, targets, len(parts.train), len(parts.held), parts.stratified,
        loss, measure, targets.baseline(parts.train, parts.held), notes,
    )  # fmt: skip


def _split(targets: Targets, options: Options) -> _Parts:
    """Hold rows out: a share of each class, or of all rows where a class has a single one."""
    rows = np.arange(len(targets.values))
    counts = np.unique(targets.labels, return_counts=True)[1]
    stratified = bool(targets.classes) and bool(counts.min() > 1)
    groups = targets.labels if stratified else rows
    train, held, _, _ = split(rows, groups, options.validation, options.seed, stratified)
    return _Parts(train, held, stratified)


def _compiled(
    layers: Sequence[Dense], targets: Targets, options: Options, metric: str
) -> Sequential:
    model = Sequential(layers, seed=options.seed)
    model.compile(_optimizer(options), targets.loss, metrics=[metric], dtype=options.dtype)
    return model


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


def _check_finite(model: Sequential, notes: Sequence[str]) -> None:
    """Refuse weights that are no numbers any more."""
    if not all(np.isfinite(w).all() for w in model.get_weights()):
        said = "; ".join(notes) or "the weights are no finite numbers any more"
        raise InputError(f"the training diverged: {said}; try a smaller --learning-rate")


def _in_units_of_the_file(
    weights: list[Array], columns: Standardizer, scale: Standardizer
) -> list[Array]:
    """The weights of the same function before columns and target were standardized."""
    kernel, bias, *rest = (w.astype(np.float64) for w in weights)
    kernel = kernel / columns.scale[:, None]
    found = [kernel, bias - columns.mean @ kernel, *rest]
    found[-2] = found[-2] * scale.scale
    found[-1] = found[-1] * scale.scale + scale.mean
    return found


def _measured(model: Sequential, x: Array, t: Array) -> tuple[float, float]:
    found = model.evaluate(x, t)
    assert isinstance(found, list)
    return found[0], found[1]


def _optimizer(options: Options) -> Optimizer:
    """The optimizer of that name, with a rate for standardized columns unless one is given."""
    made: Any = choose("optimizer", options.optimizer, OPTIMIZERS, "--optimizer")
    rate = options.learning_rate
    usual = _RATES.get(options.optimizer)
    chosen = usual if rate is None else rate
    return made() if chosen is None else made(learning_rate=chosen)


def _check(options: Options) -> None:
    """Refuse what would only fail after the data was read."""
    positive_int("--epochs", options.epochs)
    positive_int("--batch", options.batch)
    real_number("--validation", options.validation, 0, 1, low_open=True)
    if options.learning_rate is not None:
        real_number("--learning-rate", options.learning_rate, 0, low_open=True)
    if options.smoothing is not None:
        real_number("--smoothing", options.smoothing, 0, 1)
    if options.seed < 0:
        raise InputError(f"--seed must be a whole number of at least 0, not {options.seed}")
    one_of("--dtype", options.dtype, DTYPES)
    _optimizer(options)
