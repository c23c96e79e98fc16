"""Timing several ways of doing one thing side by side in one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple


class Timing(NamedTuple):
    """What was measured, by name."""

    medians: dict[str, float]  # seconds a call, the median over rounds
    ratios: dict[str, float]  # to the first name, the median over rounds of the ratio in a round


def interleaved(
    ways: Mapping[str, Callable[[], object]],
    rounds: int,
    inner: int,
    *,
    pause: float = 0.0,
    clock: Callable[[], float] = time.perf_counter,
) -> Timing:
    """Time each way `inner` calls at a time, `rounds` times, a different one first each round.

    A machine that slows down slows all ways alike, so a ratio is taken within each round.
    `pause` seconds go by before each block: BLAS threads spin for 0.1 s and more after a product
    and would disturb whoever comes next.
    """
    if not ways or rounds < 1 or inner < 1:
        raise ValueError("nothing to time: one way, one round and one call at least")
    names = list(ways)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for way in ways.values():
        way()  # whatever is made on the first call is made now
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            way = ways[name]
            if pause:
                time.sleep(pause)
            start = clock()
            for _ in range(inner):
                way()
            seconds[name].append((clock() - start) / inner)
    base = seconds[names[0]]
    return Timing(
        medians={name: median(times) for name, times in seconds.items()},
        ratios={
            name: median(t / b for t, b in zip(times, base, strict=True))
            for name, times in seconds.items()
        },
    )
