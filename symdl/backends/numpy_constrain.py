"""What parameters are brought back to after an update, as the source text of a function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import sympy as sp

from symdl.backends.given import axes_of
from symdl.backends.lowered import Constraint
from symdl.backends.numpy_source import Maker, Outside, write_maker
from symdl.formula import Variable
from symdl.program.ir import Program, Slot
from symdl.program.layout import layout
from symdl.program.lowering import lower
from symdl.program.passes import for_arrays
from symdl.program.plan import Plan, plan

__all__ = ["write_constraints"]

ABOUT = "Brings the parameters back to what is allowed, in place; called after each update."


def write_constraints(
    constraints: Sequence[Constraint],
    parameters: Sequence[Variable],
    sizes: Mapping[sp.Symbol, int],
    symbols: Sequence[sp.Symbol],
) -> tuple[Maker, Plan]:
    """Write ``make_constrain``."""
    equations = [e for _, own in constraints for e in own]
    changes = [(own[-1].variable, parameter) for parameter, own in constraints]
    program = for_arrays(lower(equations, {new for new, _ in changes}, sizes))
    held = tuple(_slot(program, v) for v in parameters)
    planned = plan(*layout(program, held), held)
    plain = {slot: tuple(range(slot.rank)) for slot in held}  # what is not read has a place too
    planned = replace(planned, orders={**plain, **planned.orders})
    maker = write_maker(
        "constrain",
        planned,
        inputs=[],
        results=[],
        sizes=symbols,
        outside=[Outside("parameters", held)],
        about=ABOUT,
        into=[(_slot(program, new), _slot(program, old)) for new, old in changes],
    )
    return maker, planned


def _slot(program: Program, v: Variable) -> Slot:
    return program.slots.get(v, Slot(v.name, axes_of(v)))
