"""The chain rule along a graph: one product a path, or in indices one sum a use.

Where a scalar reaches the output along one chain, its derivative is one product; where it feeds
several equations there is one product a use, and a node where paths merge has a line of its own.
"""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import AdjointStep, Use, bar, place_of
from symdl.calculus.differentiate import gradient
from symdl.calculus.tree import Deriv
from symdl.derivation.names import loss_name
from symdl.derivation.nodes import Graph, bar_at, is_plain, local_name, to_place
from symdl.derivation.shown import Times
from symdl.derivation.steps import Claim, Derived, Equal, Note, Step, goal_of
from symdl.formula import Variable
from symdl.notation.binders import Total, rename
from symdl.notation.tensors import Elem
from symdl.notation.walk import variables

__all__ = ["chain_lines", "claims_of", "products", "sum_over_uses"]

_MOST_PATHS = 6  # more than that are not written out one by one


def chain_lines(g: Graph) -> list[Step]:
    """The chain rule: products along paths, or one sum a use in index notation."""
    steps = _along_each_path(g)
    for s in g.raw.steps:
        if g.scalar and s.variable not in g.merging and s.variable != g.v:
            continue
        side = products(g, s) if g.scalar else _sums(g, s)
        lhs = g.whole(s.variable)
        if side != lhs:
            rule = "chain along the graph" if s.uses else "no use"
            notes = _adjoint_note(g) if not steps else ()
            claims, value = claims_of(g, s), s.equation.lhs
            steps.append(
                Step(rule, lhs, (side,), claims, notes=notes, section="chain", value=value)
            )
    return steps


def _along_each_path(g: Graph) -> list[Step]:
    """One product a path from the output to the variable, and their sum."""
    paths = _paths(g, g.v)
    if not g.scalar or not 1 < len(paths) <= _MOST_PATHS or g.merging <= {g.v}:
        return []
    lhs = g.whole(g.v)
    side = sp.Add(*(Times(*factors) for factors in paths))
    claims = tuple(c for s in g.raw.steps for c in _claim(g, s))
    value = g.raw.step(g.v).equation.lhs
    return [Step("sum over paths", lhs, (side,), claims, section="chain", value=value)]


def _paths(g: Graph, v: Variable) -> list[tuple[Expr, ...]]:
    """The local derivatives along each path from the output to ``v``."""
    if v == g.formula.output:
        return [()]
    found = []
    for use in g.raw.step(v).uses:
        for factors in _paths(g, use.equation.variable):
            found.append((*factors, local_name(use)))
            if len(found) > _MOST_PATHS:
                return found
    return found


def _adjoint_note(g: Graph) -> tuple[Note, ...]:
    """What the given adjoint of a tensor output means."""
    if g.loss:
        return ()
    loss, at = loss_name(g.formula.defined), place_of(g.formula.output)
    return (Note("adjoint", bar_at(g.formula.output, at), Deriv(loss, at)),)


def _along(g: Graph, v: Variable) -> tuple[Expr, ...]:
    """The factors of dE/dv along the only path, up to a node where paths merge."""
    if v == g.formula.output:
        return () if g.loss else (bar(v),)
    step = g.raw.step(v)
    if v in g.merging or not step.uses:
        return (g.whole(v),)
    (use,) = step.uses
    return (*_along(g, use.equation.variable), local_name(use))


def products(g: Graph, s: AdjointStep) -> Expr:
    """One product a use of a scalar, along its only path up to where paths merge."""
    terms = (Times(*_along(g, u.equation.variable), local_name(u)) for u in s.uses)
    return sp.Add(*terms)


def _sums(g: Graph, s: AdjointStep) -> Expr:
    place = place_of(s.variable)
    return sp.Add(*(sum_over_uses(g, u, place, local_name(u)) for u in s.uses))


def sum_over_uses(g: Graph, use: Use, place: Expr, local: Expr) -> Expr:
    """The sum over the indices of y of ybar * local, written at ``place``."""
    e = use.equation
    at = goal_of(use.local).wrt
    direct = is_plain(at, e.index)
    here = at if direct else use.place
    if not direct:
        local = Deriv(e.lhs, use.place) if isinstance(local, Deriv) else local
    body = Times(g.whole(e.variable, e.lhs), local)
    kept = here.index if direct and isinstance(here, Elem) else ()
    over = tuple(i for i in e.index if i not in kept)
    whole = Total(body, *over) if over else body
    return rename(whole, to_place(here, place, ()))


def claims_of(g: Graph, s: AdjointStep) -> tuple[Claim, ...]:
    """Every step on the paths of a line: d/dv of the sum of ybar f(v) over all uses."""
    found = list(_claim(g, s))
    if g.scalar:
        for use in s.uses:
            y = use.equation.variable
            while y != g.formula.output and y not in g.merging:
                step = g.raw.step(y)
                found += _claim(g, step)
                y = step.uses[0].equation.variable
    return tuple(dict.fromkeys(found))


def _claim(g: Graph, s: AdjointStep) -> tuple[Claim, ...]:
    place = place_of(s.variable)
    whole = sp.S.Zero
    read = tuple(e for e in g.formula.equations if s.variable in variables(e.rhs))
    reached = {*g._on_the_way, g.formula.output}
    for e in read:
        if e.variable in reached:
            one = g.loss and e.variable == g.formula.output
            body = e.rhs * (1 if one else bar_at(e.variable, e.lhs))
            whole += Total(body, *e.index) if e.index else body
    node = gradient(whole, place)
    return Derived(node), Equal(node.after, s.equation.rhs, read)
