"""Hypothesis strategies that draw whole networks with data, scalar formulas, points of a formula.

Needs hypothesis (the ``test`` extra).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import strategies as st
from numpy.typing import NDArray
from sympy.core.expr import Expr

from symdl.formula import Formula
from symdl.notation.tensors import real
from symdl.training.layers import Dense
from symdl.training.sequential import Sequential
from symdl.verify.points import Point, point_of

__all__ = ["Problem", "networks", "points", "smooth_scalars"]

Array = NDArray[Any]

_ENDS = (
    ("linear", "mse"),
    ("linear", "half_squared_error"),
    ("tanh", "mse"),
    ("sigmoid", "half_squared_error"),
    ("sigmoid", "binary_crossentropy"),
    ("softmax", "categorical_crossentropy"),
    ("softmax", "sparse_categorical_crossentropy"),
)
_HIDDEN = ("sigmoid", "tanh", "relu", "leaky_relu", "linear")


@dataclass(frozen=True)
class Problem:
    """A compiled model with data that fits it; ``smooth`` if it has no kinks."""

    model: Sequential
    x: Array
    y: Array
    smooth: bool

    def __repr__(self) -> str:
        setup = self.model.setup
        return f"Problem({self.model.layers}, {setup}, x {self.x.shape}, y {self.y.shape})"


@st.composite
def networks(
    draw: st.DrawFn,
    *,
    max_depth: int = 3,
    max_width: int = 5,
    max_rows: int = 6,
    dtypes: tuple[str, ...] = ("float64", "float32"),
    optimizer: str | None = "sgd",
    backend: str = "numpy",
) -> Problem:
    """Draw a compiled network (depth, widths, activations, bias, loss, dtype) with a batch."""
    widths = st.integers(1, max_width)
    columns, rows = draw(widths), draw(st.integers(1, max_rows))
    hidden = draw(st.lists(st.tuples(widths, st.sampled_from(_HIDDEN)), max_size=max_depth - 1))
    activation, loss = draw(st.sampled_from(_ENDS))
    units = draw(st.integers(2, max_width)) if activation == "softmax" else draw(widths)
    bias = draw(st.booleans())
    seed = draw(st.integers(0, 2**16))
    layers = [Dense(w, activation=a, use_bias=bias) for w, a in hidden]
    layers.append(Dense(units, activation=activation, use_bias=bias))
    model = Sequential(layers, seed=seed)
    dtype = draw(st.sampled_from(dtypes))
    model.compile(optimizer=optimizer, loss=loss, dtype=dtype, backend=backend)
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, columns)).astype(np.float32).astype(np.float64)
    y = _targets(loss, generator, rows, units)
    smooth = all(a not in ("relu", "leaky_relu") for _, a in hidden)
    return Problem(model, x, y, smooth)


def _targets(loss: str, generator: np.random.Generator, rows: int, units: int) -> Array:
    if loss == "sparse_categorical_crossentropy":
        return generator.integers(0, units, size=rows)
    if loss == "categorical_crossentropy":
        soft = generator.integers(1, 5, size=(rows, units)).astype(np.float64)
        return soft / soft.sum(axis=1, keepdims=True)
    if loss == "binary_crossentropy":
        return generator.integers(0, 2, size=(rows, units)).astype(np.float64)
    return generator.normal(size=(rows, units)).astype(np.float32).astype(np.float64)


@st.composite
def points(draw: st.DrawFn, formula: Formula, *, max_size: int = 4) -> Point:
    """Draw sizes, and values from the formula's domain; its assumptions hold."""
    generator = np.random.default_rng(draw(st.integers(0, 2**16)))
    return point_of(formula, generator, lambda _: draw(st.integers(1, max_size)))


def smooth_scalars(names: tuple[str, ...] = ("x", "y")) -> st.SearchStrategy[Expr]:
    """Draw smooth real formulas of the named symbols, without poles on the real line."""
    leaves = st.one_of(
        st.sampled_from([real(n) for n in names]),
        st.integers(-3, 3).map(sp.Integer),
        st.fractions(-2, 2, max_denominator=4).map(
            lambda q: sp.Rational(q.numerator, q.denominator)
        ),
    )

    def larger(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        pairs = st.tuples(inner, inner)
        return st.one_of(
            pairs.map(lambda p: p[0] + p[1]),
            pairs.map(lambda p: p[0] * p[1]),
            inner.map(sp.tanh),
            inner.map(lambda e: 1 / (1 + sp.exp(-e))),
            inner.map(lambda e: sp.log(1 + sp.exp(sp.tanh(e)))),
            inner.map(lambda e: sp.exp(-(e**2))),
            inner.map(lambda e: 1 / (1 + e**2)),
            inner.map(sp.sin),
        )

    return st.recursive(leaves, larger, max_leaves=6)
