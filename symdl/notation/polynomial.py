"""Sums of monomials over atoms: the arithmetic under the normal form.

A polynomial maps monomials to rational coefficients; a monomial is a frozenset of (atom, exponent)
pairs with rational exponents.  An atom is any expression the normal form does not look into.  Three
laws are applied whenever monomials meet: indicators are idempotent, a compound base with a positive
whole exponent is multiplied out, and the leading monomial of a compound base in the denominator is
divided out (c LM * D**-1 = 1 - (D - c LM) * D**-1), so reciprocals are generators.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeAlias

import sympy as sp
from sympy.core.expr import Expr
from sympy.core.sorting import default_sort_key

from symdl.errors import Impossible, NotSupported
from symdl.notation.binders import rename
from symdl.notation.deltas import in_axis, pinned
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.notation.indices import Index
from symdl.notation.walk import free_indices

__all__ = [
    "ONE", "Monomial", "Poly", "add", "atom", "cleared", "constant", "leading", "monomial_expr",
    "mul", "multiply_out", "power_of", "primitive", "renamed", "scale", "to_expr",
]  # fmt: skip

Monomial: TypeAlias = frozenset[tuple[Expr, Expr]]  # atoms and their rational exponents
Poly: TypeAlias = dict[Monomial, Expr]  # the rational coefficient of each monomial

ONE: Monomial = frozenset()
_MAX_TERMS = 20_000


def constant(c: Expr) -> Poly:
    """The constant polynomial ``c``."""
    return {ONE: c} if c else {}


def atom(a: Expr, exponent: Expr = sp.S.One) -> Poly:
    """The polynomial of one atom to a power."""
    return {frozenset(((a, exponent),)): sp.S.One}


def add(p: Poly, q: Poly) -> Poly:
    """p + q."""
    if len(p) < len(q):
        p, q = q, p
    out = dict(p)
    for m, c in q.items():
        s = out.get(m, sp.S.Zero) + c
        if s:
            out[m] = s
        else:
            out.pop(m, None)
    return out


def scale(p: Poly, c: Expr) -> Poly:
    """c * p."""
    return {m: k * c for m, k in p.items()} if c else {}


def mul(p: Poly, q: Poly) -> Poly:
    """p * q, with the laws of the module docstring applied."""
    if len(p) * len(q) > _MAX_TERMS:
        raise NotSupported(f"an expression of more than {_MAX_TERMS} terms")
    out: Poly = {}
    for m, c in p.items():
        for n, d in q.items():
            out = add(out, scale(_meet(m, n), c * d))
    return out


def power_of(p: Poly, n: int) -> Poly:
    """p**n for a whole number n >= 0."""
    out = constant(sp.S.One)
    for _ in range(n):
        out = mul(out, p)
    return out


def to_expr(p: Poly) -> Expr:
    """The SymPy expression of ``p``."""
    return sp.Add(*(c * monomial_expr(m) for m, c in p.items()))


def monomial_expr(m: Monomial) -> Expr:
    """The product of the atoms of ``m``."""
    return sp.Mul(*(a**e for a, e in m))


@lru_cache(maxsize=100_000)
def _key(a: Expr) -> tuple[object, ...]:
    return default_sort_key(a)


def order(m: Monomial) -> tuple[object, ...]:
    """Sort key: total degree, then the atoms."""
    return (sum(e for _, e in m), sorted(((_key(a), e) for a, e in m), key=lambda t: t[0]))


def leading(p: Poly) -> Monomial:
    """The leading monomial of ``p``."""
    return max(p, key=order)


def _meet(m: Monomial, n: Monomial) -> Poly:
    if not m or not n:
        whole = m or n
        if not any(a.is_Add and e >= 1 for a, e in whole):
            return {whole: sp.S.One}
    exps = dict(m)
    for a, e in n:
        exps[a] = exps.get(a, sp.S.Zero) + e
    return _settle(exps)


def _settle(exps: dict[Expr, Expr]) -> Poly:
    """Apply the laws to a raw product of atoms."""
    coefficient = _turned(exps)
    todo: list[tuple[Expr, int]] = []
    out: dict[Expr, Expr] = {}
    for a, e in exps.items():
        if e == 0:
            continue
        if isinstance(a, (Delta, InRange, UnitStep)):
            out[a] = sp.S.One
        elif a.is_Integer:
            whole = sp.floor(e)
            coefficient *= a**whole
            if e != whole:
                out[a] = e - whole
        elif a.is_Add and e >= 1:
            whole = int(sp.floor(e))
            todo.append((a, whole))
            if e != whole:
                out[a] = e - whole
        else:
            out[a] = e
    _step_laws(out)
    moved = _moved_by_deltas(out)
    if moved is not None:
        for a, whole in todo:
            moved = mul(moved, power_of(multiply_out(a), whole))
        return scale(moved, coefficient)
    p = (
        _divide_out(out)
        if any(a.is_Add and e < 0 for a, e in out.items())
        else {frozenset(out.items()): sp.S.One}
    )
    for a, whole in todo:
        p = mul(p, power_of(multiply_out(a), whole))
    return scale(p, coefficient)


def _turned(exps: dict[Expr, Expr]) -> Expr:
    """Write whole powers of -D with D where D stands under a root, in place; return the sign."""
    sign = sp.S.One
    for a in [a for a, e in exps.items() if a.is_Add and not e.is_Integer]:
        whole = exps.get(-a, sp.S.Zero)
        if whole and whole.is_Integer:
            exps[a] += exps.pop(-a)
            sign *= (-1) ** whole
    return sign


def _step_laws(exps: dict[Expr, Expr]) -> None:
    """[z>0][z>=0] = [z>0], and z [z>=0] = z [z>0]."""
    for a in [a for a in exps if isinstance(a, UnitStep) and a.at_zero == 1]:
        lower = UnitStep(a.args[0], 0)
        if lower in exps:
            del exps[a]
        elif exps.get(a.args[0], 0) > 0:
            del exps[a]
            exps[lower] = sp.S.One


def _pinned_inward(d: Delta) -> tuple[Index, Expr] | None:
    """The innermost index that ``d`` fixes to something made of indices further out."""
    for i in sorted(free_indices(d), key=lambda i: (-i.uid, i.sort_key())):
        found = pinned(d, frozenset((i,)))
        if found is None or not in_axis(found[1], i.size):
            continue
        if all(k.uid <= i.uid for k in free_indices(found[1])):
            return found
    return None


def _moved_by_deltas(exps: dict[Expr, Expr]) -> Poly | None:
    """Delta(i - v) f(i) = Delta(i - v) f(v), for a free index i and a label or index v."""
    for d in [a for a in exps if isinstance(a, Delta)]:
        found = _pinned_inward(d)
        if found is None:
            continue
        i, value = found
        others = {a: e for a, e in exps.items() if a is not d}
        if any(i in free_indices(a) for a in others):
            from symdl.notation.normal import poly  # the two modules share one recursion

            rest = renamed(frozenset(others.items()), {i: value}, poly)
            return mul(rest, {frozenset(((d, sp.S.One),)): sp.S.One})
    return None


def _divide_out(exps: dict[Expr, Expr]) -> Poly:
    """Reduce by the leading monomial of each compound base in the denominator."""
    for base in sorted((a for a, e in exps.items() if a.is_Add and e < 0), key=_key):
        p = multiply_out(base)
        lead = leading(p)
        if not all(exps.get(a, 0) >= e for a, e in lead):
            below = p.get(ONE)
            if below is None or not all(_below(m, exps) for m in p if m != ONE):
                continue
            return _divide_below(exps, base, p, below)
        rest = dict(exps)
        for a, e in lead:
            rest[a] = rest[a] - e
        up = dict(rest)
        up[base] = up[base] + 1
        tail = {m: -c for m, c in p.items() if m != lead}
        return scale(add(_settle(up), mul(tail, _settle(rest))), 1 / p[lead])
    return {frozenset(exps.items()): sp.S.One}


def _below(m: Monomial, exps: dict[Expr, Expr]) -> bool:
    return any(exps.get(a, 0) < 0 for a, _ in m)


def _divide_below(exps: dict[Expr, Expr], base: Expr, p: Poly, c: Expr) -> Poly:
    """a**-1 D**-1 = a**-1 / c - (D - c) a**-1 D**-1 / c, where a divides D - c."""
    up = dict(exps)
    up[base] = up[base] + 1
    tail = {m: -k for m, k in p.items() if m != ONE}
    return scale(add(_settle(up), mul(tail, _settle_raw(exps))), 1 / c)


def _settle_raw(exps: dict[Expr, Expr]) -> Poly:
    return {frozenset((a, e) for a, e in exps.items() if e != 0): sp.S.One}


@lru_cache(maxsize=50_000)
def multiply_out(a: Expr) -> Poly:
    """The polynomial of a compound base."""
    from symdl.notation.normal import poly  # the two modules define each other's recursion

    return poly(a)


def cleared(p: Poly) -> tuple[Monomial, Poly]:
    """Write p = m * q, where q has no negative exponent and no common atom (q may turn out {})."""
    content: dict[Expr, Expr] = {}
    for _ in range(50):
        atoms = {a for m in p for a, _ in m}
        low = {a: min(dict(m).get(a, sp.S.Zero) for m in p) for a in atoms}
        low = {a: e for a, e in low.items() if e != 0}
        if not low:
            return frozenset((a, e) for a, e in content.items() if e != 0), p
        for a, e in low.items():
            content[a] = content.get(a, sp.S.Zero) + e
        p = mul(p, {frozenset((a, -e) for a, e in low.items()): sp.S.One})
    raise NotSupported("an expression whose common denominator was not found")


def primitive(p: Poly) -> tuple[Expr, Monomial, Poly]:
    """Write p = c * m * q, where q is cleared and its leading coefficient is 1."""
    m, q = cleared(p)
    if not q:
        raise Impossible("division by an expression that is zero")
    c = q[leading(q)]
    return c, m, scale(q, 1 / c)


def renamed(m: Monomial, new: Mapping[Expr, Expr], poly: Callable[[Expr], Poly]) -> Poly:
    """Rename indices in a monomial and bring the result back into form."""
    out = constant(sp.S.One)
    for a, e in m:
        fresh = rename(a, new)
        if fresh is a:
            out = mul(out, {frozenset(((a, e),)): sp.S.One})
        elif e.is_Integer and e > 0:
            for _ in range(int(e)):
                out = mul(out, poly(fresh))
        else:
            out = mul(out, poly(fresh**e))
    return out
