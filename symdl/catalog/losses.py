"""Losses of predictions against targets, averaged over the N rows of a batch."""

from __future__ import annotations

import sympy as sp

from symdl.catalog import activations
from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import Elem, TensorSymbol, real, tensors

__all__ = [
    "ALL",
    "BINARY_CROSSENTROPY",
    "BINARY_CROSSENTROPY_FROM_LOGITS",
    "CATEGORICAL_CROSSENTROPY",
    "CATEGORICAL_CROSSENTROPY_FROM_LOGITS",
    "HALF_SQUARED_ERROR",
    "HINGE",
    "HUBER",
    "KL_DIVERGENCE",
    "LOG_COSH",
    "MAE",
    "MSE",
    "SPARSE_CATEGORICAL_CROSSENTROPY",
    "SPARSE_CATEGORICAL_CROSSENTROPY_FROM_LOGITS",
]

N, K = size_of("N"), size_of("K")
n, j = Index("n", N), Index("j", K)
y, t, z = tensors("y[n,j] t[n,j] z[n,j]", n, j)
d, h = tensors("d[n,j] h[n,j]", n, j)
p = TensorSymbol("p", (N, K), positive=True)
q = TensorSymbol("t", (N, K), positive=True)
c = TensorSymbol("c", (N,), labels=K)
L = real("L")
delta = sp.Symbol("delta", positive=True)

_UNIT, _OPEN_UNIT = sp.Interval(0, 1), sp.Interval.open(0, 1)

# what the logits are turned into, by the formulas of the activations
_SIGMOID = [sp.Eq(p[n, j], activations.SIGMOID.equations[0].rhs.xreplace({activations.x: z[n, j]}))]
_SOFTMAX = activations.SOFTMAX.equations

HALF_SQUARED_ERROR = Formula(
    sp.Eq(L, Total((t[n, j] - y[n, j]) ** 2, n, j) / (2 * N), evaluate=False),
    output=L, inputs=[y, t],
    domain={y: sp.Reals, t: sp.Reals}, name="half_squared_error", title="half squared error",
    source="Rumelhart, Hinton, Williams (1986), Learning representations by "
    "back-propagating errors",
)  # fmt: skip

MSE = Formula(
    sp.Eq(L, Total((t[n, j] - y[n, j]) ** 2, n, j) / (N * K), evaluate=False),
    output=L, inputs=[y, t],
    domain={y: sp.Reals, t: sp.Reals}, name="mean_squared_error", title="mean squared error",
    source="Bishop (2006), Pattern Recognition and Machine Learning, section 1.1",
)  # fmt: skip

BINARY_CROSSENTROPY = Formula(
    sp.Eq(
        L,
        -Total(t[n, j] * sp.log(p[n, j]) + (1 - t[n, j]) * sp.log(1 - p[n, j]), n, j) / (N * K),
        evaluate=False,
    ),
    output=L, inputs=[p, t],
    domain={p: _OPEN_UNIT, t: _UNIT}, name="binary_crossentropy", title="binary cross entropy",
    source="Bishop (2006), Pattern Recognition and Machine Learning, eq. 4.90",
)  # fmt: skip

CATEGORICAL_CROSSENTROPY = Formula(
    sp.Eq(L, -Total(t[n, j] * sp.log(p[n, j]), n, j) / N, evaluate=False),
    output=L, inputs=[p, t],
    domain={p: _OPEN_UNIT, t: _UNIT},
    name="categorical_crossentropy", title="categorical cross entropy",
    assumptions=[sp.Eq(Total(t[n, j], j), 1, evaluate=False)],
    source="Bishop (2006), Pattern Recognition and Machine Learning, eq. 4.108",
)  # fmt: skip

SPARSE_CATEGORICAL_CROSSENTROPY = Formula(
    sp.Eq(L, -Total(sp.log(p[n, Elem(c, n)]), n) / N, evaluate=False),
    output=L, inputs=[p, c],
    domain={p: _OPEN_UNIT, c: sp.Range(K)}, name="sparse_categorical_crossentropy",
    title="categorical cross entropy with class labels",
    source="Bishop (2006), Pattern Recognition and Machine Learning, eq. 4.108",
)  # fmt: skip

MAE = Formula(
    sp.Eq(L, Total(sp.Abs(y[n, j] - t[n, j]), n, j) / (N * K), evaluate=False),
    output=L, inputs=[y, t],
    domain={y: sp.Reals, t: sp.Reals}, name="mean_absolute_error", title="mean absolute error",
    kinks=["y = t: the derivative is taken as 0"],
    source="Goodfellow, Bengio, Courville (2016), Deep Learning, section 6.2.2.4",
)  # fmt: skip

