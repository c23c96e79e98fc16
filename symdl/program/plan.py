"""The passes ``layout`` and ``plan``: in what order axes lie in memory, and which memory is reused.

A slot that is given, or wanted at the end, has memory of its own.  Any other takes over memory that
is no longer needed: that of an operand of the same statement (in place), or an earlier one's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import sympy as sp
from sympy.core.expr import Expr

from symdl.program.ir import Apply, Map, Program, Read, Slot, Statement

__all__ = ["Order", "Plan", "last_reads", "plan"]

Order = tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """Where the slots of a program live.

    orders     the axes of each slot as they lie in memory, outermost first
    shares     the earlier slot whose memory a slot takes over
    in_place   slots that take over the memory of an operand
    bordered   slots in whose memory a row of ones follows
    outside    slots that live in vectors of the caller
    parts      slots that take only the first rows of the memory that they take over
    """

    program: Program
    orders: Mapping[Slot, Order]
    shares: Mapping[Slot, Slot]
    in_place: frozenset[Slot] = frozenset()
    bordered: frozenset[Slot] = frozenset()
    outside: frozenset[Slot] = frozenset()
    parts: frozenset[Slot] = frozenset()

    def shape(self, slot: Slot) -> tuple[Expr, ...]:
        """The sizes of the axes as they lie in memory."""
        return tuple(slot.axes[k] for k in self.orders[slot])

    def memory(
        self, labels: tuple[str, ...] | tuple[str | int, ...], slot: Slot
    ) -> tuple[str, ...]:
        """The labels of an access as they lie in memory."""
        return tuple(labels[k] for k in self.orders[slot])  # type: ignore[misc]

    def called(self) -> dict[Slot, Slot]:
        """The slot under whose name each array is written.

        A value in between is called what becomes of it in place; memory that is given keeps its
        name.
        """
        named = set(self.program.slots.values())
        made = {s.target for s in self.program.statements}
        found: dict[Slot, Slot] = {}
        for s in reversed(self.program.statements):
            slot, other = s.target, self.shares.get(s.target)
            name = found.setdefault(slot, slot)
            if other is None or slot not in self.in_place:
                continue
            root = self.root(other)
            if root not in made:
                found[slot] = root
            elif other not in named:
                found[other] = name
        for s in self.program.statements:  # what is given names all that follows in place
            other = self.shares.get(s.target)
            if other is not None and self.root(other) not in made:
                found[s.target] = self.root(other)
        return found

    def root(self, slot: Slot) -> Slot:
        """The slot whose memory it was in the first place."""
        while slot in self.shares:
            slot = self.shares[slot]
        return slot


def plan(
    program: Program,
    orders: Mapping[Slot, Order],
    fixed: Collection[Slot] = (),
    into: Mapping[Slot, Slot] | None = None,
    scratch: Collection[Slot] = (),
    *,
    bordered: Collection[Slot] = (),
    sizes: Mapping[sp.Symbol, int] | None = None,
) -> Plan:
    """Assign memory.

    fixed    slots that live outside and are not reused: parameters, gradients
    into     new values of a state, to be put where the old value was
    scratch  given slots that may be overwritten after their last use
    bordered slots that a row of ones follows
    sizes    known sizes: arrays of as many, or fewer, rows may take over each other's memory
    """
    into = into or {}
    every = dict.fromkeys([*program.given, *(s.target for s in program.statements)])
    full = {slot: tuple(orders.get(slot, range(slot.rank))) for slot in every}
    found = Plan(program, full, {})
    own = {*fixed, *program.keep, *program.given} - {*scratch, *into, *into.values()}
    memory = _Memory(found, own, into, frozenset(bordered), dict(sizes or {}))
    shares = memory.run()
    found = replace(
        found,
        shares=shares,
        in_place=frozenset(memory.in_place),
        outside=frozenset(fixed),
        parts=frozenset(memory.parts),
    )
    return replace(found, bordered=frozenset(found.root(slot) for slot in bordered))


def last_reads(program: Program) -> dict[Slot, int]:
    """The number of the last statement that reads each slot."""
    last: dict[Slot, int] = {}
    for number, s in enumerate(program.statements):
        for r in s.reads:
            last[r.slot] = number
    return last


class _Memory:
    """Walks through the statements, handing out memory."""

    def __init__(
        self,
        p: Plan,
        own: set[Slot],
        into: Mapping[Slot, Slot],
        bordered: frozenset[Slot],
        sizes: Mapping[sp.Symbol, int],
    ) -> None:
        self.p, self.own, self.into, self.bordered = p, own, into, bordered
        self.sizes = {s: sp.Integer(n) for s, n in sizes.items()}
        self.last = last_reads(p.program)
        self.root: dict[Slot, Slot] = {}
        self.free: list[Slot] = []
        self.shares: dict[Slot, Slot] = {}
        self.in_place: set[Slot] = set()
        self.parts: set[Slot] = set()
        self.chain = self._chains()

    def _chains(self) -> dict[Slot, Slot]:
        """The slots on the way to a new state: they alone may overwrite the old one."""
        uses = Counter(r.slot for s in self.p.program.statements for r in s.reads)
        chain = dict(self.into)
        for s in reversed(self.p.program.statements):
            if s.target in chain and isinstance(s, Apply):
                for r in s.reads:
                    if uses[r.slot] == 1 and r.slot not in self.own:
                        chain.setdefault(r.slot, chain[s.target])
        return chain

    def run(self) -> dict[Slot, Slot]:
        """Return the slot whose memory each slot takes over."""
        for number, s in enumerate(self.p.program.statements):
            dying = self._dying(s, number)
            target = s.target
            if target not in self.own and target.rank:
                self._place(s, dying)
            reserved = self.into.values()
            roots = (self.root.get(d, d) for d in dying)
            self.free.extend(r for r in roots if r not in reserved)
            unread = target not in self.last and target not in self.into
            if unread and target not in self.own and target.rank:
                self.free.append(target)
        return self.shares

    def _dying(self, s: Statement, number: int) -> list[Slot]:
        read = dict.fromkeys(r.slot for r in s.reads)
        kept = self.own | self.into.keys()
        return [d for d in read if self.last[d] == number and d not in kept and d.rank]

    def _place(self, s: Statement, dying: list[Slot]) -> None:
        target = s.target
        here = [d for d in dying if self._allowed(d, target) and _in_place(self.p, s, d)]
        here.sort(key=lambda d: self.root.get(d, d) not in self.into.values())
        if here:
            chosen = here[0]
            dying.remove(chosen)
            self.in_place.add(target)
        else:
            found = self._fitting(target)
            if found is None:
                return
            chosen = found
            self.free.remove(chosen)
            if self._shape(chosen) != self._shape(target):
                self.parts.add(target)
        self.shares[target] = chosen
        self.root[target] = self.root.get(chosen, chosen)

    def _fitting(self, target: Slot) -> Slot | None:
        """The free memory with the fewest rows that are enough, the first freed of equal ones."""
        rows, *rest = self._shape(target)
        found: dict[Slot, int] = {}
        for f in self.free:
            if not f.rank or f.kind != target.kind:
                continue
            more, *same = self._shape(f)
            if same != rest:
                continue
            if more == rows:
                return f
            known = more.is_Integer and rows.is_Integer and target not in self.bordered
            if known and more > rows:
                found.setdefault(f, int(more))
        return min(found, key=found.__getitem__, default=None)

    def _shape(self, slot: Slot) -> tuple[Expr, ...]:
        return tuple(e.xreplace(self.sizes) for e in self.p.shape(slot))

    def _allowed(self, d: Slot, target: Slot) -> bool:
        root = self.root.get(d, d)
        if target in self.bordered and self._shape(root) != self._shape(target):
            return False
        return root not in self.into.values() or self.chain.get(target) == root


def _same_memory(p: Plan, a: Slot, b: Slot) -> bool:
    return p.shape(a) == p.shape(b) and a.kind == b.kind


def _in_place(p: Plan, s: Statement, old: Slot) -> bool:
    """Whether an element-wise statement may write where it reads ``old``."""
    if not isinstance(s, (Apply, Map)) or not _same_memory(p, old, s.target):
        return False
    if isinstance(s, Apply) and s.op == "where":  # what else is chosen from is read again later
        places = [k for k, a in enumerate(s.args) if isinstance(a, Read) and a.slot == old]
        if places != [1]:
            return False
    wanted = p.memory(s.labels, s.target)
    return all(r.plain and p.memory(r.at, old) == wanted for r in s.reads if r.slot == old)
