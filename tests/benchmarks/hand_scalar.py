"""The 2-2-2 network of sigmoids by hand, in plain Python floats: one step of gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

import numpy as np
from numpy.typing import NDArray

__all__ = ["ScalarNet"]


class ScalarNet:
    """Two inputs, two hidden units, two outputs, half squared error; no biases."""

    def __init__(self, first: NDArray[np.floating], second: NDArray[np.floating], rate: float):
        self.weights = [float(v) for v in (*first.ravel(), *second.ravel())]
        self.rate = rate

    def step(self, x: Sequence[float], t: Sequence[float]) -> float:
        """One step on one example; the loss before it."""
        a, b, c, d, e, f, g, h = self.weights
        rate = self.rate
        x1, x2 = x
        t1, t2 = t
        h1 = 1.0 / (1.0 + exp(-(a * x1 + c * x2)))
        h2 = 1.0 / (1.0 + exp(-(b * x1 + d * x2)))
        o1 = 1.0 / (1.0 + exp(-(e * h1 + g * h2)))
        o2 = 1.0 / (1.0 + exp(-(f * h1 + h * h2)))
        e1, e2 = o1 - t1, o2 - t2
        d1, d2 = e1 * o1 * (1.0 - o1), e2 * o2 * (1.0 - o2)
        g1 = rate * (d1 * e + d2 * f) * h1 * (1.0 - h1)
        g2 = rate * (d1 * g + d2 * h) * h2 * (1.0 - h2)
        d1 *= rate
        d2 *= rate
        self.weights = [
            a - g1 * x1, b - g2 * x1, c - g1 * x2, d - g2 * x2,
            e - d1 * h1, f - d2 * h1, g - d1 * h2, h - d2 * h2,
        ]  # fmt: skip
        return (e1 * e1 + e2 * e2) / 2.0
