"""Indicators: expressions that are 0 or 1."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import Mismatch, NotSupported
from symdl.notation.indices import Bound, Index

__all__ = ["Delta", "InRange", "UnitStep"]


class _Indicator(Expr):
    is_commutative = True
    is_real = True
    is_nonnegative = True
    __slots__ = ()

    def _eval_derivative(self, s: Expr) -> Expr:
        raise NotSupported("SymPy's diff does not know indicators; use symdl.derive")


def _check_axes(e: Expr) -> None:
    """Refuse to compare two indices that run over different axes."""
    terms = e.as_coefficients_dict()
    plain = [t for t in terms if isinstance(t, (Index, Bound))]
    if len(terms) == len(plain) == 2 and plain[0].size != plain[1].size:
        a, b = plain
        raise Mismatch(
            f"index {a.name} runs over size {a.size}, but index {b.name} over size {b.size}: "
            "they cannot be compared"
        )


class Delta(_Indicator):
    """[e = 0] for one affine integer argument; ``Delta(i - j)`` is Kronecker's delta.

    >>> Delta(0), Delta(2)
    (1, 0)
    """

    is_integer = True
    __slots__ = ()

    def __new__(cls, e: Any) -> Expr:
        e = sp.sympify(e, strict=True)
        if e.is_Integer:
            return sp.S.One if e == 0 else sp.S.Zero
        _check_axes(e)
        if e.could_extract_minus_sign():
            e = -e
        return Expr.__new__(cls, e)

    def _sympystr(self, printer: Any) -> str:
        return f"Delta({printer._print(self.args[0])})"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        terms = self.args[0].as_coefficients_dict()
        if len(terms) == 2 and sorted(terms.values()) == [-1, 1]:
            pair = sorted(terms, key=lambda t: (-terms[t], str(t)))
            left, right = sorted(printer._print(t) for t in pair)
            shown = rf"\delta_{{{left} {right}}}"
        else:
            shown = rf"[{printer._print(self.args[0])} = 0]"
        return shown if exp is None else f"{{{shown}}}^{{{exp}}}"


class InRange(_Indicator):
    """[0 <= e < size] for an integer expression and a size."""

    is_integer = True
    __slots__ = ()

    def __new__(cls, e: Any, size: Any) -> Expr:
        e, size = sp.sympify(e, strict=True), sp.sympify(size, strict=True)
        if getattr(e, "size", None) == size:
            return sp.S.One
        if e.is_Integer and (e < 0 or size.is_Integer):
            return sp.S.One if 0 <= e < size else sp.S.Zero
        return Expr.__new__(cls, e, size)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        e, size = (printer._print(a) for a in self.args)
        return rf"[0 \le {e} < {size}]"


class UnitStep(_Indicator):
    """[z > 0], and ``at_zero`` at z = 0: the derivative of max(0, z) with its stated convention.

    >>> UnitStep(3, 0), UnitStep(0, sp.Rational(1, 2))
    (1, 1/2)
    """

    __slots__ = ()

    def __new__(cls, z: Any, at_zero: Any = 0) -> Expr:
        z, at_zero = sp.sympify(z, strict=True), sp.sympify(at_zero, strict=True)
        if z.is_Number and z is not sp.nan:
            return sp.S.One if z > 0 else sp.S.Zero if z < 0 else at_zero
        return Expr.__new__(cls, z, at_zero)

    @property
    def at_zero(self) -> Expr:
        """The value chosen at the kink."""
        return self.args[1]

    def _sympystr(self, printer: Any) -> str:
        return f"step({', '.join(printer._print(a) for a in self.args)})"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        sign = r"\ge" if self.at_zero == 1 else ">"
        half = "" if self.at_zero in (0, 1) else rf"_{{{printer._print(self.at_zero)}}}"
        shown = rf"[{printer._print(self.args[0])} {sign} 0]{half}"
        return shown if exp is None else f"{{{shown}}}^{{{exp}}}"
