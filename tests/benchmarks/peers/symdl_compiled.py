"""The step that symdl generates as C, all steps in one call."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import symdl as sd
from symdl.backends.blas import product_address
from symdl.backends.compiled import CompiledStep
from tests.benchmarks.peers.symdl_numpy import model_of, optimizer_of
from tests.benchmarks.workloads import BATCHES, Workload


def load(threads: int) -> None:
    """Import what holds BLAS."""
    del threads
    product_address("float")


def prepare(w: Workload, threads: int) -> Callable[[int], float]:
    """Return a function that takes some steps, and gives the loss of the last one."""
    del threads  # by the environment
    model = model_of(w)
    step = sd.compile(
        model, loss=w.loss, optimizer=optimizer_of(w), dtype=w.dtype, backend="compiled"
    )
    if not isinstance(step, CompiledStep) or step.backend != "compiled":
        raise SystemExit("nothing could be compiled here")
    x, t = (a.reshape(-1, a.shape[-1]) for a in w.data)
    orders: dict[tuple[int, int], np.ndarray] = {}
    place = 0

    def run(steps: int) -> float:
        nonlocal place
        key = place, steps
        if key not in orders:
            first = place * w.batch
            orders[key] = np.arange(first, first + steps * w.batch) % len(x)
        place = (place + steps) % BATCHES
        return float(step.epoch(x, t, batch=w.batch, order=orders[key])[-1])

    return run
