"""Judging the entries of the catalogue, several at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.progress import track

from symdl.book.catalogue import Entry, Verdicts, entry
from symdl.book.pool import each

__all__ = ["judged"]


def judged(found: Sequence[Entry], console: Console) -> tuple[Entry, ...]:
    """The entries of the catalogue with their verdicts; on a terminal a bar shows how far it is.

    >>> judged([entry("relu"), entry("tanh")], Console(quiet=True))[1].level
    'proved'
    """
    steps = track(
        each(_judge, [e.name for e in found]), "verifying", len(found), console=console,
        transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    known = dict(steps)
    return tuple(_with(e, known[e.name]) for e in found)


def _judge(name: str) -> Verdicts:
    return entry(name).verdicts


def _with(e: Entry, verdicts: Verdicts) -> Entry:
    return replace(e, judge=lambda: verdicts)
