"""The derivative written with the output: generators are found by solving the equation for them.

From y = 1/(1 + e^-x) follows e^x = y/(1 - y), and with it y' = y (1 - y).  Nothing is looked up.
"""

from __future__ import annotations

from functools import reduce

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.contract import sum_contracted
from symdl.calculus.forms import cost, tidy
from symdl.errors import SymdlError
from symdl.notation.binders import Binder, Total, loose
from symdl.notation.functions import HYPERBOLIC, by_exponentials
from symdl.notation.normal import equal, normal, poly
from symdl.notation.polynomial import ONE, cleared, monomial_expr

__all__ = ["divisors", "simplest", "simplest_inside", "solve_linear", "through_output"]


_MOST_OPERATIONS = 300  # of an expression for which other forms are looked for


def _preference(e: Expr) -> tuple[int, bool]:
    return cost(e), not e.is_Mul


def simplest(e: Expr) -> Expr:
    """Return the cheapest form of ``e`` that the normal form and factoring offer."""
    if cost(e) > _MOST_OPERATIONS:
        return e
    forms = [e, tidy(e)]
    signless = tidy(e.replace(sp.sign, lambda u: sp.Abs(u) / u))
    if e.has(sp.sign) and equal(signless, e):
        forms.append(signless)
    forms += _forms_in_tanh(e)
    try:
        forms.append(tidy(normal(e)))
    except SymdlError:  # no normal form: the forms at hand stand
        return min(forms, key=_preference)
    return min(forms, key=_preference)


def simplest_inside(e: Expr) -> Expr:
    """Return ``e`` with what its sums run over in the simplest form, if that makes it cheaper.

    A form that divides by what ``e`` does not divide by is not taken: it may hold for less.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> i = indices("i:D")
    >>> x, s = tensors("x[i] s[i]", i)
    >>> simplest_inside(Total(x[i] * (1 - s[i]) / (s[i] - 1), i))
    -sum[i](x[i])
    """
    found = _with_bodies(e)
    return found if cost(found) < cost(e) and divisors(found) <= divisors(e) else e


def _with_bodies(e: Expr) -> Expr:
    if isinstance(e, Binder):
        body, index = e.open()
        found = simplest(_with_bodies(body))
        return sum_contracted(found, index) if isinstance(e, Total) else e.func(found, *index)
    return e.func(*(_with_bodies(a) for a in e.args)) if e.has(Binder) else e


def _forms_in_tanh(e: Expr) -> list[Expr]:
    """Hyperbolic functions of u with tanh u alone, which no argument is too large for."""
    found = []
    for u in sorted({f.args[0] for f in e.atoms(*HYPERBOLIC) if not loose(f)}, key=str):
        t = sp.Dummy("t", real=True)
        for generator in _generators(e):
            form = _eliminate(e, t, sp.tanh(u), generator)
            if form is not None and divisors(form) <= divisors(e):
                found.append(form.xreplace({t: sp.tanh(u)}))
    return found


def through_output(d: Expr, y: Expr, definition: Expr) -> Expr:
    """Rewrite a derivative ``d`` of y = definition with ``y`` itself where that is cheaper.

    A form is taken only if putting the definition back gives ``d`` by the normal form, and if it
    divides by nothing that ``d`` does not divide by.

    >>> x, y = sp.symbols("x y", real=True)
    >>> s = 1 / (1 + sp.exp(-x))
    >>> through_output(s.diff(x), y, s)
    y*(1 - y)
    """
    if isinstance(d, sp.Piecewise) and isinstance(definition, sp.Piecewise):
        cases = [c for _, c in d.args]
        if cases == [c for _, c in definition.args]:
            return _by_cases(d, y, definition)
    forms = [simplest(d)]
    for generator in _generators(d):
        found = _eliminate(d, y, definition, generator)
        if found is not None and divisors(found) <= divisors(d):
            forms.append(found)
    root = _through_root(d, y, definition)
    if root is not None:
        forms.append(root)
    return min(forms, key=_preference)


def divisors(e: Expr) -> set[Expr]:
    """The bases of ``e`` that are divided by and may be zero."""
    return {p.base for p in e.atoms(sp.Pow) if p.exp.is_negative and not p.base.is_positive}


def _by_cases(d: sp.Piecewise, y: Expr, definition: sp.Piecewise) -> Expr:
    pairs = zip(d.args, definition.args, strict=True)
    return sp.Piecewise(*((through_output(v, y, f), case) for (v, case), (f, _) in pairs))


def _generators(d: Expr) -> list[Expr]:
    """The monomials m of the exponentials exp(c m) in ``d``, outside binders."""
    found: dict[Expr, None] = {}
    for a in sp.preorder_traversal(_with_exponentials(d)):
        if isinstance(a, sp.exp) and not loose(a):
            for m in poly(a.args[0]):
                if m != ONE:
                    found.setdefault(monomial_expr(m))
    return list(found)


