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
from symdl.training.metrics import Metric

if TYPE_CHECKING:
    from symdl.training.progress import Reporter

__all__ = ["Data", "callbacks_for", "evaluate", "pair", "split_off", "train"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Data:
    """Rows and their targets, checked and of the type that the step runs on."""

    x: Array
    t: Array

    def __len__(self) -> int:
        return len(self.x)

    def batches(self, size: int) -> Iterator[tuple[Array, Array]]:
        """Slices of ``size`` rows in order; the last one may be shorter."""
        for start in range(0, len(self), size):
            yield self.x[start : start + size], self.t[start : start + size]


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
    return Data(data.x[:kept], data.t[:kept]), Data(data.x[kept:], data.t[kept:])


def evaluate(
    step: Step, data: Data, metrics: Iterable[Metric], size: int, loss: bool = True
) -> dict[str, float]:
    """Return the loss and the metrics over all rows; they are means over rows, so batches add up.

    ``loss=False`` leaves the loss out.
    """
    metrics = tuple(metrics)
    sums = dict.fromkeys([*(["loss"] if loss else []), *(m.name for m in metrics)], 0.0)
    for x, t in data.batches(size):
        if loss:
            sums["loss"] += len(x) * float(step.evaluate(x, t))
        if metrics:
            p = step.forward(x)
            for m in metrics:
                sums[m.name] += len(x) * m.compute(t, p)
    return {name: value / len(data) for name, value in sums.items()}


def callbacks_for(model: Trained, callbacks: Sequence[object]) -> tuple[Callback, ...]:
    """Check the callbacks and tell them their model."""
    for callback in callbacks:
        if not isinstance(callback, Callback):
            hint = f"; write {callback.__name__}()" if isinstance(callback, type) else ""
            raise InputError(f"callbacks must be Callback objects, not {callback!r}{hint}")
        callback.model = model
    return tuple(c for c in callbacks if isinstance(c, Callback))


def train(
    model: Trained,
    step: Step,
    data: Data,
    validation: Data | None,
    *,
    metrics: Sequence[Metric],
    callbacks: Sequence[Callback],
    reporter: Reporter,
    epochs: int,
    batch_size: int,
    generator: np.random.Generator | None,
) -> History:
    """Train for ``epochs``; ``generator`` shuffles the rows before each one, None keeps them.

    The loss of an epoch is the mean over its rows, each before the update of its batch; metrics
    and validation are taken after the epoch.
    """
    history = History()
    model.stop_training = False
    shuffled = Data(np.empty_like(data.x), np.empty_like(data.t)) if generator is not None else data
    for callback in callbacks:
        callback.on_train_begin()
    with reporter:
        for epoch in range(epochs):
            if generator is not None:
                order = generator.permutation(len(data))
                np.take(data.x, order, axis=0, out=shuffled.x)
                np.take(data.t, order, axis=0, out=shuffled.t)
            logs = {"loss": _epoch(step, shuffled, batch_size, reporter)}
            logs |= evaluate(step, data, metrics, batch_size, loss=False)
            if validation is not None:
                found = evaluate(step, validation, metrics, batch_size)
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


def _epoch(step: Step, data: Data, batch_size: int, reporter: Reporter) -> float:
    total = 0.0
    # a loss that overflows is told by _diverged, once and in words
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for done, (x, t) in enumerate(data.batches(batch_size), 1):
            loss = float(step.step(x, t))
            total += len(x) * loss
            reporter.batch_done(done, loss)
    return total / len(data)


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


def pair(given: object) -> tuple[object, object]:
    """Return validation_data as a pair (x, y), or raise Mismatch."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise Mismatch("validation_data must be a pair (x, y)")
    return given[0], given[1]
