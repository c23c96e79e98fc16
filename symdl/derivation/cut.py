"""Expressions that are too long to be read, with their middle left out."""

from __future__ import annotations

import itertools

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.tree import Deriv
from symdl.derivation.shown import Elided, ElidedProduct, ElidedSum
from symdl.notation.binders import Binder
from symdl.notation.tensors import Elem

__all__ = ["MOST_PARTS", "cut", "parts_of"]

MOST_PARTS = 600  # symbols, numbers and operations: what has more is shown with its middle left out
_WHOLE = 40  # parts: what has no more is shown as it is
_EDGE = 3  # terms at the start of a long sum, and its last one
_DEEPEST = 4  # levels below which a long part is dots alone


def parts_of(e: Expr, most: int = 10**9) -> int:
    """How many symbols, numbers and operations ``e`` has, counted up to ``most``."""
    return sum(1 for _ in itertools.islice(sp.preorder_traversal(e), most))


def cut(e: Expr, deep: int = _DEEPEST) -> Expr:
    """The expression with the middle of its long sums and products left out; to be shown only.

    >>> cut(sp.Add(*(k * sp.exp(s) for k, s in enumerate(sp.symbols("a1:99"), 2)))).args[-1]
    99*exp(a98)
    """
    if isinstance(e, (sp.Symbol, Elem)) or parts_of(e, _WHOLE + 1) <= _WHOLE:
        return e
    if deep == 0:
        return Elided()
    if isinstance(e, Deriv):
        return e.func(cut(e.expr, deep - 1), e.wrt)
    if isinstance(e, Binder):
        body, index = e.open()
        return e.func(cut(body, deep - 1), *index)
    if isinstance(e, sp.Piecewise):
        return sp.Piecewise(*((cut(v, deep - 1), c) for v, c in e.args))
    args = e.args
    if (e.is_Add or e.is_Mul) and len(args) > _EDGE + 2:
        kept = (cut(a, deep - 1) for a in (*args[:_EDGE], args[-1]))
        return (ElidedSum if e.is_Add else ElidedProduct)(*kept)
    return e.func(*(cut(a, deep - 1) for a in args))
