"""Sums of an output and a constant that cancel, over the exponential that the output is made of.

    y = 1/(1 + e^-x)     1 - y    is  1/(1 + e^x)
    q = tanh u           1 - q^2  is  e^-2|u| (1 + |q|)^2
    y = a (e^x - 1)      a + y    is  a e^x
    y = 1/(1 + e^-x)     y - t    is  y (1 - t) - t (1 - y),  for 0 <= t <= 1

Nothing is looked up: with the output's definition put in, the sum is a quotient of polynomials in
one exponential, and it is taken where all their coefficients are positive, so nothing cancels.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sympy as sp
from sympy.core.expr import Expr

from symdl.formula import Variable
from symdl.notation.binders import Binder
from symdl.notation.functions import HYPERBOLIC
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import inline

__all__ = ["definitions_read", "without_cancelling"]

_y = sp.Dummy("y", positive=True)


def without_cancelling(
    e: Expr,
    known: Mapping[Expr, Expr],
    shares: Collection[Variable] = (),
    by_output: bool = True,
) -> Expr:
    """Rewrite sums of constants and powers of one known variable wherever ``e`` has them.

    known      definitions: what stands on the left, as it is read, and on the right
    shares     given numbers between 0 and 1
    by_output  whether 1/(1 + e^-2|u|) is to be (1 + |tanh u|)/2, which saves a division

    >>> x, y = sp.symbols("x y", real=True)
    >>> without_cancelling(1 - y**2, {y: sp.tanh(x)})
    4*(Abs(y)/2 + 1/2)**2*exp(-2*Abs(x))
    >>> without_cancelling(2 - y, {y: sp.tanh(x)})
    2 - y
    """
    if not e.args or isinstance(e, (Elem, Binder)):
        return e

    def inner(a: Expr, known: Mapping[Expr, Expr]) -> Expr:
        return without_cancelling(a, known, shares, by_output)

    if isinstance(e, sp.Piecewise):
        return e.func(*((inner(a, _in_case(known, e, k)), c) for k, (a, c) in enumerate(e.args)))
    if not isinstance(e, sp.Expr):
        return e
    e = e.func(*(inner(a, known) for a in e.args))
    for place, definition in known.items():
        if e.is_Add:
            e = _with_output(e, place, definition, place if by_output else None)
        if e.is_Add:
            e = _beside_share(e, place, definition, shares)
    return e


def _beside_share(e: Expr, place: Expr, definition: Expr, shares: Collection[Variable]) -> Expr:
    """The difference of a variable between 0 and 1, by its definition, and of a given share."""
    if len(e.args) != 2 or place not in e.args:
        return e
    share = place - e
    v = sp.Dummy("v", real=True)
    rest = _over_exponential(1 - v, v, definition, None) if _head(share) in shares else None
    return e if rest is None else place * (1 - share) - share * rest


def definitions_read(e: Expr, meaning: Mapping[Expr, Expr]) -> dict[Expr, Expr]:
    """The definitions of what ``e`` reads, by the places at which it reads them."""
    defined = {_head(place) for place in meaning}
    return {
        a: inline(a, meaning)
        for a in sorted(e.atoms(Elem, sp.Symbol), key=str)
        if not isinstance(a, TensorSymbol) and _head(a) in defined
    }


def _head(place: Expr) -> Expr:
    return place.tensor if isinstance(place, Elem) else place


def _in_case(known: Mapping[Expr, Expr], e: sp.Piecewise, number: int) -> dict[Expr, Expr]:
    """The definitions in one case of ``e``, for those that have the same cases."""
    conditions = [c for _, c in e.args]
    return {
        place: d.args[number].expr
        if isinstance(d, sp.Piecewise) and [c for _, c in d.args] == conditions
        else d
        for place, d in known.items()
    }


def _with_output(e: Expr, place: Expr, definition: Expr, output: Expr | None) -> Expr:
    """The terms of a sum that are constants and powers of one variable, joined."""
    v = sp.Dummy("v", real=True)
    here = e.xreplace({place: v})
    if not here.has(v):
        return e
    own = [t for t in here.args if _is_power_of(t, v)]
    if len(own) < 2 or not any(t.has(v) for t in own):
        return e
    joined = _over_exponential(sp.Add(*own), v, definition, output)
    return e if joined is None else (here - sp.Add(*own)).xreplace({v: place}) + joined


def _is_power_of(term: Expr, v: sp.Symbol) -> bool:
    """Whether a term is a constant times a power of ``v``; constants are positive or numbers."""
    return bool(term.is_polynomial(v)) and _constant(term.as_independent(v)[0])


def _constant(e: Expr) -> bool:
    """Whether ``e`` is made of numbers and positive constants alone."""
    return not e.has(Elem, Binder) and all(s.is_positive for s in e.free_symbols)


def _over_exponential(
    total: Expr, v: sp.Symbol, definition: Expr, output: Expr | None
) -> Expr | None:
    """``total`` with the definition of ``v`` put in, if nothing cancels there.

    output  what is made by that definition, where it may stand for a quotient
    """
    found = _generator(definition)
    if found is None:
        return None
    plain, w = found
    top, below = sp.fraction(sp.cancel(total.xreplace({v: plain})))
    if not (_positive(top) and _positive(below) and _vanishes(top, below)):
        return None
    if below == 1:
        return top.xreplace({_y: sp.exp(w)}) if not top.is_Add else None
    e = sp.exp(-sp.Abs(w))
    degree = max(sp.degree(top, _y), sp.degree(below, _y))
    content, top = sp.Poly(top, _y).primitive()
    top = top.as_expr()
    low_top, low_below = sp.factor(top), sp.factor(below)
    high_top, high_below = (_reversed(p, degree) for p in (top, below))
    if low_below != high_below:
        return None
    over = low_top if low_top == high_top else sp.Piecewise((low_top, w < 0), (high_top, True))
    base, power = low_below.as_base_exp()
    size = sp.cancel((1 - plain) * base)  # (1 + |v|) (1 + y) for an odd v
    odd = sp.cancel(plain.xreplace({_y: 1 / _y}) + plain) == 0
    if output is not None and odd and base == 1 + _y and size.is_number:
        # a factor of at most 1, so that no product with it overflows
        return content * over.xreplace({_y: e}) * ((1 + sp.Abs(output)) / size) ** power
    return content * (over / low_below).xreplace({_y: e})


def _generator(definition: Expr) -> tuple[Expr, Expr] | None:
    """The definition over y = e^w, and w, if it is made of one exponential alone."""
    tanhs = definition.atoms(*HYPERBOLIC)
    if isinstance(definition, sp.tanh):
        return (_y - 1) / (_y + 1), 2 * definition.args[0]
    powers = definition.atoms(sp.exp)
    if tanhs or len(powers) != 1 or definition.has(sp.Piecewise, sp.log, Binder):
        return None
    (power,) = powers
    plain = definition.xreplace({power: _y})
    if not _constant(plain) or not plain.is_rational_function(_y):
        return None
    return plain, power.args[0]


def _vanishes(top: Expr, below: Expr) -> bool:
    """Whether the quotient goes to 0 at an end: else the sum loses no digits as it stands."""
    return bool(top.xreplace({_y: sp.S.Zero}) == 0 or sp.degree(top, _y) < sp.degree(below, _y))


def _positive(p: Expr) -> bool:
    return all(c.is_positive for c in sp.Poly(p, _y).coeffs())


def _reversed(p: Expr, degree: int) -> Expr:
    """y^degree p(1/y)."""
    return sp.factor(sp.expand(_y**degree * p.xreplace({_y: 1 / _y})))
