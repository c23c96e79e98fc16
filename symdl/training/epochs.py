"""The steps of an epoch over the rows in some order: a call for each, or many in one call."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symdl.backends.step import Step, aligned

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
    what is copied is read while it is near.  A long step pushes the code around it out of the
    processor's cache, so there is little of it.
    """

    def __init__(self, step: Step, arrays: tuple[Array, ...], size: int) -> None:
        super().__init__(step, arrays, size)
        self._takes: dict[int, Callable[..., float]] = {}
        each = sum(a[:size].nbytes for a in arrays)
        self._ahead = min(len(self.found.losses), max(1, _NEAR // max(1, each)))
        self._near: list[Array] = []

    def run(self, order: Array | None, reporter: Reporter) -> None:
        if order is not None and not self._near:
            rows = self._ahead * self.size
            self._near = [aligned((rows, *a.shape[1:]), a.dtype) for a in self.arrays]
        whole, rest = divmod(len(self.arrays[0]), self.size)
        self._run(range(whole), self.size, order, reporter)
        if rest:
            self._run(range(whole, whole + 1), rest, order, reporter)

    def _run(self, batches: range, rows: int, order: Array | None, reporter: Reporter) -> None:
        """Take a step on each of some batches of so many rows."""
        arrays, size, ahead, done = self.arrays, self.size, self._ahead, reporter.batch_done
        losses, metrics, left = self.found.losses, self.found.metrics, self.step.metrics
        views = [[a[k * size : k * size + rows] for a in self._near] for k in range(ahead)]
        gathers = [(old.take, new) for old, new in zip(arrays, self._near, strict=False)]
        take = self._taking(rows)
        for k in batches:
            start = k * size
            if order is None:
                batch = [a[start : start + rows] for a in arrays]
            else:
                if not k % ahead:
                    places = order[start : start + size * ahead]
                    for gather, new in gathers:
                        gather(places, 0, new[: len(places)], "clip")  # "raise" would copy twice
                batch = views[k % ahead]
            losses[k] = loss = take(*batch)
            metrics[k] = left
            done(k + 1, loss)

    def _taking(self, rows: int) -> Callable[..., float]:
        if rows not in self._takes:
            self._takes[rows] = self.step.steps_on(*(a[:rows] for a in self.arrays))
        return self._takes[rows]


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
