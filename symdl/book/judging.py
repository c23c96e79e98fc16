"""Judging the entries of the catalogue, several at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace

from rich.console import Console
from rich.progress import track

from symdl.book.catalogue import Entry, Verdicts, entry

__all__ = ["judged"]


def judged(found: Sequence[Entry], console: Console) -> tuple[Entry, ...]:
    """The entries of the catalogue with their verdicts; on a terminal a bar shows how far it is.

    >>> judged([entry("relu"), entry("tanh")], Console(quiet=True))[1].level
    'proved'
    """
    known: dict[str, Verdicts] = {}
    steps = track(
        _verdicts([e.name for e in found]), "verifying", len(found), console=console,
        transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    for name, verdicts in steps:
        known[name] = verdicts
    return tuple(_with(e, known[e.name]) for e in found)


def _verdicts(names: Sequence[str]) -> Iterator[tuple[str, Verdicts]]:
    """Each name with the verdicts on its entry, as they come in."""
    workers = min(len(names), os.cpu_count() or 1)
    if workers < 2:
        yield from ((name, _judge(name)) for name in names)
        return
    with ProcessPoolExecutor(workers) as pool:
        running = {pool.submit(_judge, name): name for name in names}
        try:
            for done in as_completed(running):
                yield running[done], done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _judge(name: str) -> Verdicts:
    return entry(name).verdicts


def _with(e: Entry, verdicts: Verdicts) -> Entry:
    return replace(e, judge=lambda: verdicts)
