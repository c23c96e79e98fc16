"""Where loop nests find their arrays: axes turned so that the batch runs innermost, and buffers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar

from sympy.core.expr import Expr

from symdl.program.ir import Apply, Contract, Operand, Program, Read, Slot, Statement
from symdl.program.nests import Nest, Node, Order, reads_of, writes_of
from symdl.program.products import as_product

__all__ = ["Move", "Pieces", "batch_innermost", "in_place", "moves_of", "offsets"]

T = TypeVar("T")

_ALIGN = 64  # bytes, a line of the cache


def batch_innermost(
    program: Program,
    batch: Expr | None,
    fixed: Collection[Slot] = (),
    tiny: Callable[[Contract], bool] = lambda s: False,
) -> tuple[Program, dict[Slot, Order]]:
    """Return the program, and the orders of its axes in memory.

    What is made, and has the batch as its first axis, lies with the batch innermost: short axes,
    such as classes, are then outer loops.  What is given is copied so where loops read it; products
    read it as it lies.  ``fixed`` slots lie as they are declared.
    """
    made = {s.target for s in program.statements} - set(fixed)
    every = dict.fromkeys([*program.given, *(s.target for s in program.statements)])
    orders: dict[Slot, Order] = {s: tuple(range(s.rank)) for s in every}
    for slot in made:
        if _has_batch(slot, batch):
            orders[slot] = _turned(slot)
    names = {s.name for s in every}
    copies: dict[Slot, Slot] = {}
    found: list[Statement] = []
    for s in program.statements:
        if isinstance(s, Contract) and (tiny(s) or as_product(s, orders) is not None):
            found.append(s)
            continue
        for r in s.reads:
            g = r.slot
            if g in made or g in copies or not _has_batch(g, batch) or not r.plain:
                continue
            copy = copies[g] = replace(g, name=_free(f"{g.name}_turned", names))
            orders[copy] = _turned(copy)
            labels = tuple(str(p) for p in r.at)
            found.append(Apply(copy, labels, "copy", (r,)))
        found.append(_redirected(s, copies))
    text = f"the batch is the innermost axis of {len(made)} arrays, {len(copies)} are copied so"
    return program.changed(found, "memory", text), orders


def _has_batch(slot: Slot, batch: Expr | None) -> bool:
    return slot.rank > 1 and batch is not None and slot.axes[0] == batch


def _turned(slot: Slot) -> Order:
    return (*range(1, slot.rank), 0)


def _redirected(s: Statement, copies: Mapping[Slot, Slot]) -> Statement:
    def change(o: Operand) -> Operand:
        if isinstance(o, Read) and o.slot in copies and o.plain:
            return Read(copies[o.slot], o.at)
        return o

    return s.map_operands(change)


def _free(name: str, names: set[str]) -> str:
    while name in names:
        name += "_"
    names.add(name)
    return name


@dataclass(frozen=True)
class Move(Generic[T]):
    """A buffer takes a piece of memory, lies in that of another one, or gives its piece back.

    of  for "share": the buffer whose piece is taken over
    """

    what: Literal["take", "share", "give"]
    buffer: T
    of: T | None = None


def offsets(moves: Iterable[Move[T]], size: Callable[[T], int]) -> tuple[dict[T, int], int]:
    """Return where each buffer starts in one piece of memory, and how long that is, in bytes.

    >>> moves = [Move("take", "a"), Move("take", "b"), Move("give", "a"), Move("take", "c")]
    >>> offsets(moves, {"a": 10, "b": 100, "c": 50}.get)
    ({'a': 0, 'b': 64, 'c': 0}, 192)
    """
    memory = Pieces()
    places: dict[T, int] = {}
    for move in moves:
        if move.what == "take":
            places[move.buffer] = memory.take(size(move.buffer))
        elif move.what == "give":
            memory.give(places[move.buffer], size(move.buffer))
        else:
            assert move.of is not None
            places[move.buffer] = places[move.of]
    return places, memory.end


def moves_of(
    nodes: Sequence[Node], buffers: Sequence[Slot], orders: Mapping[Slot, Order]
) -> list[Move[Slot]]:
    """Return when each buffer takes its piece of memory, and gives it back.

    A buffer takes over the place of one that is read for the last time: by an earlier node, or by
    the same one at the same point (in place).
    """
    last: dict[Slot, int] = {}
    for number, node in enumerate(nodes):
        for slot in (*reads_of(node), *writes_of(node)):
            last[slot] = number
    found: list[Move[Slot]] = []
    wanted = set(buffers)
    held: set[Slot] = set()
    for number, node in enumerate(nodes):
        dying = [s for s in reads_of(node) if s in held and last[s] == number]
        dying.sort(key=lambda s: s.name)
        for slot in sorted(writes_of(node) & wanted, key=lambda s: s.name):
            heir = next((d for d in dying if in_place(node, d, slot, orders)), None)
            if heir is not None:
                found.append(Move("share", slot, heir))
                dying.remove(heir)
            else:
                found.append(Move("take", slot))
            held.add(slot)
        found += [Move("give", slot) for slot in dying]
        unread = sorted(writes_of(node) & wanted, key=lambda s: s.name)
        found += [Move("give", slot) for slot in unread if last[slot] == number]
    return found


def in_place(node: Node, old: Slot, new: Slot, orders: Mapping[Slot, Order]) -> bool:
    """Whether a node reads the old array only where it writes the new one."""
    if not isinstance(node, Nest) or old.axes != new.axes or old.kind != new.kind:
        return False
    if orders[old] != orders[new]:
        return False
    writers = [s for s in node.body if s.target == new]
    reads = [r for s in node.body for r in s.reads if r.slot == old]
    return all(isinstance(s, Apply) for s in writers) and all(
        r.at == s.labels for r in reads for s in writers
    )


class Pieces:
    """Pieces of one stretch of bytes."""

    def __init__(self) -> None:
        self.free: list[tuple[int, int]] = []  # start, end
        self.end = 0

    def take(self, count: int) -> int:
        count = _rounded(count)
        fitting = [(b - a, a, b) for a, b in self.free if b - a >= count]
        if not fitting:
            start = self.end
            if self.free and self.free[-1][1] == self.end:  # grow the piece at the end
                start = self.free.pop()[0]
            self.end = start + count
            return start
        _, a, b = min(fitting)
        self.free.remove((a, b))
        if a + count < b:
            self.free.append((a + count, b))
            self.free.sort()
        return a

    def give(self, start: int, count: int) -> None:
        self.free.append((start, start + _rounded(count)))
        self.free.sort()
        merged: list[tuple[int, int]] = []
        for a, b in self.free:
            if merged and merged[-1][1] == a:
                merged[-1] = (merged[-1][0], b)
            else:
                merged.append((a, b))
        self.free = merged


def _rounded(count: int) -> int:
    return -(-max(count, 1) // _ALIGN) * _ALIGN
