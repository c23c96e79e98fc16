"""Work on several things at a time, in processes of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

__all__ = ["each"]

T = TypeVar("T")
R = TypeVar("R")


def each(work: Callable[[T], R], things: Sequence[T]) -> Iterator[tuple[T, R]]:
    """Each thing with what the work makes of it, as the results come in.

    >>> dict(each(abs, [-1]))
    {-1: 1}
    """
    workers = min(len(things), os.cpu_count() or 1)
    if workers < 2:
        yield from ((thing, work(thing)) for thing in things)
        return
    with ProcessPoolExecutor(workers) as pool:
        running = {pool.submit(work, thing): thing for thing in things}
        try:
            for done in as_completed(running):
                yield running[done], done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
