"""Penalties on the weights of a tensor, added to the loss."""

from __future__ import annotations

import sympy as sp

from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import real, tensors

__all__ = ["ALL", "L1", "L1_L2", "L2"]

i, j = Index("i", size_of("D")), Index("j", size_of("K"))
W = tensors("W[i,j]", i, j)
R = real("R")
l1, l2 = sp.symbols("l1 l2", nonnegative=True)

_HUNDREDTH = sp.Rational(1, 100)
_KINK = "W = 0: the derivative of |W| is taken as 0"

L1 = Formula(
    sp.Eq(R, l1 * Total(sp.Abs(W[i, j]), i, j), evaluate=False),
    output=R, parameters=[W], hyper=[(l1, _HUNDREDTH)], name="l1",
    title="sum of absolute weights (lasso)", kinks=[_KINK],
    source="Tibshirani (1996), Regression Shrinkage and Selection via the Lasso",
)  # fmt: skip

L2 = Formula(
    sp.Eq(R, l2 * Total(W[i, j] ** 2, i, j), evaluate=False),
    output=R, parameters=[W], hyper=[(l2, _HUNDREDTH)], name="l2",
    title="sum of squared weights (ridge)",
    source="Hoerl, Kennard (1970), Ridge Regression: Biased Estimation for Nonorthogonal Problems",
)  # fmt: skip

L1_L2 = Formula(
    sp.Eq(
        R,
        l1 * Total(sp.Abs(W[i, j]), i, j) + l2 * Total(W[i, j] ** 2, i, j),
        evaluate=False,
    ),
    output=R, parameters=[W], hyper=[(l1, _HUNDREDTH), (l2, _HUNDREDTH)], name="l1_l2",
    title="absolute and squared weights (elastic net)", kinks=[_KINK],
    source="Zou, Hastie (2005), Regularization and Variable Selection via the Elastic Net",
)  # fmt: skip

ALL = (L1, L2, L1_L2)
