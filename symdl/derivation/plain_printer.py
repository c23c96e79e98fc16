"""Expressions as plain Unicode text for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy as sp
from sympy.core.expr import Expr
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from symdl.calculus.limit import Lim
from symdl.calculus.tree import Deriv
from symdl.derivation.matrix_forms import Form
from symdl.derivation.matrix_printer import PLAIN_SIGNS, form_text
from symdl.derivation.names import named
from symdl.derivation.order import fraction, terms
from symdl.derivation.shown import (
    Elided,
    ElidedSum,
    Evaluated,
    InPlaceOf,
    Nabla,
    Second,
    Times,
    TotalDeriv,
    is_ordinary,
)
from symdl.notation.binders import Binder, Total
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.notation.tensors import Elem
from symdl.notation.walk import free_indices

__all__ = ["PlainPrinter", "plain_text"]

_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

_RELATIONS = {
    sp.Ne: "≠", sp.Eq: "=", sp.GreaterThan: "≥", sp.LessThan: "≤",
}  # fmt: skip


def plain_text(e: Expr, numbers: Mapping[Expr, str] | None = None) -> str:
    """Print an expression as text; where ``numbers`` are given they stand for their symbols.

    >>> x, y = sp.symbols("x y", real=True)
    >>> plain_text(y * (1 - y)), plain_text(-x**2 / 2)
    ('y·(1 - y)', '-x²/2')
    >>> plain_text(x * y, {x: "2", y: "-3"})
    '2 × (-3)'
    """
    return PlainPrinter(numbers or {}).doprint(e)


class PlainPrinter(StrPrinter):
    """SymPy's text printer with the order and the objects of symdl."""

    def __init__(self, numbers: Mapping[Expr, str]) -> None:
        super().__init__({"order": "none"})
        self._numbers = numbers
        self._taken: frozenset[str] = frozenset()
        self._dot = " × " if numbers else "·"
        self._own: tuple[tuple[type, Callable[..., str]], ...] = (
            (Elem, self._elem),
            (Binder, self._binder),
            (Deriv, self._deriv),
            (Times, self._times),
            (Elided, self._elided),
            (Evaluated, self._evaluated),
            (InPlaceOf, self._in_place),
            (Nabla, self._nabla),
            (Second, self._second),
            (Form, lambda e: form_text(e, self._print, PLAIN_SIGNS)),
            (Delta, self._delta),
            (InRange, self._in_range),
            (UnitStep, self._step),
            (sp.Symbol, lambda e: "".join(c if c.isprintable() else "?" for c in e.name)),
        )

    def doprint(self, expr: Expr) -> str:
        """Print a whole expression; no bound index is called like a free one in it."""
        self._taken = frozenset(i.name for i in free_indices(expr))
        return super().doprint(expr)

    def _print(self, expr: Expr, **kwargs: object) -> str:
        if isinstance(expr, sp.Basic):
            if expr in self._numbers:
                shown = self._numbers[expr]
                return f"({shown})" if shown.startswith("-") else shown
            for kind, show in self._own:
                if isinstance(expr, kind):
                    return show(expr)
        return super()._print(expr, **kwargs)

    def parenthesize(self, item: Expr, level: int, strict: bool = False) -> str:
        """Add brackets round what SymPy takes for an atom and is none."""
        if (
            isinstance(item, (Binder, Deriv, Times, Elided, Evaluated))
            and level >= PRECEDENCE["Pow"]
        ):
            return f"({self._print(item)})"
        return super().parenthesize(item, level, strict=strict)

    def _in_place(self, e: InPlaceOf) -> str:
        return self._print(e.meant if e.meant in self._numbers else e.shown)

    def _nabla(self, e: Nabla) -> str:
        of, at = e.args
        if isinstance(at, Elem):
            index = ",".join(self._print(p) for p in at.index)
            return f"(∇_{at.tensor.name} {self._print(of)})[{index}]"
        return f"∇_{self._print(at)} {self._print(of)}"

    def _second(self, e: Second) -> str:
        of, one, two = (self._print(a) for a in e.args)
        return f"∂²{of}/∂{one}∂{two}^T"

    def _elem(self, e: Elem) -> str:
        return f"{e.tensor.name}[{','.join(self._print(p) for p in e.index)}]"

    def _binder(self, e: Binder) -> str:
        body, index = named(e, self._taken)
        symbol = "Σ" if isinstance(e, Total) else e.symbol
        outside, self._taken = self._taken, self._taken | {i.name for i in index}
        shown = self._print(body)
        self._taken = outside
        if body.is_Add or body.could_extract_minus_sign():
            shown = f"({shown})"
        return f"{symbol}[{','.join(i.name for i in index)}] {shown}"

    def _deriv(self, e: Deriv) -> str:
        d = "d" if isinstance(e, TotalDeriv) or is_ordinary(e) else "∂"
        over, under = self._print(e.expr), self._print(e.wrt)
        if isinstance(e.expr, (sp.Symbol, Elem)):
            return f"{d}{over}/{d}{under}"
        return f"{d}/{d}{under} [{over}]"

    def _times(self, e: Times) -> str:
        first, *rest = (self._factor(f) for f in e.args)
        inside = (f"({f})" if f.startswith("-") else f for f in rest)
        return (" × " if self._numbers else " · ").join((first, *inside))

    def _elided(self, e: Elided) -> str:
        show = self._print if isinstance(e, ElidedSum) else self._factor
        return e.written(show, self._dot, "…")

    def _evaluated(self, e: Evaluated) -> str:
        body, variable, value = (self._print(a) for a in e.args)
        return f"{body}|{{{variable} = {value}}}"

    def _delta(self, e: Delta) -> str:
        found = e.args[0].as_coefficients_dict()
        if len(found) == 2 and sorted(found.values()) == [-1, 1] and 1 not in found:
            return "δ[" + ",".join(sorted(self._print(t) for t in found)) + "]"
        return f"[{self._print(e.args[0])} = 0]"

    def _in_range(self, e: InRange) -> str:
        inside, size = (self._print(a) for a in e.args)
        return f"[0 ≤ {inside} < {size}]"

    def _step(self, e: UnitStep) -> str:
        sign = "≥" if e.at_zero == 1 else ">"
        half = "" if e.at_zero in (0, 1) else f"{{at 0: {self._print(e.at_zero)}}}"
        return f"[{self._print(e.args[0])} {sign} 0]{half}"

    def _print_Add(self, e: Expr, order: object = None) -> str:
        shown = ""
        for negative, t in terms(e):
            text = f"({self._print(t)})" if t.is_Add or isinstance(t, Lim) else self._print(t)
            turned = isinstance(t, Times) and text.startswith("-")
            minus = negative != turned
            sign = ("-" if minus else "") if not shown else (" - " if minus else " + ")
            shown += sign + text.removeprefix("-" if turned else "")
        return shown

    def _print_Mul(self, e: Expr) -> str:
        f = fraction(e)
        p, q = f.coefficient.p, f.coefficient.q
        last = [a for a in f.above if isinstance(a, (Binder, sp.Piecewise))]
        above = ([sp.Integer(p)] if p != 1 else []) + [a for a in f.above if a not in last]
        below = ([sp.Integer(q)] if q != 1 else []) + list(f.below)
        shown = self._joined(above)
        if below:
            under = self._joined(below)
            under = f"({under})" if len(below) > 1 else under
            shown = f"{shown or '1'}/{under}"
        tail = self._joined(last)
        return ("-" if f.negative else "") + shown + (self._dot if shown and tail else "") + tail

    def _joined(self, found: list[Expr]) -> str:
        return self._dot.join(self._factor(f) for f in found)

    def _factor(self, f: Expr) -> str:
        shown = self._print(f)
        open_end = (
            f.is_Add or isinstance(f, (Times, Elided, Lim)) or (f.is_number and f.is_negative)
        )
        return f"({shown})" if open_end else shown

    def _print_Pow(self, e: Expr, rational: bool = False) -> str:
        base, exp = e.args
        if exp.is_Rational and exp < 0:
            under = base ** (-exp)
            shown = self._print(under)
            return f"1/({shown})" if under.is_Mul or under.is_Add else f"1/{shown}"
        if exp == sp.Rational(1, 2):
            return f"√({self._print(base)})"
        bracketed = self.parenthesize(base, PRECEDENCE["Pow"])
        if exp.is_Integer:
            return bracketed + str(exp).translate(_SUPERSCRIPT)
        return f"{bracketed}^({self._print(exp)})"

    def _print_Relational(self, e: sp.Rel) -> str:
        left, right = (self._print(a) for a in e.args)
        return f"{left} {_RELATIONS.get(type(e), e.rel_op)} {right}"

    def _print_Piecewise(self, e: sp.Piecewise) -> str:
        cases = [
            f"{self._print(v)} " + ("otherwise" if c == sp.true else f"if {self._print(c)}")
            for v, c in e.args
        ]
        return "{" + "; ".join(cases) + "}"
