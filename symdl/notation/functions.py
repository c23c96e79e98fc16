"""Functions that exist for running code: equal to a formula, and finite where that is."""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr

__all__ = ["xlogy"]


class xlogy(sp.Function):
    """x log y, and 0 where x = 0 even if y = 0 (its limit)."""

    nargs = 2
    is_real = True

    def meaning(self) -> Expr:
        """The formula it stands for."""
        x, y = self.args
        return x * sp.log(y)
