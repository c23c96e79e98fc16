"""JAX, one jitted step a call."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from tests.benchmarks.peers.jax_common import functions, load
from tests.benchmarks.workloads import BATCHES, Workload

__all__ = ["load", "prepare"]


def prepare(w: Workload, threads: int) -> Callable[[int], float]:
    load(threads)
    import jax

    state, step = functions(w)
    x, t = w.data
    fast = jax.jit(step, donate_argnums=0)
    batches = [(jax.device_put(x[k]), jax.device_put(t[k])) for k in range(BATCHES)]
    turn = itertools.cycle(range(BATCHES))

    def run(steps: int) -> float:
        nonlocal state
        loss = None
        for _ in range(steps):
            state, loss = fast(state, batches[next(turn)])
        return float(loss)  # type: ignore[arg-type]

    return run
