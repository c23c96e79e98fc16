"""Sums of polynomials over indices: contraction of deltas, and connected components."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp
from sympy.core.expr import Expr

from symdl.notation.binders import ArgPeak, Total, rename
from symdl.notation.indicators import Delta, InRange
from symdl.notation.indices import Bound, Index
from symdl.notation.polynomial import Monomial, Poly, add, constant, monomial_expr, mul, scale
from symdl.notation.tensors import Elem
from symdl.notation.walk import free_indices

__all__ = ["in_axis", "pinned", "sum_over"]

ToPoly = Callable[[Expr], Poly]


def sum_over(p: Poly, index: frozenset[Index], poly: ToPoly) -> Poly:
    """Sum ``p`` over ``index``."""
    out: Poly = {}
    for m, c in p.items():
        out = add(out, scale(_sum_term(m, index, poly), c))
    return out


def _sum_term(m: Monomial, index: frozenset[Index], poly: ToPoly) -> Poly:
    for a, _ in m:
        if isinstance(a, Delta):
            found = pinned(a, index)
            if found is not None:
                i, value = found
                rest = renamed(m - {(a, sp.S.One)}, {i: value}, poly)
                if not in_axis(value, i.size):
                    rest = mul(rest, poly(InRange(value, i.size)))
                return sum_over(rest, index - {i}, poly)
    return _components(m, index, poly)


def pinned(delta: Delta, index: frozenset[Index]) -> tuple[Index, Expr] | None:
    """Find an index of ``index`` that ``delta`` fixes, and the value it fixes it to."""
    e = delta.args[0]
    for i in sorted(free_indices(e) & index, key=lambda i: i.sort_key()):
        c = e.coeff(i)
        if c in (1, -1):
            value = sp.expand(i - c * e)
            if i not in value.free_symbols:
                return i, value
    return None


def in_axis(value: Expr, size: Expr) -> bool:
    """True if ``value`` surely lies within 0 .. size - 1."""
    if isinstance(value, (Index, Bound, ArgPeak)):
        return value.size == size
    if isinstance(value, Elem):
        return value.tensor.labels == size
    return bool(value.is_Integer and size.is_Integer and 0 <= value < size)


def renamed(m: Monomial, new: dict[Index, Expr], poly: ToPoly) -> Poly:
    """Rename indices in a monomial and bring the result back into form."""
    out = constant(sp.S.One)
    for a, e in m:
        fresh = rename(a, new)
        if fresh is a:
            out = mul(out, {frozenset(((a, e),)): sp.S.One})
        elif e.is_Integer and e > 0:
            for _ in range(int(e)):
                out = mul(out, poly(fresh))
        else:
            out = mul(out, poly(fresh**e))
    return out


def _components(m: Monomial, index: frozenset[Index], poly: ToPoly) -> Poly:
    """Split a summed product into factors that share no summed index."""
    groups: list[tuple[set[Index], list[tuple[Expr, Expr]]]] = []
    outer = []
    for a, e in m:
        used = free_indices(a) & index
        if not used:
            outer.append((a, e))
            continue
        near = [g for g in groups if g[0] & used]
        groups = [g for g in groups if not (g[0] & used)]
        groups.append(
            (used.union(*(g[0] for g in near)), [(a, e)] + [f for g in near for f in g[1]])
        )
    out: Poly = {frozenset(outer): sp.S.One}
    unused = index.difference(*(g[0] for g in groups)) if groups else index
    for i in unused:
        out = mul(out, poly(i.size))
    for used, factors in groups:
        whole = Total(monomial_expr(frozenset(factors)), *sorted(used, key=lambda i: i.sort_key()))
        out = mul(out, {frozenset(((whole, sp.S.One),)): sp.S.One})
    return out
