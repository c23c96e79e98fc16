"""What a C function finds where: its table of pointers, and the buffers behind it.

Plain data without formulas, so that it can be kept in a file beside the compiled object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.backends.c_function import CFunction
from symdl.backends.sizes import Size, size_data, size_number
from symdl.program.ir import Slot
from symdl.program.memory import Move, offsets
from symdl.program.nests import Order

__all__ = ["Buffer", "Layout", "Result", "layout_of"]

_BYTES = {"flag": 1, "label": 8}  # of an element; a real has that of the step's type


@dataclass(frozen=True)
class Buffer:
    """An array that the function needs for itself."""

    place: int
    kind: str
    count: Size

    def bytes(self, numbers: Mapping[str, int], itemsize: int) -> int:
        """The memory that it takes."""
        return size_number(self.count, numbers) * _BYTES.get(self.kind, itemsize)


@dataclass(frozen=True)
class Result:
    """The array that the function leaves: its axes as they lie in memory, and their order."""

    place: int
    kind: str
    axes: tuple[Size, ...]
    order: Order


@dataclass(frozen=True)
class Layout:
    """The table of pointers of a C function.

    given    the kinds of the arrays that each call brings: they come first
    vectors  for each vector that lives outside the places of its parts, and their elements
    moves    when each of the buffers takes memory, and gives it back
    """

    pointers: int
    given: tuple[str, ...]
    vectors: tuple[tuple[tuple[int, Size], ...], ...]
    buffers: tuple[Buffer, ...]
    moves: tuple[Move[int], ...]
    result: Result | None = None

    def offsets(self, numbers: Mapping[str, int], itemsize: int) -> tuple[list[int], int]:
        """Where each buffer starts in one piece of memory, and how long that is, in bytes."""
        sizes = [b.bytes(numbers, itemsize) for b in self.buffers]
        at, total = offsets(self.moves, sizes.__getitem__)
        return [at[k] for k in range(len(sizes))], total


def layout_of(
    function: CFunction,
    moves: Sequence[Move[Slot]],
    orders: Mapping[Slot, Order],
    *,
    given: Sequence[Slot],
    vectors: Sequence[Sequence[Slot]],
    result: Slot | None,
    size: Callable[[Expr], Expr],
    names: Mapping[sp.Symbol, str],
) -> Layout:
    """Write down where a function finds its arrays.

    size   puts in the sizes that are known
    names  what the others are called
    """
    places = {slot: k for k, slot in enumerate(function.pointers)}
    numbers = {slot: k for k, slot in enumerate(function.buffers)}

    def count(slot: Slot) -> Size:
        return size_data(size(sp.Mul(*slot.axes)), names)

    def axis(slot: Slot, k: int) -> Size:
        return size_data(size(slot.axes[k]), names)

    left = None
    if result is not None and result.rank:
        order = orders[result]
        left = Result(places[result], result.kind, tuple(axis(result, k) for k in order), order)
    return Layout(
        len(places),
        tuple(slot.kind for slot in given),
        tuple(tuple((places[s], count(s)) for s in slots) for slots in vectors),
        tuple(Buffer(places[s], s.kind, count(s)) for s in function.buffers),
        tuple(
            Move(m.what, numbers[m.buffer], None if m.of is None else numbers[m.of]) for m in moves
        ),
        left,
    )
