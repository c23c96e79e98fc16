"""The two smallest workloads as a C loop written by hand: their limit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.benchmarks.hand_c import SMALL, TINY, compiled
from tests.benchmarks.workloads import Workload, workload


def prepare(w: Workload, threads: int) -> Callable[[int], float]:
    del threads  # it has one
    if w not in (workload("W1"), workload("W2")):
        raise SystemExit("written for W1 and W2 alone")
    arrays = [a for layer in w.layers for a in (layer.kernel, layer.bias) if a is not None]
    flat = np.concatenate([a.ravel() for a in arrays])
    state = 2 if w.optimizer == "adam" else 0
    weights = np.concatenate([flat, np.zeros(state * flat.size, w.dtype)])
    inner = compiled(TINY if w.name == "W1" else SMALL, *w.data, weights, w.rate)
    before = 0

    def run(steps: int) -> float:
        nonlocal before
        loss = inner(steps, before)
        before += steps
        return loss

    return run
