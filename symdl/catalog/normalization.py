"""Normalizations: mean and variance taken away, then a trained scale and shift.

epsilon stands inside the root, beside the variance, and the variance is the mean of the squares
(divided by the count, not by one less), in training and in the running statistics alike: so does
Keras.  PyTorch divides by one less for its running variance.
"""

from __future__ import annotations

import sympy as sp

from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import TensorSymbol, tensors

__all__ = [
    "ALL",
    "BATCH_NORMALIZATION",
    "BATCH_NORMALIZATION_INFERENCE",
    "GROUP_NORMALIZATION",
    "LAYER_NORMALIZATION",
    "RMS_NORMALIZATION",
    "beta",
    "epsilon",
    "gamma",
    "momentum",
    "running_mean",
    "running_var",
]

n = Index("n", size_of("N"))
i = Index("i", size_of("D"))
x, y, a, h = tensors("x[n,i] y[n,i] a[n,i] h[n,i]", n, i)
gamma, beta = tensors("gamma[i] beta[i]", i)
epsilon = sp.Symbol("epsilon", positive=True)
momentum = sp.Symbol("momentum", positive=True)
_EPSILON = sp.Rational(1, 1000)

row_mean = tensors("mu[n]", n)
row_var, row_scale = (TensorSymbol(name, (n.size,), positive=True) for name in ("var", "s"))

LAYER_NORMALIZATION = Formula(
    [
        sp.Eq(row_mean[n], Total(x[n, i], i) / i.size, evaluate=False),
        sp.Eq(a[n, i], x[n, i] - row_mean[n], evaluate=False),
        sp.Eq(row_var[n], Total(a[n, i] ** 2, i) / i.size, evaluate=False),
        sp.Eq(row_scale[n], sp.sqrt(row_var[n] + epsilon), evaluate=False),
        sp.Eq(h[n, i], a[n, i] / row_scale[n], evaluate=False),
        sp.Eq(y[n, i], gamma[i] * h[n, i] + beta[i], evaluate=False),
    ],
    output=y, inputs=[x],
    domain={x: sp.Reals}, parameters=[gamma, beta], hyper=[(epsilon, _EPSILON)],
    name="layer_normalization", title="layer normalization",
    source="Ba, Kiros, Hinton (2016), Layer Normalization, section 3",
)  # fmt: skip

RMS_NORMALIZATION = Formula(
    [
        sp.Eq(row_var[n], Total(x[n, i] ** 2, i) / i.size, evaluate=False),
        sp.Eq(row_scale[n], sp.sqrt(row_var[n] + epsilon), evaluate=False),
        sp.Eq(h[n, i], x[n, i] / row_scale[n], evaluate=False),
        sp.Eq(y[n, i], gamma[i] * h[n, i], evaluate=False),
    ],
    output=y, inputs=[x], domain={x: sp.Reals}, parameters=[gamma], hyper=[(epsilon, _EPSILON)],
    name="rms_normalization", title="root mean square normalization",
    source="Zhang, Sennrich (2019), Root Mean Square Layer Normalization, eq. 4",
)  # fmt: skip

mean = tensors("mu[i]", i)
var, scale = (TensorSymbol(name, (i.size,), positive=True) for name in ("var", "s"))
running_mean, next_mean = tensors("running_mean[i] next_mean[i]", i)
running_var, next_var = (
    TensorSymbol(name, (i.size,), positive=True) for name in ("running_var", "next_var")
)

BATCH_NORMALIZATION = Formula(
    [
        sp.Eq(mean[i], Total(x[n, i], n) / n.size, evaluate=False),
        sp.Eq(a[n, i], x[n, i] - mean[i], evaluate=False),
        sp.Eq(var[i], Total(a[n, i] ** 2, n) / n.size, evaluate=False),
        sp.Eq(scale[i], sp.sqrt(var[i] + epsilon), evaluate=False),
        sp.Eq(h[n, i], a[n, i] / scale[i], evaluate=False),
        sp.Eq(
            next_mean[i], momentum * running_mean[i] + (1 - momentum) * mean[i], evaluate=False
        ),
        sp.Eq(next_var[i], momentum * running_var[i] + (1 - momentum) * var[i], evaluate=False),
        sp.Eq(y[n, i], gamma[i] * h[n, i] + beta[i], evaluate=False),
    ],
    output=y, inputs=[x],
    domain={x: sp.Reals, momentum: sp.Interval.Ropen(0, 1)}, parameters=[gamma, beta],
    state=[(running_mean, next_mean), (running_var, next_var)],
    hyper=[(epsilon, _EPSILON), (momentum, sp.Rational(99, 100))],
    name="batch_normalization", title="batch normalization",
    source="Ioffe, Szegedy (2015), Batch Normalization, algorithms 1 and 2",
)  # fmt: skip

BATCH_NORMALIZATION_INFERENCE = Formula(
    [
        sp.Eq(scale[i], sp.sqrt(running_var[i] + epsilon), evaluate=False),
        sp.Eq(h[n, i], (x[n, i] - running_mean[i]) / scale[i], evaluate=False),
        sp.Eq(y[n, i], gamma[i] * h[n, i] + beta[i], evaluate=False),
    ],
    output=y, inputs=[x, running_mean, running_var],

    domain={x: sp.Reals, running_mean: sp.Reals, running_var: sp.Interval.open(0, sp.oo)},
    parameters=[gamma, beta],
    hyper=[(epsilon, _EPSILON)],
    name="batch_normalization_inference", title="batch normalization by running statistics",
    source="Ioffe, Szegedy (2015), Batch Normalization, algorithm 2",
)  # fmt: skip

g = Index("g", size_of("G"))
c = Index("c", size_of("C"))
p = Index("p", size_of("P"))
X, Y, A, H = tensors("x[n,g,c,p] y[n,g,c,p] a[n,g,c,p] h[n,g,c,p]", n, g, c, p)
Gamma, Beta, group_mean = tensors("gamma[g,c] beta[g,c] mu[n,g]", n, g, c)
group_var, group_scale = (TensorSymbol(s, (n.size, g.size), positive=True) for s in ("var", "s"))

# channels as groups g of channels c: a view of x, no rearrangement; p counts places (pixels)
GROUP_NORMALIZATION = Formula(
    [
        sp.Eq(group_mean[n, g], Total(X[n, g, c, p], c, p) / (c.size * p.size), evaluate=False),
        sp.Eq(A[n, g, c, p], X[n, g, c, p] - group_mean[n, g], evaluate=False),
        sp.Eq(group_var[n, g], Total(A[n, g, c, p] ** 2, c, p) / (c.size * p.size), evaluate=False),
        sp.Eq(group_scale[n, g], sp.sqrt(group_var[n, g] + epsilon), evaluate=False),
        sp.Eq(H[n, g, c, p], A[n, g, c, p] / group_scale[n, g], evaluate=False),
        sp.Eq(Y[n, g, c, p], Gamma[g, c] * H[n, g, c, p] + Beta[g, c], evaluate=False),
    ],
    output=Y, inputs=[X],
    domain={X: sp.Reals}, parameters=[Gamma, Beta], hyper=[(epsilon, _EPSILON)],
    name="group_normalization", title="group normalization",
    source="Wu, He (2018), Group Normalization, section 3",
)  # fmt: skip

ALL = (
    LAYER_NORMALIZATION,
    RMS_NORMALIZATION,
    BATCH_NORMALIZATION,
    BATCH_NORMALIZATION_INFERENCE,
    GROUP_NORMALIZATION,
)
