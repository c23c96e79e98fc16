"""What an expression consists of, and substitution of definitions into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import sympy as sp
from sympy.core.expr import Expr

from symdl.notation.binders import Binder, rename
from symdl.notation.indices import Bound, Index
from symdl.notation.tensors import Elem, TensorSymbol

__all__ = [
    "free_indices", "inline", "is_size", "occurrences", "sizes_of", "substitute", "variables",
]  # fmt: skip


@lru_cache(maxsize=200_000)
def free_indices(e: Expr) -> frozenset[Index]:
    """Return the free indices of ``e``."""
    if isinstance(e, Index):
        return frozenset((e,))
    return frozenset().union(*(free_indices(a) for a in e.args))


def is_size(s: sp.Basic) -> bool:
    """True for a symbol that stands for the size of an axis: a positive whole number."""
    return type(s) is sp.Symbol and bool(s.is_integer and s.is_positive)


@lru_cache(maxsize=200_000)
def sizes_of(e: sp.Basic) -> frozenset[sp.Symbol]:
    """Return the size symbols of ``e``: of its tensors' and indices' axes, and read as numbers."""
    if isinstance(e, TensorSymbol):
        return frozenset().union(*(sizes_of(s) for s in e.axes))
    if isinstance(e, (Index, Bound)):
        return sizes_of(e.size)
    if is_size(e):
        return frozenset((e,))
    return frozenset().union(*(sizes_of(a) for a in e.args))


@lru_cache(maxsize=200_000)
def variables(e: Expr) -> frozenset[sp.Symbol]:
    """Return the tensors and scalar symbols of ``e``, without indices and sizes."""
    if isinstance(e, (Index, Bound)):
        return frozenset()
    if isinstance(e, sp.Symbol):
        return frozenset() if is_size(e) else frozenset((e,))
    return frozenset().union(*(variables(a) for a in e.args))


def occurrences(e: Expr, variable: sp.Symbol) -> set[Expr]:
    """Return the places where ``variable`` is read: elements of it, or the symbol itself."""
    if isinstance(variable, TensorSymbol):
        return {a for a in e.atoms(Elem) if a.tensor == variable}
    return {variable} if variable in variables(e) else set()


def substitute(e: Expr, variable: sp.Symbol, value: Callable[..., Expr]) -> Expr:
    """Replace each element ``variable[a, b]`` in ``e`` by ``value(a, b)``, under binders too."""
    return _map_reads(e, {variable: value})


def inline(e: Expr, definitions: Mapping[Expr, Expr]) -> Expr:
    """Replace variables by their definitions ``{y[n, j]: rhs}`` (elements at free indices)."""
    values: dict[sp.Symbol, Callable[..., Expr]] = {}
    for lhs, rhs in definitions.items():
        if isinstance(lhs, Elem):
            values[lhs.tensor] = lambda *at, lhs=lhs, rhs=rhs: rename(
                rhs, dict(zip(lhs.index, at, strict=True))
            )
        else:
            values[lhs] = lambda rhs=rhs: rhs
    return _map_reads(e, values)


def _map_reads(e: Expr, values: Mapping[sp.Symbol, Callable[..., Expr]]) -> Expr:
    if not (variables(e) & values.keys()):
        return e
    if isinstance(e, Elem):
        at = tuple(_map_reads(a, values) for a in e.index)
        return values[e.tensor](*at) if e.tensor in values else Elem(e.tensor, *at)
    if e in values:
        return values[e]()
    if isinstance(e, Binder):
        body, index = e.open()
        return e.func(_map_reads(body, values), *index)
    return e.func(*(_map_reads(a, values) for a in e.args))
