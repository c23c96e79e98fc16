"""Flat, feature-major NumPy by hand for the workloads that ``handwritten`` does not cover.

Dense layers with relu or tanh and perhaps batch normalization, softmax with cross entropy or the
mean squared error, and gradient descent, momentum or Adam.  Nothing here comes from symdl.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.workloads import Layer, Workload

__all__ = ["FlatDeepNet"]

Array = NDArray[np.floating]
NORM_EPSILON, EPSILON = 1e-3, 1e-7


class _Dense:
    """Views of one layer's parameters and gradients, and its buffers, (features, batch)."""

    def __init__(self, flat: Array, grad: Array, layer: Layer, batch: int):
        fan_in, fan_out = layer.kernel.shape
        cut = fan_in * fan_out
        self.layer, dtype = layer, flat.dtype
        self.kernel, self.kernel_grad = (v[:cut].reshape(fan_out, fan_in) for v in (flat, grad))
        self.kernel[...] = layer.kernel.T
        self.kernel_t = self.kernel.T
        rest, rest_grad = flat[cut:], grad[cut:]
        self.bias, self.bias_grad = rest[:fan_out], rest_grad[:fan_out]
        self.bias_column = self.bias[:, None]
        self.z, self.out, self.delta = (np.empty((fan_out, batch), dtype) for _ in range(3))
        self.below_delta = np.empty((fan_in, batch), dtype)
        if layer.normalized:
            self.gamma, self.beta = rest[fan_out : 2 * fan_out], rest[2 * fan_out :]
            self.gamma[...] = 1
            self.gamma_grad = rest_grad[fan_out : 2 * fan_out]
            self.beta_grad = rest_grad[2 * fan_out :]
            self.hat, self.work = np.empty_like(self.z), np.empty_like(self.z)
            self.row, self.scale = (np.empty(fan_out, dtype) for _ in range(2))

    @staticmethod
    def count(layer: Layer) -> int:
        """The number of its parameters."""
        fan_in, fan_out = layer.kernel.shape
        return fan_in * fan_out + fan_out * (3 if layer.normalized else 1)


