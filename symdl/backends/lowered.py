"""From the equations of training to programs: what the functions of a step are generated from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp

from symdl.backends.given import axes_of, size_value
from symdl.backends.use import Use
from symdl.calculus.network import Backward
from symdl.errors import InputError, Mismatch
from symdl.formula import Equation, Formula, Variable
from symdl.notation.tensors import TensorSymbol
from symdl.notation.walk import sizes_of
from symdl.program.clip import Clip, Clipping, lower_clip
from symdl.program.ir import Program, Slot
from symdl.program.lowering import lower
from symdl.program.share import dead
from symdl.program.update import Update, lower_update

__all__ = [
    "Constraint",
    "Lowered",
    "check_given",
    "check_places",
    "lower_step",
    "sizes_in",
    "slot_of",
]

Constraint = tuple[Variable, Sequence[Equation]]
"""A parameter and its equations; the last one defines what the parameter becomes."""


@dataclass(frozen=True)
class Lowered:
    """The programs of a step, and what travels with them.

    symbols      the sizes that they read
    sizes        those that are known
    formulas     as a reader sees them
    derived      where the equations come from
    """

    uses: Mapping[str, Use]
    symbols: tuple[sp.Symbol, ...]
    formulas: tuple[str, ...]
    parameters: tuple[Variable, ...] = ()
    sizes: Mapping[sp.Symbol, int] = field(default_factory=dict)
    batch: sp.Symbol | None = None
    update: Update | None = None
    clip: Clip | None = None
    constraints: tuple[Constraint, ...] = ()
    derived: Backward | None = None


def lower_step(
    forward: Sequence[Equation],
    backward: Sequence[Equation],
    *,
    inputs: Sequence[Variable],
    targets: Sequence[Variable],
    parameters: Sequence[Variable],
    loss: sp.Symbol,
    output: Variable,
    gradients: Mapping[Variable, Variable],
    update: Formula | None,
    batch: sp.Symbol | None,
    sizes: Mapping[sp.Symbol, int],
    prediction: Sequence[Equation] | None = None,
    statistics: Sequence[tuple[Variable, Variable]] = (),
    draws: Sequence[Variable] = (),
    clipping: Clipping | None = None,
    constraints: Sequence[Constraint] = (),
    metrics: Mapping[sp.Symbol, tuple[Equation, Equation]] | None = None,
    derived: Backward | None = None,
) -> Lowered:
    """Lower the equations of training, and of prediction if they differ.

    ``statistics`` are pairs (old, next): the old ones are read from a vector of their own, and the
    next ones are left in another.  ``draws`` follow the inputs and targets.  ``clipping`` changes
    the gradients before the update, ``constraints`` the parameters after it.  ``metrics`` are
    numbers besides the loss, each by its equation in training and its equation in prediction: they
    are left in a vector of their own.
    """
    numbers, judging = tuple(metrics or ()), [e for _, e in (metrics or {}).values()]
    trained = [e for e, _ in (metrics or {}).values()]  # before outputs are overwritten
    equations, given = [*forward, *trained, *backward], (*inputs, *targets)
    old, following = [v for v, _ in statistics], [v for _, v in statistics]
    absent = [p.name for p in parameters if p not in gradients]
    if absent:
        raise InputError(f"the parameters {', '.join(absent)} have no gradient")
    wanted = {loss, *numbers, *(gradients[p] for p in parameters), *following}
    if prediction is None:
        wanted.add(output)
    known = (*given, *old, *parameters)
    program = _checked(equations, wanted, (*known, *draws), sizes)
    running = program
    if prediction is not None:
        prediction = [*prediction, *judging]
        running = _checked(prediction, {loss, output, *numbers}, known, sizes)
    symbols = sizes_in([*equations, *(prediction or ())], [*known, *draws])
    judged: _Vectors = {"metrics": numbers}
    own = [gradients[p] for p in parameters]
    made: _Vectors = {"gradient": own, "next_statistics": following, **judged}
    held: _Vectors = {"parameters": parameters, "statistics": old}
    uses = (
        _use("gradients", program, loss, (*given, *draws), held=held, left=made),
        _use("evaluate", running, loss, given, held=held, left=judged),
        _use("forward", running, output, inputs, held=held, left={}),
    )
    clip = None if clipping is None else lower_clip(clipping)
    changed: list[Sequence[Equation]] = [] if clip is None else [clip.running.equations]
    changed += [] if update is None else [update.equations]
    changed += [own for _, own in constraints]
    return Lowered(
        {use.name: use for use in uses},
        tuple(symbols),
        tuple(_shown(equations, prediction, changed)),
        tuple(parameters),
        dict(sizes),
        batch,
        None if update is None else lower_update(update),
        clip,
        tuple(constraints),
        derived,
    )


_Vectors = Mapping[str, Sequence[Variable]]


def _checked(
    equations: Sequence[Equation],
    wanted: set[Variable],
    known: Sequence[Variable],
    sizes: Mapping[sp.Symbol, int],
) -> Program:
    """The program of equations that read nothing but what is known."""
    program = lower(equations, wanted, sizes)
    check_given(program, known, (), wanted)
    return program


def _use(
    name: str,
    program: Program,
    result: Variable,
    given: Sequence[Variable],
    *,
    held: _Vectors,
    left: _Vectors,
) -> Use:
    """A function narrowed to its result, and to what is left in vectors."""
    vectors = {
        vector: tuple(slot_of(program, v) for v in variables)
        for vector, variables in {**held, **left}.items()
        if variables or vector in ("parameters", "gradient")
    }
    end = slot_of(program, result)
    needed = dead(program, [end, *(slot_of(program, v) for own in left.values() for v in own)])
    return Use(name, needed, tuple(slot_of(program, v) for v in given), vectors, end)


def check_places(program: Program, sizes: Mapping[sp.Symbol, int]) -> None:
    """Raise Mismatch where a statement reads a fixed place beyond the end of its axis."""
    for s in program.statements:
        for r in s.reads:
            for place, axis in zip(r.at, r.slot.axes, strict=True):
                if isinstance(place, int) and place >= size_value(axis, sizes):
                    raise Mismatch(
                        f"{r.slot.name} is read at place {place} of an axis of size {axis} = "
                        f"{size_value(axis, sizes)}"
                    )


def slot_of(program: Program, v: Variable) -> Slot:
    """The slot of a variable."""
    kind = "label" if isinstance(v, TensorSymbol) and v.labels is not None else "real"
    return program.slots.get(v, Slot(v.name, axes_of(v), kind))


def check_given(
    program: Program,
    given: Sequence[Variable],
    parameters: Sequence[Variable],
    wanted: set[Variable],
) -> None:
    """Raise InputError where something is read or wanted that is neither given nor made."""
    known = {slot_of(program, v) for v in (*given, *parameters)}
    made = {s.target for s in program.statements}
    absent = [str(v) for v in wanted if slot_of(program, v) not in made | known]
    if absent:
        raise InputError(f"no equation defines {', '.join(sorted(absent))}")
    missing = [s.name for s in program.given if s not in known]
    if missing:
        raise InputError(f"{', '.join(missing)} is read, but is neither an input nor defined")


def sizes_in(equations: Sequence[Equation], variables: Sequence[Variable]) -> list[sp.Symbol]:
    """The sizes in equations and variables, by name."""
    sides = (e for equation in equations for e in (equation.lhs, equation.rhs))
    return sorted(frozenset().union(*(sizes_of(e) for e in (*sides, *variables))), key=str)


def _shown(
    equations: Sequence[Equation],
    prediction: Sequence[Equation] | None,
    changes: Sequence[Sequence[Equation]],
) -> list[str]:
    """The formulas of a step as a reader sees them."""
    shown = [str(e) for e in equations]
    if prediction is not None:
        shown += ["in prediction:", *(str(e) for e in prediction if e not in equations)]
    return shown + [str(e) for changed in changes for e in changed]
