"""The NumPy module of a step: where its arrays live, and the source of its functions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from symdl.backends.given import axes_of, size_value
from symdl.backends.lowered import Lowered, check_places
from symdl.backends.numpy_clip import write_clip
from symdl.backends.numpy_constrain import write_constraints
from symdl.backends.numpy_source import Maker, Outside, module_source, write_maker
from symdl.backends.numpy_update import write_update
from symdl.program.border import border
from symdl.program.ir import Program, Slot
from symdl.program.layout import layout
from symdl.program.passes import for_arrays
from symdl.program.plan import Plan, plan

__all__ = ["ABOUT", "TITLE", "NumpyModule", "numpy_module"]

TITLE = "One training step, generated from these formulas:"

ABOUT = {
    "gradients": "The loss; its gradients are left in the vector ``gradient``.",
    "evaluate": "The loss alone.",
    "forward": "The output for new inputs; the array is written anew by the next call.",
}


@dataclass(frozen=True)
class NumpyModule:
    """The functions of a step as makers, how their arrays are planned, and the whole source."""

    plans: Mapping[str, Plan]
    makers: tuple[Maker, ...]
    source: str


def numpy_module(lowered: Lowered) -> NumpyModule:
    """Plan and write each function."""
    makers: list[Maker] = []
    plans: dict[str, Plan] = {}
    for name, use in lowered.uses.items():
        outside = [Outside(vector, slots) for vector, slots in use.vectors.items()]
        plans[name] = _arranged(
            for_arrays(use.program), [o.slots for o in outside], lowered.batch, lowered.sizes
        )
        makers.append(
            write_maker(
                name,
                plans[name],
                inputs=use.given,
                results=[use.result],
                sizes=lowered.symbols,
                outside=outside,
                about=ABOUT[name],
            )
        )
    if lowered.clip is not None:
        makers.append(write_clip(lowered.clip))
        plans["clip"] = lowered.clip.plan
    if lowered.update is not None:
        makers.append(write_update(lowered.update, _parameters(lowered)))
        plans["update"] = lowered.update.plan
    if lowered.constraints:
        maker, plans["constrain"] = write_constraints(
            lowered.constraints,
            lowered.parameters,
            lowered.sizes,
            [s for s in lowered.symbols if s != lowered.batch],
        )
        check_places(plans["constrain"].program, lowered.sizes)
        makers.append(maker)
    return NumpyModule(plans, tuple(makers), module_source(TITLE, lowered.formulas, makers))


def _parameters(lowered: Lowered) -> int:
    """The number of all parameters."""
    shapes = ([size_value(a, lowered.sizes) for a in axes_of(v)] for v in lowered.parameters)
    return sum(math.prod(shape) for shape in shapes)


def _arranged(
    program: Program,
    vectors: Sequence[Sequence[Slot]],
    batch: sp.Symbol | None,
    sizes: Mapping[sp.Symbol, int],
) -> Plan:
    """Say where all arrays of a function live."""
    kept = [slot for held in vectors for slot in held]
    likely = {s: n for s, n in sizes.items() if s != batch}
    placed, orders, bordered = border(*layout(program, kept, batch), vectors, likely)
    return plan(placed, orders, kept, bordered=bordered, sizes=likely)
