"""Judging equalities and derivations; nothing is repaired here."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import mpmath
import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.lemmas import apply_lemmas, lemma_of
from symdl.calculus.tree import Node, Rewrite
from symdl.errors import SymdlError
from symdl.evidence.domain_points import shown_values
from symdl.evidence.evaluate import NO_VALUE, World, define, evaluate
from symdl.evidence.limits import has_limit, judge_limit
from symdl.evidence.points import random_world
from symdl.evidence.recheck import conditions_hold, recheck, written_out_agrees
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Equation
from symdl.notation.normal import is_zero
from symdl.notation.walk import free_indices, inline, sizes_of, variables

__all__ = ["inlined", "judge_derivative", "judge_equation", "judge_node", "judge_tree"]

POINTS = 5


def judge_node(node: Node, definitions: Sequence[Equation] = ()) -> Verdict:
    """Judge one application of a rule: a differentiation rule, or a rewrite of a result."""
    if has_limit(node):
        return judge_limit(node, judge_equation)
    if isinstance(node.rule, Rewrite):
        if [node.before] != [c.after for c in node.children]:
            return Verdict("refuted", "the rewrite does not start from what was concluded before")
        return judge_equation(node.before, node.after, definitions)
    try:
        if not conditions_hold(node):
            return Verdict("unknown", "a side condition does not hold at a random point")
        return recheck(node, judge_equation)
    except SymdlError as error:
        return Verdict("unknown", str(error))


def judge_tree(
    node: Node, definitions: Sequence[Equation] = ()
) -> tuple[tuple[Node, Verdict], ...]:
    """Judge every node, children first."""
    return tuple((n, judge_node(n, definitions)) for n in node.walk())


def judge_derivative(node: Node, definitions: Sequence[Equation] = ()) -> Verdict:
    """The verdict on a whole derivation.

    Proved needs every step proved and the written-out instance of the result to agree with
    SymPy's own derivative; otherwise the weakest step counts.
    """
    claim = node
    while isinstance(claim.rule, Rewrite):
        claim = claim.children[0]
    result = inlined(node.after, definitions)
    instance = written_out_agrees(inlined(claim.before.expr, definitions), claim.before.wrt, result)
    if not instance.ok:
        return instance
    worst = weakest(v for _, v in judge_tree(node, definitions))
    if worst.level == "proved":
        return Verdict("proved", "every step, and SymPy's derivative of a written-out instance")
    return worst


def judge_equation(
    lhs: Expr,
    rhs: Expr,
    definitions: Sequence[Equation] = (),
    assumptions: Sequence[Equation] = (),
) -> Verdict:
    """Judge lhs = rhs for all sizes and values, given definitions and assumptions.

    >>> x = sp.Symbol("x", real=True)
    >>> judge_equation(sp.tanh(x), 1 - 2 / (1 + sp.exp(2 * x))).level
    'proved'
    >>> judge_equation(sp.exp(x), 1 + x).level
    'refuted'
    """
    lhs, rhs = sp.sympify(lhs, strict=True), sp.sympify(rhs, strict=True)
    seen = _compare_at_points(lhs, rhs, definitions, assumptions)
    if not seen.ok and seen.level == "refuted":
        return seen
    if _normal_forms_agree(lhs, rhs, definitions, assumptions):
        if seen.ok:
            return Verdict("proved", "same normal form")
        return Verdict("unknown", f"same normal form, but no point could be tried: {seen.reason}")
    return seen


def _normal_forms_agree(
    lhs: Expr, rhs: Expr, definitions: Sequence[Equation], assumptions: Sequence[Equation]
) -> bool:
    try:
        difference = inlined(lhs - rhs, definitions)
        if is_zero(difference) or _equal_before_all_is_put_in(lhs - rhs, definitions):
            return True
        return bool(assumptions) and is_zero(_modulo(difference, assumptions)) is True
    except SymdlError:
        return False


def _equal_before_all_is_put_in(difference: Expr, definitions: Sequence[Equation]) -> bool:
    """True if the sides agree whatever the first definitions are, with only later ones put in."""
    for d in reversed(definitions):
        before, difference = difference, inline(difference, {d.lhs: d.rhs})
        if difference != before and is_zero(before):
            return True
    return False


def inlined(e: Expr, definitions: Sequence[Equation]) -> Expr:
    """Put all definitions into ``e``, the last one first."""
    for d in reversed(definitions):
        e = inline(e, {d.lhs: d.rhs})
    return e


def _modulo(e: Expr, assumptions: Sequence[Equation]) -> Expr:
    lemmas = [lemma_of(a) for a in assumptions]
    return apply_lemmas(e, [lemma for lemma in lemmas if lemma is not None])


def _compare_at_points(
    lhs: Expr, rhs: Expr, definitions: Sequence[Equation], assumptions: Sequence[Equation]
) -> Verdict:
    """Evaluate both sides to 50 digits at random points of the domain, at every index."""
    tried, trouble = 0, "no point of the domain was found"
    for seed in range(3 * POINTS):
        try:
            world = _world_for((lhs, rhs), definitions, assumptions, seed)
            found = _difference_at(lhs, rhs, world)
        except NO_VALUE as error:
            trouble = str(error) or type(error).__name__
            continue
        if found is not None:
            return found
        tried += 1
        if tried == POINTS:
            break
    if tried == 0:
        return Verdict("unknown", trouble)
    return Verdict("numeric", f"equal to 40 digits at {tried} random points")


def _world_for(
    sides: Sequence[Expr],
    definitions: Sequence[Equation],
    assumptions: Sequence[Equation],
    seed: int,
) -> World:
    """A random world in which all sides can be evaluated; defined variables have their values."""
    everything = [*sides, *(x for d in definitions for x in (d.lhs, d.rhs))]
    everything += [a.lhs for a in assumptions]
    defined = {d.variable for d in definitions}
    free = set().union(*(variables(e) for e in everything)) - defined
    sizes = set().union(*(sizes_of(e) for e in everything))
    return define(definitions, random_world(free, sizes, seed, assumptions))


def _difference_at(lhs: Expr, rhs: Expr, world: World) -> Verdict | None:
    """A refutation, if the two sides differ at some value of their free indices."""
    free = sorted(free_indices(lhs) | free_indices(rhs), key=lambda i: i.sort_key())
    tolerance = world.ctx.mpf(10) ** -40
    for at in itertools.product(*(range(world.size(i.size)) for i in free)):
        index = dict(zip(free, at, strict=True))
        a, b = evaluate(lhs, world, index), evaluate(rhs, world, index)
        if abs(a - b) > tolerance * max(1, abs(a), abs(b)):
            shown = shown_values(lhs, world, index, variables(lhs) | variables(rhs))
            both = (("left", mpmath.nstr(a, 12)), ("right", mpmath.nstr(b, 12)))
            return Verdict("refuted", "the two sides differ", (*shown, *both))
        if mpmath.isnan(a) or mpmath.isnan(b):
            raise ValueError("not a number")
    return None
