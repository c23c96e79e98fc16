"""Noise for training: elements left out at random, or normal noise added; y has the mean x.

``u`` is drawn uniformly from 0 <= u < 1 and ``z`` from the standard normal distribution, anew for
every element.
"""

from __future__ import annotations

import sympy as sp

from symdl.formula import Formula
from symdl.notation.indicators import UnitStep
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import tensors

__all__ = ["ALL", "DROPOUT", "GAUSSIAN_NOISE", "normal", "rate", "stddev", "uniform"]

n = Index("n", size_of("N"))
i = Index("i", size_of("D"))
x, y, uniform, normal = tensors("x[n,i] y[n,i] u[n,i] z[n,i]", n, i)
rate, stddev = sp.symbols("rate sigma", nonnegative=True)

_BELOW_ONE = sp.Interval.Ropen(0, 1)

DROPOUT = Formula(
    sp.Eq(y[n, i], x[n, i] * UnitStep(uniform[n, i] - rate, 1) / (1 - rate), evaluate=False),
    output=y, inputs=[x], domain={x: sp.Reals, uniform: _BELOW_ONE, rate: _BELOW_ONE},
    random=[uniform], hyper=[(rate, sp.Rational(1, 2))],
    name="dropout", title="dropout, inverted scaling",
    kinks=["u = rate: the element is kept; there is no kink in x"],
    source="Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014), Dropout: A Simple "
    "Way to Prevent Neural Networks from Overfitting, sections 4 and 10",
)  # fmt: skip

GAUSSIAN_NOISE = Formula(
    sp.Eq(y[n, i], x[n, i] + stddev * normal[n, i], evaluate=False),
    output=y, inputs=[x],
    domain={x: sp.Reals}, random=[normal], hyper=[(stddev, sp.Rational(1, 10))],
    name="gaussian_noise", title="Gaussian noise",
    source="Bishop (1995), Training with Noise is Equivalent to Tikhonov Regularization",
)  # fmt: skip

ALL = (DROPOUT, GAUSSIAN_NOISE)
