"""Products that are 0 inf or inf / inf at an infinite argument, written so that they have a limit.

x/(1 + e^-x)    at -inf: x is held above -2^100, where the quotient is 0 in any type
x/(1 + |x|)     at both ends: x is held within 2^100, where the quotient is 1 or -1 in any type

``held`` x is x, which proves the equality.  That running code gives the same numbers is asked of
the product: from 2^100 on it must be what it is far beyond, to more digits than a type has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.expr import Expr

from symdl.formula import Formula
from symdl.notation.binders import Binder
from symdl.notation.functions import FAR, erfc, held, xlogy
from symdl.notation.tensors import Elem
from symdl.notation.walk import occurrences, variables

__all__ = ["held_far_out"]

_ENDS = (sp.oo, -sp.oo)
_BEYOND = sp.Float(2, 50) ** 1100
_CLOSE = sp.Float(2) ** -60
_NOTHING = sp.Float(2) ** -1100

Known = Mapping[Expr, Expr]


def held_far_out(e: Expr, known: Known, formula: Formula) -> Expr:
    """Hold what grows wherever a product of ``e`` has no value at an infinite input.

    known    definitions: what stands on the left, as it is read, and on the right
    formula  says which variables are given, and which of them may be infinite

    >>> x, y = sp.symbols("x y", real=True)
    >>> f = Formula(sp.Eq(y, x / (1 + sp.exp(-x))), output=y, inputs=[x])
    >>> held_far_out(f.equations[0].rhs, {}, f)
    held(x, -1)/(1 + exp(-x))
    >>> held_far_out(x / (1 + sp.exp(-x) / x), {}, f)
    x/(1 + exp(-x)/x)
    """
    whole = [e, *known.values()]
    ends = {
        place: [end for end in _ENDS if _reaches(formula, v, end)]
        for v in formula.inputs
        for part in whole
        for place in occurrences(part, v)
    }
    return _held(e, known, {p: x for p, x in ends.items() if x}) if any(ends.values()) else e


def _reaches(formula: Formula, v: Expr, end: Expr) -> bool:
    domain = formula.domain_of(v)
    return bool(end in (domain.sup, domain.inf))


def _held(e: Expr, known: Known, ends: Mapping[Expr, list[Expr]]) -> Expr:
    if not e.args or isinstance(e, (Elem, Binder)) or not isinstance(e, sp.Expr):
        return e
    e = e.func(*(_held(a, known, ends) for a in e.args))
    for place in ends if e.is_Mul else ():
        own = [a for a in sp.Mul.make_args(e) if _reads(a, place, known)]
        if len(own) > 1:
            product = sp.Mul(*own)
            e = e / product * _with_limit(product, place, known, ends[place])
    return e


def _reads(e: Expr, place: Expr, known: Known) -> bool:
    return e.has(place) or any(e.has(k) and d.has(place) for k, d in known.items())


def _with_limit(product: Expr, place: Expr, known: Known, ends: list[Expr]) -> Expr:
    """The product with what grows held, or as it is where it has its limits or gets none."""
    lost = [end for end in ends if _at(product, known, place, end) is sp.nan]
    for found in _candidates(product, place, known, lost) if lost else ():
        if all(_right(found, product, place, known, end, end in lost) for end in ends):
            return found
    return product


def _candidates(product: Expr, place: Expr, known: Known, lost: list[Expr]) -> Iterator[Expr]:
    """The product with its infinite factors held, and with the argument held throughout."""
    at = {a: [_at(a, known, place, end) for end in lost] for a in product.args}
    growing = [a for a, values in at.items() if any(v in _ENDS for v in values)]
    if growing:
        grown = sp.Mul(*growing)
        signs = [_at(grown, known, place, end) for end in lost]
        yield product / grown * held(grown, _end_of(signs))
    yield product.xreplace({place: held(place, _end_of(lost))})


def _end_of(infinite: list[Expr]) -> Expr:
    """Which end infinite values are at: 1, -1, or 0 for both."""
    return sp.sign(infinite[0]) if len(set(infinite)) == 1 else sp.S.Zero


def _right(
    found: Expr, product: Expr, place: Expr, known: Known, end: Expr, lost: bool
) -> bool:
    """Whether what is held has the product's value at that end, and reaches it where it is held."""
    there = _at(found, known, place, end)
    if not lost:
        return bool(there == _at(product, known, place, end))
    side = sp.sign(end)
    limit, near = (_at(product, known, place, side * x) for x in (_BEYOND, sp.Float(FAR, 50)))
    if not all(a.is_number and a.is_finite for a in (there, limit, near)):
        return False
    bound = _CLOSE * abs(limit) + _NOTHING
    return bool(abs(there - limit) <= bound and abs(near - limit) <= bound)


def _at(e: Expr, known: Known, place: Expr, x: Expr) -> Expr:
    """``e`` where ``place`` is x: a number, or an expression of what else is not known."""
    if e == place:
        return x
    if e in known:
        return _at(known[e], {}, place, x)
    if isinstance(e, (Elem, Binder)):
        return sp.Dummy("a", real=True)
    if not e.args:
        return e
    if isinstance(e, held) and x in _ENDS:
        return _at(e.as_run(), known, place, x)
    if isinstance(e, (held, erfc, xlogy)):
        return _at(e.meaning(), known, place, x)
    if isinstance(e, (expm1, log1p)):
        return _at(e.expand(func=True), known, place, x)
    return e.func(*(_at(a, known, place, x) for a in e.args))
