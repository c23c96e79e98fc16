"""From equations to the source of a training step: the functions it is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp

from symdl.backends.given import axes_of, size_value
from symdl.backends.names import Names
from symdl.backends.numpy_clip import write_clip
from symdl.backends.numpy_constrain import Constraint, write_constraints
from symdl.backends.numpy_source import Maker, Outside, module_source, write_maker
from symdl.backends.numpy_update import write_update
from symdl.backends.use import Use
from symdl.calculus.network import Backward
from symdl.errors import InputError, Mismatch
from symdl.formula import Equation, Formula, Variable
from symdl.notation.tensors import TensorSymbol
from symdl.notation.walk import sizes_of
from symdl.program.border import border
from symdl.program.clip import Clip, Clipping, lower_clip
from symdl.program.ir import Program, Slot
from symdl.program.layout import layout
from symdl.program.lowering import lower
from symdl.program.passes import for_arrays
from symdl.program.plan import Plan, plan
from symdl.program.share import dead
from symdl.program.update import Update, lower_update

__all__ = ["TITLE", "Build", "build_source"]

TITLE = "One training step, generated from these formulas:"


@dataclass(frozen=True)
class Build:
    """The source of a step, and what is needed to bind it to sizes and arrays."""

    source: str
    inputs: tuple[Variable, ...]
    given: tuple[Variable, ...]  # inputs and targets
    parameters: tuple[Variable, ...]
    symbols: tuple[sp.Symbol, ...]  # sizes, which the makers take by name
    batch: sp.Symbol | None
    update: Update | None
    plans: Mapping[str, Plan]
    statistics: tuple[Variable, ...] = ()
    draws: tuple[Variable, ...] = ()
    clip: Clip | None = None
    uses: Mapping[str, Use] = field(default_factory=dict)
    formulas: tuple[str, ...] = ()  # as a reader sees them
    derived: Backward | None = None  # where the equations come from
    makers: tuple[Maker, ...] = ()  # the functions of the source
    metrics: tuple[Variable, ...] = ()  # numbers that are computed besides the loss

    @property
    def labels(self) -> tuple[Variable, ...]:
        """The given variables that hold labels."""
        return tuple(v for v in self.given if isinstance(v, TensorSymbol) and v.labels is not None)

    def numbers(
        self, sizes: Mapping[sp.Symbol, int], without: sp.Symbol | None = None
    ) -> dict[str, int]:
        """The sizes under the names by which the makers take them."""
        names = Names()
        return {names.new(str(s)): size_value(s, sizes) for s in self.symbols if s != without}

    def axes(self, variable: Variable, sizes: Mapping[sp.Symbol, int]) -> tuple[int, ...]:
        """The shape of a variable."""
        return tuple(size_value(a, sizes) for a in axes_of(variable))

    def count(self, variables: Sequence[Variable], sizes: Mapping[sp.Symbol, int]) -> int:
        """The number of all elements together."""
        return _elements(variables, sizes)

    def check(self, sizes: Mapping[sp.Symbol, int]) -> None:
        """Raise where a fixed place lies outside its axis."""
        for p in self.plans.values():
            check_places(p.program, sizes)


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


def build_source(
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
) -> Build:
    """Lower the equations of training, and of prediction if they differ; write each function.

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
    program = lower(equations, wanted, sizes)
    known = (*given, *old)
    check_given(program, (*known, *draws), parameters, wanted)
    running = program
    if prediction is not None:
        prediction = [*prediction, *judging]
        running = lower(prediction, {loss, output, *numbers}, sizes)
        check_given(running, known, parameters, {loss, output, *numbers})
    every = [*equations, *(prediction or ())]
    symbols = sizes_in(every, [*known, *draws, *parameters])
    judged = {"metrics": numbers}
    made = {"gradient": [gradients[p] for p in parameters], "next_statistics": following, **judged}
    uses: tuple[_Use, ...] = (
        ("gradients", program, loss, made, (*given, *draws)),
        ("evaluate", running, loss, judged, given),
        ("forward", running, output, {}, tuple(inputs)),
    )
    makers, plans, found = [], {}, {}
    for name, lowered_to, result, left, arguments in uses:
        outside = [
            Outside(vector, tuple(slot_of(lowered_to, v) for v in held))
            for vector, held in {"parameters": parameters, "statistics": old, **left}.items()
            if held or vector in ("parameters", "gradient")
        ]
        results = [slot_of(lowered_to, result)]
        ends = [slot_of(lowered_to, v) for held in left.values() for v in held]
        needed = dead(lowered_to, [*results, *ends])
        narrowed = for_arrays(needed)
        inputs_of = tuple(slot_of(lowered_to, v) for v in arguments)
        cut = {o.name: o.slots for o in outside}
        found[name] = Use(name, needed, inputs_of, cut, results[0])
        plans[name] = _arranged(narrowed, [o.slots for o in outside], batch, sizes)
        maker = write_maker(
            name,
            plans[name],
            inputs=inputs_of,
            results=results,
            sizes=symbols,
            outside=outside,
            about=_ABOUT[name],
        )
        makers.append(maker)
    clip = None if clipping is None else lower_clip(clipping)
    if clip is not None:
        makers.append(write_clip(clip))
        plans["clip"] = clip.plan
    lowered = None if update is None else lower_update(update)
    if lowered is not None:
        makers.append(write_update(lowered, _elements(parameters, sizes)))
        plans["update"] = lowered.plan
    if constraints:
        maker, plans["constrain"] = write_constraints(
            constraints, parameters, sizes, [s for s in symbols if s != batch]
        )
        makers.append(maker)
    changed: list[Sequence[Equation]] = [] if clip is None else [clip.running.equations]
    changed += [] if update is None else [update.equations]
    changed += [own for _, own in constraints]
    shown = _shown(equations, prediction, changed)
    source = module_source(TITLE, shown, makers)
    return Build(
        source, tuple(inputs), given, tuple(parameters), tuple(symbols), batch, lowered, plans,
        tuple(old), tuple(draws), clip, found, tuple(shown), makers=tuple(makers), metrics=numbers,
    )  # fmt: skip


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
    return plan(placed, orders, kept, bordered=bordered)


