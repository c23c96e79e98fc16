"""Single operations and scalar expressions as C text."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp
from sympy.core.expr import Expr
from sympy.printing.c import C99CodePrinter

from symdl.backends.c_math import C_FUNCTIONS
from symdl.backends.scalars import log_text, number_text
from symdl.errors import NotSupported

__all__ = ["HELPERS", "CScalarPrinter", "c_number", "operation", "size_text"]

# F(name) is the C library's function for the type ``real``
HELPERS = """\
static inline real maximum_real(real a, real b) {
    return (a > b) | (a != a) ? a : b;
}
static inline real minimum_real(real a, real b) {
    return (a < b) | (a != a) ? a : b;
}
static inline double maximum(double a, double b) {
    return (a > b) | (a != a) ? a : b;
}
static inline double minimum(double a, double b) {
    return (a < b) | (a != a) ? a : b;
}
"""

_OPERATIONS = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "negative": "-{0}",
    "square": "{0} * {0}",
    "copy": "{0}",
    "absolute": "F(fabs)({0})",
    "sqrt": "F(sqrt)({0})",
    "power": "F(pow)({0}, {1})",
    "maximum": "maximum_real({0}, {1})",
    "minimum": "minimum_real({0}, {1})",
    "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}",
    "less": "{0} < {1}",
    "less_equal": "{0} <= {1}",
    "equal": "{0} == {1}",
    "not_equal": "{0} != {1}",
    "logical_and": "{0} & {1}",
    "logical_or": "{0} | {1}",
    "logical_not": "!{0}",
    "where": "{0} ? {1} : {2}",
    "heaviside": "{0} > 0 ? 1 : {0} < 0 ? 0 : {0} == 0 ? {1} : {0}",
    "sign": "{0} > 0 ? 1 : {0} < 0 ? -1 : {0}",
    "arcsin": "F(asin)({0})",
    "arccos": "F(acos)({0})",
    "arctan": "F(atan)({0})",
    "arcsinh": "F(asinh)({0})",
    "arccosh": "F(acosh)({0})",
    "arctanh": "F(atanh)({0})",
    "arctan2": "F(atan2)({0}, {1})",
}
_LIBRARY = (
    "cos", "cosh", "erf", "erfc", "exp2", "floor", "ceil", "hypot", "log10", "log2", "sin", "sinh",
    "tan",
)  # fmt: skip


def operation(name: str, args: list[str], used: set[str]) -> str:
    """Return one operation on values of type ``real``; ``used`` collects functions of c_math.

    >>> operation("square", ["z"], set()), operation("tanh", ["z"], set())
    ('z * z', 'tanh_real(z)')
    """
    if name in C_FUNCTIONS:
        used.add(name)
        return f"{name}_real({args[0]})"
    if name in _LIBRARY:
        return f"F({name})({', '.join(args)})"
    if name not in _OPERATIONS:
        raise NotSupported(f"the compiled backend has no {name}")
    return _OPERATIONS[name].format(*args)


def c_number(e: Expr) -> str:
    """Return a number as a C literal of type double.

    >>> c_number(sp.Rational(1, 4)), c_number(sp.oo)
    ('0.25', 'INFINITY')
    """
    if e is sp.nan:
        return "NAN"
    if e in (sp.oo, -sp.oo):
        return "INFINITY" if e == sp.oo else "(-INFINITY)"
    text = number_text(e)
    return f"({text})" if text.startswith("-") else text


def size_text(e: Expr, names: Mapping[sp.Symbol, str], numbers: Mapping[sp.Symbol, int]) -> str:
    """Return a size as C text of type long: a number where it is known."""
    if e in numbers:
        return str(numbers[e])
    value = sp.sympify(e, strict=True)
    known = {s: sp.Integer(numbers[s]) for s in value.free_symbols if s in numbers}
    value = value.xreplace(known)
    if value.is_Integer:
        return str(int(value))
    if isinstance(value, sp.Symbol):
        return names[value]
    if all(a.is_Integer or isinstance(a, sp.Symbol) for a in value.args) and value.is_Mul:
        return "(" + " * ".join(size_text(a, names, numbers) for a in value.args) + ")"
    inner = {s: names[s] for s in value.free_symbols}
    return f"((long){CScalarPrinter(inner).text(value)})"


class CScalarPrinter(C99CodePrinter):
    """SymPy's C printer for scalars of type double, with symdl's own functions."""

    def __init__(self, names: Mapping[sp.Symbol, str]) -> None:
        super().__init__({"strict": True})
        self.names = names

    def text(self, e: Expr) -> str:
        """Return ``e`` as C text."""
        try:
            return f"({self._print(e)})"
        except NotSupported:
            raise
        except Exception as error:  # a printer may fail in any way on a class it does not know
            raise NotSupported(f"SymPy cannot print {e} as C: {error}") from error

    def _print_Symbol(self, e: sp.Symbol) -> str:
        if e not in self.names:
            raise NotSupported(f"{e} has no value in compiled code")
        return self.names[e]

    def _print_Integer(self, e: sp.Integer) -> str:
        return c_number(e)

    def _print_Rational(self, e: sp.Rational) -> str:
        return c_number(e)

    def _print_Float(self, e: sp.Float) -> str:
        return c_number(e)

    def _print_Pow(self, e: sp.Pow) -> str:
        base, exponent = e.args
        if exponent == 2:
            return (
                f"({self._print(base)} * {self._print(base)})"
                if base.is_Symbol
                else (f"pow({self._print(base)}, 2.0)")
            )
        if exponent == -1:
            return f"(1.0 / ({self._print(base)}))"
        if exponent == sp.S.Half:
            return f"sqrt({self._print(base)})"
        return f"pow({self._print(base)}, {self._print(exponent)})"

    def _print_Max(self, e: sp.Max) -> str:
        return self._chain("maximum", e)

    def _print_Min(self, e: sp.Min) -> str:
        return self._chain("minimum", e)

    def _chain(self, name: str, e: Expr) -> str:
        text, *rest = (self._print(a) for a in e.args)
        for t in rest:
            text = f"{name}({text}, {t})"
        return text

    def _print_UnitStep(self, e: Expr) -> str:
        z, at_zero = (self._print(a) for a in e.args)
        return f"(({z}) > 0 ? 1.0 : ({z}) == 0 ? {at_zero} : 0.0)"

    def _print_Delta(self, e: Expr) -> str:
        return f"(({self._print(e.args[0])}) == 0 ? 1.0 : 0.0)"

    def _print_InRange(self, e: Expr) -> str:
        place, size = (self._print(a) for a in e.args)
        return f"(({place}) >= 0 & ({place}) < ({size}) ? 1.0 : 0.0)"

    def _print_xlogy(self, e: Expr) -> str:
        x, y = (self._print(a) for a in e.args)
        log = log_text(e.args[1], self._print, "log", "log1p")
        return f"(({x}) == 0 & ({y}) >= 0 ? 0.0 : ({x}) * {log})"

    def _print_held(self, e: Expr) -> str:
        return str(self._print(e.as_run()))

    def _print_erfc(self, e: Expr) -> str:
        return f"erfc({self._print(e.args[0])})"
