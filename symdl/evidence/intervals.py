"""Interval arithmetic: an expression of one variable, evaluated on a whole interval at once.

What comes out holds every value that the expression takes there, rounding included.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import sympy as sp
from mpmath.ctx_iv import MPIntervalContext
from sympy.core.expr import Expr

from symdl.errors import NotSupported
from symdl.evidence.evaluate import precise
from symdl.notation.functions import HYPERBOLIC, by_exponentials, erfc

__all__ = ["Interval", "enclosed", "sign_on"]

Interval = tuple[sp.Rational, sp.Rational]

_DIGITS = 60


def enclosed(e: Expr, x: sp.Symbol, low: Expr, high: Expr) -> Interval:
    """An interval with rational ends that holds ``e`` at every x from ``low`` to ``high``.

    >>> x = sp.Symbol("x", real=True)
    >>> low, high = enclosed(sp.exp(x), x, sp.Integer(0), sp.Integer(1))
    >>> bool(low <= 1), bool(high >= sp.Rational("2.718281828459045"))
    (True, True)
    """
    ctx = MPIntervalContext()
    ctx.dps = _DIGITS
    try:
        found = _evaluate(_with_exponentials(e), {x: _made(ctx, low, high)}, ctx)
    except (ValueError, ArithmeticError) as error:  # mpmath: no real value, or far too large
        raise NotSupported(f"{e} from {low} to {high}: {error}") from error
    return _rational(found.a), _rational(found.b)


def sign_on(e: Expr, x: sp.Symbol, low: Expr, high: Expr | None = None) -> int:
    """1 or -1 if ``e`` has that sign from ``low`` to ``high``, 0 where that is not decided."""
    least, greatest = enclosed(e, x, low, low if high is None else high)
    return 1 if least > 0 else -1 if greatest < 0 else 0


@lru_cache(maxsize=1000)
def _with_exponentials(e: Expr) -> Expr:
    return e.replace(lambda a: isinstance(a, HYPERBOLIC), by_exponentials)


def _made(ctx: Any, low: Expr, high: Expr) -> Any:
    ends = [ctx.mpf(int(v.p)) / int(v.q) for v in (low, high)]
    return ctx.mpf([ends[0].a, ends[1].b])


def _rational(end: Any) -> sp.Rational:
    """The end of an interval, exactly: it is a binary fraction."""
    sign, mantissa, exponent, _ = end._mpi_[0]
    if mantissa == 0 and exponent:
        raise NotSupported("an interval without end")
    return (-1) ** sign * sp.Rational(int(mantissa)) * sp.Integer(2) ** exponent


def _evaluate(e: Expr, values: dict[Expr, Any], ctx: Any) -> Any:
    if e not in values:
        values[e] = _apply(e, values, ctx)
    return values[e]


def _apply(e: Expr, values: dict[Expr, Any], ctx: Any) -> Any:
    if e.is_Rational:
        return ctx.mpf(int(e.p)) / int(e.q)
    if e is sp.pi:
        return ctx.pi
    if e is sp.E:
        return ctx.exp(1)
    args = [_evaluate(a, values, ctx) for a in e.args]
    if e.is_Add:
        return sum(args[1:], args[0])
    if e.is_Mul:
        out = args[0]
        for a in args[1:]:
            out = out * a
        return out
    if isinstance(e, sp.exp):
        return ctx.exp(args[-1])
    if e.is_Pow and e.exp.is_Integer:
        return args[0] ** int(e.exp)
    if e.is_Pow and e.exp in (sp.S.Half, -sp.S.Half):
        root = ctx.sqrt(args[0])
        return root if e.exp > 0 else 1 / root
    if isinstance(e, sp.log):
        return ctx.log(args[0])
    if isinstance(e, sp.erf):
        return _rising(args[0], precise(_DIGITS + 10).erf, ctx)
    if isinstance(e, (sp.erfc, erfc)):
        return 1 - _rising(args[0], precise(_DIGITS + 10).erf, ctx)
    raise NotSupported(f"{type(e).__name__} on an interval")


def _rising(at: Any, f: Callable[[Any], Any], ctx: Any) -> Any:
    """A function that only rises, at most 1 in size: its values at the ends, a little widened."""
    wide = precise(_DIGITS + 10)
    low, high = (f(wide.make_mpf(end._mpi_[0])) for end in (at.a, at.b))
    slack = wide.mpf(10) ** -_DIGITS
    ends = [ctx.mpf([v - slack, v + slack]) for v in (low, high)]
    return ctx.mpf([ends[0].a, ends[1].b])
