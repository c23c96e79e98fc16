"""Gradient clipping: a gradient g and a threshold give the gradient that the optimizer reads."""

from __future__ import annotations

import sympy as sp

from symdl.formula import Equation, Formula
from symdl.notation.binders import Total
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import TensorSymbol, tensors

__all__ = ["ALL", "CLIP_BY_GLOBAL_NORM", "CLIP_BY_NORM", "CLIP_BY_VALUE"]

# k counts the elements of one tensor, p those of all tensors, one tensor after the other
k, p = Index("k", size_of("K")), Index("p", size_of("P"))
g, clipped = tensors("g[k] g_clipped[k]", k)
every, every_clipped = tensors("g[p] g_clipped[p]", p)
norm = sp.Symbol("r", nonnegative=True)
factor = sp.Symbol("s", positive=True)
clipvalue, clipnorm, global_clipnorm = sp.symbols(
    "clipvalue clipnorm global_clipnorm", positive=True
)

_ONE = sp.Integer(1)
_ZERO = "g = 0: the norm itself has no derivative there"
_PASCANU = (
    "Pascanu, Mikolov, Bengio (2013), On the difficulty of training recurrent neural networks, "
    "algorithm 1"
)


def _rescaled(
    given: TensorSymbol, result: TensorSymbol, at: Index, threshold: sp.Symbol
) -> list[Equation]:
    """Divide by the norm and multiply by the threshold, where the norm lies above it.

    The threshold is positive, so nothing is divided by 0 where the gradient is 0.
    """
    return [
        Equation(norm, sp.sqrt(Total(given[at] ** 2, at))),
        Equation(factor, threshold / sp.Max(norm, threshold)),
        Equation(result[at], factor * given[at]),
    ]


CLIP_BY_VALUE = Formula(
    sp.Eq(clipped[k], sp.Max(-clipvalue, sp.Min(clipvalue, g[k])), evaluate=False),
    output=clipped, inputs=[g], domain={g: sp.Reals}, hyper=[(clipvalue, _ONE)],
    name="clip_by_value", title="gradient clipping by value",
    kinks=["|g| = clipvalue: the derivative is taken as 0"],
    source="Mikolov (2012), Statistical Language Models Based on Neural Networks",
)  # fmt: skip

CLIP_BY_NORM = Formula(
    _rescaled(g, clipped, k, clipnorm),
    output=clipped, inputs=[g], domain={g: sp.Reals}, hyper=[(clipnorm, _ONE)],
    name="clip_by_norm", title="gradient clipping by the norm of one tensor",
    kinks=["r = clipnorm: the derivative of the factor is taken as 0, as below", _ZERO],
    source=f"{_PASCANU}, taken tensor by tensor",
)  # fmt: skip

CLIP_BY_GLOBAL_NORM = Formula(
    _rescaled(every, every_clipped, p, global_clipnorm),
    output=every_clipped, inputs=[every], domain={every: sp.Reals},
    hyper=[(global_clipnorm, _ONE)],
    name="clip_by_global_norm", title="gradient clipping by the norm of all tensors together",
    kinks=["r = global_clipnorm: the derivative of the factor is taken as 0, as below", _ZERO],
    source=_PASCANU,
)  # fmt: skip

ALL = (CLIP_BY_VALUE, CLIP_BY_NORM, CLIP_BY_GLOBAL_NORM)
