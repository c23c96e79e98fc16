"""The Jacobian and the Hessian of a formula in index notation: one element stands for all.

The adjoint of x is linear in the adjoint of y, and the Jacobian is its coefficient:
dy[k]/dx[i] = d xbar[i]/d ybar[k].  So it is found along the graph, written with the outputs, and
simplified by the same elimination as a backward pass.
"""

from __future__ import annotations

from dataclasses import replace

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import bar, place_of
from symdl.calculus.differentiate import gradient
from symdl.calculus.elimination import simplest, simplest_inside
from symdl.calculus.tree import Deriv
from symdl.derivation.derivation import Derivation
from symdl.derivation.paths import derive_gradient
from symdl.derivation.steps import Derived, Equal, Step
from symdl.errors import Impossible, NotSupported
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.recheck import written_out_agrees
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Equation, Formula, Variable
from symdl.notation.binders import rename
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import free_indices, variables

__all__ = ["Found", "indexed_hessian", "indexed_jacobian"]

# the first derivatives, the element, and what was judged beside their lines
Found = tuple[tuple[Derivation, ...], Derivation, tuple[tuple[str, Verdict], ...]]


def indexed_jacobian(formula: Formula, v: Variable) -> Found:
    """dy[k]/dv[i]: the derivation of the adjoint of v, and its coefficient."""
    entry = _element(formula, v)
    return (), entry, (_instance(formula, entry, entry.goal),)


def _element(formula: Formula, v: Variable) -> Derivation:
    whole = derive_gradient(formula, v)
    y = formula.output
    if not isinstance(y, TensorSymbol):
        return whole
    xbar = place_of(bar(v))
    taken = frozenset(i.name for i in free_indices(whole.result) | free_indices(xbar))
    ybar = place_of(bar(y), taken)
    node = gradient(whole.result, ybar)
    result = simplest(simplest_inside(node.after))
    node = node.rewritten("simplification", result)
    goal = Deriv(_like(y, ybar), _like(v, xbar))
    last = Step(
        "coefficient",
        goal,
        (Deriv(xbar, ybar), result),
        (Derived(node, formula.equations),),
        section="together",
    )
    steps = (*whole.steps, last)
    return replace(whole, goal=goal, result=result, steps=steps, meaning={}, extra=())


def indexed_hessian(formula: Formula, v: Variable) -> Found:
    """d^2 L/dv[i] dv[k]: the Jacobian of the gradient."""
    loss = formula.output
    if isinstance(loss, TensorSymbol):
        raise NotSupported(f"the Hessian is for a scalar output; {loss} is a tensor")
    first = derive_gradient(formula, v)
    slope = simplest(simplest_inside(first.result))
    if slope != first.result:
        claim = Equal(first.result, slope, formula.equations, formula.assumptions)
        told = Step("simplification", first.goal, (first.result, slope), (claim,))
        first = replace(first, result=slope, steps=(*first.steps, told))
    slopes = _formula_of(formula, v, slope)
    entry = _element(slopes, v)
    one, two = entry.goal.expr, entry.goal.wrt
    goal = Deriv(Deriv(loss, _like(v, one)), two)
    last = Step("Hessian", goal, (entry.goal, entry.result), section="together")
    final = replace(entry, goal=goal, steps=(*entry.steps, last))
    swapped = rename(entry.result, _swap(one, two))
    same = judge_equation(entry.result, swapped, slopes.equations[:-1], formula.assumptions)
    checks = (_instance(slopes, final, entry.goal), ("the Hessian is symmetric", same))
    return (first,), final, checks


def _like(v: Variable, place: Expr) -> Expr:
    """``v`` at the indices of ``place``."""
    return Elem(v, *place.index) if isinstance(v, TensorSymbol) else v


def _swap(a: Expr, b: Expr) -> dict[Expr, Expr]:
    if not isinstance(a, Elem):
        return {}
    pairs = list(zip(a.index, b.index, strict=True))
    return {**dict(pairs), **{j: i for i, j in pairs}}


def _formula_of(formula: Formula, v: Variable, slope: Expr) -> Formula:
    """The gradient as a formula of its own, with the equations that it reads."""
    place = place_of(v)
    taken = {w.name for w in (*formula.given, *formula.defined)}
    name = next(n for n in ("g", "G", *(f"g{k}" for k in range(99))) if n not in taken)
    g = TensorSymbol(name, v.axes) if isinstance(v, TensorSymbol) else sp.Symbol(name, real=True)
    kept: list[Equation] = []
    needed = set(variables(slope))
    for e in reversed(formula.equations):
        if e.variable in needed:
            kept.insert(0, e)
            needed |= variables(e.rhs)
    if v not in needed:
        raise Impossible(f"the gradient does not read {v}: the Hessian is zero")
    return Formula(
        (*kept, Equation(_like(g, place), slope)),
        output=g,
        inputs=formula.inputs,
        parameters=formula.parameters,
        hyper=formula.hyper,
        random=formula.random,
        assumptions=formula.assumptions,
        title=formula.title,
        source=formula.source,
    )


def _instance(formula: Formula, found: Derivation, goal: Expr) -> tuple[str, Verdict]:
    """The element against SymPy's derivative of the written-out formula."""
    y, x = goal.expr, goal.wrt
    e = rename(
        inlined(formula.equation(formula.output).rhs, formula.equations[:-1]),
        dict(zip(formula.equation(formula.output).index, _index(y), strict=True)),
    )
    seen = written_out_agrees(
        e, x, inlined(found.result, formula.equations), assumptions=formula.assumptions
    )
    steps = found.verify()
    if seen.ok and steps.level == "proved":
        seen = Verdict("proved", "every step, and SymPy's derivative of a written-out instance")
    return "the derivative of the written-out formula", weakest((seen, steps))


def _index(e: Expr) -> tuple[Expr, ...]:
    return tuple(e.index) if isinstance(e, Elem) else ()
