"""Activation functions, each one formula y = f(x) of a scalar (softmax: over an axis)."""

from __future__ import annotations

import sympy as sp

from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import TensorSymbol, real, tensors

__all__ = ["ALL", "IDENTITY", "LEAKY_RELU", "RELU", "SIGMOID", "SOFTMAX", "TANH"]

x, y = real("x"), real("y")
slope = real("alpha")

IDENTITY = Formula(
    sp.Eq(y, x), output=y, inputs=[x], name="linear", title="identity",
    source="Bishop (2006), Pattern Recognition and Machine Learning, section 5.1",
)  # fmt: skip

SIGMOID = Formula(
    sp.Eq(y, 1 / (1 + sp.exp(-x))), output=y, inputs=[x], name="sigmoid", title="sigmoid",
    source="Bishop (2006), Pattern Recognition and Machine Learning, eq. 4.59",
)  # fmt: skip

TANH = Formula(
    sp.Eq(y, sp.tanh(x)), output=y, inputs=[x], name="tanh", title="hyperbolic tangent",
    source="LeCun, Bottou, Orr, Mueller (1998), Efficient BackProp, section 4.4",
)  # fmt: skip

RELU = Formula(
    sp.Eq(y, sp.Max(0, x)), output=y, inputs=[x], name="relu", title="rectified linear unit",
    kinks=["x = 0: the derivative is taken as 0"],
    source="Nair, Hinton (2010), Rectified Linear Units Improve Restricted Boltzmann Machines",
)  # fmt: skip

LEAKY_RELU = Formula(
    sp.Eq(y, sp.Piecewise((x, x > 0), (slope * x, True))),
    output=y, inputs=[x], hyper=[(slope, sp.Rational(1, 10))],
    name="leaky_relu", title="leaky rectified linear unit",
    kinks=["x = 0: the derivative is taken as alpha"],
    source="Maas, Hannun, Ng (2013), Rectifier Nonlinearities Improve Neural Network "
    "Acoustic Models",
)  # fmt: skip

n = Index("n", size_of("N"))
j = Index("j", size_of("K"))
z = tensors("z[n,j]", n, j)
e, p = (TensorSymbol(name, (n.size, j.size), positive=True) for name in "ep")
S = TensorSymbol("S", (n.size,), positive=True)

SOFTMAX = Formula(
    [
        sp.Eq(e[n, j], sp.exp(z[n, j]), evaluate=False),
        sp.Eq(S[n], Total(e[n, j], j), evaluate=False),
        sp.Eq(p[n, j], e[n, j] / S[n], evaluate=False),
    ],
    output=p, inputs=[z], name="softmax", title="softmax",
    source="Bridle (1990), Probabilistic Interpretation of Feedforward Classification "
    "Network Outputs",
)  # fmt: skip

ALL = (IDENTITY, SIGMOID, TANH, RELU, LEAKY_RELU, SOFTMAX)
