"""The line of an elimination: what was solved for, which lemmas and assumptions it used."""

from __future__ import annotations

from sympy.core.expr import Expr

from symdl.calculus.joint import Reduction
from symdl.calculus.lemmas import Lemma, apply_lemmas, lemma_of
from symdl.derivation.steps import Equal, Note, Step
from symdl.formula import Formula
from symdl.notation.walk import inline, variables

__all__ = ["elimination_step", "tail_of"]

_TAIL = 6  # a loss, what it reads, and a normalisation before it


def tail_of(formula: Formula) -> Formula:
    """The last few equations as a formula of what they read: where a loss meets its activation."""
    equations = formula.equations[-_TAIL:]
    defined = {e.variable for e in equations}
    read = sorted(set().union(*(variables(e.rhs) for e in equations)) - defined, key=str)
    return Formula(equations, output=formula.output, inputs=read, assumptions=formula.assumptions)


def elimination_step(formula: Formula, lhs: Expr, found: Reduction) -> Step:
    """The step from the adjoint with everything put in to its simplified form."""
    used = _used(found)
    assumed = {lemma_of(a): a for a in formula.assumptions}
    notes = [Note("solved", e.lhs, e.rhs) for e in found.solved]
    for lemma in found.lemmas:
        if lemma in used:
            key = "assumption" if lemma in assumed else "lemma"
            notes.append(Note(key, lemma.total, lemma.value))
    assumptions = tuple(a for lemma, a in assumed.items() if lemma in used)
    claim = Equal(found.before, found.after, formula.equations, assumptions)
    return Step(
        "elimination" if notes else "put together",
        lhs,
        (found.before, found.after) if found.before != found.after else (found.after,),
        (claim,),
        notes=tuple(notes),
        section="together",
    )


def _used(found: Reduction) -> tuple[Lemma, ...]:
    """The lemmas without which the result would be another one."""
    e = found.before
    for equation in found.solved:
        e = inline(e, {equation.lhs: equation.rhs})
    whole = apply_lemmas(e, found.lemmas)
    return tuple(
        lemma
        for lemma in found.lemmas
        if apply_lemmas(e, [m for m in found.lemmas if m != lemma]) != whole
    )
