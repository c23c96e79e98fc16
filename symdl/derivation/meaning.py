"""What a derivative that is written as a symbol stands for, at whatever indices it is written."""

from __future__ import annotations

from collections.abc import Mapping

from sympy.core.expr import Expr

from symdl.calculus.tree import Deriv
from symdl.derivation.shown import plain
from symdl.notation.binders import rename
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem

__all__ = ["meaning_of"]


def meaning_of(e: Deriv, meaning: Mapping[Expr, Expr]) -> Expr | None:
    """The meaning of ``e``, known for other indices perhaps; None where it is not known.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> i, k = indices("i:D k:D")
    >>> x, y = tensors("x[i] y[i]", i)
    >>> meaning_of(Deriv(y[k], x[k]), {Deriv(y[i], x[i]): x[i] ** 2})
    x[k]**2
    """
    for known, value in meaning.items():
        names = _matching(known, e)
        if names is not None:
            return plain(rename(value, names))
    return None


def _matching(known: Expr, e: Deriv) -> dict[Index, Expr] | None:
    """The indices of ``e`` in place of those of a known derivative of the same variables."""
    if not isinstance(known, Deriv) or _bare(known.expr) != _bare(e.expr):
        return None
    if known.variable != e.variable:
        return None
    places = ((known.expr, e.expr), (known.wrt, e.wrt))
    names: dict[Index, Expr] = {}
    for a, b in places:
        pairs = zip(a.index, b.index, strict=True) if isinstance(a, Elem) else ()
        for i, k in pairs:
            if names.setdefault(i, k) != k:
                return None
    return names


def _bare(e: Expr) -> Expr:
    return e.tensor if isinstance(e, Elem) else e
