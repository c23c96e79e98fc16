"""Convexity of a formula in one of its variables, for all values of the others.

Smooth formulas by the second derivative that symdl derives: its sign, or for a tensor the Hessian,
which is positive semidefinite where it is diagonally dominant.  Kinked ones case by case between
the kinks, where the slope may only rise, or by the rules for sums, maxima and squares of convex
parts.  A formula that is not convex is refuted with two points and the chord between them.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import mpmath
import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import place_of
from symdl.calculus.contract import contract
from symdl.calculus.differentiate import differentiate, gradient
from symdl.calculus.elimination import simplest
from symdl.errors import NotSupported, SymdlError
from symdl.evidence.domain_points import Domain, drawn, shown_values, value_in
from symdl.evidence.evaluate import NO_VALUE, evaluate, positions
from symdl.evidence.judge import inlined
from symdl.evidence.pieces import kinked, pieces
from symdl.evidence.points import impose
from symdl.evidence.signs import (
    NEGATIVE,
    NONNEGATIVE,
    NONPOSITIVE,
    POSITIVE,
    ZERO,
    sign,
)
from symdl.evidence.verdict import Verdict
from symdl.formula import Equation, Formula, Variable
from symdl.notation.binders import Peak, Total
from symdl.notation.indicators import Delta
from symdl.notation.normal import is_zero
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import occurrences, variables

__all__ = ["judge_convex", "judge_convex_formula"]

_UP = (POSITIVE, NONNEGATIVE, ZERO)
_DOWN = (NEGATIVE, NONPOSITIVE, ZERO)
_POINTS = 60


def judge_convex_formula(
    formula: Formula, variable: Variable, domain: Domain | None = None
) -> Verdict:
    """Judge that the scalar output of a formula is convex in one of its variables."""
    output = formula.equation(formula.output).rhs
    return judge_convex(output, variable, domain, formula.equations, formula.assumptions)


def judge_convex(
    e: Expr,
    variable: Variable,
    domain: Domain | None = None,
    definitions: Sequence[Equation] = (),
    assumptions: Sequence[Equation] = (),
) -> Verdict:
    """Judge that ``e`` is convex in ``variable`` on a domain, whatever the other variables are.

    >>> w = sp.Symbol("w", real=True)
    >>> judge_convex(sp.log(1 + sp.exp(-w)), w).level
    'proved'
    >>> judge_convex(1 / (1 + sp.exp(-w)), w).level
    'refuted'
    """
    e = inlined(e, definitions)
    domain = {v: values for v, values in (domain or {}).items() if values != sp.S.Reals}
    seen = _above_the_chord(e, variable, domain, assumptions)
    if seen is not None:
        return seen
    found = _reason(e, variable, domain)
    if found is not None:
        return Verdict("proved", found)
    return Verdict("unknown", "no proof was found, and no chord below the formula")


# --------------------------------------------------------------------------------- refutation


def _above_the_chord(
    e: Expr, v: Variable, domain: Domain, assumptions: Sequence[Equation]
) -> Verdict | None:
    """Two points whose chord lies below the formula between them."""
    for seed in range(_POINTS):
        try:
            found = _chord(e, v, domain, assumptions, seed)
        except NO_VALUE:
            continue
        if found is not None:
            return found
    return None


def _chord(
    e: Expr, v: Variable, domain: Domain, assumptions: Sequence[Equation], seed: int
) -> Verdict | None:
    world, index = drawn(e, domain, seed)
    if any(v in variables(a.lhs) for a in assumptions):
        raise NotSupported(f"points where an assumption on {v} holds")
    for assumption in assumptions:
        impose(assumption, world, domain)
    rng = random.Random(f"chord {seed}")
    a: dict[tuple[int, ...], Any] = {}
    b: dict[tuple[int, ...], Any] = {}
    for at in positions(v.axes, world) if isinstance(v, TensorSymbol) else [()]:
        a[at], b[at] = value_in(v, domain, rng, world), value_in(v, domain, rng, world)
    middle = {at: (a[at] + b[at]) / 2 for at in a}
    left, right, between = (
        evaluate(e, replace(world, values={**world.values, v: _as_value(v, point)}), index)
        for point in (a, b, middle)
    )
    chord = (left + right) / 2
    if between - chord <= world.ctx.mpf(10) ** -30 * max(1, abs(between)):
        return None
    others = shown_values(e, world, index, variables(e) - {v})
    points = [(f"{v} at the {end}", _shown(p)) for end, p in (("left", a), ("right", b))]
    both = [("formula in the middle", between), ("chord in the middle", chord)]
    ends = [("formula at the left", left), ("formula at the right", right)]
    values = [(what, mpmath.nstr(x, 12)) for what, x in (*ends, *both)]
    return Verdict("refuted", "the chord lies below the formula", (*others, *points, *values))


def _as_value(v: Variable, point: dict[tuple[int, ...], Any]) -> object:
    return point if isinstance(v, TensorSymbol) else point[()]


def _shown(point: dict[tuple[int, ...], Any]) -> str:
    if () in point:
        return mpmath.nstr(point[()], 12)
    return "{" + ", ".join(f"{k}: {mpmath.nstr(x, 8)}" for k, x in point.items()) + "}"


# -------------------------------------------------------------------------------------- proof


def _reason(e: Expr, v: Variable, domain: Domain) -> str | None:
    """How ``e`` is shown to be convex in ``v``, or None."""
    if v not in variables(e):
        return "it is constant"
    if isinstance(v, TensorSymbol):
        scalar = _as_scalar(e, v, domain)
        if scalar is not None:
            return _reason(*scalar)
    elif not e.has(Peak):
        found = _by_pieces(e, v, domain) if kinked(e) else _by_second_derivative(e, v, domain)
        if found is not None:
            return found
    found = _by_parts(e, v, domain)
    if found is None and isinstance(v, TensorSymbol) and not kinked(e):
        return _by_hessian(e, v, domain)
    return found


def _as_scalar(e: Expr, v: TensorSymbol, domain: Domain) -> tuple[Expr, sp.Symbol, Domain] | None:
    """``e`` as a function of the only element of ``v`` that it reads outside of binders."""
    read = occurrences(e, v)
    if len(read) != 1:
        return None
    (at,) = read
    positive = v.positive_elements
    x = sp.Symbol(str(at), positive=True) if positive else sp.Symbol(str(at), real=True)
    shown = e.xreplace({at: x})
    if v in variables(shown) or any(at in b.atoms(Elem) for b in e.atoms(Total, Peak)):
        return None
    return shown, x, {**domain, x: domain[v]} if v in domain else domain


def _by_second_derivative(e: Expr, x: sp.Symbol, domain: Domain) -> str | None:
    second = differentiate(simplest(differentiate(e, x).after), x).after
    if sign(second, domain) in _UP or sign(simplest(second), domain) in _UP:
        return "the second derivative is nowhere negative"
    return None


def _by_pieces(e: Expr, x: sp.Symbol, domain: Domain) -> str | None:
    """Convex between the kinks, continuous, and the slope jumps only upwards."""
    where = domain.get(x, sp.S.Reals)
    if not (isinstance(where, sp.Interval) and where.is_open):
        return None
    try:
        found = pieces(e, x, where.start, where.end)
    except SymdlError:
        return None
    for p in found:
        second = differentiate(differentiate(p.expr, x).after, x).after
        if sign(second, {**domain, x: p.interval}) not in _UP:
            return None
    for left, right in itertools.pairwise(found):
        at = {x: left.high}
        here = e.xreplace(at)
        if not all(is_zero(p.expr.xreplace(at) - here) for p in (left, right)):
            return None
        jump = differentiate(right.expr, x).after - differentiate(left.expr, x).after
        if sign(jump.xreplace(at), domain) not in _UP:
            return None
    return "convex between its kinks, continuous, and the slope only rises at them"


def _by_parts(e: Expr, v: Variable, domain: Domain) -> str | None:
    """Sums, maxima and squares of convex parts are convex."""
    if isinstance(e, (Total, Peak)):
        body, _ = e.open()
        return _named("each term", [_reason(body, v, domain)])
    if e.is_Add:
        return _named("each term", (_reason(a, v, domain) for a in e.args))
    if isinstance(e, sp.Max):
        return _named("each part of the maximum", (_reason(a, v, domain) for a in e.args))
    if isinstance(e, sp.Abs):
        inner = e.args[0]
        return _named("both sides", (_reason(a, v, domain) for a in (inner, -inner)))
    if e.is_Mul:
        return _scaled(e, v, domain)
    if e.is_Pow and e.exp.is_Integer and e.exp > 0 and sign(e.base, domain) in _UP:
        return _named("a power, and rises with, what", [_reason(e.base, v, domain)])
    return None


def _scaled(e: Expr, v: Variable, domain: Domain) -> str | None:
    """A convex part times what is not negative; or minus a part whose opposite is convex."""
    outer = sp.Mul(*(a for a in e.args if v not in variables(a)))
    inner = sp.Mul(*(a for a in e.args if v in variables(a)))
    if outer == 1 or inner == 1:
        return None
    found = sign(outer, domain)
    if isinstance(inner, Total) or inner.is_Add:  # the factor goes into the sum
        if isinstance(inner, Total):
            body, index = inner.open()
            return _reason(Total(outer * body, *index), v, domain)
        return _by_parts(sp.Add(*(outer * a for a in inner.args)), v, domain)
    if found in _UP:
        return _reason(inner, v, domain)
    return _reason(-inner, v, domain) if found in _DOWN and outer != -1 else None


def _named(what: str, reasons: Iterator[str | None] | Sequence[str | None]) -> str | None:
    found = list(reasons)
    if any(r is None for r in found):
        return None
    whys = dict.fromkeys(str(r) for r in found if r != "it is constant")
    why, said = "; ".join(whys), f"{what} is convex: "
    return why if why.startswith(said) else said + why


# ------------------------------------------------------------------------------------ Hessian


def _by_hessian(e: Expr, v: TensorSymbol, domain: Domain) -> str | None:
    """Positive semidefinite because off the diagonal nothing is positive and no row sum negative.

    Then u'Hu is minus half the sum of H_ab (u_a - u_b)^2, plus the row sums times u_a^2.
    """
    a = place_of(v)
    b = place_of(v, frozenset(i.name for i in a.index))
    first = gradient(e, a).after
    hessian = gradient(first, b).after
    expanded = sp.expand(hessian)
    deltas = [Delta(i - k) for i, k in zip(a.index, b.index, strict=True)]
    for values in itertools.product((sp.S.Zero, sp.S.One), repeat=len(deltas)):
        if all(values):
            continue
        off = expanded.xreplace(dict(zip(deltas, values, strict=True)))
        if off.atoms(Delta) or sign(off, domain) not in _DOWN:
            return None
    rows = contract(Total(expanded, *b.index))
    if is_zero(rows) or sign(rows, domain) in _UP:
        return "the Hessian is diagonally dominant"
    return None
