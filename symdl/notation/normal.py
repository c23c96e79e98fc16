"""The normal form: exact equality over all sizes, as far as it reaches.

Expand, pull sums apart into connected components, contract deltas, take reciprocals, exponentials
and powers as generators, put one fraction under each logarithm, write every kink with the step
function.  Where it is not decisive (boundary terms of shifted sums, laws of max, erf) ``is_zero``
says ``None``: unknown, never "equal".
"""

from __future__ import annotations

from functools import lru_cache

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.expr import Expr
from sympy.logic.boolalg import BooleanFalse, BooleanTrue

from symdl.errors import Impossible, NotSupported, SymdlError
from symdl.notation.binders import Binder, Total, loose, rename
from symdl.notation.functions import HYPERBOLIC, by_exponentials, erfc, xlogy
from symdl.notation.indicators import Delta, UnitStep
from symdl.notation.indices import Index
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
        return _step(e.args[0], e.at_zero)
    if isinstance(e, sp.Piecewise):
        return _piecewise(e)
    if isinstance(e, (sp.Max, sp.Min)):
        return _extremum(e)
    if isinstance(e, sp.Abs):
        return _absolute(e.args[0])
    if isinstance(e, sp.sign):
        return add(scale(_step(e.args[0], sp.Rational(1, 2)), sp.Integer(2)), constant(-sp.S.One))
    if isinstance(e, HYPERBOLIC):
        return poly(by_exponentials(e))
    if isinstance(e, log1p):
        return _logarithm(1 + e.args[0])
    if isinstance(e, expm1):
        return add(_exponential(poly(e.args[0])), constant(-sp.S.One))
    if isinstance(e, (xlogy, erfc)):
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
        return mul(_number_power(c, e), _monomial_power(m, e))
    c, m, q = primitive(p)
    if not e.is_Integer and (c < 0 or not all(a.is_positive for a, _ in m)):
        return atom(to_expr(p), e)
    out = mul(_number_power(c, e), _monomial_power(m, e))
    for factor, times in _factors(to_expr(q)):
        out = mul(out, atom(factor, e * times))
    return out


def _number_power(c: Expr, e: Expr) -> Poly:
    if e.is_Integer:
        return constant(c**e)
    if c < 0:
        raise NotSupported(f"the power {e} of the negative number {c}")
    out = constant(sp.S.One)
    for prime, times in sp.factorrat(c).items():
        out = mul(out, mul(constant(sp.S.One), _settled(sp.Integer(prime), times * e)))
    return out


def _settled(a: Expr, e: Expr) -> Poly:
    return mul(atom(a, e), atom(a, sp.S.Zero)) if e else constant(sp.S.One)


def _monomial_power(m: Monomial, e: Expr) -> Poly:
    if e.is_Integer:
        out = constant(sp.S.One)
        for a, k in m:
            out = mul(out, _settled(a, k * e))
        return out
    out = constant(sp.S.One)
    rest: list[tuple[Expr, Expr]] = []
    for a, k in m:
        if a.is_positive or (k == 1 and len(m) == 1):
            out = mul(out, _settled(a, k * e))
        elif k.is_Integer and k % 2 == 0 and (k * e).is_Integer:
            out = mul(out, power_signed(_absolute(a), k * e))
        else:
            rest.append((a, k))
    if not rest:
        return out
    return mul(out, atom(monomial_expr(frozenset(rest)), e))


def power_signed(p: Poly, e: Expr) -> Poly:
    """p**e for a whole number e of either sign."""
    return _rational_power(p, e)


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


def _step(z: Expr, at_zero: Expr) -> Poly:
    """Steps as [z>0] and [z>=0] only, of arguments without positive factors, leading sign +."""
    p = poly(z)
    if not p:
        return poly(at_zero)
    c, m, q = primitive(p)
    sign = sp.S.One if c > 0 else sp.S.NegativeOne
    signed = [(a, e) for a, e in m if not a.is_positive]
    exps = {}
    for a, e in signed:
        if not e.is_Integer:
            return atom(UnitStep(normal(z), at_zero))
        exps[a] = sp.Integer(1) if e % 2 else sp.Integer(2)
    arg = to_expr(mul(q, {frozenset(exps.items()): sp.S.One}))
    if arg.is_Number or arg.is_positive:
        return poly(UnitStep(sign, at_zero)) if arg.is_positive else atom(UnitStep(sign * arg, 0))
    low, high = atom(UnitStep(arg, 0)), atom(UnitStep(arg, 1))
    zero = poly(at_zero)
    one = constant(sp.S.One)
    if sign < 0:  # H(-z, c) = 1 - H(z, 1 - c)
        zero = add(one, scale(zero, sp.S.NegativeOne))
    mixed = add(mul(add(one, scale(zero, sp.S.NegativeOne)), low), mul(zero, high))
    return mixed if sign > 0 else add(one, scale(mixed, sp.S.NegativeOne))


def _condition(c: Expr) -> Poly:
    one = constant(sp.S.One)
    if isinstance(c, BooleanTrue):
        return one
    if isinstance(c, BooleanFalse):
        return {}
    if isinstance(c, sp.Not):
        return add(one, scale(_condition(c.args[0]), sp.S.NegativeOne))
    if isinstance(c, sp.And):
        out = one
        for a in c.args:
            out = mul(out, _condition(a))
        return out
    if isinstance(c, sp.Or):
        return _condition(sp.Not(sp.And(*(sp.Not(a) for a in c.args)), evaluate=False))
    if isinstance(c, sp.StrictGreaterThan):
        return _step(c.lhs - c.rhs, sp.S.Zero)
    if isinstance(c, sp.GreaterThan):
        return _step(c.lhs - c.rhs, sp.S.One)
    if isinstance(c, (sp.StrictLessThan, sp.LessThan)):
        return _condition(c.reversed)
    if isinstance(c, sp.Ne):
        return add(one, scale(_condition(sp.Eq(c.lhs, c.rhs, evaluate=False)), sp.S.NegativeOne))
    if isinstance(c, sp.Eq):
        d = c.lhs - c.rhs
        return add(_step(d, sp.S.One), scale(_step(d, sp.S.Zero), sp.S.NegativeOne))
    raise NotSupported(f"the condition {c}")


def _piecewise(e: sp.Piecewise) -> Poly:
    out: Poly = {}
    left = constant(sp.S.One)
    for value, condition in e.args:
        here = _condition(condition)
        out = add(out, mul(mul(left, here), poly(value)))
        left = mul(left, add(constant(sp.S.One), scale(here, sp.S.NegativeOne)))
    return out


def _extremum(e: Expr) -> Poly:
    """max(a, b) = b + (a - b) [a > b], folded over the arguments; min likewise."""
    args = sorted(e.args, key=str)
    out = args[0]
    sign = 1 if isinstance(e, sp.Max) else -1
    for a in args[1:]:
        out = out + (a - out) * UnitStep(sign * (a - out), 0)
    return poly(out)


def _absolute(x: Expr) -> Poly:
    if x.is_nonnegative:
        return poly(x)
    return mul(poly(x), add(scale(_step(x, sp.S.Zero), sp.Integer(2)), constant(-sp.S.One)))
