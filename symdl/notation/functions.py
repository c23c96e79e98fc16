"""Functions that exist for running code: equal to a formula, and finite where that is."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.core.expr import Expr

__all__ = ["FAR", "HYPERBOLIC", "by_exponentials", "erfc", "held", "xlogy"]

HYPERBOLIC = (sp.tanh, sp.sinh, sp.cosh, sp.coth, sp.sech, sp.csch)
FAR = sp.Integer(2) ** 100  # in float32 too, and 10^8 times as much


def by_exponentials(e: Expr) -> Expr:
    """A hyperbolic function by its definition; its argument is left alone.

    >>> x = sp.Symbol("x", real=True)
    >>> by_exponentials(sp.sinh(sp.sin(x)))
    exp(sin(x))/2 - exp(-sin(x))/2
    """
    u = sp.Dummy("u", real=True)
    return e.func(u).rewrite(sp.exp).xreplace({u: e.args[0]})


class xlogy(sp.Function):
    """x log y, and 0 where x = 0 even if y = 0 (its limit)."""

    nargs = 2
    is_real = True

    def meaning(self) -> Expr:
        """The formula it stands for."""
        x, y = self.args
        return x * sp.log(y)


class held(sp.Function):
    """z, and FAR where it is more, -FAR where it is less: 0 times that is 0, where 0 inf is nan.

    The second argument says at which end it is held: 1, -1, or 0 for both.

    >>> x = sp.Symbol("x", real=True)
    >>> held(x, -1), held(x, -1).meaning(), held(x, -1).as_run() == sp.Max(x, -FAR)
    (max(x, -2**100), x, True)
    """

    nargs = 2
    is_real = True

    def meaning(self) -> Expr:
        """The formula it stands for."""
        return self.args[0]

    def as_run(self) -> Expr:
        """What is computed."""
        z, end = self.args
        high = z if end == -1 else sp.Min(z, FAR)
        return high if end == 1 else sp.Max(high, -FAR)

    def _sympystr(self, printer: Any) -> str:
        z, end = self.args
        high = printer._print(z) if end == -1 else f"min({printer._print(z)}, 2**100)"
        return high if end == 1 else f"max({high}, -2**100)"


class erfc(sp.Function):
    """1 - erf x for any sign of x: SymPy's own turns erfc(-x) into 2 - erfc(x), which cancels."""

    nargs = 1
    is_real = True
    is_positive = True

    def meaning(self) -> Expr:
        """The formula it stands for."""
        return 1 - sp.erf(self.args[0])

    def _eval_evalf(self, prec: int) -> Expr:
        return sp.erfc(self.args[0])._eval_evalf(prec)
