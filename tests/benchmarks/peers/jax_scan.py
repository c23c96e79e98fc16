"""JAX, many steps in one call by scan."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tests.benchmarks.peers.jax_common import functions, load
from tests.benchmarks.workloads import BATCHES, Workload

__all__ = ["load", "prepare"]


def prepare(w: Workload, threads: int) -> Callable[[int], float]:
    load(threads)
    import jax

    state, step = functions(w)
    x, t = (jax.device_put(a) for a in w.data)
    done = 0

    @partial(jax.jit, static_argnums=2, donate_argnums=0)
    def many(state: Any, start: Any, steps: int) -> Any:
        order = (start + np.arange(steps)) % BATCHES
        return jax.lax.scan(lambda s, k: step(s, (x[k], t[k])), state, order)

    def run(steps: int) -> float:
        nonlocal state, done
        state, losses = many(state, np.int32(done % BATCHES), steps)
        done += steps
        return float(losses[-1])

    return run
