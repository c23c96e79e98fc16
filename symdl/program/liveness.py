"""How much memory a program needs at least: what is alive at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.program.accounts import BYTES, Account, Saving
from symdl.program.ir import Apply, Map, Read, Slot, Statement
from symdl.program.memory import in_place
from symdl.program.nests import Node, Order, reads_of, writes_of
from symdl.program.plan import Plan

__all__ = [
    "Memory",
    "Moment",
    "alive_at_once",
    "memory_of_plan",
    "moments_of_nodes",
    "moments_of_plan",
]

ALIGNMENT = 64  # bytes: each buffer of array code starts at a multiple of them


@dataclass(frozen=True)
class Moment:
    """What a statement or node reads and makes, and what it may make in the place of what."""

    reads: frozenset[Slot]
    makes: frozenset[Slot]
    over: frozenset[tuple[Slot, Slot]] = frozenset()  # new, old


def alive_at_once(
    moments: Sequence[Moment],
    counted: Collection[Slot],
    size: Callable[[Slot], int],
    kept: Collection[Slot] = (),
) -> int:
    """Return the least memory that arrays need if none is made twice: the liveness bound.

    counted  the arrays whose memory is asked for
    kept     those that are wanted at the end

    >>> a, b, c = (Slot(name, (4,)) for name in "abc")
    >>> chain = [Moment(frozenset(), frozenset({a})), Moment(frozenset({a}), frozenset({b})),
    ...          Moment(frozenset({b}), frozenset({c}), frozenset({(c, b)}))]
    >>> alive_at_once(chain, [a, b, c], lambda slot: 4)
    8
    """
    first: dict[Slot, int] = {}
    last: dict[Slot, int] = {}
    for number, m in enumerate(moments):
        for slot in m.makes:
            first.setdefault(slot, number)
        for slot in m.reads | m.makes:
            last[slot] = number
    last |= dict.fromkeys(kept, len(moments))
    most = 0
    for number, m in enumerate(moments):
        alive = {s for s in counted if s in first and first[s] <= number <= last[s]}
        held = sum(size(s) for s in alive)
        taken: set[Slot] = set()
        for new, old in sorted(m.over, key=str):
            if {new, old} <= alive - taken and last[old] == number and size(old) == size(new):
                taken |= {new, old}
                held -= size(new)
        most = max(most, held)
    return most


def moments_of_plan(plan: Plan) -> list[Moment]:
    """The statements of a plan for array code."""
    return [
        Moment(frozenset(r.slot for r in s.reads), frozenset(s.makes), frozenset(_over(s, plan)))
        for s in plan.program.statements
    ]


def _over(s: Statement, plan: Plan) -> set[tuple[Slot, Slot]]:
    """An element-wise statement may write where it reads, if it reads at the same place alone."""
    if not isinstance(s, (Apply, Map)):
        return set()
    old = {r.slot for r in s.reads if r.plain and r.slot.kind == s.target.kind}
    if isinstance(s, Apply) and s.op == "where":  # what else is chosen from is read again later
        old -= {a.slot for k, a in enumerate(s.args) if k != 1 and isinstance(a, Read)}
    here = plan.memory(s.labels, s.target)
    reads = {d: [plan.memory(r.at, d) for r in s.reads if r.slot == d] for d in old}
    return {(s.target, d) for d in old if all(at == here for at in reads[d])}


def moments_of_nodes(
    phases: Sequence[Sequence[Node]], orders: Mapping[Slot, Order], mine: Mapping[Slot, Slot]
) -> list[Moment]:
    """The nodes of compiled code in turn; those of one phase count as one moment."""
    found = []
    for phase in phases:
        reads = frozenset(s for n in phase for s in reads_of(n))
        makes = {s for n in phase for s in writes_of(n)}
        makes |= {mine[s] for s in makes if s in mine}
        over = {
            (new, old)
            for n in phase
            for new in writes_of(n)
            for old in reads_of(n)
            if new in orders and old in orders and in_place(n, old, new, orders)
        }
        found.append(Moment(reads, frozenset(makes), frozenset(over)))
    return found


@dataclass(frozen=True)
class Memory:
    """The memory of buffers in bytes.

    arrays   what all arrays would take if each had its own
    used     what the buffers take
    bound    the least that would do: what is alive at once
    aligned  the same where each buffer starts at a whole line of the cache
    """

    arrays: int
    used: int
    bound: int
    aligned: int

    def account(self, buffers: str) -> Account:
        """Compare it with the liveness bound in one line."""
        parts = [f"the liveness bound {self.bound:,}"]
        rest = self.used - self.aligned
        pairs = [("alignment", self.aligned - self.bound), ("not shared", rest)]
        parts += [f"{name} {n:,}" for name, n in pairs if n]
        what = f"{buffers} take {self.used:,} bytes: {' + '.join(parts)}"
        saved = self.arrays - self.used
        return Account("plan", what, (Saving(sp.Integer(saved), BYTES),) if saved else ())


def memory_of_plan(plan: Plan, sizes: Mapping[Expr, int], itemsize: int) -> Memory:
    """The memory of the buffers of array code."""
    made = {t for s in plan.program.statements for t in s.makes if t.rank}
    counted = {t for t in made if plan.root(t) in made} - plan.outside

    def size(slot: Slot) -> int:
        ones = slot.axes[0] if plan.root(slot) in plan.bordered else sp.S.Zero
        return bytes_of(slot, sizes, itemsize) + count(ones, sizes) * itemsize

    def aligned(slot: Slot) -> int:
        return size(slot) + ALIGNMENT

    moments, kept = moments_of_plan(plan), counted & {*plan.program.keep}
    return Memory(
        sum(map(aligned, counted)),
        sum(map(aligned, {plan.root(t) for t in counted})),
        alive_at_once(moments, counted, size, kept),
        alive_at_once(moments, counted, aligned, kept),
    )


def bytes_of(slot: Slot, sizes: Mapping[Expr, int], itemsize: int) -> int:
    """The bytes that an array takes."""
    width = {"real": itemsize, "flag": 1, "label": 8}[slot.kind]
    return count(sp.Mul(*slot.axes), sizes) * width


def count(e: Expr, sizes: Mapping[Expr, int]) -> int:
    """A number of elements, with the sizes put in."""
    return int(e.xreplace({s: sp.Integer(n) for s, n in sizes.items()}))
