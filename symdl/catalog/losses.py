"""Losses of predictions against targets, averaged over the N rows of a batch."""

from __future__ import annotations

import sympy as sp

from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import Elem, TensorSymbol, real, tensors

__all__ = [
    "ALL",
    "BINARY_CROSSENTROPY",
    "CATEGORICAL_CROSSENTROPY",
    "HALF_SQUARED_ERROR",
    "MSE",
    "SPARSE_CATEGORICAL_CROSSENTROPY",
]

N, K = size_of("N"), size_of("K")
n, j = Index("n", N), Index("j", K)
y, t = tensors("y[n,j] t[n,j]", n, j)
p = TensorSymbol("p", (N, K), positive=True)
c = TensorSymbol("c", (N,), labels=K)
L = real("L")

HALF_SQUARED_ERROR = Formula(
    sp.Eq(L, Total((t[n, j] - y[n, j]) ** 2, n, j) / (2 * N), evaluate=False),
    output=L, inputs=[y, t], name="half_squared_error", title="half squared error",
    source="Rumelhart, Hinton, Williams (1986), Learning representations by "
    "back-propagating errors",
)  # fmt: skip

MSE = Formula(
    sp.Eq(L, Total((t[n, j] - y[n, j]) ** 2, n, j) / (N * K), evaluate=False),
    output=L, inputs=[y, t], name="mean_squared_error", title="mean squared error",
    source="Bishop (2006), Pattern Recognition and Machine Learning, section 1.1",
)  # fmt: skip

BINARY_CROSSENTROPY = Formula(
    sp.Eq(
        L,
        -Total(t[n, j] * sp.log(p[n, j]) + (1 - t[n, j]) * sp.log(1 - p[n, j]), n, j) / (N * K),
        evaluate=False,
    ),
    output=L, inputs=[p, t], name="binary_crossentropy", title="binary cross entropy",
    source="Bishop (2006), Pattern Recognition and Machine Learning, eq. 4.90",
)  # fmt: skip

CATEGORICAL_CROSSENTROPY = Formula(
    sp.Eq(L, -Total(t[n, j] * sp.log(p[n, j]), n, j) / N, evaluate=False),
    output=L, inputs=[p, t], name="categorical_crossentropy", title="categorical cross entropy",
    assumptions=[sp.Eq(Total(t[n, j], j), 1, evaluate=False)],
    source="Bishop (2006), Pattern Recognition and Machine Learning, eq. 4.108",
)  # fmt: skip

SPARSE_CATEGORICAL_CROSSENTROPY = Formula(
    sp.Eq(L, -Total(sp.log(p[n, Elem(c, n)]), n) / N, evaluate=False),
    output=L, inputs=[p, c], name="sparse_categorical_crossentropy",
    title="categorical cross entropy with class labels",
    source="Bishop (2006), Pattern Recognition and Machine Learning, eq. 4.108",
)  # fmt: skip

ALL = (
    HALF_SQUARED_ERROR,
    MSE,
    BINARY_CROSSENTROPY,
    CATEGORICAL_CROSSENTROPY,
    SPARSE_CATEGORICAL_CROSSENTROPY,
)
