"""Contraction: sums over deltas are carried out, and nothing else is changed."""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr

from symdl.notation.binders import Binder, Total, rename
from symdl.notation.deltas import finite_outside, in_axis, pinned
from symdl.notation.indicators import Delta, InRange
from symdl.notation.indices import Index
from symdl.notation.walk import free_indices

__all__ = ["contract", "sum_contracted"]


def contract(e: Expr) -> Expr:
    """Carry out sums over deltas, and move factors without the summed index in front of the sum.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> i, k = indices("i:D k:D")
    >>> z = tensors("z[i]", i)
    >>> contract(Total(Delta(i - k) * z[i], i))
    z[k]
    """
    if not e.args or not e.has(Delta, Total):
        return e
    if isinstance(e, Total):
        body, index = e.open()
        return sum_contracted(contract(body), index)
    if isinstance(e, Binder):
        body, index = e.open()
        return e.func(contract(body), *index)
    if isinstance(e, sp.Piecewise):
        return _common_deltas([(contract(v), c) for v, c in e.args])
    return e.func(*(contract(a) for a in e.args))


def _common_deltas(cases: list[tuple[Expr, Expr]]) -> Expr:
    """Move deltas that all cases share (a case 0 shares any) in front of the cases."""
    present = [set(sp.Mul.make_args(v)) for v, _ in cases if v != 0]
    shared = {d for d in set.intersection(*present) if isinstance(d, Delta)} if present else set()
    front = sp.Mul(*shared)
    return front * sp.Piecewise(*((v / front, c) for v, c in cases))


def sum_contracted(body: Expr, index: tuple[Index, ...]) -> Expr:
    """Sum a contracted body over ``index``."""
    terms = _terms(body, frozenset(index))
    return sp.Add(*(_sum_term(t, frozenset(index)) for t in terms))


def _terms(e: Expr, index: frozenset[Index]) -> list[Expr]:
    """Write ``e`` as a sum of products, multiplied out only where a delta must come free."""
    if e.is_Add:
        if not _delta_inside(e, index):
            return [e]
        return [t for a in e.args for t in _terms(a, index)]
    if e.is_Mul:
        sums = [a for a in e.args if a.is_Add and _delta_inside(a, index)]
        if sums:
            rest = sp.Mul(*(a for a in e.args if a is not sums[0]))
            return [t for a in sums[0].args for t in _terms(a * rest, index)]
    return [e]


def _delta_inside(e: Expr, index: frozenset[Index]) -> bool:
    return any(free_indices(d) & index for d in e.atoms(Delta))


def _sum_term(term: Expr, index: frozenset[Index]) -> Expr:
    factors = sp.Mul.make_args(term)
    for d in factors:
        found = pinned(d, index) if isinstance(d, Delta) else None
        if found is not None:
            i, value = found
            rest = sp.Mul(*(f for f in factors if f is not d))
            inside = in_axis(value, i.size)
            if not (inside or finite_outside(rest, i)):
                continue
            rest = rename(rest, {i: value})
            if not inside:
                rest *= InRange(value, i.size)
            return sum_contracted(rest, tuple(index - {i}))
    outer = sp.Mul(*(f for f in factors if not (free_indices(f) & index)))
    inner = sp.Mul(*(f for f in factors if free_indices(f) & index))
    used = index & free_indices(inner)
    for i in index - used:
        outer *= i.size
    return outer * Total(inner, *sorted(used, key=lambda i: i.sort_key())) if used else outer
