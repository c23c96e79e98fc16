"""The logarithm of a sum whose largest terms are 1, exact where the other terms are tiny.

largest = floor e                    1 where a term of S = sum e is 1, else 0
ties = sum largest - 1               a whole number, so nothing is rounded
rest = sum (e - largest) + ties      S - 1, which a sum with the 1 in it would round away
log S = log1p rest,  S = 1 + rest
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy as sp
from sympy.codegen.cfunctions import log1p
from sympy.core.expr import Expr

from symdl.formula import Equation
from symdl.notation.binders import Total
from symdl.notation.tensors import Elem, TensorSymbol

__all__ = ["with_exact_logs"]

NewName = Callable[[str], str]


def with_exact_logs(
    equations: Sequence[Equation], term: Equation, total: Equation, new_name: NewName
) -> list[Equation]:
    """Write log S as log1p(S - 1) where the equations read it; ``total`` is S = sum of ``term``.

    ``term`` is e = exp(u) with u <= 0; the equations come back as they are if none reads log S.
    """
    if not any(_is_log(a, total) for e in equations for a in e.rhs.atoms(sp.log)):
        return list(equations)
    largest = Elem(TensorSymbol(new_name("largest"), term.variable.axes), *term.index)
    ties, rest = (_like(total.lhs, new_name(name)) for name in ("ties", "rest"))
    (axis,) = set(term.index) - set(total.index)
    parts = [
        Equation(largest, sp.floor(term.lhs)),
        Equation(ties, Total(largest, axis) - 1),
        Equation(rest, Total(term.lhs - largest, axis) + ties),
        Equation(total.lhs, 1 + rest),
    ]
    out: list[Equation] = []
    for e in equations:
        out += parts if e == total else [Equation(e.lhs, _with_log1p(e.rhs, total, rest))]
    return out


def _is_log(e: Expr, total: Equation) -> bool:
    """Whether ``e`` is the logarithm of the sum, at any indices."""
    if not isinstance(e, sp.log):
        return False
    inner = e.args[0]
    return bool((inner.tensor if isinstance(inner, Elem) else inner) == total.variable)


def _with_log1p(e: Expr, total: Equation, rest: Expr) -> Expr:
    def changed(log: Expr) -> Expr:
        inner = log.args[0]
        return log1p(Elem(rest.tensor, *inner.index) if isinstance(inner, Elem) else rest)

    return e.replace(lambda a: _is_log(a, total), changed)


def _like(place: Expr, name: str) -> Expr:
    if isinstance(place, Elem):
        return Elem(TensorSymbol(name, place.tensor.axes), *place.index)
    return sp.Symbol(name, real=True)
