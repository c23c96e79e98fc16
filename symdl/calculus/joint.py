"""The adjoint of several equations taken together, simplified by elimination.

Adjoints of intermediates are put into one expression; tensors that another equation determines
are solved for and eliminated; the equations left over become lemmas (sum_k p_k = 1); the normal
form modulo lemmas and assumptions is kept where it is cheaper.  No layer has a rule of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache

from sympy.core.expr import Expr

from symdl.calculus.adjoint import Adjoint, AdjointStep, adjoint
from symdl.calculus.contract import contract
from symdl.calculus.elimination import divisors, solve_linear
from symdl.calculus.forms import cost, tidy
from symdl.calculus.lemmas import Lemma, apply_lemmas, lemma_of
from symdl.errors import SymdlError
from symdl.formula import Equation, Formula, Variable
from symdl.notation.binders import Binder
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem
from symdl.notation.walk import inline, occurrences, variables

__all__ = ["Reduction", "joint_adjoint"]

_MOST_EQUATIONS = 12
_MOST_WITHOUT_SUMS = 4
_MOST_OPERATIONS = 300  # of an inlined adjoint; a larger one stays in steps


@dataclass(frozen=True)
class Reduction:
    """How an adjoint was simplified: what was inlined, solved for, and which lemmas were used."""

    before: Expr
    solved: tuple[Equation, ...]
    lemmas: tuple[Lemma, ...]
    after: Expr


@lru_cache(maxsize=1024)
def joint_adjoint(
    formula: Formula, wrt: tuple[Variable, ...] | None = None
) -> tuple[Adjoint, tuple[tuple[Variable, Reduction], ...]]:
    """Derive the adjoints of ``wrt`` and simplify them over all equations of the formula.

    Returns the adjoint and, for each variable whose adjoint became simpler, how.
    """
    raw = adjoint(formula, wrt)
    reductions: list[tuple[Variable, Reduction]] = []
    if not _worth_trying(formula):
        return raw, ()
    best = raw
    for v in raw.wrt:
        found = _reduced(raw, v)
        trial = _with_reduction(best, v, found.after)
        if _total_cost(trial) < _total_cost(best):
            best = trial
            reductions.append((v, found))
    return best, tuple(reductions)


def _worth_trying(formula: Formula) -> bool:
    """A few equations, or ones with sums; without sums nothing cancels along a longer chain."""
    binds = any(e.rhs.has(Binder) for e in formula.equations)
    return 1 < len(formula.equations) <= (_MOST_EQUATIONS if binds else _MOST_WITHOUT_SUMS)


def _total_cost(a: Adjoint) -> int:
    return sum(cost(s.equation.rhs) + 1 for s in a.steps)


def _with_reduction(a: Adjoint, v: Variable, rhs: Expr) -> Adjoint:
    """Replace the adjoint of ``v``, and drop the intermediates that nothing needs any more."""
    steps = []
    for s in a.steps:
        new = Equation(s.equation.lhs, rhs) if s.variable == v else s.equation
        steps.append(AdjointStep(s.variable, s.uses, new))
    needed = {*a.wrt}
    kept: list[AdjointStep] = []
    read: set[Variable] = set()
    for s in reversed(steps):
        if s.variable in needed or s.equation.variable in read:
            kept.append(s)
            read |= variables(s.equation.rhs)
    return replace(a, steps=tuple(reversed(kept)))


def _reduced(a: Adjoint, v: Variable) -> Reduction:
    """The cheapest form of the adjoint of ``v`` in terms of forward variables alone."""
    before = a.inlined(v).rhs
    if cost(before) > _MOST_OPERATIONS:
        return Reduction(before, (), (), before)
    best = Reduction(before, (), (), tidy(before))
    for solved, rest in _eliminations(a.formula):
        lemmas = _lemmas(a.formula, solved, rest)
        for after in _forms(_put_in(before, solved), lemmas):
            if divisors(after) <= divisors(before) and cost(after) < cost(best.after):
                best = Reduction(before, solved, lemmas, after)
    return best


def _forms(e: Expr, lemmas: Sequence[Lemma]) -> Iterator[Expr]:
    """The normal form modulo lemmas, and the expression as it stands with factors moved out."""
    with suppress(SymdlError):  # it may have no normal form
        yield tidy(apply_lemmas(e, lemmas))
    yield tidy(contract(e))


def _put_in(e: Expr, solved: Sequence[Equation]) -> Expr:
    for equation in solved:
        e = inline(e, {equation.lhs: equation.rhs})
    return e


def _lemmas(
    formula: Formula, solved: Sequence[Equation], rest: Sequence[Equation]
) -> tuple[Lemma, ...]:
    """Assumptions, and what the other equations say once the solved ones are put into them."""
    candidates = list(formula.assumptions)
    if solved:
        candidates += [
            Equation(_put_in(e.lhs, solved), _put_in(e.rhs, solved))
            for e in rest
            if e.variable != formula.output
        ]
    found = (lemma_of(e) for e in candidates if e.rhs.has(Binder) or e.lhs.has(Binder))
    return tuple(lemma for lemma in found if lemma is not None)


def _eliminations(
    formula: Formula,
) -> Iterator[tuple[tuple[Equation, ...], tuple[Equation, ...]]]:
    """Ways to choose: no equation, one, or all of them solved for what they read.

    Yields the solved equations in the order of evaluation, and the equations not used.
    """
    solvable = [(e, _solved(e, formula)) for e in formula.equations]
    found = [(e, s) for e, s in solvable if s is not None]
    inner = [(e, s) for e, s in found if e.variable != formula.output]
    choices: list[list[tuple[Equation, Equation]]] = [[], *([pair] for pair in found)]
    choices += [c for c in (found, inner) if len(c) > 1]
    for chosen in choices:
        used = [e for e, _ in chosen]
        yield tuple(s for _, s in chosen), tuple(e for e in formula.equations if e not in used)


def _solved(e: Equation, formula: Formula) -> Equation | None:
    """Solve a sum-free equation for what was defined last among what it reads."""
    order = (*reversed(formula.defined), *formula.inputs)
    for v in order:
        if v != e.variable and v in variables(e.rhs):
            found = _solved_for(e, v)
            if found is not None:
                return found
    return None


def _solved_for(e: Equation, v: Variable) -> Equation | None:
    """Solve a sum-free equation for ``v``, read at the very indices of the left side."""
    if e.rhs.has(Binder):
        return None
    places = occurrences(e.rhs, v)
    if len(places) != 1:
        return None
    (place,) = places
    index = place.index if isinstance(place, Elem) else ()
    if not all(isinstance(i, Index) for i in index) or set(index) != set(e.index):
        return None
    if e.rhs.is_Pow and e.rhs.exp.is_Rational and e.lhs.is_positive:
        value = solve_linear(e.rhs.base - e.lhs ** (1 / e.rhs.exp), place)
    else:
        value = solve_linear(e.lhs - e.rhs, place)
    if value is None or divisors(value):
        return None
    return Equation(place, value)
