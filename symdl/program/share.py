"""The passes ``share``, ``copies`` and ``dead``: nothing is computed twice, copied or wasted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from symdl.program.ir import (
    Apply,
    Const,
    Contract,
    Gather,
    Map,
    Operand,
    Place,
    Program,
    Read,
    Reduce,
    Slot,
    Statement,
    operand,
)

__all__ = ["copies", "dead", "share"]

_COMMUTATIVE = {"add", "multiply", "maximum", "minimum", "logical_and", "logical_or", "equal"}


def share(program: Program) -> Program:
    """Compute equal statements once, whatever their labels are called."""
    first: dict[object, Slot] = {}
    same: dict[Slot, Slot] = {}
    found: list[Statement] = []
    dropped = 0
    for written in program.statements:
        statement = _redirect(written, same)
        key = _key(statement)
        if key not in first:
            first[key] = statement.target
            found.append(statement)
            continue
        dropped += 1
        if statement.target in program.keep:
            found.append(_copy(statement, first[key]))
        else:
            same[statement.target] = first[key]
    return program.changed(found, "share", f"{dropped} repeated computations are done once")


def _redirect(statement: Statement, same: dict[Slot, Slot]) -> Statement:
    def change(o: Operand) -> Operand:
        return Read(same[o.slot], o.at) if isinstance(o, Read) and o.slot in same else o

    return statement.map_operands(change)


def _copy(statement: Statement, source: Slot) -> Statement:
    read = Read(source, statement.labels)
    if statement.labels:
        return Apply(statement.target, statement.labels, "copy", (read,))
    return Map(statement.target, (), (read,), operand(0))


def _key(s: Statement) -> object:
    names = dict.fromkeys((*s.labels, *(n for o in s.operands_read for n in o.labels)))
    number = {name: str(k) for k, name in enumerate(names)}
    args = tuple(_renamed(o, number) for o in s.operands_read)
    head = (type(s), tuple(number[n] for n in s.labels), s.target.axes, s.target.kind)
    if isinstance(s, Map):
        return (*head, s.body, args)
    if isinstance(s, Apply):
        if s.op in _COMMUTATIVE:
            args = tuple(sorted(args, key=str))
        return (*head, s.op, args)
    if isinstance(s, Contract):
        return (*head, frozenset(args), args[0] == args[1])
    if isinstance(s, Reduce):
        return (*head, s.kind, args)
    assert isinstance(s, Gather)
    return (*head, tuple(isinstance(p, Read) or p for p in s.at), args)


def _renamed(o: Operand, number: dict[str, str]) -> Operand:
    if isinstance(o, Read):
        return Read(o.slot, tuple(number.get(p, p) if isinstance(p, str) else p for p in o.at))
    if isinstance(o, Place):
        return Place(number[o.label], o.size)
    return Const(o.value)


def copies(program: Program) -> Program:
    """Read the original where a statement only copies, renames or transposes."""
    originals: dict[Slot, tuple[Statement, Read]] = {}
    renamed: dict[Slot, Slot] = {}
    made: set[Slot] = set()
    found: list[Statement] = []
    for written in program.statements:
        statement = written
        for r in written.reads:
            if r.slot in originals:
                statement = _through(statement, *originals[r.slot])
        source = _copied(statement)
        if source is not None and statement.target not in program.keep:
            originals[statement.target] = (statement, source)
        elif source is not None and _may_rename(program, statement, source, made - renamed.keys()):
            renamed[source.slot] = statement.target
        else:
            made.add(statement.target)
            found.append(statement)
    found = [_rename(s, renamed) for s in found]
    avoided = len(originals) + len(renamed)
    return program.changed(found, "copies", f"{avoided} copies avoided")


def _copied(s: Statement) -> Read | None:
    """Return what is read, when the statement is a plain copy of another slot."""
    if isinstance(s, Map) and s.body == operand(0):
        source = s.operands[0]
    elif isinstance(s, Apply) and s.op == "copy":
        source = s.args[0]
    else:
        return None
    if not isinstance(source, Read) or source.slot.kind != s.target.kind:
        return None
    return source if set(source.labels) == set(s.labels) else None


def _through(s: Statement, copy: Statement, source: Read) -> Statement:
    def change(o: Operand) -> Operand:
        if not isinstance(o, Read) or o.slot != copy.target:
            return o
        at = dict(zip(copy.labels, o.at, strict=True))
        return Read(source.slot, tuple(at[p] if isinstance(p, str) else p for p in source.at))

    if isinstance(s, Gather) and s.source == copy.target and source.at != copy.labels:
        order = [copy.labels.index(p) for p in source.at if isinstance(p, str)]
        if len(order) != len(source.at):
            return s
        return replace(s, source=source.slot, at=tuple(s.at[k] for k in order))
    return s.map_operands(change)


def _may_rename(program: Program, copy: Statement, source: Read, made: set[Slot]) -> bool:
    """Whether the slot copied from can be made in the wanted place in the first instance."""
    free = source.slot in made and source.slot not in program.keep
    return free and source.at == copy.labels and source.slot.axes == copy.target.axes


def _rename(s: Statement, new: dict[Slot, Slot]) -> Statement:
    s = _redirect(s, new)
    if isinstance(s, Gather) and s.source in new:
        s = replace(s, source=new[s.source])
    return replace(s, target=new[s.target]) if s.target in new else s


def dead(program: Program, keep: Iterable[Slot] | None = None) -> Program:
    """Leave out what no output needs; ``keep`` narrows the outputs first."""
    kept = program.keep if keep is None else tuple(keep)
    needed = set(kept)
    found: list[Statement] = []
    for s in reversed(program.statements):
        if s.target in needed:
            found.append(s)
            needed |= {r.slot for r in s.reads}
    gone = len(program.statements) - len(found)
    text = f"{gone} statements that no output needs are left out"
    return replace(program, keep=kept).changed(reversed(found), "dead", text)
