"""The names inside one C function: its table of pointers, its numbers, a thread's part of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import sympy as sp
from sympy.core.expr import Expr

from symdl.backends.c_nest import C_TYPES, index_text, joined_index
from symdl.backends.c_scalars import CScalarPrinter, c_number
from symdl.backends.names import Names
from symdl.errors import NotSupported
from symdl.program.ir import Const, Gather, Operand, Place, Read, Slot

__all__ = ["C_WORDS", "Frame", "Module"]

_LANGUAGE = """
    auto break case char const continue default do double else enum extern float for goto if inline
    int long register restrict return short signed sizeof static struct switch typedef union
    unsigned void volatile while abs exp log pow sqrt sin cos tan tanh erf erfc y0 y1 yn j0 j1 jn
    gamma main free NAN INFINITY"""
_OWN = "real F product gemm a d me maximum minimum count k best constant a_ epoch start from to"
C_WORDS = frozenset(f"{_LANGUAGE} {_OWN}".split())
_PARTS = 64  # numbers that two threads may add up


class Module(Protocol):
    """What a function needs of the file that it stands in."""

    dims: Mapping[sp.Symbol, str]
    used: set[str]
    nests: dict[str, tuple[str, str]]
    blas: bool
    small: bool
    threads: bool

    def size(self, e: Expr) -> str:
        """A size as C text."""


class Frame:
    """What the lines of a function may use.

    orders    how the axes of a slot lie in memory
    same      slots that live in the memory of others
    mine      a thread's own part -> the array of the parts of all threads
    own_rows  arrays whose rows along ``batch`` lie apart for each thread
    """

    def __init__(
        self,
        module: Module,
        orders: Mapping[Slot, tuple[int, ...]],
        *,
        given: Sequence[Slot],
        outside: Sequence[Slot],
        scalars: Sequence[Slot],
        same: Mapping[Slot, Slot],
        mine: Mapping[Slot, Slot],
        own_rows: Collection[Slot],
        batch: Expr | None,
    ) -> None:
        self.module, self.orders, self.same, self.mine = module, orders, same, mine
        self.own_rows, self.batch = own_rows, batch
        self.names = Names(reserved={*C_WORDS, *module.dims.values()})
        self.pointers: list[Slot] = []
        self.name_of: dict[Slot, str] = {}
        self.head: list[str] = []
        self.cells: list[Slot] = []  # single numbers that are left outside
        self.outside = set(outside)
        self.part: dict[Slot, int] = {}
        self.waiting: list[Slot] = []  # numbers of which each thread has a part so far
        self.own: int | None = None
        self._shares: dict[str, tuple[str, str]] = {}
        for slot in (*given, *outside):
            self.pointer(slot)
        self.own = len(self.pointers)
        for slot in scalars:
            self.name_of[slot] = self.names.new(slot.name)

    @property
    def start(self) -> list[str]:
        """The first lines: sizes, a thread's part of them, and arrays."""
        sizes = [f"const long {n} = d[{k}];" for k, n in enumerate(self.module.dims.values())]
        parts = [
            f"const long {first} = FROM({size}), {end} = TO({size});"
            for size, (first, end) in self._shares.items()
        ]
        return [*sizes, *parts, *self.head]

    def share(self, size: str) -> tuple[str, str]:
        """Where a thread's part of an axis starts and ends."""
        if size not in self._shares:
            self._shares[size] = self.names.new(f"from_{size}"), self.names.new(f"to_{size}")
        return self._shares[size]

    def length(self, size: str) -> str:
        """The length of a thread's part of an axis."""
        first, end = self.share(size)
        return f"({end} - {first})"

    # -- arrays

    def pointer(self, slot: Slot) -> str:
        """The name of an array."""
        if slot in self.name_of:
            return self.name_of[slot]
        if slot in self.same:
            self.name_of[slot] = self.pointer(self.same[slot])
            return self.name_of[slot]
        kind, size = C_TYPES[slot.kind], self.module.size
        if slot in self.mine:
            whole = self.pointer(self.mine[slot])
            name = self.name_of[slot] = self.names.new(slot.name)
            self.head.append(f"{kind} *{name} = {whole} + me * {size(sp.Mul(*slot.axes))};")
            return name
        if self.module.small and slot.rank and self.own is not None:
            name = self.name_of[slot] = self.names.new(slot.name)
            count = size(sp.Mul(*slot.axes))
            self.head.append(f"{kind} {name}[{count}] __attribute__((aligned(64)));")
            return name
        place = len(self.pointers)
        self.pointers.append(slot)
        if not slot.rank:
            return ""
        name = self.name_of[slot] = self.names.new(slot.name)
        if slot in self.own_rows:
            assert self.batch is not None
            first, _ = self.share(size(self.batch))
            rest = size(sp.Mul(*slot.axes) / self.batch)
            self.head.append(f"{kind} *{name} = ({kind} *)a[{place}] + {first} * {rest};")
        else:
            self.head.append(f"{kind} *{name} = a[{place}];")
        return name

    # -- single numbers

    def read_cell(self, slot: Slot) -> None:
        """Read a number from the memory of the caller."""
        place = self.pointers.index(slot)
        name = self.name_of[slot] = self.names.new(slot.name)
        self.head.append(f"const double {name} = *(real *)a[{place}];")

    def new_scalar(self, slot: Slot) -> str:
        """A name for a number that is made here."""
        name = self.name_of[slot] = self.names.new(slot.name)
        if slot in self.outside:
            self.cells.append(slot)
        return name

    def declare(self, slot: Slot) -> str:
        """Make room for a number that a nest leaves."""
        if not self.module.threads:
            kind = "double" if slot.kind == "real" else "long"
            return f"{kind} {self.new_scalar(slot)};"
        if slot.kind != "real" or len(self.part) >= _PARTS:
            raise NotSupported("this number is not shared by two threads")
        k = self.part[slot] = len(self.part)
        self.waiting.append(slot)
        return f"parts[me][{k}] = 0;"

    def summed_parts(self) -> list[str]:
        """Numbers to which each thread has added, now that both have come to a barrier."""
        lines = []
        for slot in self.waiting:
            k = self.part[slot]
            lines.append(f"const double {self.new_scalar(slot)} = parts[0][{k}] + parts[1][{k}];")
        self.waiting = []
        return lines

    def value(self, o: Operand, whole: bool) -> str:
        """An operand of a statement without axes."""
        if isinstance(o, Const):
            if o.value in (sp.true, sp.false):
                return str(int(bool(o.value)))
            if whole:
                return self.module.size(o.value)
            if o.value.is_number:
                return c_number(o.value)
            sizes = {s: f"(double){self.module.size(s)}" for s in o.value.free_symbols}
            return CScalarPrinter(sizes).text(o.value)
        if isinstance(o, Place):
            raise NotSupported("a place along an axis in a single number")
        if not o.slot.rank:
            return self.name_of[o.slot]
        return f"{self.pointer(o.slot)}[{index_text(o, self.orders[o.slot], {}, self.module.size)}]"

    def element(self, s: Gather) -> str:
        """An element of an array whose place is read from labels."""
        places = []
        for k in self.orders[s.source]:
            p = s.at[k]
            place = self.value(p, True) if isinstance(p, Read) else str(p)
            places.append((place, self.module.size(s.source.axes[k])))
        return f"{self.pointer(s.source)}[{joined_index(places)}]"
