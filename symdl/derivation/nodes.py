"""The part of a formula's graph that is derived, and how its adjoints are written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import Adjoint, Use, adjoint, bar, place_of
from symdl.calculus.contract import contract
from symdl.calculus.elimination import simplest_inside
from symdl.calculus.forms import cost
from symdl.calculus.joint import Reduction, joint_adjoint
from symdl.calculus.tree import Deriv
from symdl.derivation.reduction import tail_of
from symdl.derivation.shown import TotalDeriv
from symdl.derivation.steps import goal_of
from symdl.formula import Formula, Variable
from symdl.notation.binders import letters
from symdl.notation.indicators import Delta
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import inline

__all__ = ["Graph", "bar_at", "is_plain", "local_name", "to_place", "with_deltas"]

_LONGEST = 400  # a result of more operations than this stays in terms of the adjoints


@dataclass(frozen=True)
class Graph:
    """The part of a formula's graph that lies between a variable and the output."""

    formula: Formula
    v: Variable
    level: str = "normal"

    @cached_property
    def raw(self) -> Adjoint:
        """The adjoint equations along the way, not simplified."""
        return adjoint(self.formula, (self.v,))

    @cached_property
    def eliminated(self) -> dict[Variable, Reduction]:
        """The adjoint whose elimination over all equations makes the result simplest, and how."""
        choices: list[dict[Variable, Reduction]] = [{}]
        tail = tail_of(self.formula)
        for s in self.raw.steps:
            own = s.variable == self.v
            within = self.formula if own else tail
            if own or (not self.scalar and s.variable in (*within.inputs, *within.defined)):
                found = dict(joint_adjoint(within, (s.variable,))[1]).get(s.variable)
                if found is not None:
                    choices.append({s.variable: found})
        if len(choices) == 1:
            return {}
        results = [self._filled(choice) for choice in choices]
        if all(e is None for e in results):
            return choices[-1]
        sizes = [(math.inf,) if e is None else (cost(simplest_inside(e)), cost(e)) for e in results]
        chosen = choices[sizes.index(min(sizes))]
        return {
            v: replace(found, after=simplest_inside(found.after)) for v, found in chosen.items()
        }

    @cached_property
    def scalar(self) -> bool:
        """True for a formula written in scalar symbols."""
        return not any(isinstance(e.variable, TensorSymbol) for e in self.formula.equations) and (
            not isinstance(self.v, TensorSymbol)
        )

    @cached_property
    def loss(self) -> bool:
        """True if the output is a number; else its adjoint is given from outside."""
        return not isinstance(self.formula.output, TensorSymbol)

    @cached_property
    def result(self) -> Expr:
        """The adjoint in terms of the formula's variables (and of the output's adjoint)."""
        found = self._filled(self.eliminated)
        own = self.raw.step(self.v).equation.rhs
        return self.shown(own) if found is None else simplest_inside(found)

    @cached_property
    def kind(self) -> type[Deriv]:
        """Total derivatives are written apart only where a partial one has the same name."""
        for s in self.raw.steps:
            if len(s.uses) > 1 and any(u.equation.variable == self.formula.output for u in s.uses):
                return TotalDeriv
        return Deriv

    def whole(self, v: Variable, at: Expr | None = None) -> Expr:
        """The derivative of the output for ``v``: dE/dv, or the adjoint of a tensor output."""
        at = place_of(v) if at is None else at
        if not self.loss:
            return Elem(bar(v), *at.index) if isinstance(at, Elem) else bar(v)
        return sp.S.One if v == self.formula.output else self.kind(self.formula.output, at)

    def shown(self, e: Expr) -> Expr:
        """Write adjoints as derivatives of the output."""
        if not self.loss:
            return e
        places = {v: place_of(v) for v in self._on_the_way}
        return inline(e, {bar_at(v, at): self.whole(v, at) for v, at in places.items()})

    @cached_property
    def _on_the_way(self) -> tuple[Variable, ...]:
        return tuple(s.variable for s in self.raw.steps)

    @cached_property
    def merging(self) -> frozenset[Variable]:
        """The nodes that feed several equations."""
        return frozenset(s.variable for s in self.raw.steps if len(s.uses) > 1)

    @cached_property
    def meaning(self) -> dict[Expr, Expr]:
        """What each derivative that is written as a symbol stands for."""
        out: dict[Expr, Expr] = {}
        for s in self.raw.steps:
            for use in s.uses:
                out[local_name(use)] = use.local.after
        for s in self.raw.steps:
            out[self.whole(s.variable)] = bar_at(s.variable, place_of(s.variable))
        return out

    def _filled(self, eliminated: Mapping[Variable, Reduction]) -> Expr | None:
        """Put all adjoints in, last one first; None where that grows too long to be read."""
        rhs = {s.variable: s.equation.rhs for s in self.raw.steps}
        rhs.update((v, found.after) for v, found in eliminated.items())
        whole = rhs[self.v]
        for s in reversed(self.raw.steps):
            if s.variable != self.v:
                whole = inline(whole, {s.equation.lhs: rhs[s.variable]})
                if cost(whole) > _LONGEST:
                    return None
        return contract(whole)


def bar_at(v: Variable, at: Expr) -> Expr:
    """The adjoint of ``v`` at the indices of ``at``."""
    return Elem(bar(v), *at.index) if isinstance(at, Elem) else bar(v)


def local_name(use: Use) -> Expr:
    """dy/dv as a symbol, at the indices for which it was derived."""
    return Deriv(use.equation.lhs, goal_of(use.local).wrt)


def with_deltas(use: Use) -> Expr:
    """The local derivative for the element at ``use.place``."""
    at = goal_of(use.local).wrt
    if not isinstance(at, Elem) or at == use.place or is_plain(at, use.equation.index):
        return use.local.after
    pairs = zip(at.index, use.place.index, strict=True)
    return use.local.after * sp.Mul(*(Delta(i - a) for i, a in pairs))


def is_plain(at: Expr, index: tuple[Index, ...]) -> bool:
    """True if ``at`` is read at different indices of the left side: no sum is needed over them."""
    if not isinstance(at, Elem):
        return True
    return set(at.index) <= set(index) and len(set(at.index)) == len(at.index)


def to_place(here: Expr, place: Expr, others: tuple[Index, ...]) -> dict[Index, Index]:
    """Call the indices of ``here`` as in ``place``, and keep the ``others`` apart from them."""
    if not (isinstance(here, Elem) and all(isinstance(i, Index) for i in here.index)):
        return {}
    new: dict[Index, Index] = dict(zip(here.index, place.index, strict=True))
    taken = {i.name for i in new.values()}
    for i in others:
        if i not in new and i.name in taken:
            letter = next(c for c in letters(i.size) if c not in taken)
            new[i] = Index(letter, i.size)
            taken.add(letter)
    return new