class FlatDeepNet:
    """A network of a workload; ``step(x, t)`` returns the mean loss before the update."""

    def __init__(self, w: Workload):
        counts = [_Dense.count(layer) for layer in w.layers]
        self.w, self.batch = w, w.batch
        self.flat, self.grad, self.mean, self.square, self.work = (
            np.zeros(sum(counts), w.dtype) for _ in range(5)
        )
        self.layers, start = [], 0
        for layer, n in zip(w.layers, counts, strict=True):
            part = slice(start, start + n)
            self.layers.append(_Dense(self.flat[part], self.grad[part], layer, w.batch))
            start += n
        self.ones = np.ones(w.batch, w.dtype)
        self.targets = np.empty((w.sizes[-1], w.batch), w.dtype)
        self.row = np.empty(w.batch, w.dtype)
        self.zero = self.flat.dtype.type(0)
        self.count = 0

    def step(self, x: Array, t: Array) -> float:
        """One forward pass, backward pass and update."""
        loss = self._forward(x, t)
        self._backward(x)
        getattr(self, f"_{self.w.optimizer}")()
        return loss

    def _forward(self, x: Array, t: Array) -> float:
        below = x.T
        for one in self.layers:
            np.dot(one.kernel, below, one.z)
            np.add(one.z, one.bias_column, one.z)
            z = self._normalize(one) if one.layer.normalized else one.z
            if one.layer.activation == "relu":
                np.maximum(z, self.zero, out=one.out)
            elif one.layer.activation == "tanh":
                np.tanh(z, one.out)
            else:
                one.out = z
            below = one.out
        np.copyto(self.targets, t.T)
        return self._softmax() if self.w.loss == "categorical_crossentropy" else self._squares()

    def _normalize(self, one: _Dense) -> Array:
        inverse = one.z.dtype.type(1 / self.batch)
        np.dot(one.z, self.ones, one.row)
        np.multiply(one.row, inverse, one.row)
        np.subtract(one.z, one.row[:, None], one.z)
        np.vecdot(one.z, one.z, out=one.scale)
        np.multiply(one.scale, inverse, one.scale)
        np.add(one.scale, one.z.dtype.type(NORM_EPSILON), one.scale)
        np.sqrt(one.scale, one.scale)
        np.divide(one.z, one.scale[:, None], one.hat)
        np.multiply(one.hat, one.gamma[:, None], one.z)
        return np.add(one.z, one.beta[:, None], one.z)

    def _softmax(self) -> float:
        out, row = self.layers[-1].out, self.row
        np.maximum.reduce(out, 0, out=row)
        np.subtract(out, row, out)
        of_targets = np.vdot(self.targets, out)
        np.exp(out, out)
        np.add.reduce(out, 0, out=row)
        np.divide(out, row, out)
        np.log(row, row)
        np.subtract(out, self.targets, self.layers[-1].delta)
        delta = self.layers[-1].delta
        np.multiply(delta, delta.dtype.type(1 / self.batch), delta)
        return float(np.add.reduce(row) - of_targets) / self.batch

    def _squares(self) -> float:
        last = self.layers[-1]
        np.subtract(last.out, self.targets, last.delta)
        loss = float(np.vdot(last.delta, last.delta)) / last.delta.size
        np.multiply(last.delta, last.delta.dtype.type(2 / last.delta.size), last.delta)
        return loss

    def _backward(self, x: Array) -> None:
        delta = self.layers[-1].delta
        for k in reversed(range(len(self.layers))):
            one = self.layers[k]
            below = self.layers[k - 1].out.T if k else x
            np.dot(delta, below, one.kernel_grad)
            np.dot(delta, self.ones, one.bias_grad)
            if k == 0:
                return
            np.dot(one.kernel_t, delta, one.below_delta)
            delta = self._through(self.layers[k - 1], one.below_delta)

    def _through(self, one: _Dense, delta: Array) -> Array:
        if one.layer.activation == "relu":
            np.multiply(delta, one.out > self.zero, delta)
        else:
            np.multiply(one.out, one.out, one.delta)
            np.subtract(one.delta.dtype.type(1), one.delta, one.delta)
            np.multiply(delta, one.delta, delta)
        if not one.layer.normalized:
            return delta
        inverse = delta.dtype.type(1 / self.batch)
        np.dot(delta, self.ones, one.beta_grad)
        np.vecdot(delta, one.hat, out=one.gamma_grad)
        np.multiply(one.beta_grad, inverse, one.row)
        np.subtract(delta, one.row[:, None], delta)
        np.multiply(one.gamma_grad, inverse, one.row)
        np.multiply(one.hat, one.row[:, None], one.work)
        np.subtract(delta, one.work, delta)
        np.divide(one.gamma, one.scale, one.row)
        return np.multiply(delta, one.row[:, None], delta)

    def _sgd(self) -> None:
        np.multiply(self.grad, self.flat.dtype.type(self.w.rate), self.grad)
        np.subtract(self.flat, self.grad, self.flat)

    def _momentum(self) -> None:
        scalar = self.flat.dtype.type
        np.multiply(self.mean, scalar(self.w.momentum), self.mean)
        np.multiply(self.grad, scalar(self.w.rate), self.grad)
        np.subtract(self.mean, self.grad, self.mean)
        np.add(self.flat, self.mean, self.flat)

    def _adam(self) -> None:
        """With M = m / 0.1 and V = v / 0.001, so that each mean takes one pass less."""
        self.count += 1
        scalar, mean, square, g = self.flat.dtype.type, self.mean, self.square, self.grad
        bias = sqrt(1 - 0.999**self.count)
        rate = self.w.rate * bias / (1 - 0.9**self.count) * 0.1 / sqrt(0.001)
        np.multiply(mean, scalar(0.9), mean)
        np.add(mean, g, mean)
        np.multiply(square, scalar(0.999), square)
        np.multiply(g, g, g)
        np.add(square, g, square)
        np.sqrt(square, g)
        np.add(g, scalar(EPSILON * bias / sqrt(0.001)), g)
        np.divide(mean, g, g)
        np.multiply(g, scalar(rate), g)
        np.subtract(self.flat, g, self.flat)
