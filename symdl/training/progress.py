"""What ``fit`` shows while it runs: a bar and a line an epoch on a terminal, lines, or nothing.

The bar is written as plain text: a library's bar takes some milliseconds each time, since what it
runs has left the processor's cache between two drawings, and so do many short epochs' lines.
"""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console

from symdl.errors import InputError

__all__ = ["Reporter", "reporter"]

_EVERY = 0.1  # seconds between two drawings of the bar
_LENGTH = 30  # characters of the bar
_CLEAR = "\r\x1b[K"  # to the start of the line, which is emptied


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
        self.say(f"Epoch {epoch + 1}/{self.epochs} - {_duration(seconds)} - {numbers}")

    def say(self, line: str) -> None:
        """Print a line."""
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


class _Bar(_Lines):
    """A line an epoch, and under them a bar over the batches of the running epoch."""

    def __init__(self, console: Console, epochs: int, batches: int) -> None:
        super().__init__(console, epochs)
        self.batches, self.width = batches, console.width
        self.epoch, self.drawn = 1, self.started

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._write(_CLEAR)

    def batch_done(self, done: int, loss: float) -> None:
        now = time.perf_counter()
        if now - self.drawn > _EVERY:
            self.drawn = now
            self._write(_CLEAR + self._text(done, loss)[: self.width - 1])

    def epoch_done(self, epoch: int, logs: dict[str, float]) -> None:
        super().epoch_done(epoch, logs)
        self.epoch = epoch + 2

    def say(self, line: str) -> None:
        self._write(f"{_CLEAR}{line}\n")

    def _text(self, done: int, loss: float) -> str:
        bar = "=" * (_LENGTH * done // self.batches)
        where = f"{done}/{self.batches} - loss: {loss:.4g}"
        return f"Epoch {self.epoch}/{self.epochs} [{bar:{_LENGTH}}] {where}"

    def _write(self, text: str) -> None:
        self.console.file.write(text)
        self.console.file.flush()


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
    if verbose == 2 or console.is_jupyter or (console.is_terminal and not _moves(console)):
        return _Lines(console, epochs)
    return _Bar(console, epochs, batches) if console.is_terminal else Reporter()


def _moves(console: Console) -> bool:
    """Whether the terminal can empty a line."""
    return not (console.is_dumb_terminal or console.legacy_windows)
