"""Judging adjoints: each local derivative, each contraction, each elimination, and the whole."""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from symdl.calculus.adjoint import Adjoint, AdjointStep, adjoint, at_place, bar, place_of
from symdl.calculus.elimination import divisors
from symdl.calculus.joint import Reduction, joint_adjoint
from symdl.errors import SymdlError
from symdl.evidence.judge import inlined, judge_derivative, judge_equation
from symdl.evidence.recheck import written_out_agrees
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Formula, Variable
from symdl.notation.binders import Total
from symdl.notation.tensors import Elem

__all__ = ["judge_adjoint", "judge_reduction", "judge_step"]


def judge_step(step: AdjointStep, whole: Adjoint) -> Verdict:
    """Judge one adjoint equation: its local derivatives, their contraction, and their sum."""
    if not step.uses:
        return Verdict("proved", "nothing reads the variable")
    parts = [judge_derivative(use.local, (use.equation,)) for use in step.uses]
    place = place_of(step.variable)
    total = sp.Add(*(at_place(use.uncontracted, use, place) for use in step.uses))
    parts.append(judge_equation(total, step.equation.rhs, whole.formula.equations))
    return weakest(parts)


def judge_reduction(reduction: Reduction, whole: Adjoint) -> Verdict:
    """Judge a simplification by elimination, with the formula's definitions and assumptions."""
    new = divisors(reduction.after) - divisors(reduction.before)
    if new:
        names = ", ".join(sorted(map(str, new)))
        return Verdict("unknown", f"it divides by {names}, which may be zero")
    f = whole.formula
    return judge_equation(reduction.before, reduction.after, f.equations, f.assumptions)


@lru_cache(maxsize=512)
def judge_adjoint(
    formula: Formula, wrt: tuple[Variable, ...] | None = None
) -> tuple[tuple[str, Verdict], ...]:
    """Judge every step of a formula's adjoints, every elimination, and each gradient as a whole.

    A gradient is proved only if every step and elimination is, and SymPy's derivative of the
    written-out formula agrees at random points of an instance.

    >>> from symdl.catalog.activations import SIGMOID
    >>> [(what, verdict.level) for what, verdict in judge_adjoint(SIGMOID)]
    [('adjoint of x', 'proved'), ('gradient of x', 'proved')]
    """
    raw = adjoint(formula, wrt)
    joint, reductions = joint_adjoint(formula, wrt)
    out = [(f"adjoint of {s.variable}", judge_step(s, raw)) for s in raw.steps]
    out += [(f"elimination for {v}", judge_reduction(r, joint)) for v, r in reductions]
    steps = weakest(verdict for _, verdict in out)
    for v in joint.wrt:
        out.append((f"gradient of {v}", _judge_whole(joint, v, steps)))
    return tuple(out)


def _judge_whole(whole: Adjoint, v: Variable, steps: Verdict) -> Verdict:
    """The gradient in terms of the inputs, against SymPy's derivative of the written-out loss."""
    f = whole.formula
    try:
        equation = whole.inlined(v)
        output = f.equation(f.output)
        loss = output.rhs
        if isinstance(output.lhs, Elem):
            loss = Total(Elem(bar(f.output), *output.index) * output.rhs, *output.index)
        place = place_of(v)
        instance = written_out_agrees(
            inlined(loss, f.equations), place, inlined(equation.rhs, f.equations),
            assumptions=f.assumptions,
        )  # fmt: skip
        if instance.ok and steps.level == "proved":
            return Verdict("proved", "every step, and SymPy's derivative of a written-out instance")
        return weakest((instance, steps))
    except SymdlError as error:
        return Verdict("unknown", str(error))
