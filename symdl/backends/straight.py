"""A whole training step as scalar assignments: code for nets of a few numbers is made from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.backends.build import Build
from symdl.errors import NotSupported
from symdl.program.ir import Slot
from symdl.program.passes import for_scalars
from symdl.program.unroll import Straight, operations, unroll, unroll_update
from symdl.program.update import Update

__all__ = ["StraightStep", "operations_of_step", "straight_step"]

Symbols = tuple[sp.Symbol, ...]


@dataclass(frozen=True)
class StraightStep:
    """Assignments in order of evaluation, and which symbols are read and left.

    parameters, states  pairs (before, after); each state belongs to the parameters in order
    given               the elements of each array that is given
    scalars             hyper-parameters, and the number of the step where it is read
    """

    sizes: Mapping[sp.Symbol, int]
    assignments: tuple[tuple[sp.Symbol, Expr], ...]
    parameters: tuple[Symbols, Symbols]
    states: tuple[tuple[Symbols, Symbols], ...]
    given: tuple[tuple[str, Symbols], ...]
    scalars: Symbols
    loss: sp.Symbol
    metrics: Symbols

    @property
    def results(self) -> set[sp.Symbol]:
        """What must be computed."""
        after = [self.parameters[1], *(new for _, new in self.states), self.metrics]
        return {self.loss, *(s for symbols in after for s in symbols)}


def _update_of(build: Build) -> Update:
    """The update of a step that can be written out; raise NotSupported for another."""
    if build.update is None or build.statistics or build.draws or build.clip or build.labels:
        raise NotSupported("it is for steps of an update alone, without state or draws of layers")
    if build.lowered.constraints:
        raise NotSupported("parameters are constrained")
    return build.update


def operations_of_step(build: Build, sizes: Mapping[sp.Symbol, int]) -> int:
    """About how many scalar operations a step takes."""
    update, use = _update_of(build), build.uses["gradients"]
    whole = {s: sp.Integer(n) for s, n in sizes.items()}
    shapes = ([int(a.xreplace(whole)) for a in slot.axes] for slot in use.vectors["parameters"])
    each = sum(int(e.rhs.count_ops()) for e in update.formula.equations)
    return operations(use.program, sizes) + sum(map(math.prod, shapes)) * each


def straight_step(
    build: Build, sizes: Mapping[sp.Symbol, int], *, one_form: bool = True
) -> StraightStep:
    """Write a step out for these sizes.

    one_form  whether the code notices an overflow, so that one form serves on both sides of zero
    """
    update, use = _update_of(build), build.uses["gradients"]
    straight = unroll(for_scalars(use.program), sizes, one_form=one_form)
    pairs = list(zip(use.vectors["parameters"], use.vectors["gradient"], strict=True))
    before = _elements([w for w, _ in pairs], straight)
    (loss,) = straight.elements(use.result).values()
    weights, states = unroll_update(update.formula, straight, pairs)
    return StraightStep(
        sizes,
        tuple(straight.assignments),
        (before, tuple(weights)),
        tuple((tuple(old), tuple(new)) for old, new in states),
        tuple((slot.name, _elements([slot], straight)) for slot in use.given),
        (*(s for s, _ in update.formula.hyper), *update.formula.inputs[2:]),
        loss,
        _elements(use.vectors.get("metrics", ()), straight),
    )


def _elements(slots: Sequence[Slot], straight: Straight) -> Symbols:
    return tuple(e for slot in slots for e in straight.elements(slot).values())
