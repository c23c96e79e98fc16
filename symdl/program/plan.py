"""The passes ``layout`` and ``plan``: in what order axes lie in memory, and which memory is reused.

A slot that is given, or wanted at the end, has memory of its own.  Any other takes over memory that
is no longer needed: that of an operand of the same statement (in place), or an earlier one's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sympy.core.expr import Expr

from symdl.program.ir import Account, Apply, Map, Program, Read, Slot, Statement

__all__ = ["Order", "Plan", "last_reads", "plan"]

Order = tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """Where the slots of a program live.

    orders     the axes of each slot as they lie in memory, outermost first
    shares     the earlier slot whose memory a slot takes over
    """

    program: Program
    orders: Mapping[Slot, Order]
    shares: Mapping[Slot, Slot]

    def shape(self, slot: Slot) -> tuple[Expr, ...]:
        """The sizes of the axes as they lie in memory."""
        return tuple(slot.axes[k] for k in self.orders[slot])

    def memory(self, labels: tuple[str, ...] | tuple[str | int, ...], slot: Slot) -> tuple[str, ...]:
        """The labels of an access as they lie in memory."""
        return tuple(labels[k] for k in self.orders[slot])  # type: ignore[misc]


def plan(program: Program, orders: Mapping[Slot, Order], fixed: Collection[Slot]) -> Plan:
    """Assign memory; ``fixed`` slots (parameters, gradients) live outside and are not reused."""
    every = dict.fromkeys([*program.given, *(s.target for s in program.statements)])
    full = {slot: tuple(orders.get(slot, range(slot.rank))) for slot in every}
    found = Plan(program, full, {})
    shares = _share_memory(found, set(fixed) | set(program.keep) | set(program.given))
    buffers = sum(1 for s in program.statements if s.target.rank and s.target not in fixed)
    account = Account(
        "plan", f"{buffers} arrays live in {buffers - len(shares)} buffers made once"
    )
    return replace(found, program=replace(program, accounts=(*program.accounts, account)), shares=shares)


def last_reads(program: Program) -> dict[Slot, int]:
    """The number of the last statement that reads each slot."""
    last: dict[Slot, int] = {}
    for number, s in enumerate(program.statements):
        for r in s.reads:
            last[r.slot] = number
    return last


def _share_memory(p: Plan, own: set[Slot]) -> dict[Slot, Slot]:
    last = last_reads(p.program)
    shares: dict[Slot, Slot] = {}
    free: list[Slot] = []
    for number, s in enumerate(p.program.statements):
        dying = [
            slot
            for slot in dict.fromkeys(r.slot for r in s.reads)
            if last[slot] == number and slot not in own and slot.rank
        ]
        target = s.target
        if target not in own and target.rank:
            chosen = next((d for d in dying if _in_place(p, s, d)), None)
            if chosen is not None:
                dying.remove(chosen)
            else:
                chosen = next((f for f in free if _same_memory(p, f, target)), None)
                if chosen is not None:
                    free.remove(chosen)
            if chosen is not None:
                shares[target] = chosen
        free.extend(dying)
        if target not in last and target not in own and target.rank:
            free.append(target)
    return shares


def _same_memory(p: Plan, a: Slot, b: Slot) -> bool:
    return p.shape(a) == p.shape(b) and a.kind == b.kind


def _in_place(p: Plan, s: Statement, old: Slot) -> bool:
    """Whether an element-wise statement may write where it reads ``old``."""
    if not isinstance(s, (Apply, Map)) or not _same_memory(p, old, s.target):
        return False
    if isinstance(s, Apply) and s.op == "where":  # the target is filled before the choice is read
        if not isinstance(s.args[2], Read) or s.args[2].slot != old:
            return False
        if any(isinstance(a, Read) and a.slot == old for a in s.args[:2]):
            return False
    wanted = p.memory(s.labels, s.target)
    return all(r.plain and p.memory(r.at, old) == wanted for r in s.reads if r.slot == old)
