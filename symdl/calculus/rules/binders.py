"""Sums and maxima over an index."""

from __future__ import annotations

from sympy.core.expr import Expr

from symdl.calculus.tree import Deriv, Expansion, Rule
from symdl.notation.binders import ArgPeak, Peak, Total, rename

__all__ = ["MaxOverIndex", "SumOverIndex"]


class SumOverIndex(Rule):
    """(sum_i f_i)' = sum_i f_i'."""

    name = "sum over an index"

    def expand(self, d: Deriv) -> Expansion | None:
        if not isinstance(d.expr, Total):
            return None
        body, index = d.expr.open()
        return Expansion((Deriv(body, d.wrt),), lambda r: Total(r, *index))


class MaxOverIndex(Rule):
    """(max_k f_k)' = f_k' at k = argmax (the first place, where there are several)."""

    name = "maximum over an index"

    def expand(self, d: Deriv) -> Expansion | None:
        if not isinstance(d.expr, Peak):
            return None
        body, index = d.expr.open()
        place = ArgPeak(body, *index)

        def build(r: Expr) -> Expr:
            return rename(r, {index[0]: place})

        return Expansion((Deriv(body, d.wrt),), build)
