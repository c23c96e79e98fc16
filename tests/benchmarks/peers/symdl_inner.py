"""The function of plain floats alone that symdl generates for a few numbers: the inner call."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import symdl as sd
from tests.benchmarks.peers.symdl_numpy import model_of, optimizer_of
from tests.benchmarks.workloads import BATCHES, Workload


def prepare(w: Workload, threads: int) -> Callable[[int], float]:
    del threads  # by the environment
    step = sd.compile(model_of(w), loss=w.loss, optimizer=optimizer_of(w), dtype=w.dtype)
    before = [v for a in step.parameters.values() for v in a.ravel().tolist()]
    x, t = w.data
    step.step(x[0], t[0])
    names: dict[str, Any] = {}
    exec(step.source, names)
    once = names.get(f"scalar_step_{w.batch}")
    if once is None or len(step.state) > 1 or len(step.hyper) > 1:
        raise SystemExit("its step has no form in plain floats, of one hyper-parameter alone")
    (rate,) = step.hyper.values()
    pairs = [(x[k].ravel().tolist(), t[k].ravel().tolist()) for k in range(BATCHES)]
    turn = itertools.cycle(range(BATCHES))
    weights = [before]

    def run(steps: int) -> float:
        loss, values = 0.0, weights[0]
        for _ in range(steps):
            one, other = pairs[next(turn)]
            loss, values = once(values, one, other, rate)
        weights[0] = values
        return loss

    return run
