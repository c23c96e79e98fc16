"""An optimizer's formula of one weight as a program over the vector of all weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import NotSupported
from symdl.formula import Equation, Formula, Variable
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import Elem, TensorSymbol, real
from symdl.program.ir import Apply, Slot
from symdl.program.lowering import lower
from symdl.program.passes import for_arrays
from symdl.program.plan import Plan, plan

__all__ = ["Update", "lower_update"]

_k = Index("k", size_of("P"))


@dataclass(frozen=True)
class Update:
    """A planned update: the slots of its vectors, and of its scalars."""

    plan: Plan
    weight: Slot
    weight_new: Slot
    gradient: Slot
    state: tuple[tuple[Slot, Slot], ...]
    hyper: tuple[Slot, ...]
    count: Slot | None
    formula: Formula
    units: tuple[Expr, ...] = ()  # of each state: what its vector is kept divided by
    spared: int = 0  # passes over the vectors that the units save


def lower_update(formula: Formula) -> Update:
    """Lower an update formula: ``inputs`` are the weight, its gradient and maybe the step count."""
    if len(formula.inputs) not in (2, 3) or formula.parameters or formula.random:
        raise NotSupported(
            "an update formula has the inputs weight, gradient and optionally the number of the "
            f"step, not {list(formula.inputs)}"
        )
    old = [formula.inputs[0], formula.inputs[1], *(o for o, _ in formula.state)]
    vectors: dict[Variable, Expr] = {v: _vector(v) for v in old}
    scalars: dict[Variable, Expr] = {s: real(s.name) for s, _ in formula.hyper}
    scalars |= {s: real(s.name) for s in formula.inputs[2:]}
    equations = []
    for e in formula.equations:
        moving = bool(e.rhs.free_symbols & vectors.keys())
        (vectors if moving else scalars)[e.lhs] = _vector(e.lhs) if moving else real(e.lhs.name)
        new = {**vectors, **scalars}
        equations.append(Equation(new[e.lhs], e.rhs.xreplace(new)))
    for v in (formula.output, *(n for _, n in formula.state)):
        if v not in vectors:
            raise NotSupported(f"{v} does not depend on the weight, the gradient or the state")
    if not any(e.rhs.has(formula.inputs[0]) for e in formula.equations):
        raise NotSupported(f"the update {formula.name or formula.output} does not read the weight")
    return _in_units(formula, equations, {**vectors, **scalars})


def _in_units(formula: Formula, equations: list[Equation], new: dict[Variable, Expr]) -> Update:
    """Keep a state divided by a scalar where that saves passes over the vectors.

    With m' = b m + (1 - b) g and M = m / (1 - b), the update is M' = b M + g.
    """
    units = [sp.S.One] * len(formula.state)
    plain = best = _planned(formula, equations, new, units)
    for place, (old, after) in enumerate(formula.state):
        unit = _unit(equations, new[old], new[after], {new[h] for h, _ in formula.hyper})
        if unit == 1:
            continue
        changed = [_rescaled(e, new[old], new[after], unit) for e in equations]
        tried = [*units[:place], unit, *units[place + 1 :]]
        update = _planned(formula, changed, new, tried)
        if _passes(update) < _passes(best):
            best, equations, units = update, changed, tried
    return replace(best, spared=_passes(plain) - _passes(best))


def _passes(update: Update) -> int:
    return sum(isinstance(s, Apply) for s in update.plan.program.statements)


def _unit(equations: list[Equation], old: Expr, new: Expr, hyper: set[Expr]) -> Expr:
    """The scalar factor c of new = a old + c f, or 1; it may depend on hyper-parameters only."""
    rhs = next(e.rhs for e in equations if e.lhs == new)
    rest = sp.Add(*(t for t in sp.Add.make_args(rhs) if not t.has(old)))
    moved = sp.Add(*(t for t in sp.Add.make_args(rhs) if t.has(old)))
    scalar = not (moved / old).has(Elem)
    factors = [f for f in sp.Mul.make_args(rest) if not f.has(Elem)]
    unit = sp.Mul(*factors)
    if not scalar or rest.is_Add or unit.free_symbols - hyper:
        return sp.S.One
    return unit


def _rescaled(e: Equation, old: Expr, new: Expr, unit: Expr) -> Equation:
    rhs = e.rhs.xreplace({old: unit * old, new: unit * new})
    return Equation(
        e.lhs, sp.Add(*(t / unit for t in sp.Add.make_args(rhs))) if e.lhs == new else rhs
    )


def _vector(v: Variable) -> Expr:
    if isinstance(v, TensorSymbol):
        raise NotSupported(f"the update of {v}: formulas of one scalar weight are understood")
    return TensorSymbol(v.name, (_k.size,), positive=bool(v.is_positive))[_k]


def _planned(
    formula: Formula, equations: list[Equation], new: dict[Variable, Expr], units: list[Expr]
) -> Update:
    def variable(v: Variable) -> Variable:
        e = new[v]
        return e.tensor if isinstance(e, Elem) else e

    keep = {variable(formula.output), *(variable(n) for _, n in formula.state)}
    program = for_arrays(lower(equations, keep), [u for u in units if u != 1])

    def slot(v: Variable) -> Slot:
        found: Slot = program.slots.get(variable(v), Slot(variable(v).name))
        return found

    weight, gradient = (slot(v) for v in formula.inputs[:2])
    state = tuple((slot(o), slot(n)) for o, n in formula.state)
    into = {slot(formula.output): weight, **{n: o for o, n in state}}
    return Update(
        plan(program, {}, into=into, scratch=[gradient]),
        weight,
        slot(formula.output),
        gradient,
        state,
        tuple(slot(s) for s, _ in formula.hyper),
        slot(formula.inputs[2]) if len(formula.inputs) == 3 else None,
        formula,
        tuple(units),
    )
