"""Hand-written NumPy with flat parameters and arrays of rows: the usual way, well done."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from tests.benchmarks.hand_flat import FlatRowNet
from tests.benchmarks.workloads import BATCHES, Workload


def prepare(w: Workload, threads: int) -> Callable[[int], float]:
    del threads  # by the environment
    net = FlatRowNet(w)
    x, t = w.data
    turn = itertools.cycle([(x[k], t[k]) for k in range(BATCHES)])

    def run(steps: int) -> float:
        loss, once = 0.0, net.step
        for _ in range(steps):
            loss = once(*next(turn))
        return loss

    return run
