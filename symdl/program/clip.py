"""A clipping formula as a program that changes the vector of a gradient in place."""

from __future__ import annotations

from dataclasses import dataclass

from symdl.calculus.stabilise import stabilise
from symdl.errors import NotSupported
from symdl.formula import Formula
from symdl.notation.tensors import TensorSymbol
from symdl.program.ir import Slot
from symdl.program.lowering import lower
from symdl.program.passes import for_arrays
from symdl.program.plan import Plan, plan

__all__ = ["Clip", "Clipping", "lower_clip"]


@dataclass(frozen=True)
class Clipping:
    """A clipping formula with its threshold, and what its vector is.

    by_tensor  True: the gradient of one tensor at a time; False: those of all tensors together
    """

    formula: Formula
    by_tensor: bool = False


@dataclass(frozen=True)
class Clip:
    """A planned clipping: the slots of the gradient, of its new value, and of the thresholds.

    ``running`` is the formula as it runs, with a norm that does not overflow.
    """

    plan: Plan
    gradient: Slot
    clipped: Slot
    hyper: tuple[Slot, ...]
    running: Formula
    by_tensor: bool


def lower_clip(clipping: Clipping) -> Clip:
    """Lower a clipping formula: its input is the vector of a gradient, its output one like it."""
    formula = clipping.formula
    given = (*formula.inputs, *formula.parameters, *formula.random)
    vectors = (*given, formula.output)
    if len(given) != 1 or formula.state or not all(_is_vector(v) for v in vectors):
        names = ", ".join(map(str, given)) or "none"
        raise NotSupported(f"a clipping formula reads one vector g[k], and gives one; not {names}")
    running = stabilise(formula).formula
    program = for_arrays(lower(running.equations, {formula.output}))
    gradient, clipped = (program.slots[v] for v in vectors)
    hyper = tuple(program.slots.get(s, Slot(s.name)) for s, _ in formula.hyper)
    planned = plan(program, {}, into={clipped: gradient})
    return Clip(planned, gradient, clipped, hyper, running, clipping.by_tensor)


def _is_vector(v: object) -> bool:
    return isinstance(v, TensorSymbol) and v.rank == 1 and v.labels is None
