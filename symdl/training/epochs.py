"""The steps of an epoch over the rows in some order: a call for each, or many in one call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symdl.backends.step import Step

if TYPE_CHECKING:
    from symdl.training.progress import Reporter

__all__ = ["Batches", "ManyInACall", "OneByOne", "Steps", "steps_of"]

Array = NDArray[Any]
_NEAR = 2**18  # bytes of rows that are gathered at a time
_CALL = 0.1  # seconds that the steps of one call should last: a bar is drawn in between


@dataclass(frozen=True)
class Batches:
    """The numbers of the batches of a data set, in the order of the batches.

    rows     how many rows each has
    losses   the loss of each
    metrics  (batches, metrics), as the step leaves them
    """

    rows: Array
    losses: Array
    metrics: Array

    @classmethod
    def of(cls, step: Step, rows: int, size: int) -> Batches:
        """Room for ``rows`` rows in batches of ``size``; the last one may be shorter."""
        count = -(-rows // size)
        each = np.full(count, size)
        each[-1] = rows - size * (count - 1)
        return cls(each, np.empty(count), np.empty((count, len(step.metrics)), step.dtype))

    def means(self) -> list[float]:
        """The metrics over all rows."""
        sums = (self.rows[:, None] * self.metrics).sum(axis=0)
        return [float(s) for s in sums / self.rows.sum()]


class Steps:
    """Takes the steps of an epoch; ``found`` holds the numbers of its batches afterwards."""

    def __init__(self, step: Step, arrays: tuple[Array, ...], size: int) -> None:
        self.step, self.arrays, self.size = step, arrays, size
        self.found = Batches.of(step, len(arrays[0]), size)

    def run(self, order: Array | None, reporter: Reporter) -> None:
        """Take a step on each batch of the rows as ``order`` has them, or as they lie."""
        raise NotImplementedError


class OneByOne(Steps):
    """A call for each step.

    Rows that are shuffled are gathered for a few batches at a time, always in the same memory: so
    what is copied is read while it is near.
    """

    def __init__(self, step: Step, arrays: tuple[Array, ...], size: int) -> None:
        super().__init__(step, arrays, size)
        self._takes: dict[int, Callable[..., float]] = {}
        self._near: list[Array] = []
        self._views: list[tuple[Array, ...]] = []

    def run(self, order: Array | None, reporter: Reporter) -> None:
        losses, metrics = self.found.losses, self.found.metrics
        left = self.step.metrics
        for k, batch in enumerate(self._lying() if order is None else self._gathered(order)):
            rows = len(batch[0])
            take = self._takes.get(rows) or self._taking(rows, batch)
            losses[k] = loss = take(*batch)
            metrics[k] = left
            reporter.batch_done(k + 1, loss)

    def _taking(self, rows: int, batch: tuple[Array, ...]) -> Callable[..., float]:
        self._takes[rows] = self.step.steps_on(*batch)
        return self._takes[rows]

    def _lying(self) -> Iterator[tuple[Array, ...]]:
        for start in range(0, len(self.arrays[0]), self.size):
            yield tuple([a[start : start + self.size] for a in self.arrays])

    def _gathered(self, order: Array) -> Iterator[tuple[Array, ...]]:
        if not self._near:
            self._make_room(len(order))
        length = len(self._near[0])
        for start in range(0, len(order), length):
            places = order[start : start + length]
            for old, new in zip(self.arrays, self._near, strict=True):
                # "raise" would copy once more
                np.take(old, places, axis=0, out=new[: len(places)], mode="clip")
            whole, rest = divmod(len(places), self.size)
            yield from self._views[:whole]
            if rest:
                yield tuple([a[len(places) - rest : len(places)] for a in self._near])

    def _make_room(self, rows: int) -> None:
        each = sum(a.nbytes for a in self.arrays) * self.size // rows
        count = min(-(-rows // self.size), max(1, _NEAR // max(1, each)))
        self._near = [np.empty((count * self.size, *a.shape[1:]), a.dtype) for a in self.arrays]
        self._views = [
            tuple([a[k * self.size : (k + 1) * self.size] for a in self._near])
            for k in range(count)
        ]


class ManyInACall(Steps):
    """As many steps in a call as last a moment; how many changes no number."""

    def __init__(self, step: Step, arrays: tuple[Array, ...], size: int) -> None:
        super().__init__(step, arrays, size)
        self._ahead = 1

    def run(self, order: Array | None, reporter: Reporter) -> None:
        found, epoch = self.found, self.step.epoch  # type: ignore[attr-defined]
        rows, steps, done = len(self.arrays[0]), len(found.losses), 0
        while done < steps:
            end = min(done + self._ahead, steps)
            seen = slice(done * self.size, min(end * self.size, rows))
            given = self.arrays if order is not None else [a[seen] for a in self.arrays]
            began = time.perf_counter()
            found.losses[done:end] = epoch(
                *given,
                batch=self.size,
                order=None if order is None else order[seen],
                metrics=found.metrics[done:end],
            )
            self._adapt(end - done, time.perf_counter() - began)
            done = end
            reporter.batch_done(done, float(found.losses[done - 1]))

    def _adapt(self, steps: int, seconds: float) -> None:
        fitting = int(steps * _CALL / max(seconds, 1e-9))
        self._ahead = max(1, min(fitting, 8 * steps))


def steps_of(step: Step, arrays: tuple[Array, ...], size: int) -> Steps:
    """The fastest way to take the steps of an epoch."""
    kind = ManyInACall if hasattr(step, "epoch") else OneByOne
    return kind(step, arrays, size)
