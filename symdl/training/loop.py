"""The training loop: epochs, batches in a shuffled order, and numbers on whole data sets."""

from __future__ import annotations

import math
import time
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

    def of_batches(self, losses: Iterable[tuple[int, float]]) -> float:
        """The loss of a data set from (rows, loss) of each of its batches."""
        found = [(1, loss) if self.summed else (rows, rows * loss) for rows, loss in losses]
        return sum(loss for _, loss in found) / (1 if self.summed else sum(n for n, _ in found))


def evaluate(
    objective: Objective, data: Data, metrics: Iterable[Metric], size: int, loss: bool = True
) -> dict[str, float]:
    """Return the loss and the metrics over all rows; metrics are means over rows without weights.

    ``loss=False`` leaves the loss out.
    """
    metrics, step = tuple(metrics), objective.step
    losses: list[tuple[int, float]] = []
    sums = dict.fromkeys((m.name for m in metrics), 0.0)
    for batch in data.batches(size):
        if loss:
            losses.append((len(batch), float(step.evaluate(*batch.arrays))))
        if metrics:
            p = step.forward(batch.x)
            for m in metrics:
                sums[m.name] += len(batch) * m.compute(batch.t, p)
    found = {"loss": objective.of_batches(losses)} if loss else {}
    return found | {name: value / len(data) for name, value in sums.items()}


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
    metrics: Sequence[Metric],
    callbacks: Sequence[Callback],
    reporter: Reporter,
    epochs: int,
    batch_size: int,
    generator: np.random.Generator | None,
) -> History:
    """Train for ``epochs``; ``generator`` shuffles the rows before each one, None keeps them.

    The loss of an epoch is made of those of its batches, each before its update; metrics and
    validation are taken after the epoch.
    """
    history = History()
    model.stop_training = False
    whole = hasattr(objective.step, "epoch") and generator is not None
    shuffled = Data(*map(np.empty_like, data.arrays)) if whole else data
    for callback in callbacks:
        callback.on_train_begin()
    with reporter:
        for epoch in range(epochs):
            order = None if generator is None else generator.permutation(len(data))
            if order is not None and whole:
                for old, new in zip(data.arrays, shuffled.arrays, strict=True):
                    np.take(old, order, axis=0, out=new)
                order = None
            logs = {"loss": _epoch(objective, shuffled, order, batch_size, reporter)}
            logs |= evaluate(objective, data, metrics, max(batch_size, _AT_ONCE), loss=False)
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


def _epoch(
    objective: Objective, data: Data, order: Array | None, batch_size: int, reporter: Reporter
) -> float:
    losses: list[tuple[int, float]] = []
    # a loss that overflows is told by _diverged, once and in words
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for done, (rows, loss) in enumerate(_losses(objective.step, data, order, batch_size), 1):
            losses.append((rows, loss))
            reporter.batch_done(done, loss)
    return objective.of_batches(losses)


def _losses(
    step: Step, data: Data, order: Array | None, batch_size: int
) -> Iterator[tuple[int, float]]:
    """The rows and the loss of each batch, as steps are taken: many in one call where that can be.

    How many a call takes follows from how long they last, and changes no number.
    """
    epoch = getattr(step, "epoch", None)
    if epoch is None:
        take = step.step
        for part in _gathered(data.arrays, order, batch_size):
            rows = len(part[0])
            for start in range(0, rows, batch_size):
                end = start + batch_size
                loss = take(*[a[start:end] for a in part])
                yield (batch_size if end <= rows else rows - start), loss
        return
    start, ahead = 0, 1
    while start < len(data):
        chunk = data.rows(start, start + ahead * batch_size)
        began = time.perf_counter()
        for k, loss in enumerate(epoch(*chunk.arrays, batch=batch_size)):
            yield min(batch_size, len(chunk) - k * batch_size), float(loss)
        start += len(chunk)
        fast = time.perf_counter() - began < _CALL
        ahead = ahead * 4 if fast else max(1, ahead // 2)


def _gathered(
    arrays: tuple[Array, ...], order: Array | None, batch_size: int
) -> Iterator[Sequence[Array]]:
    """The rows in their order, a few batches at a time: what is copied is read while it is near."""
    if order is None:
        yield arrays
        return
    batch = sum(a.nbytes for a in arrays) * batch_size // max(1, len(order))
    count = min(len(order), batch_size * max(1, _NEAR // max(1, batch)))
    near = [np.empty((count, *a.shape[1:]), a.dtype) for a in arrays]
    for start in range(0, len(order), count):
        places = order[start : start + count]
        part = [a[: len(places)] for a in near]
        for old, new in zip(arrays, part, strict=True):
            np.take(old, places, axis=0, out=new, mode="clip")  # "raise" would copy once more
        yield part


_AT_ONCE = 512  # rows of which metrics are taken at a time, at least
_NEAR = 2**18  # bytes of rows that are gathered at a time
_CALL = 0.05  # seconds that the steps of one call should last: a bar is drawn in between


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
