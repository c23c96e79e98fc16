"""Expressions that exist to be shown: products in a given order, a derivative taken at a place.

They are written, not calculated with; ``plain`` gives the expression that they stand for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.tree import Deriv
from symdl.notation.binders import Binder
from symdl.notation.tensors import Elem

__all__ = [
    "Elided",
    "ElidedProduct",
    "ElidedSum",
    "Evaluated",
    "InPlaceOf",
    "Nabla",
    "Second",
    "Times",
    "TotalDeriv",
    "is_ordinary",
    "plain",
]


class _Shown(Expr):
    is_commutative = True
    is_real = True
    __slots__ = ()


class Times(_Shown):
    """A product whose factors keep their order; equal factors stay apart.

    >>> x, y = sp.symbols("x y", real=True)
    >>> Times(y, x).args, plain(Times(y, x))
    ((y, x), x*y)
    """

    __slots__ = ()

    def __new__(cls, *factors: Expr) -> Expr:
        factors = tuple(f for f in factors if f != 1)
        if len(factors) < 2:
            return factors[0] if factors else sp.S.One
        return Expr.__new__(cls, *factors)


class Evaluated(_Shown):
    """``e`` at ``variable = value``, as in d/du [exp(u)] at u = -x."""

    __slots__ = ()

    def __new__(cls, e: Expr, variable: sp.Symbol, value: Expr) -> Expr:
        return Expr.__new__(cls, e, variable, value)


class InPlaceOf(_Shown):
    """What is shown in place of what is meant: another way of writing the same value."""

    __slots__ = ()

    @property
    def shown(self) -> Expr:
        """What is written."""
        return self.args[0]

    @property
    def meant(self) -> Expr:
        """What is calculated with."""
        return self.args[1]

    def _sympystr(self, printer: Any) -> str:
        return str(printer._print(self.shown))


class Elided(_Shown):
    """The first parts of something long and the last one; without parts, dots alone."""

    __slots__ = ()

    def written(self, show: Callable[[Expr], str], between: str, dots: str) -> str:
        """The parts, dots in place of what was left out."""
        parts = [show(a) for a in self.args]
        return between.join([*parts[:-1], dots, *parts[-1:]])


class ElidedSum(Elided):
    """A sum whose middle was left out."""

    __slots__ = ()

    def written(self, show: Callable[[Expr], str], between: str, dots: str) -> str:
        """The terms, each with its sign."""
        return super().written(show, " + ", dots).replace(" + -", " - ")


class ElidedProduct(Elided):
    """A product whose middle was left out."""

    __slots__ = ()


class Nabla(_Shown):
    """The gradient of ``e`` for ``wrt``, or an element of it."""

    __slots__ = ()

    def __new__(cls, e: Expr, wrt: Expr) -> Expr:
        return Expr.__new__(cls, e, wrt)

    def _sympystr(self, printer: Any) -> str:
        return f"nabla[{', '.join(printer._print(a) for a in reversed(self.args))}]"


class Second(_Shown):
    """The second derivative of ``e``: the Hessian as a matrix."""

    __slots__ = ()

    def __new__(cls, e: Expr, one: Expr, two: Expr) -> Expr:
        return Expr.__new__(cls, e, one, two)


class TotalDeriv(Deriv):
    """The derivative along all paths, where a partial derivative of the same name is also shown."""

    __slots__ = ()


def is_ordinary(d: Deriv) -> bool:
    """True for a derivative of what reads a single variable, written d/dx rather than with ∂."""
    if isinstance(d.expr, (sp.Symbol, Elem)):
        return isinstance(d.expr, sp.Symbol) and d.expr == d.wrt
    return not d.expr.has(Elem) and d.expr.free_symbols <= {d.wrt}


def plain(e: Expr) -> Expr:
    """Return the expression that a shown one stands for."""
    if not e.has(_Shown):
        return e
    if isinstance(e, InPlaceOf):
        return plain(e.meant)
    if isinstance(e, Binder):
        body, index = e.open()
        return e.func(plain(body), *index)
    args = tuple(plain(a) for a in e.args)
    if isinstance(e, Times):
        return sp.Mul(*args)
    if isinstance(e, Evaluated):
        return args[0].subs(args[1], args[2])
    return e.func(*args)
