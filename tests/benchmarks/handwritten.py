"""The fastest training step that we could write by hand in NumPy, as the mark to be measured by.

A net of dense layers with relu between them, softmax with cross entropy at the end, and Adam.
Nothing here is generated and nothing here comes from symdl. What makes it quick:

- one flat vector for all parameters and one for their gradient, so that Adam is nine passes over
  the whole net; each layer sees its part through a view;
- feature-major activations (features, batch): a bias of a hidden layer is one more column of its
  kernel, met by a row of ones that never changes, so neither the bias nor its gradient costs a
  call; and reductions over classes run along contiguous memory;
- every product has its `out`, every pass is in place: a step allocates no array;
- Adam's running means are kept multiplied by powers of 1 / beta1 (see `_adam`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.floating]

LARGEST_SCALE = 1e3  # before the running means are brought back to their own size


class _Layer:
    """One dense layer: views of its parameters and gradient, and its buffers."""

    def __init__(
        self, parameters: Array, gradient: Array, below: Array | None, fan: tuple[int, int, int]
    ):
        fan_in, fan_out, batch = fan
        dtype = parameters.dtype
        if below is None:  # the data come batch-major and without a row of ones
            cut = fan_in * fan_out
            self.weights = parameters[:cut].reshape(fan_out, fan_in)
            self.weights_grad = gradient[:cut].reshape(fan_out, fan_in)
            self.bias, self.bias_grad = parameters[cut:], gradient[cut:]
            self.kernel, self.kernel_grad = self.weights, self.weights_grad
        else:
            self.weights = parameters.reshape(fan_out, fan_in + 1)
            self.weights_grad = gradient.reshape(fan_out, fan_in + 1)
            self.bias, self.bias_grad = self.weights[:, fan_in], self.weights_grad[:, fan_in]
            self.kernel, self.kernel_grad = self.weights[:, :fan_in], self.weights_grad[:, :fan_in]
            self.below, self.below_t = below, below.T
        self.weights_t = self.weights.T  # all columns: `dot` would copy a part of them
        self.bias_column = self.bias[:, None]
        self.with_ones = np.ones((fan_out + 1, batch), dtype)
        self.out = self.with_ones[:fan_out]
        self.delta_and_rest = np.empty((fan_out + 1, batch), dtype)
        self.delta = self.delta_and_rest[:fan_out]
        self.alive = np.empty((fan_out, batch), bool)


class FlatAdamNet:
    """Dense layers of the given sizes, trained on batches of one fixed size.

    `weights` are kernels (in, out) and biases in turn. `step(x, t)` takes data (batch, features)
    and one-hot targets (batch, classes) and returns the mean loss before the update.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        batch: int,
        dtype: DTypeLike,
        weights: Sequence[Array],
        *,
        rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-7,
    ):
        counts = [(fan_in + 1) * fan_out for fan_in, fan_out in pairwise(sizes)]
        self.parameters: Array = np.zeros(sum(counts), dtype)
        self.gradient: Array = np.zeros(sum(counts), dtype)
        self._mean: Array = np.zeros(sum(counts), dtype)
        self._square: Array = np.zeros(sum(counts), dtype)
        self._scalar: type[np.floating] = self.parameters.dtype.type
        self._zero = self._scalar(0)
        self._batch = batch

        self._layers: list[_Layer] = []
        below, start = None, 0
        for (fan_in, fan_out), count in zip(pairwise(sizes), counts, strict=True):
            part = slice(start, start + count)
            parts = self.parameters[part], self.gradient[part]
            layer = _Layer(*parts, below, (fan_in, fan_out, batch))
            self._layers.append(layer)
            below, start = layer.with_ones, start + count
        for layer, kernel, bias in zip(self._layers, weights[::2], weights[1::2], strict=True):
            layer.kernel[:], layer.bias[:] = kernel.T, bias

        self._targets: Array = np.empty((sizes[-1], batch), dtype)
        self._row: Array = np.empty(batch, dtype)
        self._ones: Array = np.ones(batch, dtype)
        self._rate, self._beta1, self._beta2, self._eps = rate, beta1, beta2, eps
        self._power1 = self._power2 = self._scale = 1.0
        self._decay = self._scalar(beta2 / beta1**2)

    def get_weights(self) -> list[Array]:
        """Copies of the kernels (in, out) and biases in turn."""
        return [a.copy() for layer in self._layers for a in (layer.kernel.T, layer.bias)]

    def get_gradients(self) -> list[Array]:
        """Copies of what `loss_and_gradient` left, in the order of `get_weights`."""
        return [a.copy() for layer in self._layers for a in (layer.kernel_grad.T, layer.bias_grad)]

    def step(self, x: Array, t: Array) -> float:
        """One forward pass, backward pass and update; the mean loss before the update."""
        self._scale /= self._beta1
        loss = self.loss_and_gradient(x, t, self._scale)
        self._adam()
        return loss

    def loss_and_gradient(self, x: Array, t: Array, scale: float = 1.0) -> float:
        """Return the mean loss; leave `scale` times its gradient in `gradient`."""
        loss = self._forward(x, t)
        self._backward(x, scale)
        return loss

    def _forward(self, x: Array, t: Array) -> float:
        first, last, zero, row = self._layers[0], self._layers[-1], self._zero, self._row
        for layer in self._layers:
            out = layer.out
            if layer is first:
                np.dot(layer.kernel, x.T, out)
                np.add(out, layer.bias_column, out)
            else:
                np.dot(layer.weights, layer.below, out)
            if layer is not last:
                np.maximum(out, zero, out=out)
                np.greater(out, zero, layer.alive)
        # log of the sum of exponentials, less the logit of the target; both less the largest
        np.maximum.reduce(out, 0, out=row)
        np.subtract(out, row, out)
        np.copyto(self._targets, t.T)
        of_targets = np.vdot(self._targets, out)
        np.exp(out, out)
        np.add.reduce(out, 0, out=row)
        np.divide(out, row, out)
        np.log(row, row)
        return float(np.add.reduce(row) - of_targets) / self._batch

    def _backward(self, x: Array, scale: float) -> None:
        layers = self._layers
        first, above = layers[0], layers[-1]
        delta = above.delta  # (p - t) / batch
        np.subtract(above.out, self._targets, delta)
        np.multiply(delta, self._scalar(scale / self._batch), delta)
        for layer in reversed(layers[:-1]):
            np.dot(delta, above.below_t, above.weights_grad)
            np.dot(above.weights_t, delta, layer.delta_and_rest)
            delta = np.multiply(layer.delta, layer.alive, layer.delta)
            above = layer
        np.dot(delta, x, first.weights_grad)
        np.dot(delta, self._ones, first.bias_grad)

    def _adam(self) -> None:
        """Kingma and Ba's Adam: w -= rate m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps).

        With s = b1^-t, kept are M = s m / (1 - b1) and V = s^2 v / (1 - b2). The gradient comes
        multiplied by s, which costs the backward pass nothing, so M += s g is the whole update of
        the mean. Now and then s is set back to 1. This also keeps the mean of a dead unit from
        decaying into denormal numbers, 0.9 at a time, where it would stay and slow every pass.
        """
        self._power1 *= self._beta1
        self._power2 *= self._beta2
        scalar, scale, root = self._scalar, self._scale, sqrt(1 - self._beta2)
        bias = sqrt(1 - self._power2)
        rate = self._rate * bias / (1 - self._power1) * (1 - self._beta1) / root
        mean, square, work = self._mean, self._square, self.gradient
        np.add(mean, work, mean)
        np.multiply(square, self._decay, square)
        np.multiply(work, work, work)
        np.add(square, work, square)
        np.sqrt(square, work)
        np.add(work, scalar(self._eps * bias * scale / root), work)
        np.divide(mean, work, work)
        np.multiply(work, scalar(rate), work)
        np.subtract(self.parameters, work, self.parameters)
        if scale > LARGEST_SCALE:
            np.multiply(mean, scalar(1 / scale), mean)
            np.multiply(square, scalar(1 / scale**2), square)
            self._scale = 1.0
