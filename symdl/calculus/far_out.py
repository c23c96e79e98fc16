"""Products that are 0 inf or inf / inf at an infinite argument, written so that they have a limit.

x/(1 + e^-x)    at -inf: x is held above -2^100, where the quotient is 0 in any type
x/(1 + |x|)     at both ends: x is held within 2^100, where the quotient is 1 or -1 in any type

``held`` x is x, which proves the equality.  That running code gives the same numbers is asked of
the product: from 2^100 on it must be what it is far beyond, to more digits than a type has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.expr import Expr
from sympy.logic.boolalg import Boolean

from symdl.formula import Formula
from symdl.notation.binders import Binder
from symdl.notation.functions import FAR, erfc, held, xlogy
from symdl.notation.tensors import Elem
from symdl.notation.walk import inline, occurrences, variables

__all__ = ["held_far_out"]

_ENDS = (sp.oo, -sp.oo)
_BEYOND = sp.Float(2, 50) ** 1100
_CLOSE = sp.Float(2) ** -60
_NOTHING = sp.Float(2) ** -1100


@dataclass(frozen=True)
class _Input:
    """Where an input is read, at which ends it is infinite, and definitions that may read it."""

    place: Expr
    ends: tuple[Expr, ...]
    known: Mapping[Expr, Expr]

    @property
    def readers(self) -> tuple[Expr, ...]:
        return (self.place, *(k for k, d in self.known.items() if d.has(self.place)))


def held_far_out(e: Expr, formula: Formula) -> Expr:
    """Hold what grows wherever a product of ``e`` has no value at an infinite input of ``formula``.

    ``e`` may read what the formula defines.

    >>> x, y = sp.symbols("x y", real=True)
    >>> f = Formula(sp.Eq(y, x / (1 + sp.exp(-x))), output=y, inputs=[x])
    >>> held_far_out(f.equations[0].rhs, f)
    max(x, -2**100)/(1 + exp(-x))
    >>> held_far_out(x * sp.log(1 + 1 / (1 + sp.Abs(x))), f)
    x*log(1 + 1/(Abs(x) + 1))
    """
    if not e.has(sp.Mul):
        return e
    known = _definitions(e, formula)
    for v in formula.inputs:
        domain = formula.domain_of(v)
        ends = tuple(end for end in _ENDS if end in (domain.sup, domain.inf))
        places = set().union(*(occurrences(a, v) for a in (e, *known.values()))) if ends else set()
        for place in sorted(places, key=str):
            e = _held(e, _Input(place, ends, known))
    return e


def _definitions(e: Expr, formula: Formula) -> Mapping[Expr, Expr]:
    """What ``e`` reads that the formula defines element by element, over what is given to it."""
    known, defined = {}, set(formula.defined)
    meaning = {d.lhs: d.rhs for d in formula.equations}
    for place in set().union(*(occurrences(e, v) for v in defined & variables(e))):
        whole = inline(place, meaning)
        while variables(whole) & defined and not whole.has(Binder):
            whole = inline(whole, meaning)
        if not whole.has(Binder):
            known[place] = whole
    return known


def _held(e: Expr, v: _Input) -> Expr:
    if not e.args or isinstance(e, (Elem, Binder, Boolean)):
        return e
    e = e.func(*(_held(a, v) for a in e.args))
    own = [a for a in e.args if a.has(*v.readers)] if e.is_Mul else []
    if len(own) < 2:
        return e
    return sp.Mul(*(a for a in e.args if a not in own), _with_limit(sp.Mul(*own), v))


def _with_limit(product: Expr, v: _Input) -> Expr:
    """The product with what grows held, or as it is where it has its limits or gets none."""
    try:
        lost = [end for end in v.ends if _at(product, v, end) is sp.nan]
        for found in _candidates(product, v, lost) if lost else ():
            kept = (_at(found, v, end) == _at(product, v, end) for end in v.ends if end not in lost)
            if all(kept) and all(_reached(found, product, v, end) for end in lost):
                return found
    except (ArithmeticError, TypeError, ValueError):  # too large for a Float, or not real
        return product
    return product


def _candidates(product: Expr, v: _Input, lost: list[Expr]) -> Iterator[Expr]:
    """The product with its infinite factors held, and with the input held throughout."""
    growing = [a for a in product.args if any(_at(a, v, end) in _ENDS for end in lost)]
    if growing:
        grown = sp.Mul(*growing)
        end = _end_of([_at(grown, v, end) for end in lost])
        yield sp.Mul(*(a for a in product.args if a not in growing), held(grown, end))
    yield product.xreplace({v.place: held(v.place, _end_of(lost))})


def _end_of(infinite: list[Expr]) -> Expr:
    """Which end infinite values are at: 1, -1, or 0 for both."""
    return sp.sign(infinite[0]) if len(set(infinite)) == 1 else sp.S.Zero


def _reached(found: Expr, product: Expr, v: _Input, end: Expr) -> bool:
    """Whether at that end the product is what it is far beyond, from where it is held on."""
    beyond, near = (_at(product, v, sp.sign(end) * x) for x in (_BEYOND, sp.Float(FAR, 50)))
    there = _at(found, v, end)
    if not all(a.is_number and a.is_finite for a in (there, beyond, near)):
        return False
    bound = _CLOSE * abs(beyond) + _NOTHING
    return bool(abs(there - beyond) <= bound and abs(near - beyond) <= bound)


def _at(e: Expr, v: _Input, x: Expr) -> Expr:
    """``e`` where the input is x: a number, or an expression of what else is not known."""
    if e == v.place:
        return x
    if e in v.known:
        return _at(v.known[e], v, x)
    if isinstance(e, (Elem, Binder)):
        return sp.Dummy("a", real=True)
    if not e.args:
        return e
    if isinstance(e, held) and x in _ENDS:
        return _at(e.as_run(), v, x)
    if isinstance(e, (held, erfc, xlogy)):
        return _at(e.meaning(), v, x)
    if isinstance(e, (expm1, log1p)):
        return _at(e.expand(func=True), v, x)
    args = [_at(a, v, x) for a in e.args]
    found = sp.nan if sp.nan in args else e.func(*args)
    return found.evalf(50) if x not in _ENDS and getattr(found, "is_number", False) else found
