"""The normal form: exact equality over all sizes, as far as it reaches.

Expand, pull sums apart into connected components, contract deltas, take reciprocals, exponentials
and powers as generators, put one fraction under each logarithm, write every kink with the step
function.  Where it is not decisive (boundary terms of shifted sums, laws of max, erf) ``is_zero``
says ``None``: unknown, never "equal".
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.expr import Expr

from symdl.errors import Impossible, NotSupported, SymdlError
from symdl.notation.binders import Binder, Total, loose, rename
from symdl.notation.functions import HYPERBOLIC, by_exponentials, erfc, held, xlogy
from symdl.notation.indicators import Delta, UnitStep
from symdl.notation.indices import Index
from symdl.notation.kinks import absolute, extremum, piecewise, step
from symdl.notation.polynomial import (
    ONE,
    Monomial,
    Poly,
    add,
    atom,
    cleared,
    constant,
    monomial_expr,
    mul,
    power_of,
    primitive,
    scale,
    to_expr,
)
from symdl.notation.sums import sum_over
from symdl.notation.tensors import Elem

__all__ = ["equal", "is_zero", "normal", "poly"]

_LARGEST_POWER = 64
_MOST_CASES = 4


def normal(e: Expr) -> Expr:
    """Return the normal form of ``e``.

    >>> x = sp.Symbol("x", real=True)
    >>> normal((x + 1) ** 2 - x**2)
    2*x + 1
    """
    return to_expr(poly(e))


def equal(a: Expr, b: Expr) -> bool | None:
    """True if a = b was shown, None if it was not decided (never False)."""
    return True if a == b else is_zero(a - b)


def is_zero(e: Expr) -> bool | None:
    """True if ``e`` was shown to be 0 for all sizes and values, else None.

    >>> x = sp.Symbol("x", real=True)
    >>> is_zero(1 / (1 + sp.exp(-x)) - sp.exp(x) / (1 + sp.exp(x)))
    True
    """
    try:
        return True if _is_zero(poly(e)) else None
    except SymdlError:  # it has no normal form
        return None


def _is_zero(p: Poly) -> bool:
    return _vanishes(p) or _vanishes_by_cases(to_expr(p), _MOST_CASES)


def _vanishes_by_cases(e: Expr, depth: int) -> bool:
    """Decide z > 0, z = 0 and z < 0 apart for a step inside ``e``."""
    steps = sorted((a for a in e.atoms(UnitStep) if not loose(a)), key=str)
    if not steps or depth == 0:
        return False
    z = steps[0].args[0]
    low, high = UnitStep(z, 0), UnitStep(z, 1)
    at_zero: dict[Expr, Expr] = {low: sp.S.Zero, high: sp.S.One}
    at_zero.update(_solution_at_zero(z))
    cases = ({low: sp.S.One, high: sp.S.One}, {low: sp.S.Zero, high: sp.S.Zero}, at_zero)
    for case in cases:
        try:
            p = poly(rename(e, case))
        except SymdlError:  # no value there
            return False
        if not _vanishes(p) and not _vanishes_by_cases(to_expr(p), depth - 1):
            return False
    return True


def _vanishes(p: Poly) -> bool:
    if not p:
        return True
    _, p = cleared(p)
    if not p:
        return True
    merged = _merge_totals(p)
    return merged is not None and not merged


def _merge_totals(p: Poly) -> Poly | None:
    """Add up sums over the same axes with the same outer factors; drop those whose body is 0."""
    groups: dict[tuple[object, ...], Poly] = {}
    for m, c in p.items():
        inner = [a for a, e in m if isinstance(a, Total) and e == 1]
        if len(inner) != 1:
            return None
        sizes = tuple(b.size for b in inner[0].bounds)
        probes = (Index(f"_probe{k}", size) for k, size in enumerate(sizes))
        body = rename(inner[0].body, dict(zip(inner[0].bounds, probes, strict=True)))
        outer = frozenset((a, e) for a, e in m if a is not inner[0])
        term = scale(poly(body), c)
        groups[outer, sizes] = add(groups.get((outer, sizes), {}), term)
    return {} if all(_is_zero(g) for g in groups.values()) else None


def _solution_at_zero(z: Expr) -> dict[Expr, Expr]:
    """Where z = 0 is linear in a symbol or element, its value there."""
    p = poly(z)
    for m, c in p.items():
        if len(m) == 1:
            ((a, e),) = m
            rest = {n: k for n, k in p.items() if n != m}
            value = to_expr(scale(rest, -1 / c))
            if e == 1 and isinstance(a, (sp.Symbol, Elem)) and not value.has(a):
                return {a: value}
    return {}


@lru_cache(maxsize=100_000)
def poly(e: Expr) -> Poly:
    """The polynomial of ``e`` over its atoms (shared: do not change it)."""
    if e.is_Rational:
        return constant(e)
    if e.is_Float:
        return constant(sp.Rational(e))
    if e.is_Add:
        out: Poly = {}
        for a in e.args:
            out = add(out, poly(a))
        return out
    if e.is_Mul:
        out = constant(sp.S.One)
        for a in e.args:
            out = mul(out, poly(a))
        return out
    if isinstance(e, sp.exp):
        return _exponential(poly(e.args[0]))
    if e.is_Pow:
        return _power(e.base, e.exp)
    if isinstance(e, sp.log):
        return _logarithm(e.args[0])
    if isinstance(e, Total):
        body, index = e.open()
        return sum_over(poly(body), frozenset(index), poly)
    if isinstance(e, Binder):
        body, index = e.open()
        return atom(e.func(normal(body), *index))
    return _function(e)


def _function(e: Expr) -> Poly:
    if isinstance(e, UnitStep):
        return step(e.args[0], e.at_zero, poly)
    if isinstance(e, sp.Piecewise):
        return piecewise(e, poly)
    if isinstance(e, (sp.Max, sp.Min)):
        return extremum(e, poly)
    if isinstance(e, sp.Abs):
        return absolute(e.args[0], poly)
    if isinstance(e, sp.sign):
        return add(
            scale(step(e.args[0], sp.Rational(1, 2), poly), sp.Integer(2)), constant(-sp.S.One)
        )
    if isinstance(e, HYPERBOLIC):
        return poly(by_exponentials(e))
    if isinstance(e, log1p):
        return _logarithm(1 + e.args[0])
    if isinstance(e, expm1):
        return add(_exponential(poly(e.args[0])), constant(-sp.S.One))
    if isinstance(e, (xlogy, held, erfc)):
        return poly(e.meaning())
    if isinstance(e, sp.erfc):
        return add(constant(sp.S.One), scale(poly(sp.erf(e.args[0])), sp.S.NegativeOne))
    if isinstance(e, sp.tan):
        return mul(poly(sp.sin(e.args[0])), _power(sp.cos(e.args[0]), sp.S.NegativeOne))
    if isinstance(e, Delta):
        shown = Delta(sp.expand(e.args[0]))
        return constant(shown) if shown.is_Integer else atom(shown)
    if isinstance(e, sp.Function):
        again = e.func(*(normal(a) for a in e.args))
        return atom(again) if isinstance(again, sp.Function) else poly(again)
    if e in (sp.nan, sp.oo, -sp.oo, sp.zoo):
        raise Impossible("an expression that is not finite")
    return atom(e)


def _exponential(p: Poly) -> Poly:
    """exp of a sum is the product of generators exp(m)**c, one a monomial m."""
    out = constant(sp.S.One)
    for m, c in p.items():
        out = mul(out, _exponential_term(m, c))
    return out


def _exponential_term(m: Monomial, c: Expr) -> Poly:
    if m == ONE:
        return atom(sp.E, c)
    if len(m) == 1:
        ((a, e),) = m
        if isinstance(a, sp.log) and e == 1:
            return _power(a.args[0], c)
    return atom(sp.exp(monomial_expr(m)), c)


def _power(base: Expr, exponent: Expr) -> Poly:
    if exponent.is_Rational:
        return _rational_power(poly(base), exponent)
    q = dict(poly(exponent))
    out = _rational_power(poly(base), q.pop(ONE, sp.S.Zero))
    positive = base.is_positive
    b = normal(base)
    if not positive:
        return mul(out, atom(b ** to_expr(q))) if q else out
    for m, c in q.items():
        out = mul(out, atom(b ** monomial_expr(m), c))
    return out


def _rational_power(p: Poly, e: Expr) -> Poly:
    if e.is_Integer and e >= 0:
        if e > _LARGEST_POWER and len(p) > 1:
            raise NotSupported(
                f"a sum to the power {e} (up to {_LARGEST_POWER} are multiplied out)"
            )
        if len(p) > 1:
            return power_of(p, int(e))
    if not p:
        if e > 0:
            return {}
        if e == 0:
            return constant(sp.S.One)
        raise Impossible("division by an expression that is zero")
    if len(p) == 1:
        ((m, c),) = p.items()
        factors = tuple(m)
    else:
        c, m, q = primitive(p)
        factors = (*m, *_factors(to_expr(q)))
    if not e.is_Integer:
        return _root(c, factors, e)
    out = constant(c**e)
    for a, k in factors:
        out = mul(out, _settled(a, k * e))
    return out


def _root(c: Expr, factors: Sequence[tuple[Expr, Expr]], e: Expr) -> Poly:
    """A product to a fractional power: factors that are never negative leave the root.

    So do even powers, as absolute values; the others stay under one root, for each may be negative.
    """
    out = constant(sp.S.One)
    for prime, times in sp.factorrat(abs(c)).items():
        out = mul(out, _settled(sp.Integer(prime), times * e))
    rest = constant(sp.sign(c))
    for a, k in factors:
        if a.is_nonnegative:
            out = mul(out, _settled(a, k * e))
        elif k.is_Integer and k % 2 == 0 and (k * e).is_Integer:
            odd = k * e % 2
            out = mul(out, _settled(a, k * e - odd))
            out = mul(out, absolute(a, poly)) if odd else out
        else:
            rest = mul(rest, atom(a, k))
    if rest == constant(sp.S.NegativeOne):
        raise NotSupported(f"the power {e} of the negative number {c}")
    return out if rest == constant(sp.S.One) else mul(out, _settled(to_expr(rest), e))


def _settled(a: Expr, e: Expr) -> Poly:
    return mul(atom(a, e), atom(a, sp.S.Zero)) if e else constant(sp.S.One)


@lru_cache(maxsize=10_000)
def _factors(q: Expr) -> tuple[tuple[Expr, Expr], ...]:
    """Factor a primitive polynomial over its atoms (small ones only; a larger one stays whole)."""
    terms = poly(q)
    atoms = sorted({a for m in terms for a, _ in m}, key=str)
    exps = [e for m in terms for _, e in m]
    small = len(terms) <= 8 and len(atoms) <= 4 and all(e.is_Integer and e <= 8 for e in exps)
    if not small or sum(max(dict(m).get(a, 0) for m in terms) for a in atoms) < 2:
        return ((q, sp.S.One),)
    names = {a: sp.Dummy() for a in atoms}
    plain = sp.Add(*(c * sp.Mul(*(names[a] ** e for a, e in m)) for m, c in terms.items()))
    c, found = sp.factor_list(plain)
    if len(found) == 1 and found[0][1] == 1:
        return ((q, sp.S.One),)
    back = {s: a for a, s in names.items()}
    out = []
    for f, times in found:
        lead, _, f_poly = primitive(poly(sp.expand(f).xreplace(back)))
        c *= lead**times
        out.append((to_expr(f_poly), sp.Integer(times)))
    return tuple(out) if c == 1 else ((q, sp.S.One),)


def _logarithm(arg: Expr) -> Poly:
    p = poly(arg)
    if not p:
        raise Impossible("the logarithm of an expression that is zero")
    c, m, q = primitive(p)
    d = to_expr(q)
    if c < 0 or not all(a.is_positive for a, _ in m) or not (d == 1 or d.is_positive):
        return atom(sp.log(to_expr(p)))
    out: Poly = {}
    for prime, times in sp.factorrat(c).items():
        out = add(out, scale(atom(sp.log(sp.Integer(prime))), sp.Integer(times)))
    factors = [(a, e) for a, e in m]
    if d != 1:
        found = _factors(d)
        factors += found if all(f.is_positive for f, _ in found) else ((d, sp.S.One),)
    for a, e in factors:
        out = add(out, scale(_log_atom(a), e))
    return out


def _log_atom(a: Expr) -> Poly:
    if a is sp.E:
        return constant(sp.S.One)
    if isinstance(a, sp.exp):
        return poly(a.args[0])
    if a.is_Pow and a.base.is_positive:
        return mul(_logarithm(a.base), poly(a.exp))
    return atom(sp.log(a))
