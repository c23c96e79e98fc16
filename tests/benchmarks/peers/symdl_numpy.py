"""The step that symdl generates for NumPy."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import symdl as sd
from symdl.training.layers import Layer
from tests.benchmarks.workloads import BATCHES, Workload

BACKEND = "numpy"


def model_of(w: Workload) -> sd.Sequential:
    """The network of a workload in symdl's words, with its weights."""
    layers: list[Layer] = [sd.Input(w.sizes[0])]
    weights = []
    for layer in w.layers:
        layers.append(sd.Dense(layer.kernel.shape[1], use_bias=layer.bias is not None))
        weights += [layer.kernel] if layer.bias is None else [layer.kernel, layer.bias]
        if layer.normalized:
            layers.append(sd.BatchNormalization())
        if layer.activation != "linear":
            layers.append(sd.Activation(layer.activation))
    model = sd.Sequential(layers)
    drawn = model.get_weights()
    if any(layer.normalized for layer in w.layers):
        rest = iter(weights)
        weights = [next(rest) if a.ndim == 2 or not _of_norm(k, w) else a
                   for k, a in enumerate(drawn)]  # fmt: skip
    model.set_weights(weights)
    return model


def _of_norm(place: int, w: Workload) -> bool:
    """Whether an array of ``get_weights`` belongs to a normalization: W, b, then its four."""
    return place < 6 * sum(layer.normalized for layer in w.layers) and place % 6 >= 2


def optimizer_of(w: Workload) -> sd.SGD | sd.Adam:
    """The optimizer of a workload in symdl's words."""
    if w.optimizer == "adam":
        return sd.Adam(w.rate)
    return sd.SGD(w.rate, momentum=w.momentum if w.optimizer == "momentum" else 0.0)


def prepare(w: Workload, threads: int) -> Callable[[int], float]:
    del threads  # by the environment
    model = model_of(w)
    step = sd.compile(model, loss=w.loss, optimizer=optimizer_of(w), dtype=w.dtype, backend=BACKEND)
    x, t = w.data
    turn = itertools.cycle(range(BATCHES))

    def run(steps: int) -> float:
        loss, once = 0.0, step.step
        for _ in range(steps):
            k = next(turn)
            loss = once(x[k], t[k])
        return loss

    return run
