"""The local derivatives put into the products, then the result in forward variables."""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import AdjointStep, place_of
from symdl.calculus.tree import Deriv
from symdl.derivation.chain_lines import claims_of, products, sum_over_uses
from symdl.derivation.nodes import Graph, is_plain, local_name, with_deltas
from symdl.derivation.reduction import elimination_step, tail_of
from symdl.derivation.shown import plain
from symdl.derivation.steps import Equal, Step, goal_of
from symdl.formula import Equation, Variable

__all__ = ["together_lines"]


def together_lines(g: Graph) -> list[Step]:
    """The local derivatives put into the products, then the result in forward variables."""
    steps = []
    for s in g.raw.steps:
        if g.scalar and s.variable not in g.merging and s.variable != g.v:
            continue
        if s.uses:
            steps += _together(g, s)
        if s.variable in g.eliminated:
            found, lhs = g.eliminated[s.variable], g.whole(s.variable)
            within = g.formula if s.variable == g.v else tail_of(g.formula)
            steps.append(elimination_step(within, lhs, found))
    return steps if _ends_at_once(g, g.raw.step(g.v)) else steps + _result(g)


def _together(g: Graph, s: AdjointStep) -> list[Step]:
    lhs, sides = g.whole(s.variable), _sides(g, s)
    rule = "put together" if len(sides) == 1 else "contraction"
    claims = claims_of(g, s)
    if _ends_at_once(g, s):
        (end,) = _result(g)
        sides, claims = tuple(dict.fromkeys((*sides, g.result))), (*claims, *end.claims)
    elif len(sides) == 1 and _is_local(g, s):
        return []
    return [Step(rule, lhs, sides, claims, section="together", value=s.equation.lhs)]


def _sides(g: Graph, s: AdjointStep) -> tuple[Expr, ...]:
    """The products with the local derivatives put in, and their sum without deltas."""
    if g.scalar:
        side = _put_in(g, s)
        return (sp.S.Zero if plain(side) == 0 else side,)
    place, after = place_of(s.variable), g.shown(s.equation.rhs)
    parts = sp.Add(*(sum_over_uses(g, u, place, with_deltas(u)) for u in s.uses))
    direct = all(is_plain(goal_of(u.local).wrt, u.equation.index) for u in s.uses)
    return (after,) if direct or plain(parts) == after else (parts, after)


def _put_in(g: Graph, s: AdjointStep) -> Expr:
    local = {local_name(u): u.local.after for t in g.raw.steps for u in t.uses}
    return products(g, s).xreplace(local)


def _ends_at_once(g: Graph, s: AdjointStep) -> bool:
    """True where the result follows in the line in which the variable's own uses are put in."""
    if s.variable != g.v or not s.uses or not _result(g):
        return False
    if g.scalar:
        return not _put_in(g, s).has(Deriv)
    return len(_sides(g, s)) == 1 and not _is_local(g, s)


def _is_local(g: Graph, s: AdjointStep) -> bool:
    """True where the output reads the variable itself: the local derivative said it all."""
    return g.loss and [u.equation.variable for u in s.uses] == [g.formula.output]


def _result(g: Graph) -> list[Step]:
    lhs, step = g.whole(g.v), g.raw.step(g.v)
    if g.v in g.eliminated:
        return []
    if g.result in (step.equation.rhs, g.shown(step.equation.rhs)) or not step.uses:
        return []
    before = g.shown(step.equation.rhs)
    adjoints = tuple(
        Equation(t.equation.lhs, _best(g, t.variable)) for t in g.raw.steps if t.variable != g.v
    )
    claim = Equal(step.equation.rhs, g.result, adjoints)
    said = not g.scalar and not _is_local(g, step)  # by the line before
    sides = (g.result,) if said else (before, g.result)
    return [Step("put together", lhs, sides, (claim,), section="together")]


def _best(g: Graph, v: Variable) -> Expr:
    """The adjoint of one variable, simplified where it was."""
    found = g.eliminated.get(v)
    return g.raw.step(v).equation.rhs if found is None else found.after
