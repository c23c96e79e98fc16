"""Which index a delta fixes, and to what."""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr

from symdl.notation.binders import ArgPeak, Binder
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.notation.indices import Bound, Index
from symdl.notation.tensors import Elem
from symdl.notation.walk import free_indices

__all__ = ["finite_outside", "in_axis", "pinned"]


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


def finite_outside(e: Expr, i: Index) -> bool:
    """True if ``e`` stays finite where reads at ``i`` leave the axes and give 0."""
    if i not in free_indices(e):
        return True
    if isinstance(e, (Elem, Index, Bound)):
        return True
    if e.is_Pow and not isinstance(e, sp.exp):
        return bool(e.exp.is_nonnegative) and finite_outside(e.base, i)
    entire = (sp.Add, sp.Mul, sp.exp, sp.tanh, sp.sin, sp.cos, sp.Max, sp.Min, sp.Abs, Binder)
    if isinstance(e, (*entire, Delta, InRange, UnitStep, sp.erf, sp.erfc, sp.sign)):
        return all(finite_outside(a, i) for a in e.args)
    return False
