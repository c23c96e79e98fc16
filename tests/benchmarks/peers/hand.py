"""Hand-written steps without any framework: scalar Python for W1, flat NumPy for the others."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from tests.benchmarks.hand_deep import FlatDeepNet
from tests.benchmarks.hand_scalar import ScalarNet
from tests.benchmarks.handwritten import FlatAdamNet
from tests.benchmarks.workloads import BATCHES, Workload


def _net(w: Workload) -> FlatAdamNet | FlatDeepNet | ScalarNet:
    if w.name == "W1":
        first, second = (layer.kernel for layer in w.layers)
        return ScalarNet(first, second, w.rate)
    if w.optimizer == "adam" and not w.normalized:
        pairs = ((layer.kernel, layer.bias) for layer in w.layers)
        arrays = [a for pair in pairs for a in pair if a is not None]
        return FlatAdamNet(w.sizes, w.batch, w.dtype, arrays, rate=w.rate)
    return FlatDeepNet(w)


def prepare(w: Workload, threads: int) -> Callable[[int], float]:
    del threads  # by the environment
    net = _net(w)
    x, t = w.data
    if isinstance(net, ScalarNet):
        pairs = [(x[k, 0].tolist(), t[k, 0].tolist()) for k in range(BATCHES)]
    else:
        pairs = [(x[k], t[k]) for k in range(BATCHES)]
    turn = itertools.cycle(range(BATCHES))

    def run(steps: int) -> float:
        loss, once = 0.0, net.step
        for _ in range(steps):
            loss = once(*pairs[next(turn)])
        return loss

    return run
