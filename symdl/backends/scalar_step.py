"""A training step of a few numbers as one function of plain Python floats, bound to its arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from numpy.typing import NDArray

from symdl.backends.build import Build
from symdl.backends.module import load
from symdl.backends.numpy_update import state_names
from symdl.backends.scalar_source import Group, write_straight
from symdl.errors import NotSupported
from symdl.program.ir import Account, Slot
from symdl.program.passes import for_scalars
from symdl.program.unroll import Straight, operations, unroll, unroll_update

__all__ = ["ScalarCode", "bind", "scalar_code"]

_A_CALL = 12  # scalar operations of Python that take as long as one call on arrays
ABOUT = "The loss before a step, and all numbers after it."


@dataclass(frozen=True)
class ScalarCode:
    """The source of ``scalar_step`` for one size of a batch, or the reason why there is none."""

    source: str
    account: Account


def scalar_code(build: Build, sizes: Mapping[sp.Symbol, int]) -> ScalarCode:
    """Write a whole step out, where that is worth it."""
    try:
        return _written(build, sizes)
    except NotSupported as error:
        return ScalarCode("", Account("unroll", f"not used: {error}"))


def _written(build: Build, sizes: Mapping[sp.Symbol, int]) -> ScalarCode:
    update = build.update
    if update is None or build.statistics or build.draws or build.clip or build.labels:
        raise NotSupported("it is for steps of an update alone, without state or draws of layers")
    if "constrain" in build.plans:
        raise NotSupported("parameters are constrained")
    use = build.uses["gradients"]
    calls = sum(len(build.plans[p].program.statements) for p in ("gradients", "update"))
    whole = {**sizes}
    size = sum(math.prod(_shape(s, whole)) for s in use.vectors["parameters"])
    work = operations(use.program, whole) + size * sum(
        int(e.rhs.count_ops()) for e in update.formula.equations
    )
    if work > _A_CALL * calls:
        raise NotSupported(f"about {work} scalar operations would stand for {calls} array calls")
    straight = unroll(for_scalars(use.program), whole)
    pairs = list(zip(use.vectors["parameters"], use.vectors["gradient"], strict=True))
    weights, states = unroll_update(update.formula, straight, pairs)
    vectors, hyper, _ = state_names(update)
    groups = [_group("parameters", [w for w, _ in pairs], straight)]
    for key, (old, _) in zip(vectors, update.formula.state, strict=True):
        symbols = (sp.Symbol(f"{old.name}_{k}", real=True) for k in range(len(weights)))
        groups.append(Group(key, tuple(symbols)))
    groups += [_group(slot.name, [slot], straight) for slot in use.given]
    scalars = [s for s, _ in update.formula.hyper] + list(update.formula.inputs[2:])
    (loss,) = straight.elements(use.result).values()
    results = [Group("", tuple(weights)), *(Group("", tuple(s)) for s in states)]
    source = write_straight(
        "scalar_step", straight.assignments, groups, scalars, [loss, *results], ABOUT
    )
    lines = source.count("\n") - 4
    text = f"a step is {lines} lines of scalar code in place of {calls} array calls"
    return ScalarCode(source, Account("unroll", text))


def _group(name: str, slots: Sequence[Slot], straight: Straight) -> Group:
    return Group(name, tuple(e for slot in slots for e in straight.elements(slot).values()))


def _shape(slot: Slot, sizes: Mapping[sp.Symbol, int]) -> list[int]:
    whole = {s: sp.Integer(n) for s, n in sizes.items()}
    return [int(a.xreplace(whole)) for a in slot.axes]


def bind(
    code: ScalarCode,
    vector: NDArray[Any],
    state: MutableMapping[str, Any],
    hyper: Mapping[str, float],
    counted: bool,
) -> Callable[..., float]:
    """Bind the function to the arrays of a step.

    What is returned raises ArithmeticError or ValueError, before anything is changed, where plain
    floats cannot go on as arrays would.
    """
    inner = load(code.source)["scalar_step"]
    arrays = [v for v in state.values() if not isinstance(v, (int, tuple))]

    def step(*given: NDArray[Any]) -> float:
        units = state["units"]
        if units and any(u != 1 for u in units):
            for array, unit in zip(arrays, units, strict=True):
                array *= unit
            state["units"] = (1.0,) * len(units)
        count = state["step"] + 1
        numbers = [a.ravel().tolist() for a in given]
        old = [a.tolist() for a in arrays]
        last = (*hyper.values(), count) if counted else hyper.values()
        loss, new, *following = inner(vector.tolist(), *old, *numbers, *last)
        vector[:] = new
        for array, values in zip(arrays, following, strict=True):
            array[:] = values
        state["step"] = count
        return float(loss)

    return step
