"""Functions of one argument: chain rule, elementary functions, functions by definition."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.expr import Expr

from symdl.calculus.elimination import through_output
from symdl.calculus.tree import Deriv, Expansion, Rule
from symdl.notation.functions import HYPERBOLIC, by_exponentials, erfc, held, xlogy
from symdl.notation.tensors import real

__all__ = [
    "Absolute",
    "Arctangent",
    "Arsinh",
    "Chain",
    "Cosine",
    "Definition",
    "ErrorFunction",
    "Exponential",
    "Logarithm",
    "Sine",
]


def _argument(d: Deriv, kind: Any) -> Expr | None:
    """The argument of a function of that kind, if it is the variable itself."""
    e = d.expr
    return d.wrt if isinstance(e, kind) and e.args == (d.wrt,) else None


class Chain(Rule):
    """f(u)' = f'(v) at v = u, times u'."""

    name = "chain rule"

    def expand(self, d: Deriv) -> Expansion | None:
        e = d.expr
        if not isinstance(e, sp.Function) or len(e.args) != 1 or e.args[0] == d.wrt:
            return None
        u = e.args[0]
        v = _unused(e, positive=u.is_positive)
        outer, inner = Deriv(e.func(v), v), Deriv(u, d.wrt)
        return Expansion((outer, inner), lambda f, r: _at(f, v, u) * r)


def _unused(e: Expr, positive: bool | None) -> sp.Symbol:
    taken = {s.name for s in e.free_symbols}
    name = next(n for n in ("u", "v", "w", *(f"u{k}" for k in range(1, 999))) if n not in taken)
    return sp.Symbol(name, positive=True) if positive else real(name)


def _at(f: Expr, v: sp.Symbol, u: Expr) -> Expr:
    return Deriv(f.expr, u) if isinstance(f, Deriv) else f.subs(v, u)


class Exponential(Rule):
    """(e^x)' = e^x."""

    name = "exponential"

    def expand(self, d: Deriv) -> Expansion | None:
        return None if _argument(d, sp.exp) is None else Expansion((), lambda: d.expr)


class Logarithm(Rule):
    """(log x)' = 1/x for x > 0."""

    name = "logarithm"

    def expand(self, d: Deriv) -> Expansion | None:
        x = _argument(d, sp.log)
        return None if x is None else Expansion((), lambda: 1 / x, (sp.Gt(x, 0),))


class Sine(Rule):
    """(sin x)' = cos x."""

    name = "sine"

    def expand(self, d: Deriv) -> Expansion | None:
        x = _argument(d, sp.sin)
        return None if x is None else Expansion((), lambda: sp.cos(x))


class Cosine(Rule):
    """(cos x)' = -sin x."""

    name = "cosine"

    def expand(self, d: Deriv) -> Expansion | None:
        x = _argument(d, sp.cos)
        return None if x is None else Expansion((), lambda: -sp.sin(x))


class Arctangent(Rule):
    """(arctan x)' = 1/(1 + x^2)."""

    name = "arctangent"

    def expand(self, d: Deriv) -> Expansion | None:
        x = _argument(d, sp.atan)
        return None if x is None else Expansion((), lambda: 1 / (1 + x**2))


class Arsinh(Rule):
    """(arsinh x)' = 1/sqrt(1 + x^2)."""

    name = "inverse hyperbolic sine"

    def expand(self, d: Deriv) -> Expansion | None:
        x = _argument(d, sp.asinh)
        return None if x is None else Expansion((), lambda: 1 / sp.sqrt(1 + x**2))


class ErrorFunction(Rule):
    """(erf x)' = 2/sqrt(pi) e^(-x^2), from its definition as an integral."""

    name = "error function"

    def expand(self, d: Deriv) -> Expansion | None:
        x = _argument(d, sp.erf)
        return None if x is None else Expansion((), lambda: 2 / sp.sqrt(sp.pi) * sp.exp(-(x**2)))


class Absolute(Rule):
    """|x|' = sign x, with sign 0 = 0 at the kink."""

    name = "absolute value"

    def expand(self, d: Deriv) -> Expansion | None:
        x = _argument(d, sp.Abs)
        return None if x is None else Expansion((), lambda: sp.sign(x), (sp.Ne(x, 0),))


class Definition(Rule):
    """f(x)' is the derivative of the definition of f: tanh x = (e^x - e^-x) / (e^x + e^-x).

    It is written with f(x) itself where that is shorter: tanh' = 1 - tanh^2, found by elimination.
    """

    name = "function by definition"

    def expand(self, d: Deriv) -> Expansion | None:
        e = d.expr
        if not isinstance(e, (xlogy, held)) and e.args != (d.wrt,):
            return None
        if isinstance(e, (xlogy, held, erfc)):
            meaning = e.meaning()
        elif isinstance(e, sp.erfc):
            meaning = 1 - sp.erf(e.args[0])
        elif isinstance(e, log1p):
            meaning = sp.log(1 + e.args[0])
        elif isinstance(e, expm1):
            meaning = sp.exp(e.args[0]) - 1
        elif isinstance(e, HYPERBOLIC):
            meaning = by_exponentials(e)
        elif isinstance(e, sp.tan):
            meaning = sp.sin(e.args[0]) / sp.cos(e.args[0])
        else:
            return None
        return Expansion((Deriv(meaning, d.wrt),), lambda r: _through(r, e, meaning))


def _through(r: Expr, e: Expr, meaning: Expr) -> Expr:
    """The derivative of a definition, written with the function that is defined."""
    if isinstance(r, Deriv):
        return r
    y = sp.Dummy("y", real=True)
    found = through_output(r, y, meaning)
    return found.xreplace({y: e}) if found.has(y) else r
