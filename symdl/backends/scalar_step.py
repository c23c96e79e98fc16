"""A training step of a few numbers as one function of plain Python floats, bound to its arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdl.backends.build import Build
from symdl.backends.given import infer_sizes
from symdl.backends.kept import typed
from symdl.backends.module import load
from symdl.backends.numpy_update import state_names
from symdl.backends.scalar_source import Group, write_straight
from symdl.backends.straight import operations_of_step, straight_step
from symdl.errors import NotSupported
from symdl.program.accounts import Account, Saving

__all__ = ["PlainSteps", "ScalarCode", "scalar_code"]

_A_CALL = 12  # scalar operations of Python that take as long as one call on arrays
_DOUBLE = np.dtype(np.float64)
_KEPT = 4  # sizes of batches
ABOUT = "The loss before a step, and all numbers after it."

Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class ScalarCode:
    """The source of a step for one size of a batch, or the reason why there is none."""

    source: str
    account: Account


def scalar_code(
    build: Build, sizes: Mapping[sp.Symbol, int], name: str = "scalar_step"
) -> ScalarCode:
    """Write a whole step out as a function of that name, where that is worth it."""
    try:
        return _written(build, sizes, name)
    except NotSupported as error:
        return ScalarCode("", Account("unroll", f"not used: {error}"))


def _written(build: Build, sizes: Mapping[sp.Symbol, int], name: str) -> ScalarCode:
    work = operations_of_step(build, sizes)
    calls = sum(len(build.plans[p].program.statements) for p in ("gradients", "update"))
    if work > _A_CALL * calls:
        raise NotSupported(f"about {work} scalar operations would stand for {calls} array calls")
    step = straight_step(build, sizes)
    assert build.update is not None
    vectors, _, _ = state_names(build.update)
    groups = [Group("parameters", step.parameters[0])]
    groups += [Group(key, old) for key, (old, _) in zip(vectors, step.states, strict=True)]
    groups += [Group(given, symbols) for given, symbols in step.given]
    after = [step.parameters[1], *(new for _, new in step.states)]
    after += [step.metrics] if step.metrics else []
    source = write_straight(
        name,
        step.assignments,
        groups=groups,
        scalars=step.scalars,
        results=[step.loss, *(Group("", symbols) for symbols in after)],
        about=ABOUT,
    )
    lines = source.count("\n") - 4
    what = f"{name}: {lines} lines of scalar code in place of {calls} calls on arrays"
    return ScalarCode(source, Account("unroll", what, (Saving(sp.Integer(calls), "calls"),)))


class PlainSteps:
    """Takes steps in plain floats, by a function made when a size of a batch is first met.

    source  the functions so far, which need nothing but Python
    """

    def __init__(
        self,
        build: Build,
        sizes: Mapping[sp.Symbol, int],
        vector: NDArray[Any],
        *,
        metrics: NDArray[Any],
        state: dict[str, Any],
        hyper: Mapping[str, float],
    ) -> None:
        self.source, self._met = "", list[dict[sp.Symbol, int]]()
        self._build, self._sizes = build, sizes
        self._vector, self._state, self._hyper = vector, state, hyper
        self._arrays = [v for v in state.values() if isinstance(v, np.ndarray)]
        self._made: dict[Shapes, Callable[..., Any] | None] = {}
        self._ones = (1.0,) * len(self._arrays)
        self._all = (vector, *self._arrays)
        left = (*self._all, metrics) if metrics.size else self._all
        self._left = [(Struct(f"{a.size}d").pack_into, a) for a in left]
        optimizing = build.outline.optimizing
        assert optimizing is not None
        self._counted = optimizing.counted

    @property
    def accounts(self) -> list[Account]:
        """What was done for each size."""
        codes = (scalar_code(self._build, s, self._name(s)) for s in self._met)
        return list(dict.fromkeys(code.account for code in codes))

    def take(self, given: Sequence[Any]) -> float | None:
        """Take a step on arrays and return its loss; None, and nothing changed, if arrays must.

        That is so where it does not pay, for what is not an array of 64-bit numbers, and where a
        number overflows or leaves the domain of a function: arrays go on with inf and nan.
        """
        for a in given:
            if type(a) is not np.ndarray or a.dtype is not _DOUBLE:
                return None
        shapes = tuple([a.shape for a in given])
        if shapes not in self._made:
            self._make(shapes)
        inner = self._made[shapes]
        if inner is None:
            return None
        state = self._state
        if state["units"] != self._ones:
            self._plain_units()
        count = state["step"] + 1
        old = [a.tolist() for a in self._all]
        last = (*self._hyper.values(), count) if self._counted else self._hyper.values()
        try:
            loss, *new = inner(*old, *[a.ravel().tolist() for a in given], *last)
        except (ArithmeticError, ValueError):
            return None
        for (pack, array), values in zip(self._left, new, strict=True):
            pack(array, 0, *values)  # type: ignore[arg-type]
        state["step"] = count
        return float(loss)

    def _plain_units(self) -> None:
        """Undo what array code keeps its vectors divided by."""
        for array, unit in zip(self._arrays, self._state["units"], strict=True):
            np.multiply(array, unit, out=array)
        self._state["units"] = self._ones

    def _make(self, shapes: Shapes) -> None:
        if len(self._made) == _KEPT:
            del self._made[next(iter(self._made))]
        self._made[shapes] = None
        if len(shapes) != len(self._build.given):
            return
        sizes = infer_sizes(self._build.given, shapes, self._sizes)
        if sizes not in self._met:
            self._met.append(sizes)
        source = self._source(sizes)
        if source:
            self._made[shapes] = load(source)[self._name(sizes)]
            if source not in self.source:
                self.source += "\n\n" + source

    def _name(self, sizes: Mapping[sp.Symbol, int]) -> str:
        batch = self._build.batch
        return "scalar_step" if batch is None else f"scalar_step_{sizes[batch]}"

    def _source(self, sizes: Mapping[sp.Symbol, int]) -> str:
        """The source of the function for these sizes, or nothing where it does not pay."""
        part = f"scalars {sorted(self._build.numbers(sizes).items())}"
        found = self._build.kept.read(part, lambda data: typed(str, data["source"]))
        if found is None:
            found = scalar_code(self._build, sizes, self._name(sizes)).source
            self._build.kept.write(part, {"source": found})
        return found
