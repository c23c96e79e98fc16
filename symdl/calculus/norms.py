"""The norm of a tensor, so written that the squares of its elements do not overflow."""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr

from symdl.formula import Equation
from symdl.notation.binders import Peak, Total, loose
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import free_indices

__all__ = ["with_scaled_norms"]

# the scale of a tensor whose elements are all smaller; its inverse is far from overflow in float32
_SMALLEST = sp.Rational(1, 2**60)


def with_scaled_norms(e: Equation, names: set[str]) -> tuple[list[Equation], dict[Expr, Expr]]:
    """sqrt(sum b^2) as c sqrt(sum u^2) for u = b/c and c = max(|b|, 2^-60).

    Returns the equations of c and u and then ``e``, and the definitions of all u: with them the new
    form is equal to the old one for any c > 0.  The new names are added to ``names``.
    """
    more: list[Equation] = []
    quotients: dict[Expr, Expr] = {}
    here: dict[Expr, Expr] = {}
    for root in sorted(e.rhs.atoms(sp.Pow), key=str):
        opened = _summed_square(root)
        if opened is None:
            continue
        b, index = opened
        top: Expr = sp.Abs(b)
        for i in index:
            top = Peak(top, i)
        free = tuple(sorted(free_indices(root), key=lambda i: i.sort_key()))
        scale, scaled = _new("scale", free, names, True), _new("scaled", (*free, *index), names)
        quotients[scaled] = b / scale
        more += [Equation(scale, sp.Max(_SMALLEST, top)), Equation(scaled, b / scale)]
        here[root] = scale * sp.sqrt(Total(scaled**2, *index))
    return [*more, Equation(e.lhs, e.rhs.xreplace(here))] if here else [e], quotients


def _summed_square(root: Expr) -> tuple[Expr, tuple[Index, ...]] | None:
    """b and the indices, if ``root`` is sqrt(sum b^2)."""
    total = root.base
    if root.exp != sp.S.Half or not isinstance(total, Total) or loose(total):
        return None
    body, index = total.named()
    if not (body.is_Pow and body.exp == 2 and body.base.is_real):
        return None
    return body.base, index


def _new(name: str, index: tuple[Index, ...], names: set[str], positive: bool = False) -> Expr:
    while name in names:
        name += "_"
    names.add(name)
    if index:
        return Elem(TensorSymbol(name, tuple(i.size for i in index), positive), *index)
    return sp.Symbol(name, positive=True) if positive else sp.Symbol(name, real=True)
