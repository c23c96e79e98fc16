"""PyTorch, eager, with the fused optimizer where there is one."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from tests.benchmarks.workloads import BATCHES, Workload


def load(threads: int) -> None:
    """Import PyTorch."""
    import torch

    torch.set_num_threads(threads)


def prepare(w: Workload, threads: int) -> Callable[[int], float]:
    load(threads)
    import torch
    from torch import nn

    kind = getattr(torch, w.dtype)
    acts = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
    layers: list[Any] = []
    for layer in w.layers:
        fan_in, fan_out = layer.kernel.shape
        dense = nn.Linear(fan_in, fan_out, bias=layer.bias is not None, dtype=kind)
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(layer.kernel.T.copy()))
            if layer.bias is not None:
                dense.bias.copy_(torch.from_numpy(layer.bias))
        layers.append(dense)
        if layer.normalized:
            layers.append(nn.BatchNorm1d(fan_out, eps=1e-3, dtype=kind))
        if layer.activation in acts:
            layers.append(acts[layer.activation]())
    net = nn.Sequential(*layers)
    if w.optimizer == "adam":
        optimizer: Any = torch.optim.Adam(net.parameters(), w.rate, eps=1e-7, fused=True)
    else:
        momentum = w.momentum if w.optimizer == "momentum" else 0.0
        optimizer = torch.optim.SGD(net.parameters(), w.rate, momentum=momentum, fused=True)
    x, t = (torch.from_numpy(a) for a in w.data)
    labels = t.argmax(-1)
    turn = itertools.cycle(range(BATCHES))

    def loss_of(k: int) -> Any:
        out = net(x[k])
        if w.loss == "categorical_crossentropy":
            return nn.functional.cross_entropy(out, labels[k])
        error = ((out - t[k]) ** 2).sum()
        return error / (2 * w.batch if w.loss == "half_squared_error" else t[k].numel())

    def run(steps: int) -> float:
        loss = None
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(next(turn))
            loss.backward()
            optimizer.step()
        return float(loss)  # type: ignore[arg-type]

    return run
