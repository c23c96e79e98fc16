"""What weights are brought back to after each update: w -> v, the nearest allowed or a scaled one.

They are applied after the update and not differentiated by training.
"""

from __future__ import annotations

import sympy as sp

from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import real, tensors

__all__ = ["ALL", "MAX_NORM", "NON_NEG", "UNIT_NORM", "epsilon", "max_value"]

i, j = Index("i", size_of("D")), Index("j", size_of("K"))
W, V, r, s = tensors("W[i,j] V[i,j] r[j] s[j]", i, j)
w, v = real("w"), real("v")
max_value = sp.Symbol("max_value", positive=True)
epsilon = sp.Symbol("epsilon", positive=True)

_NORM = sp.Eq(r[j], sp.sqrt(Total(W[i, j] ** 2, i)), evaluate=False)
_ZERO = "a column of zeros: it stays one; the derivative of its norm is not defined"

# the divisor is never below 1, and 1 to the last bit where the norm is allowed
MAX_NORM = Formula(
    [
        _NORM,
        sp.Eq(s[j], sp.Max(1, r[j] / max_value), evaluate=False),
        sp.Eq(V[i, j], W[i, j] / s[j], evaluate=False),
    ],
    output=V, inputs=[W], domain={W: sp.Reals}, hyper=[(max_value, sp.Integer(2))],
    name="max_norm", title="largest norm of a column",
    kinks=["a norm of max_value: the derivative is that of the columns left alone", _ZERO],
    source="Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014), Dropout: A Simple "
    "Way to Prevent Neural Networks from Overfitting, section 5.1",
)  # fmt: skip

NON_NEG = Formula(
    sp.Eq(v, sp.Max(0, w)),
    output=v, inputs=[w], domain={w: sp.Reals}, name="non_neg", title="no negative weight",
    kinks=["w = 0: the derivative is taken as 0"],
    source="Lee, Seung (1999), Learning the Parts of Objects by Non-Negative Matrix Factorization",
)  # fmt: skip

UNIT_NORM = Formula(
    [_NORM, sp.Eq(V[i, j], W[i, j] / (epsilon + r[j]), evaluate=False)],
    output=V, inputs=[W], domain={W: sp.Reals}, hyper=[(epsilon, sp.Rational(1, 10**7))],
    name="unit_norm", title="columns of norm 1", kinks=[_ZERO],
    source="Salimans, Kingma (2016), Weight Normalization: A Simple Reparameterization to "
    "Accelerate Training of Deep Neural Networks, eq. 2 with g = 1",
)  # fmt: skip

ALL = (MAX_NORM, NON_NEG, UNIT_NORM)
