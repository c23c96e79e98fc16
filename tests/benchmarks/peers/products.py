"""The matrix products of a training step alone, by NumPy: what no NumPy step can be faster than."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.benchmarks.workloads import Workload


def prepare(w: Workload, threads: int) -> Callable[[int], float]:
    del threads  # by the environment
    rng = np.random.default_rng(0)

    def buffer(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(w.dtype)

    calls = []
    for k, layer in enumerate(w.layers):
        fan_in, fan_out = layer.kernel.shape
        x, d, kernel = buffer(fan_in, w.batch), buffer(fan_out, w.batch), buffer(fan_out, fan_in)
        calls.append((kernel, x, np.empty_like(d)))
        calls.append((d, x.T, np.empty_like(kernel)))
        if k:
            calls.append((kernel.T, d, np.empty_like(x)))

    def run(steps: int) -> float:
        dot = np.dot
        for _ in range(steps):
            for a, b, out in calls:
                dot(a, b, out)
        return float("nan")

    return run
