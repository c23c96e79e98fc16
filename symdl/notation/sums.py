"""Sums of polynomials over indices: contraction of deltas, and connected components."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp
from sympy.core.expr import Expr

from symdl.notation.binders import Total
from symdl.notation.deltas import finite_outside, in_axis, pinned
from symdl.notation.indicators import Delta, InRange
from symdl.notation.indices import Index
from symdl.notation.polynomial import Monomial, Poly, add, monomial_expr, mul, renamed, scale
from symdl.notation.walk import free_indices

__all__ = ["sum_over"]


def sum_over(p: Poly, index: frozenset[Index], poly: Callable[[Expr], Poly]) -> Poly:
    """Sum ``p`` over ``index``."""
    out: Poly = {}
    for m, c in p.items():
        out = add(out, scale(_sum_term(m, index, poly), c))
    return out


def _sum_term(m: Monomial, index: frozenset[Index], poly: Callable[[Expr], Poly]) -> Poly:
    for a, _ in m:
        if isinstance(a, Delta):
            found = pinned(a, index)
            if found is not None:
                i, value = found
                others = m - {(a, sp.S.One)}
                inside = in_axis(value, i.size)
                if not (inside or finite_outside(monomial_expr(others), i)):
                    continue
                rest = renamed(others, {i: value}, poly)
                if not inside:
                    rest = mul(rest, poly(InRange(value, i.size)))
                return sum_over(rest, index - {i}, poly)
    return _components(m, index, poly)


def _components(m: Monomial, index: frozenset[Index], poly: Callable[[Expr], Poly]) -> Poly:
    """Split a summed product into factors that share no summed index."""
    groups: list[tuple[frozenset[Index], list[tuple[Expr, Expr]]]] = []
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
    for i in index.difference(*(g[0] for g in groups)):
        out = mul(out, poly(i.size))
    for used, factors in groups:
        whole = Total(monomial_expr(frozenset(factors)), *sorted(used, key=lambda i: i.sort_key()))
        out = mul(out, {frozenset(((whole, sp.S.One),)): sp.S.One})
    return out