def _with_exponentials(e: Expr) -> Expr:
    """Hyperbolic functions by their definitions."""
    return e.replace(lambda a: isinstance(a, HYPERBOLIC), by_exponentials)


def _through_root(d: Expr, y: Expr, definition: Expr) -> Expr | None:
    """Where y = b^(p/q) with b > 0, write the powers b^(k/q) of ``d`` as y^(k/p)."""
    if not (definition.is_Pow and definition.exp.is_Rational and not definition.exp.is_Integer):
        return None
    b, root = definition.base, definition.exp
    if not b.is_positive:
        return None
    found = d.replace(
        lambda a: a.is_Pow and a.base == b and (a.exp / root).is_Integer,
        lambda a: y ** (a.exp / root),
    )
    return simplest(found) if found != d and equal(found.subs(y, definition), d) else None


def _eliminate(d: Expr, y: Expr, definition: Expr, m: Expr) -> Expr | None:
    g = sp.Dummy("g", positive=True)
    plain_d, plain_f = _with_exponentials(d), _with_exponentials(definition)
    unit = _unit(plain_d + plain_f, m)
    try:
        d_g = normal(_in_generator(plain_d, m, unit, g))
        f_g = normal(_in_generator(plain_f, m, unit, g))
        d_g, f_g = _in_lowest_power(d_g, f_g, g)
        value = _solve_output(f_g, y, g)
        if value is None:
            return None
        found = simplest(normal(d_g.subs(g, value)))
    except SymdlError:
        return None
    return found if equal(found.subs(y, definition), d) else None


def _exponents(e: Expr, m: Expr) -> list[Expr]:
    """The coefficients c of exp(c m) in ``e``."""
    out = []
    for a in e.atoms(sp.exp):
        for mono, c in poly(a.args[0]).items():
            if monomial_expr(mono) == m:
                out.append(c)
    return out


def _unit(e: Expr, m: Expr) -> Expr:
    """The greatest common divisor of the exponents of the generator."""
    exps = _exponents(e, m)
    return reduce(sp.gcd, exps) if exps else sp.S.One


def _in_generator(e: Expr, m: Expr, unit: Expr, g: sp.Symbol) -> Expr:
    """Write exp(c m) as g**(c / unit)."""

    def split(a: Expr) -> Expr:
        out = sp.S.One
        for mono, c in poly(a.args[0]).items():
            factor = monomial_expr(mono)
            out *= g ** (c / unit) if factor == m else sp.exp(c * factor)
        return out

    return e.replace(lambda a: isinstance(a, sp.exp) and not isinstance(a, Binder), split)


def _in_lowest_power(d: Expr, f: Expr, g: sp.Symbol) -> tuple[Expr, Expr]:
    """Where only powers of g**k occur, write g for g**k."""
    powers = {p.exp for e in (d, f) for p in e.atoms(sp.Pow) if p.base == g}
    marked = [e.replace(lambda a: a.is_Pow and a.base == g, lambda a: sp.S.One) for e in (d, f)]
    if any(e.has(g) for e in marked) or not powers:
        return d, f
    k = reduce(sp.gcd, powers)

    def lower(e: Expr) -> Expr:
        return e.replace(lambda a: a.is_Pow and a.base == g, lambda a: g ** (a.exp / k))

    return (d, f) if k == 1 else (lower(d), lower(f))


def _solve_output(f: Expr, y: Expr, g: sp.Symbol) -> Expr | None:
    """Solve y = f(g) for g, through one logarithm if need be."""
    logs = [a for a in f.atoms(sp.log) if a.has(g)]
    left, right = y, f
    if len(logs) == 1:
        mark = sp.Dummy("log")
        shown = sp.expand(f.xreplace({logs[0]: mark}))
        c = shown.coeff(mark)
        rest = shown - c * mark
        if c == 0 or c.has(g) or rest.has(g) or rest.has(mark):
            return None
        left, right = sp.exp((y - rest) / c), logs[0].args[0]
    elif logs:
        return None
    return solve_linear(left - right, g)


def solve_linear(e: Expr, unknown: Expr) -> Expr | None:
    """Solve e = 0 for ``unknown`` if e, cleared of denominators, is linear in it, else None."""
    _, p = cleared(poly(e))
    slope, rest = sp.S.Zero, sp.S.Zero
    for m, c in p.items():
        powers = dict(m)
        degree = powers.pop(unknown, sp.S.Zero)
        others = c * monomial_expr(frozenset(powers.items()))
        if others.has(unknown) or degree not in (0, 1):
            return None
        if degree == 1:
            slope += others
        else:
            rest += others
    return None if slope == 0 else -rest / slope
