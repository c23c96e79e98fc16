"""What a C function finds where: its table of pointers, and the buffers behind it.

Plain data without formulas, so that it can be kept in a file beside the compiled object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.backends.c_function import CFunction
from symdl.backends.kept import typed
from symdl.backends.sizes import Size, size_data, size_from, size_number
from symdl.program.ir import Slot
from symdl.program.memory import Move, offsets
from symdl.program.nests import Order

__all__ = ["Buffer", "Layout", "Result", "layout_from", "layout_of"]

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
    numbers: Mapping[sp.Symbol, int],
    names: Mapping[sp.Symbol, str],
) -> Layout:
    """Write down where a function finds its arrays.

    numbers  the sizes that are known
    names    what the others are called
    """
    known = {s: sp.Integer(n) for s, n in numbers.items()}
    places = {slot: k for k, slot in enumerate(function.pointers)}
    buffers = {slot: k for k, slot in enumerate(function.buffers)}

    def data(e: Expr) -> Size:
        return size_data(sp.sympify(e, strict=True).xreplace(known), names)

    def count(slot: Slot) -> Size:
        return data(sp.Mul(*slot.axes))

    left = None
    if result is not None and result.rank:
        order = orders[result]
        axes = tuple(data(result.axes[k]) for k in order)
        left = Result(places[result], result.kind, axes, order)
    return Layout(
        len(places),
        tuple(slot.kind for slot in given),
        tuple(tuple((places[s], count(s)) for s in slots) for slots in vectors),
        tuple(Buffer(places[s], s.kind, count(s)) for s in function.buffers),
        tuple(
            Move(m.what, buffers[m.buffer], None if m.of is None else buffers[m.of]) for m in moves
        ),
        left,
    )


def layout_from(data: Any) -> Layout:
    """Read a layout from what a file holds; raise ValueError or the like for anything else."""
    made = Layout(
        typed(int, data["pointers"]),
        tuple(typed(str, kind) for kind in data["given"]),
        tuple(tuple((typed(int, k), size_from(n)) for k, n in slots) for slots in data["vectors"]),
        tuple(
            Buffer(typed(int, b["place"]), typed(str, b["kind"]), size_from(b["count"]))
            for b in data["buffers"]
        ),
        tuple(_move_from(m) for m in data["moves"]),
        None if data["result"] is None else _result_from(data["result"]),
    )
    places = [k for slots in made.vectors for k, _ in slots] + [b.place for b in made.buffers]
    if not all(0 <= k < made.pointers for k in places):
        raise ValueError("a place beyond the table")
    return made


def _move_from(data: Any) -> Move[int]:
    if data["what"] not in ("take", "share", "give"):
        raise ValueError(f"{data['what']!r} is no move")
    of = None if data["of"] is None else typed(int, data["of"])
    return Move(data["what"], typed(int, data["buffer"]), of)


def _result_from(data: Any) -> Result:
    return Result(
        typed(int, data["place"]),
        typed(str, data["kind"]),
        tuple(map(size_from, data["axes"])),
        tuple(typed(int, k) for k in data["order"]),
    )
