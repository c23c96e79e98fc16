"""The reading order of terms and factors, in one place for every printer.

Terms: positive before negative, sums over an index before single elements, numbers last in a
polynomial and first beside functions (1 + e^-x, x + 1).  Factors: numbers, symbols, functions,
exponentials, brackets, derivatives, and sums over an index at the very end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.limit import Increment, Lim
from symdl.calculus.tree import Deriv
from symdl.derivation.shown import Evaluated, InPlaceOf, Nabla
from symdl.notation.binders import Binder
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.notation.tensors import Elem

__all__ = ["Fraction", "factors", "fraction", "terms"]


def terms(e: Expr) -> list[tuple[bool, Expr]]:
    """The terms of a sum in reading order, each as (negative, its absolute form).

    >>> x = sp.Symbol("x", real=True)
    >>> terms(-x + 1), terms(sp.exp(-x) + 1)
    ([(False, 1), (True, x)], [(False, 1), (False, exp(-x))])
    """
    given = [_signed(t) for t in _sympy_order(e)]
    others = [t for _, t in given if not t.is_number]
    curved = any(t.has(sp.Function, sp.exp) or _divides(t) for t in others)

    def rank(pair: tuple[bool, Expr]) -> tuple[int, int, int]:
        negative, t = pair
        place = (0 if curved else 2) if t.is_number else 0 if t.has(Binder) and not curved else 1
        return int(negative), _increments(t), place

    return sorted(given, key=rank)


def _increments(t: Expr) -> int:
    """The power of an increment in a term: x + h, 2 x h + h^2."""
    powers = (f.as_base_exp() for f in sp.Mul.make_args(t) if not isinstance(f, sp.exp))
    return sum(int(n) for b, n in powers if isinstance(b, Increment) and n.is_Integer)


def _sympy_order(e: Expr) -> list[Expr]:
    args = e.as_ordered_terms() if not e.has(Binder, Elem, Deriv) else sorted(e.args, key=_by_name)
    return list(args)


def _signed(t: Expr) -> tuple[bool, Expr]:
    c, _ = t.as_coeff_Mul()
    return (True, -t) if c.is_number and c.is_negative else (False, t)


def _divides(t: Expr) -> bool:
    return any(p.exp.is_negative for p in t.atoms(sp.Pow))


@dataclass(frozen=True)
class Fraction:
    """A product: sign, rational coefficient, factors above and below the line, each in order."""

    negative: bool
    coefficient: sp.Rational
    above: tuple[Expr, ...]
    below: tuple[Expr, ...]


def fraction(e: Expr) -> Fraction:
    """Take a product apart.

    >>> x, y = sp.symbols("x y", real=True)
    >>> fraction(-3 * y * (1 - y) / (2 * x)).above
    (y, 1 - y)
    """
    c, above, below = sp.S.One, [], []
    for f in sp.Mul.make_args(e):
        if f.is_Rational:
            c *= f
        elif f.is_Pow and f.base is not sp.E and f.exp.is_Rational and f.exp < 0:
            below.append(f.base ** (-f.exp))
        else:
            above.append(f)
    return Fraction(bool(c < 0), abs(c), tuple(factors(above)), tuple(factors(below)))


def factors(found: list[Expr]) -> list[Expr]:
    """The factors of a product in reading order."""
    return sorted(found, key=lambda f: (_factor_rank(f), f.has(Increment), *_by_name(f)))


def _factor_rank(f: Expr) -> int:
    f = f.shown if isinstance(f, InPlaceOf) else f
    base = f.base if f.is_Pow and f.base is not sp.E else f
    for rank, kinds in enumerate(_KINDS):
        if isinstance(base, kinds):
            return rank
    return 2


_KINDS: tuple[tuple[type, ...], ...] = (
    (sp.Number, sp.NumberSymbol),
    (Delta, InRange),
    (sp.Symbol, Elem),
    (sp.exp,),
    (sp.Function, UnitStep),
    (sp.Add,),
    (Deriv, Evaluated, Lim, Nabla),
    (sp.Piecewise,),
    (Binder,),
)

_PIECES = re.compile(r"(\d+)")


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """W2 before W10."""
    parts = (p for p in _PIECES.split(text) if p)
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts)


def _by_name(e: Expr) -> tuple[object, ...]:
    return (_natural(str(e)),)
