"""What ``fit`` shows while it runs: a bar and a line an epoch on a terminal, lines, or nothing."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from symdl.errors import InputError

__all__ = ["Reporter", "reporter"]

_EVERY = 0.1  # seconds between two drawings of the bar


class Reporter:
    """Shows nothing; the base of those that do.  Used as a context around the training."""

    def __enter__(self) -> Reporter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def batch_done(self, done: int, loss: float) -> None:
        """A batch was trained on; ``done`` counts the batches of this epoch."""

    def epoch_done(self, epoch: int, logs: dict[str, float]) -> None:
        """An epoch, counted from 0, has ended."""


class _Lines(Reporter):
    """A plain line an epoch."""

    def __init__(self, console: Console, epochs: int) -> None:
        self.console, self.epochs = console, epochs
        self.started = time.perf_counter()

    def epoch_done(self, epoch: int, logs: dict[str, float]) -> None:
        now = time.perf_counter()
        seconds, self.started = now - self.started, now
        numbers = " - ".join(f"{name}: {value:.4g}" for name, value in logs.items())
        line = f"Epoch {epoch + 1}/{self.epochs} - {_duration(seconds)} - {numbers}"
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


class _Bar(_Lines):
    """A line an epoch, and under them a bar over the batches of the running epoch."""

    def __init__(self, console: Console, epochs: int, batches: int) -> None:
        super().__init__(console, epochs)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}"),
            console=console,
            auto_refresh=False,
            transient=True,
        )
        self.task = self.bar.add_task(f"Epoch 1/{epochs}", total=batches, loss="")
        self.drawn = self.started

    def __enter__(self) -> Reporter:
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def batch_done(self, done: int, loss: float) -> None:
        now = time.perf_counter()
        if now - self.drawn > _EVERY:
            self.drawn = now
            self.bar.update(self.task, completed=done, loss=f"loss: {loss:.4g}", refresh=True)

    def epoch_done(self, epoch: int, logs: dict[str, float]) -> None:
        super().epoch_done(epoch, logs)
        self.bar.update(self.task, completed=0, description=f"Epoch {epoch + 2}/{self.epochs}")


def _duration(seconds: float) -> str:
    return f"{seconds:.1f}s" if seconds >= 1 else f"{1000 * seconds:.0f}ms"


def reporter(verbose: int, epochs: int, batches: int, console: Console | None = None) -> Reporter:
    """Return what shows the training.

    verbose 0: nothing; 1: a bar on a terminal, lines in a notebook, nothing elsewhere;
    2: a plain line an epoch, wherever it goes.
    """
    if verbose not in (0, 1, 2):
        raise InputError(f"verbose must be 0 (quiet), 1 (bar) or 2 (lines), not {verbose!r}")
    if verbose == 0:
        return Reporter()
    console = console or Console()
    if verbose == 2 or console.is_jupyter:
        return _Lines(console, epochs)
    return _Bar(console, epochs, batches) if console.is_terminal else Reporter()
