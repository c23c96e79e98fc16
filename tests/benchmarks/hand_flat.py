"""NumPy by hand as most people would tune it: one flat vector of parameters, rows as they come.

Dense layers with relu and softmax with cross entropy, trained by Adam.  Every product has its
``out``, every pass is in place; unlike ``handwritten`` the arrays are (batch, features) and the
biases are added and summed by calls of their own.  Nothing here comes from symdl.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.workloads import Workload

__all__ = ["FlatRowNet"]

Array = NDArray[np.floating]
EPSILON = 1e-7


class FlatRowNet:
    """A network of a workload; ``step(x, t)`` returns the mean loss before the update."""

    def __init__(self, w: Workload):
        if w.optimizer != "adam" or w.normalized or w.hidden != "relu" or w.last != "softmax":
            raise ValueError("written for relu, softmax and Adam alone")
        size = sum(a.kernel.size + a.kernel.shape[1] for a in w.layers)
        self.flat, self.grad, self.m, self.v, self.work = (
            np.zeros(size, w.dtype) for _ in range(5)
        )
        self.layers, start = [], 0
        for layer in w.layers:
            fan_in, fan_out = layer.kernel.shape
            cut = start + fan_in * fan_out
            end = cut + fan_out
            views = [
                part
                for vector in (self.flat, self.grad)
                for part in (vector[start:cut].reshape(fan_in, fan_out), vector[cut:end])
            ]
            views[0][...] = layer.kernel
            out, delta = (np.empty((w.batch, fan_out), w.dtype) for _ in range(2))
            self.layers.append((*views, out, delta, np.empty_like(out, bool)))
            start = end
        self.row = np.empty((w.batch, 1), w.dtype)
        self.rate, self.batch, self.count = w.rate, w.batch, 0

    def step(self, x: Array, t: Array) -> float:
        """One forward pass, backward pass and update."""
        below = x
        for kernel, bias, _, _, out, _, _ in self.layers:
            np.dot(below, kernel, out)
            np.add(out, bias, out)
            if out is not self.layers[-1][4]:
                np.maximum(out, 0, out=out)
            below = out
        loss = self._softmax(t)
        for k in reversed(range(len(self.layers))):
            kernel, _, kernel_grad, bias_grad, _, delta, _ = self.layers[k]
            below = self.layers[k - 1][4] if k else x
            np.dot(below.T, delta, kernel_grad)
            np.add.reduce(delta, 0, out=bias_grad)
            if k:
                _, _, _, _, out, before, on = self.layers[k - 1]
                np.dot(delta, kernel.T, before)
                np.greater(out, 0, out=on)
                np.multiply(before, on, before)
        self._adam()
        return loss

    def _softmax(self, t: Array) -> float:
        out, delta, row = self.layers[-1][4], self.layers[-1][5], self.row
        np.maximum.reduce(out, 1, keepdims=True, out=row)
        np.subtract(out, row, out)
        of_targets = np.vdot(t, out)
        np.exp(out, delta)
        np.add.reduce(delta, 1, keepdims=True, out=row)
        np.divide(delta, row, delta)
        np.log(row, row)
        np.subtract(delta, t, delta)
        np.divide(delta, self.batch, delta)
        return float(np.add.reduce(row, None) - of_targets) / self.batch

    def _adam(self) -> None:
        self.count += 1
        m, v, g, work = self.m, self.v, self.grad, self.work
        np.multiply(m, 0.9, m)
        np.multiply(g, 0.1, work)
        np.add(m, work, m)
        np.multiply(v, 0.999, v)
        np.multiply(g, g, work)
        np.multiply(work, 0.001, work)
        np.add(v, work, v)
        bias = sqrt(1 - 0.999**self.count)
        np.sqrt(v, work)
        np.add(work, EPSILON * bias, work)
        np.divide(m, work, work)
        np.multiply(work, self.rate * bias / (1 - 0.9**self.count), work)
        np.subtract(self.flat, work, self.flat)
