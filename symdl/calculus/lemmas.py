"""Lemmas: equations between sums, such as sum_k p_k = 1, used to rewrite from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import SymdlError
from symdl.formula import Equation
from symdl.notation.binders import Total, rename
from symdl.notation.indices import Bound, Index
from symdl.notation.normal import poly
from symdl.notation.polynomial import Monomial, Poly, add, cleared, mul, scale, to_expr
from symdl.notation.walk import free_indices

__all__ = ["Lemma", "apply_lemmas", "lemma_of"]


@dataclass(frozen=True)
class Lemma:
    """``total`` = ``value`` for all values of the free indices."""

    total: Total
    value: Expr

    def __str__(self) -> str:
        return f"{self.total} = {self.value}"


def lemma_of(equation: Equation) -> Lemma | None:
    """Solve an equation for the one sum it is linear in; None if there is no such sum."""
    try:
        content, p = cleared(poly(equation.lhs - equation.rhs))
    except SymdlError:
        return None
    if len(p) == 1:
        return _vanishing_factor(content)
    if not all(a.is_positive for a, e in content if e > 0):
        return None  # a factor that may be zero was divided out
    for m, c in p.items():
        if len(m) == 1:
            ((a, e),) = m
            others = {k: v for k, v in p.items() if k != m}
            if isinstance(a, Total) and e == 1 and not to_expr(others).has(a):
                return Lemma(a, to_expr(scale(others, -1 / c)))
    return None


def _vanishing_factor(content: Monomial) -> Lemma | None:
    """A product that is zero, of one sum and factors that are positive: the sum is zero."""
    sums = [a for a, e in content if isinstance(a, Total) and e == 1]
    others = [a for a, _ in content if a not in sums]
    if len(sums) == 1 and all(a.is_positive for a in others):
        return Lemma(sums[0], sp.S.Zero)
    return None


def apply_lemmas(e: Expr, lemmas: Sequence[Lemma]) -> Expr:
    """The normal form of ``e`` modulo the lemmas."""
    return to_expr(_rewritten(poly(e), lemmas))


def _rewritten(p: Poly, lemmas: Sequence[Lemma]) -> Poly:
    out: Poly = {}
    for m, c in p.items():
        hit = _first_hit(m, lemmas)
        if hit is None:
            out = add(out, {m: c})
            continue
        factor, value = hit
        rest = {
            frozenset(
                (a, e) if a is not factor[0] else (a, e - 1)
                for a, e in m
                if a is not factor[0] or e != 1
            ): c
        }
        out = add(out, _rewritten(mul(rest, poly(value)), lemmas))
    return out


def _first_hit(m: Monomial, lemmas: Sequence[Lemma]) -> tuple[tuple[Expr, Expr], Expr] | None:
    for a, e in m:
        if isinstance(a, Total) and e.is_Integer and e > 0:
            for lemma in lemmas:
                found = _match(lemma.total, a, {})
                if found is not None:
                    return (a, e), rename(lemma.value, found)
    return None


def _match(pattern: Expr, target: Expr, found: dict[Index, Expr]) -> dict[Index, Expr] | None:
    """Match with the free indices of ``pattern`` as unknowns."""
    if isinstance(pattern, Index):
        if pattern in found:
            return found if found[pattern] == target else None
        same = isinstance(target, (Index, Bound)) and target.size == pattern.size
        return {**found, pattern: target} if same else None
    if pattern == target and not free_indices(pattern):
        return found
    if pattern.func is not target.func or len(pattern.args) != len(target.args) or not pattern.args:
        return None
    for a, b in zip(pattern.args, target.args, strict=True):
        matched = _match(a, b, found)
        if matched is None:
            return None
        found = matched
    return found