HUBER = Formula(
    [
        sp.Eq(d[n, j], y[n, j] - t[n, j], evaluate=False),
        sp.Eq(
            h[n, j],
            sp.Piecewise(
                (d[n, j] ** 2 / 2, sp.Abs(d[n, j]) <= delta),
                (delta * (sp.Abs(d[n, j]) - delta / 2), True),
            ),
            evaluate=False,
        ),
        sp.Eq(L, Total(h[n, j], n, j) / (N * K), evaluate=False),
    ],
    output=L, inputs=[y, t],
    domain={y: sp.Reals, t: sp.Reals},
    hyper=[(delta, sp.Integer(1))], name="huber", title="Huber loss",
    kinks=["|y - t| = delta: both sides have the same slope; the second derivative is taken as 1"],
    source="Huber (1964), Robust Estimation of a Location Parameter",
)  # fmt: skip

LOG_COSH = Formula(
    [
        sp.Eq(d[n, j], y[n, j] - t[n, j], evaluate=False),
        sp.Eq(h[n, j], sp.log(sp.cosh(d[n, j])), evaluate=False),
        sp.Eq(L, Total(h[n, j], n, j) / (N * K), evaluate=False),
    ],
    output=L, inputs=[y, t],
    domain={y: sp.Reals, t: sp.Reals}, name="log_cosh", title="logarithm of the hyperbolic cosine",
    source="Green (1990), Bayesian Reconstructions from Emission Tomography Data Using a "
    "Modified EM Algorithm",
)  # fmt: skip

HINGE = Formula(
    sp.Eq(L, Total(sp.Max(0, 1 - t[n, j] * y[n, j]), n, j) / (N * K), evaluate=False),
    output=L, inputs=[y, t],
    domain={y: sp.Reals, t: sp.FiniteSet(-1, 1)},
    name="hinge", title="hinge loss, with targets -1 and 1",
    kinks=["t y = 1: the derivative is taken as 0"],
    source="Cortes, Vapnik (1995), Support-Vector Networks",
)  # fmt: skip

KL_DIVERGENCE = Formula(
    sp.Eq(
        L,
        Total(q[n, j] * sp.log(q[n, j]) - q[n, j] * sp.log(p[n, j]), n, j) / N,
        evaluate=False,
    ),
    output=L, inputs=[p, q],
    domain={p: _OPEN_UNIT, q: _OPEN_UNIT},
    name="kl_divergence", title="Kullback-Leibler divergence",
    source="Kullback, Leibler (1951), On Information and Sufficiency",
)  # fmt: skip

BINARY_CROSSENTROPY_FROM_LOGITS = Formula(
    [*_SIGMOID, *BINARY_CROSSENTROPY.equations],
    output=L, inputs=[z, t], domain={z: sp.Reals, t: _UNIT}, name="binary_crossentropy_from_logits",
    title="binary cross entropy from logits",
    source=BINARY_CROSSENTROPY.source,
)  # fmt: skip

CATEGORICAL_CROSSENTROPY_FROM_LOGITS = Formula(
    [*_SOFTMAX, *CATEGORICAL_CROSSENTROPY.equations],
    output=L, inputs=[z, t],
    domain={z: sp.Reals, t: _UNIT}, name="categorical_crossentropy_from_logits",
    title="categorical cross entropy from logits",
    assumptions=CATEGORICAL_CROSSENTROPY.assumptions,
    source=CATEGORICAL_CROSSENTROPY.source,
)  # fmt: skip

SPARSE_CATEGORICAL_CROSSENTROPY_FROM_LOGITS = Formula(
    [*_SOFTMAX, *SPARSE_CATEGORICAL_CROSSENTROPY.equations],
    output=L, inputs=[z, c],
    domain={z: sp.Reals, c: sp.Range(K)}, name="sparse_categorical_crossentropy_from_logits",
    title="categorical cross entropy from logits with class labels",
    source=SPARSE_CATEGORICAL_CROSSENTROPY.source,
)  # fmt: skip

ALL = (
    HALF_SQUARED_ERROR,
    MSE,
    MAE,
    HUBER,
    LOG_COSH,
    HINGE,
    BINARY_CROSSENTROPY,
    CATEGORICAL_CROSSENTROPY,
    SPARSE_CATEGORICAL_CROSSENTROPY,
    BINARY_CROSSENTROPY_FROM_LOGITS,
    CATEGORICAL_CROSSENTROPY_FROM_LOGITS,
    SPARSE_CATEGORICAL_CROSSENTROPY_FROM_LOGITS,
    KL_DIVERGENCE,
)
