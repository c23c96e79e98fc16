"""The training loop: epochs, batches in a shuffled order, and numbers on whole data sets."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symdl.backends.step import Step
from symdl.errors import InputError, Mismatch
from symdl.training.callbacks import Callback, History, Trained
from symdl.training.choices import real_number
from symdl.training.epochs import Batches, steps_of

if TYPE_CHECKING:
    from symdl.training.progress import Reporter

__all__ = ["Data", "Objective", "callbacks_for", "evaluate", "parts", "split_off", "train"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Data:
    """Rows and their targets, checked and of the type that the step runs on.

    s  the weights of the rows, where the loss reads them
    """

    x: Array
    t: Array
    s: Array | None = None

    def __len__(self) -> int:
        return len(self.x)

    @property
    def arrays(self) -> tuple[Array, ...]:
        """What the step reads, one row each."""
        return (self.x, self.t) if self.s is None else (self.x, self.t, self.s)

    def rows(self, start: int, end: int) -> Data:
        """The rows from ``start`` up to ``end``."""
        return Data(*(a[start:end] for a in self.arrays))

    def batches(self, size: int) -> Iterator[Data]:
        """Slices of ``size`` rows in order; the last one may be shorter."""
        for start in range(0, len(self), size):
            yield self.rows(start, start + size)


def split_off(data: Data, fraction: object) -> tuple[Data, Data | None]:
    """Take the last ``fraction`` of the rows away for validation, as Keras does."""
    part = real_number("validation_split", fraction, 0, 1)
    if part == 0:
        return data, None
    kept = math.floor(len(data) * (1 - part))
    if not 0 < kept < len(data):
        raise InputError(
            f"validation_split={part:g} of {len(data)} rows leaves {kept} for training and "
            f"{len(data) - kept} for validation; both need at least one"
        )
    return data.rows(0, kept), data.rows(kept, len(data))


@dataclass(frozen=True)
class Objective:
    """What is made small: the step that computes it, and how the losses of batches are added.

    summed  True: the loss of a data set is the sum of the losses of its batches; False: their mean,
            each batch counted by its rows
    """

    step: Step
    summed: bool = False

    def loss_of(self, found: Batches) -> float:
        """The loss of a data set from those of its batches."""
        if self.summed:
            return float(found.losses.sum())
        return float((found.rows * found.losses).sum() / found.rows.sum())

    def logs(self, found: Batches, metrics: Iterable[str]) -> dict[str, float]:
        """The loss and the metrics of a data set by name."""
        return {"loss": self.loss_of(found), **dict(zip(metrics, found.means(), strict=True))}


def evaluate(
    objective: Objective, data: Data, metrics: Iterable[str], size: int
) -> dict[str, float]:
    """Return the loss and the metrics over all rows; metrics are means over rows without weights.

    Each batch is run once: its metrics come from the outputs that its loss is made of.
    """
    step, found = objective.step, Batches.of(objective.step, len(data), size)
    for k, batch in enumerate(data.batches(size)):
        found.losses[k] = step.evaluate(*batch.arrays)
        found.metrics[k] = step.metrics
    return objective.logs(found, metrics)


def callbacks_for(model: Trained, callbacks: object) -> tuple[Callback, ...]:
    """Check the callbacks and tell them their model."""
    if not isinstance(callbacks, Iterable):
        raise InputError(f"callbacks must be a list: write callbacks=[...], not {callbacks!r}")
    given = tuple(callbacks)
    for callback in given:
        if not isinstance(callback, Callback):
            hint = f"; write {callback.__name__}()" if isinstance(callback, type) else ""
            raise InputError(f"callbacks must be Callback objects, not {callback!r}{hint}")
        callback.model = model
    return tuple(c for c in given if isinstance(c, Callback))


def train(
    model: Trained,
    objective: Objective,
    data: Data,
    validation: tuple[Objective, Data] | None,
    *,
    metrics: Sequence[str],
    callbacks: Sequence[Callback],
    reporter: Reporter,
    epochs: int,
    batch_size: int,
    generator: np.random.Generator | None,
) -> History:
    """Train for ``epochs``; ``generator`` shuffles the rows before each one, None keeps them.

    The loss and the metrics of an epoch are made of those of its batches, each from the outputs of
    the training step before its update; validation is done after the epoch.
    """
    history = History()
    model.stop_training = False
    steps = steps_of(objective.step, data.arrays, batch_size)
    for callback in callbacks:
        callback.on_train_begin()
    with reporter:
        for epoch in range(epochs):
            order = None if generator is None else generator.permutation(len(data))
            # a loss that overflows is told by _diverged, once and in words
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                steps.run(order, reporter)
                logs = objective.logs(steps.found, metrics)
            if validation is not None:
                found = evaluate(*validation, metrics, batch_size)
                logs |= {f"val_{name}": value for name, value in found.items()}
            history.add(epoch, logs)
            reporter.epoch_done(epoch, logs)
            for callback in callbacks:
                callback.on_epoch_end(epoch, logs)
            if model.stop_training or _diverged(logs["loss"], epoch):
                break
    for callback in callbacks:
        callback.on_train_end()
    return history


def _diverged(loss: float, epoch: int) -> bool:
    if math.isfinite(loss):
        return False
    warnings.warn(
        f"the loss became {loss} in epoch {epoch + 1}, and the training was stopped; a smaller "
        "learning_rate or standardized data may help",
        RuntimeWarning,
        stacklevel=4,
    )
    return True


def parts(given: object) -> tuple[object, object, object]:
    """Return validation_data as (x, y, sample_weight or None), or raise Mismatch."""
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        raise Mismatch("validation_data must be a pair (x, y), or (x, y, sample_weight)")
    x, y, *weights = given
    return x, y, weights[0] if weights else None
