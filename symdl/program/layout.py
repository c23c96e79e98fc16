"""The pass ``layout``: in what order the axes of a matrix lie in memory.

Rows come first, as declared, except where a maximum over the columns is taken, as softmax does,
and where rows are the batch: there the columns come first, so that the maximum, what is subtracted
or divided by row, and sums over the batch run along contiguous memory.  A matrix product gives its
result in either order at no cost; what is given from outside is copied once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sympy.core.expr import Expr

from symdl.program.ir import Apply, Contract, Operand, Program, Read, Reduce, Slot, Statement
from symdl.program.plan import Order

__all__ = ["layout"]

_TURNED: Order = (1, 0)


def layout(
    program: Program, fixed: Collection[Slot] = (), batch: Expr | None = None
) -> tuple[Program, dict[Slot, Order]]:
    """Return the program, with copies where they are needed, and the orders that are not plain."""
    made = {s.target for s in program.statements} - set(fixed)
    groups = _groups(program, made)
    turned: set[Slot] = set()
    for s in program.statements:
        if isinstance(s, Reduce) and s.kind != "sum" and _over_columns(s):
            turned |= groups.get(s.source.slot, set())
    for slot, group in groups.items():
        if slot.axes[0] == batch != slot.axes[1]:
            turned |= group
    turned &= made
    found, copies = _with_copies(program, turned, made)
    orders = dict.fromkeys([*turned, *copies.values()], _TURNED)
    text = (
        f"{len(turned)} matrices lie with their columns first, {len(copies)} given ones are copied"
    )
    return program.changed(found, "layout", text), orders


def _over_columns(s: Reduce) -> bool:
    return s.source.plain and len(s.source.at) == 2 and s.labels == s.source.at[:1]


def _groups(program: Program, made: set[Slot]) -> dict[Slot, set[Slot]]:
    """Matrices that meet element by element, and so should lie alike."""
    groups: dict[Slot, set[Slot]] = {slot: {slot} for slot in made if slot.rank == 2}
    for s in program.statements:
        if not isinstance(s, Apply) or s.target not in groups:
            continue
        for r in s.reads:
            if r.slot in groups and r.at == s.labels and groups[r.slot] is not groups[s.target]:
                both = groups[r.slot] | groups[s.target]
                groups.update(dict.fromkeys(both, both))
    return groups


def _with_copies(
    program: Program, turned: set[Slot], made: set[Slot]
) -> tuple[list[Statement], dict[Slot, Slot]]:
    """Copy what is given once, where it meets a matrix that lies the other way."""
    found: list[Statement] = []
    copies: dict[Slot, Slot] = {}
    names = {s.name for s in (*made, *program.given)}
    for s in program.statements:
        for r in _meeting(s, turned):
            if r.slot in made or r.slot.rank != 2 or not r.plain or r.slot in copies:
                continue
            copy = copies[r.slot] = replace(r.slot, name=_free(f"{r.slot.name}_turned", names))
            labels = tuple(str(p) for p in r.at)
            found.append(Apply(copy, labels, "copy", (r,)))
        found.append(s.map_operands(lambda o, s=s: _copied(o, s, turned, copies)))  # type: ignore[misc]
    return found, copies


def _meeting(s: Statement, turned: set[Slot]) -> list[Read]:
    """The accesses of a statement that must lie like a turned matrix."""
    if isinstance(s, Apply) and s.target in turned and s.op != "copy":
        return [r for r in s.reads if r.at == s.labels]
    if isinstance(s, Contract) and not s.labels and s.left.at == s.right.at:
        return list(s.reads) if any(r.slot in turned for r in s.reads) else []
    return []


def _copied(o: Operand, s: Statement, turned: set[Slot], copies: dict[Slot, Slot]) -> Operand:
    if isinstance(o, Read) and o.slot in copies and o in _meeting(s, turned):
        return Read(copies[o.slot], o.at)
    return o


def _free(name: str, names: set[str]) -> str:
    while name in names:
        name += "_"
    names.add(name)
    return name
