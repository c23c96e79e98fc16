"""The six training steps that are timed, with their data and initial weights.

Every peer trains the same network from the same weights on the same batches.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["BATCHES", "WORKLOADS", "Layer", "Workload", "from_json", "workload"]

Array = NDArray[np.floating]
BATCHES = 16


@dataclass(frozen=True)
class Layer:
    """The initial weights of a dense layer, and of the batch normalization after it, if any."""

    kernel: Array
    bias: Array | None
    normalized: bool
    activation: str


@dataclass(frozen=True)
class Workload:
    """A network of dense layers, how it is trained, and how many steps a block of timing takes."""

    name: str
    title: str
    sizes: tuple[int, ...]
    batch: int
    optimizer: str
    rate: float
    inner: int
    hidden: str = "relu"
    last: str = "softmax"
    loss: str = "categorical_crossentropy"
    bias: bool = True
    normalized: bool = False
    dtype: str = "float32"
    momentum: float = 0.9

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers with their initial weights."""
        rng = np.random.default_rng(1)
        made = []
        depth = len(self.sizes) - 1
        for k, (fan_in, fan_out) in enumerate(pairwise(self.sizes)):
            top = k == depth - 1
            limit = np.sqrt(6 / (fan_in + fan_out))
            kernel = rng.uniform(-limit, limit, (fan_in, fan_out)).astype(self.dtype)
            bias = np.zeros(fan_out, self.dtype) if self.bias else None
            activation = self.last if top else self.hidden
            made.append(Layer(kernel, bias, self.normalized and not top, activation))
        return tuple(made)

    @cached_property
    def data(self) -> tuple[Array, Array]:
        """Inputs (batches, batch, in) and targets (batches, batch, out)."""
        rng = np.random.default_rng(2)
        x = rng.normal(size=(BATCHES, self.batch, self.sizes[0])).astype(self.dtype)
        if self.loss == "categorical_crossentropy":
            labels = rng.integers(0, self.sizes[-1], (BATCHES, self.batch))
            return x, np.eye(self.sizes[-1], dtype=self.dtype)[labels]
        return x, rng.uniform(0, 1, (BATCHES, self.batch, self.sizes[-1])).astype(self.dtype)


WORKLOADS = (
    Workload(
        "W1", "2-2-2 sigmoid without bias, batch 1, SGD", (2, 2, 2), 1, "sgd", 0.5, 2000,
        hidden="sigmoid", last="sigmoid", loss="half_squared_error", bias=False, dtype="float64",
    ),
    Workload("W2", "4-8-8-3, batch 32, Adam", (4, 8, 8, 3), 32, "adam", 0.001, 1000),
    Workload("W3", "784-128-64-10, batch 64, Adam", (784, 128, 64, 10), 64, "adam", 0.001, 60),
    Workload(
        "W4", "784-1024-1024-10, batch 256, momentum", (784, 1024, 1024, 10), 256,
        "momentum", 0.01, 4,
    ),
    Workload(
        "W5", "20 hidden layers of 64 tanh, batch 128, SGD", (64, *[64] * 20, 10), 128,
        "sgd", 0.01, 30, hidden="tanh", last="linear", loss="mean_squared_error",
    ),
    Workload(
        "W6", "784-256-256-10 with batch normalization, batch 128, Adam", (784, 256, 256, 10), 128,
        "adam", 0.001, 20, normalized=True,
    ),
)  # fmt: skip


def from_json(words: str) -> Workload:
    """The workload whose fields are given as JSON."""
    fields = json.loads(words)
    return Workload(**{**fields, "sizes": tuple(fields["sizes"])})


def workload(name: str) -> Workload:
    """The workload of that name."""
    return next(w for w in WORKLOADS if w.name == name)
