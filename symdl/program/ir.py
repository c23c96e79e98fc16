"""The statements of a lowered program, over named axes.

A ``Slot`` is a value that the program is given or makes.  A statement computes its target, whose
axes it names by labels; an operand names its axes by labels too, and a label that the target lacks
is summed over (or maximised over).  Sizes stay symbolic until buffers are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import NotSupported
from symdl.formula import Variable

__all__ = [
    "Apply",
    "Const",
    "Contract",
    "Gather",
    "Map",
    "Operand",
    "Place",
    "Program",
    "Read",
    "Reduce",
    "Slot",
    "Stage",
    "Statement",
    "as_read",
    "operand",
]


@dataclass(frozen=True)
class Slot:
    """A value by name; ``kind`` is real, flag (0 or 1) or label (a place along an axis)."""

    name: str
    axes: tuple[Expr, ...] = ()
    kind: str = "real"

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.axes)


@dataclass(frozen=True)
class Read:
    """An access: each axis of the slot has a label, or a fixed place.

    >>> Read(Slot("x", (3, 3)), ("i", "i")).labels
    ('i',)
    """

    slot: Slot
    at: tuple[str | int, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, each once, in order."""
        return tuple(dict.fromkeys(p for p in self.at if isinstance(p, str)))

    @property
    def sizes(self) -> dict[str, Expr]:
        """The size that each label runs over."""
        pairs = zip(self.at, self.slot.axes, strict=True)
        return {p: size for p, size in pairs if isinstance(p, str)}

    @property
    def plain(self) -> bool:
        """Whether each axis has a label of its own."""
        return len(self.labels) == len(self.at)


@dataclass(frozen=True)
class Place:
    """The place along an axis, as a number: 0, 1, ... size - 1."""

    label: str
    size: Expr

    @property
    def labels(self) -> tuple[str, ...]:
        """The one label."""
        return (self.label,)

    @property
    def sizes(self) -> dict[str, Expr]:
        """The size of the axis."""
        return {self.label: self.size}


@dataclass(frozen=True)
class Const:
    """A number known when buffers are made: it holds numbers and sizes only."""

    value: Expr
    labels: tuple[str, ...] = ()

    @property
    def sizes(self) -> dict[str, Expr]:
        """No axis."""
        return {}


Operand: TypeAlias = Read | Place | Const


def operand(number: int) -> sp.Symbol:
    """Return the symbol that stands for the operand of that number in a body."""
    return sp.Symbol(f"_{number}", real=True)


@dataclass(frozen=True)
class Statement:
    """``target[labels] = ...``; ``note`` is the equation, for a reader."""

    target: Slot
    labels: tuple[str, ...]

    @property
    def makes(self) -> tuple[Slot, ...]:
        """The slots that the statement makes."""
        return (self.target,)

    @property
    def operands_read(self) -> tuple[Operand, ...]:
        """What the statement reads."""
        raise NotImplementedError

    @property
    def reads(self) -> tuple[Read, ...]:
        """The slots that the statement reads, as accessed."""
        return tuple(o for o in self.operands_read if isinstance(o, Read))

    @property
    def sizes(self) -> dict[str, Expr]:
        """The size that each label runs over."""
        sizes = dict(zip(self.labels, self.target.axes, strict=True))
        for o in self.operands_read:
            sizes.update(o.sizes)
        return sizes

    def map_operands(self, change: Callable[[Operand], Operand]) -> Statement:
        """Return the statement with every operand changed."""
        raise NotImplementedError


@dataclass(frozen=True)
class Map(Statement):
    """Element-wise: a scalar expression over aligned operands."""

    operands: tuple[Operand, ...]
    body: Expr
    note: str = field(default="", compare=False)

    @property
    def operands_read(self) -> tuple[Operand, ...]:
        return self.operands

    def map_operands(self, change: Callable[[Operand], Operand]) -> Map:
        return replace(self, operands=tuple(change(o) for o in self.operands))

    @property
    def symbols(self) -> dict[sp.Symbol, Operand]:
        """The symbol of each operand in the body."""
        return {operand(k): o for k, o in enumerate(self.operands)}


@dataclass(frozen=True)
class Apply(Statement):
    """Element-wise, one operation: what a Map is split into for array code."""

    op: str
    args: tuple[Operand, ...]
    note: str = field(default="", compare=False)

    @property
    def operands_read(self) -> tuple[Operand, ...]:
        return self.args

    def map_operands(self, change: Callable[[Operand], Operand]) -> Apply:
        return replace(self, args=tuple(change(o) for o in self.args))


