"""What happens between epochs: the history, and callbacks such as early stopping."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from symdl.errors import InputError
from symdl.training.choices import Worded, positive_int, real_number, suggestion, true_or_false

__all__ = ["Callback", "EarlyStopping", "History", "Trained"]


class Trained(Protocol):
    """What a callback may do with the model that is being trained."""

    stop_training: bool

    def get_weights(self) -> list[NDArray[Any]]:
        """Copies of the weights."""
        ...

    def set_weights(self, weights: Sequence[object]) -> None:
        """Put other values in place of the weights."""
        ...


@dataclass
class History:
    """What ``fit`` returns: ``history["loss"]`` is a list with one number an epoch."""

    epoch: list[int] = field(default_factory=list)
    history: dict[str, list[float]] = field(default_factory=dict)

    def add(self, epoch: int, logs: dict[str, float]) -> None:
        """Append the numbers of one epoch."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)


class Callback(metaclass=Worded):
    """Base class of callbacks; ``model`` is set before training begins.

    Set ``self.model.stop_training = True`` to end the training after this epoch.

    >>> class Print(Callback):
    ...     def on_epoch_end(self, epoch, logs):
    ...         print(epoch, sorted(logs))
    >>> Print().on_epoch_end(0, {"loss": 0.5})
    0 ['loss']
    """

    model: Trained

    def on_train_begin(self) -> None:
        """Called once before the first epoch."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Called after each epoch, counted from 0, with its loss and metrics."""

    def on_train_end(self) -> None:
        """Called once after the last epoch."""


class EarlyStopping(Callback):
    """Stop when ``monitor`` has not improved by more than ``min_delta`` for ``patience`` epochs.

    monitor       a name in the history, such as "val_loss"; larger is better where it ends in
                  "accuracy" or "acc"
    restore_best  put the weights of the best epoch back when the training ends

    Raises InputError at the first epoch where the history has no such name.

    >>> stop = EarlyStopping("loss", patience=3)
    >>> stop.patience
    3
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 0,
        min_delta: float = 0.0,
        restore_best: bool = False,
    ) -> None:
        if not isinstance(monitor, str):
            raise InputError(
                f"monitor of EarlyStopping must be a name such as 'val_loss', not {monitor!r}"
            )
        self.monitor = monitor
        self.patience = positive_int("patience of EarlyStopping", patience, least=0)
        self.min_delta = real_number("min_delta of EarlyStopping", min_delta, 0)
        self.restore_best = true_or_false("restore_best of EarlyStopping", restore_best)
        self.larger_is_better = monitor.endswith(("accuracy", "acc"))
        self.on_train_begin()

    def on_train_begin(self) -> None:
        self.best = -math.inf if self.larger_is_better else math.inf
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None
        self._waited = 0
        self._weights: list[NDArray[np.floating]] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        if self.monitor not in logs:
            raise InputError(
                f"EarlyStopping: there is no {self.monitor!r} to monitor"
                f"{suggestion(self.monitor, list(logs))}"
            )
        value = logs[self.monitor]
        gain = value - self.best if self.larger_is_better else self.best - value
        if gain > self.min_delta:
            self.best, self.best_epoch, self._waited = value, epoch, 0
            if self.restore_best:
                self._weights = self.model.get_weights()
            return
        self._waited += 1
        if self._waited >= self.patience:
            self.model.stop_training = True
            self.stopped_epoch = epoch

    def on_train_end(self) -> None:
        if self._weights is not None:
            self.model.set_weights(self._weights)
