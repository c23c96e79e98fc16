"""Layers with parameters."""

from __future__ import annotations

import sympy as sp

from symdl.formula import Formula
from symdl.notation.binders import Peak, Total
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import tensors

__all__ = ["ALL", "DENSE", "DENSE_NO_BIAS", "MAXOUT", "pieces"]

n = Index("n", size_of("N"))
i = Index("i", size_of("D"))
j = Index("j", size_of("K"))
x, W, b, y = tensors("x[n,i] W[i,j] b[j] y[n,j]", n, i, j)

DENSE = Formula(
    sp.Eq(y[n, j], Total(x[n, i] * W[i, j], i) + b[j], evaluate=False),
    output=y, inputs=[x],
    domain={x: sp.Reals}, parameters=[W, b], name="dense", title="dense layer",
    source="Goodfellow, Bengio, Courville (2016), Deep Learning, section 6.1",
)  # fmt: skip

DENSE_NO_BIAS = Formula(
    sp.Eq(y[n, j], Total(x[n, i] * W[i, j], i), evaluate=False),
    output=y, inputs=[x],
    domain={x: sp.Reals}, parameters=[W], name="dense_no_bias", title="dense layer without bias",
    source="Goodfellow, Bengio, Courville (2016), Deep Learning, section 6.1",
)  # fmt: skip

q = Index("q", size_of("Q"))
pieces = q.size
V, c, z = tensors("W[i,q,j] b[q,j] z[n,q,j]", n, i, q, j)

MAXOUT = Formula(
    [
        sp.Eq(z[n, q, j], Total(x[n, i] * V[i, q, j], i) + c[q, j], evaluate=False),
        sp.Eq(y[n, j], Peak(z[n, q, j], q), evaluate=False),
    ],
    output=y, inputs=[x],
    domain={x: sp.Reals}, parameters=[V, c], name="maxout", title="maxout layer",
    kinks=["equal pieces: the derivative is that of the first of them"],
    source="Goodfellow, Warde-Farley, Mirza, Courville, Bengio (2013), Maxout Networks, section 3",
)  # fmt: skip

ALL = (DENSE, DENSE_NO_BIAS, MAXOUT)
