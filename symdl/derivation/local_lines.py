"""The local derivatives of a graph: one line each, worked out once for all that are alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import Use, place_of
from symdl.calculus.tree import Deriv
from symdl.derivation.nodes import Graph, local_name, to_place
from symdl.derivation.steps import Applied, Note, Step, goal_of, steps_of
from symdl.formula import Equation
from symdl.notation.binders import rename
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem
from symdl.notation.walk import variables

__all__ = ["local_lines"]

_WORTH_FOLDING = 3  # sides; a shorter line is written again


def local_lines(g: Graph) -> list[Step]:
    """One line a local derivative, with its own steps below it at level ``full``."""
    found: dict[Expr, Step] = {}
    worked: dict[Expr, Step] = {}  # by the expression with its variables made anonymous
    for s in g.raw.steps:
        for use in s.uses:
            name = local_name(use)
            names = to_place(name.wrt, place_of(s.variable), use.equation.index)
            if name not in found:
                step = _local(g, use, name, names)
                first = worked.setdefault(_pattern(use), step)
                found[name] = step if first is step else _alike(step, first)
    return list(found.values())


def _local(g: Graph, use: Use, name: Deriv, names: Mapping[Index, Index]) -> Step:
    goal, definitions = goal_of(use.local), _read_by(g, use.equation)
    first = use.local
    while first.before != goal:
        first = first.children[0]
    whole = steps_of(use.local, "full", {goal: name}, definitions)
    below = (whole,) if g.level == "full" and use.local.children else ()
    sides = (goal, first.after, use.local.after)
    through = use.local.name == "through the output"
    return Step(
        use.local.name if through else "local derivative",
        rename(name, names),
        tuple(rename(e, names) for e in dict.fromkeys(sides) if e != name),
        tuple(Applied(n, definitions) for n in use.local.walk()),
        below,
        _conditions(use),
        section="local",
        value=rename(use.local.after, names),
    )


def _read_by(g: Graph, e: Equation) -> tuple[Equation, ...]:
    """The equation; for a logarithm those before it too, whose values lie in its domain."""
    if not e.rhs.has(sp.log):
        return (e,)
    return g.formula.equations[: g.formula.equations.index(e) + 1]


def _pattern(use: Use) -> Expr:
    """The local derivative of one node for one scalar, whatever the variables are called."""
    goal = goal_of(use.local)
    if isinstance(goal.wrt, Elem) or len(variables(goal.expr)) > 1:
        return goal
    return goal.xreplace({goal.wrt: sp.Dummy("v", real=True, dummy_index=1)})


def _alike(step: Step, first: Step) -> Step:
    """A local derivative that was worked out for other variables already: the result alone."""
    if len(step.sides) < _WORTH_FOLDING:
        return step
    note = Note("as", first.lhs)
    return replace(step, sides=step.sides[-1:], children=(), notes=(*step.notes, note))


def _conditions(use: Use) -> tuple[sp.Basic, ...]:
    whole = steps_of(use.local, "brief")
    return tuple(dict.fromkeys(c for _, s in whole.read() for c in s.conditions))