# a function's name, what it is cut out of, its result, what it leaves in vectors, its arguments
_Use = tuple[str, Program, Variable, Mapping[str, Sequence[Variable]], tuple[Variable, ...]]

_ABOUT = {
    "gradients": "The loss; its gradients are left in the vector ``gradient``.",
    "evaluate": "The loss alone.",
    "forward": "The output for new inputs; the array is written anew by the next call.",
}


def _elements(variables: Sequence[Variable], sizes: Mapping[sp.Symbol, int]) -> int:
    """The number of elements of all together."""
    return sum(math.prod(size_value(a, sizes) for a in axes_of(v)) for v in variables)


def slot_of(program: Program, v: Variable) -> Slot:
    kind = "label" if isinstance(v, TensorSymbol) and v.labels is not None else "real"
    return program.slots.get(v, Slot(v.name, axes_of(v), kind))


def check_given(
    program: Program,
    given: Sequence[Variable],
    parameters: Sequence[Variable],
    wanted: set[Variable],
) -> None:
    known = {slot_of(program, v) for v in (*given, *parameters)}
    made = {s.target for s in program.statements}
    absent = [str(v) for v in wanted if slot_of(program, v) not in made | known]
    if absent:
        raise InputError(f"no equation defines {', '.join(sorted(absent))}")
    missing = [s.name for s in program.given if s not in known]
    if missing:
        raise InputError(f"{', '.join(missing)} is read, but is neither an input nor defined")


def sizes_in(equations: Sequence[Equation], variables: Sequence[Variable]) -> list[sp.Symbol]:
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
