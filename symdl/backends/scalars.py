"""Scalar expressions as Python text, with the arithmetic of IEEE 754 where Python would raise."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy as sp
from sympy.core.expr import Expr
from sympy.logic.boolalg import BooleanFunction

from symdl.backends.special import ERROR_FUNCTIONS
from symdl.errors import NotSupported
from symdl.notation.functions import held, xlogy
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.program.functions import ufunc_name

__all__ = ["HELPERS", "ScalarPrinter", "log_text", "number_text"]

HELPERS = {
    "scalar_quotient": '''\
def scalar_quotient(a, b):
    """a / b with inf and nan where Python would raise."""
    try:
        return a / b
    except ZeroDivisionError:
        return float(np.divide(a, b))
''',
    "scalar_power": '''\
def scalar_power(a, b):
    """a ** b with inf and nan where Python would raise or leave the real numbers."""
    try:
        value = a**b
    except (ZeroDivisionError, OverflowError):
        return float(np.power(float(a), b))
    return value if isinstance(value, (int, float)) else float("nan")
''',
    "select": '''\
def select(mask, chosen, other, bits, out):
    """Write ``chosen`` where the mask holds and ``other`` elsewhere, bit by bit."""
    copyto(bits, mask)
    negative(bits, out=bits)
    out, other = out.view(bits.dtype), other.view(bits.dtype)
    bitwise_xor(chosen.view(bits.dtype), other, out=out)
    bitwise_and(out, bits, out=out)
    bitwise_xor(out, other, out=out)
''',
    "change_units": '''\
def change_units(state, names, units):
    """Bring vectors that are kept divided by a unit to a new unit."""
    if 0 in units:
        raise ValueError("these hyper-parameters make the optimizer forget its gradients")
    for name, old, new in zip(names, state["units"], units):
        state[name] *= old / new
    state["units"] = units
''',
}

_COMPARE = {
    sp.StrictGreaterThan: ">",
    sp.GreaterThan: ">=",
    sp.StrictLessThan: "<",
    sp.LessThan: "<=",
    sp.Equality: "==",
    sp.Unequality: "!=",
}


def number_text(e: Expr) -> str:
    """Return a number as a literal.

    >>> number_text(sp.Rational(1, 4)), number_text(sp.Integer(2)), number_text(sp.sqrt(2))
    ('0.25', '2.0', '1.4142135623730951')
    """
    if e is sp.nan or e in (sp.oo, -sp.oo):
        return f'float("{float(e)}")'
    if not e.is_real:
        raise NotSupported(f"the number {e} is not real")
    return repr(float(sp.N(e, 30)))


def log_text(e: Expr, text: Callable[[Expr], str], log: str, log1p: str) -> str:
    """Return the logarithm of ``e``: that of 1 + w as log1p w, which is exact for small w.

    >>> w = sp.Symbol("w", real=True)
    >>> log_text(1 - w, str, "log", "log1p"), log_text(w, str, "log", "log1p")
    ('log1p(-w)', 'log(w)')
    """
    near = e.is_Add and sp.S.One in e.args
    return f"{log1p}({text(e - 1)})" if near else f"{log}({text(e)})"


class ScalarPrinter:
    """Prints over named symbols; ``used`` collects the helpers that the text needs."""

    def __init__(self, names: Mapping[sp.Symbol, str]) -> None:
        self.names = names
        self.used: set[str] = set()

    def text(self, e: Expr) -> str:
        """Return ``e`` as Python text."""
        if e.is_number:
            return number_text(e)
        if isinstance(e, sp.Symbol):
            if e not in self.names:
                raise NotSupported(f"{e} has no value in generated code")
            return self.names[e]
        if e.is_Add:
            return "(" + self._add(e) + ")"
        if e.is_Mul:
            return self._mul(e)
        if e.is_Pow:
            return self._pow(e)
        return self._function(e)

    def _add(self, e: Expr) -> str:
        first, *rest = sorted(e.args, key=lambda t: (t.could_extract_minus_sign(), str(t)))
        text = self.text(first)
        for t in rest:
            minus = t.could_extract_minus_sign()
            text += f" - {self.text(-t)}" if minus else f" + {self.text(t)}"
        return text

    def _mul(self, e: Expr) -> str:
        sign = ""
        if e.could_extract_minus_sign():
            sign, e = "-", -e
        if not e.is_Mul:
            return sign + self.text(e)
        above, below = [], []
        for f in e.args:
            if f.is_Pow and f.exp.is_number and f.exp.could_extract_minus_sign():
                below.append(f.base**-f.exp)
            elif f.is_Rational and f.p == 1 and f.q != 1:
                below.append(sp.Integer(f.q))
            else:
                above.append(f)
        top = " * ".join(self.text(f) for f in above) or "1.0"
        if not below:
            return f"{sign}({top})"
        return f"{sign}{self._quotient(top, sp.Mul(*below, evaluate=False), below)}"

    def _quotient(self, top: str, under: Expr, factors: list[Expr]) -> str:
        text = " * ".join(self.text(f) for f in factors)
        if all(_never_zero(f) for f in factors):
            return f"({top} / ({text}))" if len(factors) > 1 else f"({top} / {text})"
        self.used.add("scalar_quotient")
        return f"scalar_quotient({top}, {text})"

    def _pow(self, e: Expr) -> str:
        base, exponent = e.args
        if exponent == 2:
            text = self.text(base)
            return f"({text} * {text})"
        if exponent.is_number and exponent.could_extract_minus_sign():
            return self._quotient("1.0", base**-exponent, [base**-exponent])
        if exponent == sp.S.Half:
            self.used.add("math")
            return f"math.sqrt({self.text(base)})"
        self.used.add("scalar_power")
        shown = str(exponent) if exponent.is_Integer else self.text(exponent)
        return f"scalar_power({self.text(base)}, {shown})"

    def _function(self, e: Expr) -> str:
        if isinstance(e, sp.Piecewise):
            return self._piecewise(e)
        if isinstance(e, UnitStep):
            return self._step(self.text(e.args[0]), e.at_zero)
        if isinstance(e, Delta):
            return f"(1.0 if {self.text(e.args[0])} == 0 else 0.0)"
        if isinstance(e, InRange):
            place, size = (self.text(a) for a in e.args)
            return f"(1.0 if 0 <= {place} < {size} else 0.0)"
        if isinstance(e, (sp.Max, sp.Min)):
            name = "np.maximum" if isinstance(e, sp.Max) else "np.minimum"
            text, *rest = (self.text(a) for a in e.args)
            for t in rest:
                text = f"float({name}({text}, {t}))"
            return text
        if isinstance(e, xlogy):
            x, y = (self.text(a) for a in e.args)
            log = log_text(e.args[1], self.text, "np.log", "np.log1p")
            return f"(0.0 if {x} == 0 and {y} >= 0 else {x} * float({log}))"
        if isinstance(e, held):
            return self.text(e.as_run())
        if isinstance(e, sp.Abs):
            return f"abs({self.text(e.args[0])})"
        args = ", ".join(self.text(a) for a in e.args)
        name = ufunc_name(e)
        if name in ERROR_FUNCTIONS:
            self.used.add("math")
            return f"math.{name}({args})"
        return f"float(np.{name}({args}))"

    def _step(self, z: str, at_zero: Expr) -> str:
        if at_zero in (0, 1):
            return f"(1.0 if {z} {'>=' if at_zero else '>'} 0 else 0.0)"
        return f"(1.0 if {z} > 0 else {self.text(at_zero)} if {z} == 0 else 0.0)"

    def _piecewise(self, e: sp.Piecewise) -> str:
        *cases, last = e.args
        if last.cond != True:  # noqa: E712  (SymPy's own true)
            raise NotSupported(f"{e} has no value where none of its conditions holds")
        text = self.text(last.expr)
        for case in reversed(cases):
            text = f"({self.text(case.expr)} if {self._condition(case.cond)} else {text})"
        return text

    def _condition(self, c: Expr) -> str:
        if isinstance(c, (sp.And, sp.Or)):
            word = " and " if isinstance(c, sp.And) else " or "
            return "(" + word.join(self._condition(a) for a in c.args) + ")"
        if isinstance(c, sp.Not):
            return f"(not {self._condition(c.args[0])})"
        plain = c.to_nnf(simplify=False) if isinstance(c, BooleanFunction) else c
        if plain != c:
            return self._condition(plain)
        if type(c) not in _COMPARE:
            raise NotSupported(f"the condition {c}")
        left, right = (self.text(a) for a in c.args)
        return f"({left} {_COMPARE[type(c)]} {right})"


def _never_zero(e: Expr) -> bool:
    """Whether ``e`` is a number or made of sizes, and so is not zero."""
    return bool(e.is_number or e.is_positive)