@dataclass(frozen=True)
class Contract(Statement):
    """The product of two operands, summed over the labels that the target lacks."""

    left: Read
    right: Read
    note: str = field(default="", compare=False)

    @property
    def operands_read(self) -> tuple[Operand, ...]:
        return (self.left, self.right)

    def map_operands(self, change: Callable[[Operand], Operand]) -> Contract:
        return replace(self, left=as_read(change(self.left)), right=as_read(change(self.right)))


@dataclass(frozen=True)
class Reduce(Statement):
    """The sum, max or argmax of one operand over the labels that the target lacks."""

    kind: str
    source: Read
    note: str = field(default="", compare=False)

    @property
    def operands_read(self) -> tuple[Operand, ...]:
        return (self.source,)

    def map_operands(self, change: Callable[[Operand], Operand]) -> Reduce:
        return replace(self, source=as_read(change(self.source)))


@dataclass(frozen=True)
class Gather(Statement):
    """``target[n] = source[n, t[n]]``: some places of the source are read from labels."""

    source: Slot
    at: tuple[str | int | Read, ...]
    note: str = field(default="", compare=False)

    @property
    def operands_read(self) -> tuple[Operand, ...]:
        inner = tuple(p for p in self.at if isinstance(p, Read))
        return (Read(self.source, tuple(self._fixed())), *inner)

    def _fixed(self) -> Iterator[str | int]:
        """The labels of the source; an axis read through labels gets one of its own."""
        for place, p in enumerate(self.at):
            yield f"at{place}" if isinstance(p, Read) else p

    def map_operands(self, change: Callable[[Operand], Operand]) -> Gather:
        first, *inner = (as_read(change(o)) for o in self.operands_read)
        rest = iter(inner)
        at = tuple(next(rest) if isinstance(p, Read) else p for p in self.at)
        return replace(self, source=first.slot, at=at)


def as_read(o: Operand) -> Read:
    """Return an operand that is the access of a slot; raise for any other."""
    if not isinstance(o, Read):
        raise NotSupported(f"{o} in the place of an array")
    return o


@dataclass(frozen=True)
class Stage:
    """A pass that ran: its name, what it did in words, and the statements that it left."""

    name: str
    what: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Program:
    """Statements in order of evaluation, and what is wanted of them.

    keep       the slots that are wanted as outputs
    slots      the slot of each variable of the equations
    stages     the passes so far; ``symdl.program.accounts`` says what each saved
    """

    statements: tuple[Statement, ...]
    keep: tuple[Slot, ...]
    slots: Mapping[Variable, Slot]
    stages: tuple[Stage, ...] = ()

    @property
    def defined(self) -> dict[Slot, Statement]:
        """The statement that makes each slot."""
        return {s.target: s for s in self.statements}

    @property
    def given(self) -> tuple[Slot, ...]:
        """The slots that are read but made by no statement."""
        made = {slot for s in self.statements for slot in s.makes}
        read = (r.slot for s in self.statements for r in s.reads)
        wanted = dict.fromkeys([*read, *self.keep])
        return tuple(slot for slot in wanted if slot not in made)

    def changed(self, statements: Iterable[Statement], name: str, what: str) -> Program:
        """Return the program with other statements and one more stage."""
        found = tuple(statements)
        return replace(self, statements=found, stages=(*self.stages, Stage(name, what, found)))

    def __str__(self) -> str:
        return "\n".join(show(s) for s in self.statements)


def show(s: Statement) -> str:
    """Return one statement as a line of text."""
    left = s.target.name + (f"[{','.join(s.labels)}]" if s.labels else "")
    if isinstance(s, Contract):
        return f"{left} = contract {_show(s.left)} {_show(s.right)}"
    if isinstance(s, Reduce):
        return f"{left} = {s.kind} {_show(s.source)}"
    if isinstance(s, Gather):
        at = ",".join(_show(p) if isinstance(p, Read) else str(p) for p in s.at)
        return f"{left} = gather {s.source.name}[{at}]"
    if isinstance(s, Apply):
        return f"{left} = {s.op} {' '.join(_show(a) for a in s.args)}"
    assert isinstance(s, Map)
    names = {k: sp.Symbol(_show(v)) for k, v in s.symbols.items()}
    return f"{left} = {s.body.xreplace(names)}"


def _show(o: Operand) -> str:
    if isinstance(o, Const):
        return str(o.value)
    if isinstance(o, Place):
        return o.label
    return o.slot.name + (f"[{','.join(str(p) for p in o.at)}]" if o.at else "")
