"""A loop nest as one C function, over names that are settled later.

Equal nests of different layers then give the same text, and are written once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import sympy as sp
from sympy.core.expr import Expr

from symdl.backends.c_scalars import CScalarPrinter, c_number, operation
from symdl.backends.names import Names
from symdl.errors import NotSupported
from symdl.program.ir import (
    Apply,
    Const,
    Contract,
    Gather,
    Map,
    Operand,
    Place,
    Read,
    Reduce,
    Slot,
    Statement,
)
from symdl.program.nests import Nest

__all__ = ["C_TYPES", "NestText", "Sizes", "index_text", "write_nest"]

C_TYPES = {"real": "real", "flag": "unsigned char", "label": "long"}
_VALUES = {"real": "real", "flag": "int", "label": "long"}
_SHORT = 16  # steps of a loop that are written out
_TOKEN = re.compile("\x01(\\d+)\x02")

Sizes = Callable[[Expr], str]


@dataclass
class NestText:
    """A function's text with tokens for names; ``arguments`` are the slots it is called with."""

    text: str = ""
    wishes: list[str] = field(default_factory=list)
    pointers: dict[Slot, int] = field(default_factory=dict)
    values: dict[Slot, int] = field(default_factory=dict)  # scalars, by value
    written: set[Slot] = field(default_factory=set)

    def named(self, reserved: Collection[str]) -> str:
        """The text with the names that were wished for, each once."""
        names = Names(reserved=reserved)
        chosen = [names.new(w) for w in self.wishes]
        return _TOKEN.sub(lambda m: chosen[int(m.group(1))], self.text)


def index_text(r: Read, order: tuple[int, ...], labels: Mapping[str, str], size: Sizes) -> str:
    """The distance of an element from the start of its array."""
    places = [
        (labels[p] if isinstance(p, str) else str(p), size(r.slot.axes[k]))
        for p, k in ((r.at[k], k) for k in order)
    ]
    return joined_index(places)


def joined_index(places: list[tuple[str, str]]) -> str:
    """Places and sizes, the outermost first, as one index."""
    text = ""
    for place, length in places:
        text = (
            f"({text}) * {length} + {place}"
            if " " in text
            else (f"{text} * {length} + {place}" if text and text != "0" else place)
        )
    return text or "0"


def write_nest(
    nest: Nest,
    orders: Mapping[Slot, tuple[int, ...]],
    size: Sizes,
    used: set[str],
    own: Collection[Slot] = (),
) -> NestText:
    """Write the body of the function of a nest.

    own  arrays of which this thread has its own rows alone, ``to - from`` of them
    """
    return _Writer(nest, orders, size, used, own).run()


class _Writer:
    def __init__(
        self,
        nest: Nest,
        orders: Mapping[Slot, tuple[int, ...]],
        size: Sizes,
        used: set[str],
        own: Collection[Slot],
    ) -> None:
        self.own = own
        self.nest, self.orders, self.size, self.used = nest, orders, size, used
        self.out = NestText()
        self.deep = len(nest.loops)
        self.inner = self._innermost()
        self.before: list[list[str]] = [[] for _ in range(self.deep + 1)]
        self.after: list[list[str]] = [[] for _ in range(self.deep + 1)]
        self.work: list[str] = []
        self.stores: list[str] = []
        self.start: list[str] = []
        self.sums: list[str] = []
        self.vector = True
        self.labels = {n: self.token(n) for n in nest.loops}
        self.variables: dict[object, str] = {}
        # a loop that is shared out counts from 0 for each thread
        self.places = dict(self.labels)
        if nest.split is not None:
            self.places[nest.split] = f"({self.labels[nest.split]} + from)"

    def _innermost(self) -> int:
        """The innermost loop that takes more than one step, which vector instructions are for."""
        longer = (
            d
            for d in range(self.deep - 1, -1, -1)
            if self.nest.loops[d] == self.nest.split
            or self.size(self.nest.sizes[self.nest.loops[d]]) != "1"
        )
        return next(longer, self.deep - 1)

    def token(self, wish: str) -> str:
        self.out.wishes.append(wish)
        return f"\x01{len(self.out.wishes) - 1}\x02"

    def run(self) -> NestText:
        for s in self.nest.body:
            if isinstance(s, (Apply, Gather)):
                self._assign(s)
            elif isinstance(s, Reduce) and s.kind == "argmax":
                self._argmax(s)
            else:
                assert isinstance(s, (Reduce, Contract))
                self._reduce(s)
        lines = [*self.start]
        for d in range(self.deep + 1):
            pad = "    " * d
            lines += [pad + t for t in self.before[d]]
            if d < self.deep:
                lines += self._open(d, pad)
        pad = "    " * self.deep
        lines += [pad + t for t in (*self.work, *self.stores)]
        for d in range(self.deep - 1, -1, -1):
            lines += ["    " * d + "}"]
            lines += ["    " * d + t for t in self.after[d]]
        self.out.text = "\n".join("    " + t for t in lines)
        return self.out

    def _open(self, d: int, pad: str) -> list[str]:
        lines = []
        if d == self.deep - 2 and self._short_sum():
            lines.append(f"{pad}#pragma omp simd")
        elif d == self.inner and self.vector and not self._short_sum():
            sums = f" reduction(+ : {', '.join(self.sums)})" if self.sums else ""
            lines.append(f"{pad}#pragma omp simd{sums}")
        name = self.nest.loops[d]
        v = self.labels[name]
        if name == self.nest.split:
            return [*lines, f"{pad}for (long {v} = 0; {v} < to - from; {v}++) {{"]
        lines.append(f"{pad}for (long {v} = 0; {v} < {self.size(self.nest.sizes[name])}; {v}++) {{")
        return lines

    def _short_sum(self) -> bool:
        """Whether the innermost loop is a sum so short that the compiler writes it out."""
        if self.deep < 2 or not all(isinstance(s, Contract) for s in self.nest.body):
            return False
        length = self.size(self.nest.lengths[-1])
        inner = all(len(s.labels) == self.deep - 1 for s in self.nest.body)
        return inner and length.isdigit() and int(length) <= _SHORT

    # -- values

    def pointer(self, slot: Slot, write: bool = False) -> str:
        """The array of a slot."""
        if slot not in self.out.pointers:
            self.token(slot.name)
            self.out.pointers[slot] = len(self.out.wishes) - 1
        if write:
            self.out.written.add(slot)
        return f"\x01{self.out.pointers[slot]}\x02"

    def index(self, r: Read) -> str:
        if self.nest.split is None:
            return index_text(r, self.orders[r.slot], self.labels, self.size)
        if r.slot in self.own:
            batch = self.nest.sizes[self.nest.split]

            def size(e: Expr) -> str:
                return "(to - from)" if e == batch else self.size(e)

            return index_text(r, self.orders[r.slot], self.labels, size)
        return index_text(r, self.orders[r.slot], self.places, self.size)

    def value(self, o: Operand, whole: bool = False) -> str:
        """An operand as C text."""
        if isinstance(o, Const):
            return self._constant(o.value, whole)
        if isinstance(o, Place):
            return self.places[o.label] if whole else f"(real){self.places[o.label]}"
        if o in self.variables:
            return self.variables[o]
        if not o.slot.rank:
            return self._scalar(o)
        found = self.variables[o] = self.token(o.slot.name + "_here")
        kind = _VALUES[o.slot.kind]
        line = f"const {kind} {found} = {self.pointer(o.slot)}[{self.index(o)}];"
        self.before[self.nest.depth(o.labels)].append(line)
        return found

    def _scalar(self, o: Read) -> str:
        if o.slot not in self.out.values:
            self.token(o.slot.name)
            self.out.values[o.slot] = len(self.out.wishes) - 1
        given = f"\x01{self.out.values[o.slot]}\x02"
        if o.slot.kind != "real":
            return given
        found = self.variables[o] = self.token(o.slot.name + "_here")
        self.before[0].append(f"const real {found} = (real){given};")
        return found

    def _constant(self, e: Expr, whole: bool) -> str:
        if e in (sp.true, sp.false):
            return str(int(bool(e)))
        if whole:
            return self.size(e)
        if e.is_number:
            return f"(real){c_number(e)}"
        if e not in self.variables:
            printer = CScalarPrinter({s: f"(double){self.size(s)}" for s in e.free_symbols})
            found = self.variables[e] = self.token("constant")
            self.before[0].append(f"const real {found} = (real){printer.text(e)};")
        return self.variables[e]

    # -- statements

    def _assign(self, s: Apply | Gather) -> None:
        found = self.token(s.target.name + "_here")
        self.work.append(f"const {_VALUES[s.target.kind]} {found} = {self._text(s)};")
        here = Read(s.target, s.labels)
        self.variables[here] = found
        if s.target not in self.nest.local:
            self.stores.append(f"{self.pointer(s.target, True)}[{self.index(here)}] = {found};")

    def _text(self, s: Apply | Gather) -> str:
        if isinstance(s, Gather):
            return self._gathered(s)
        whole = s.target.kind == "label" or any(is_whole(a) for a in s.args)
        if s.op == "copy" and s.target.kind == "real":
            whole = False
        return operation(s.op, [self.value(a, whole) for a in s.args], self.used)

    def _gathered(self, s: Gather) -> str:
        places = []
        for k in self.orders[s.source]:
            p = s.at[k]
            if isinstance(p, Read):
                place = self.value(p, True)
            else:
                place = self.places[p] if isinstance(p, str) else str(p)
            places.append((place, self.size(s.source.axes[k])))
        if s.source in self.own:
            raise NotSupported("labels that read an array of a thread's own rows")
        return f"{self.pointer(s.source)}[{joined_index(places)}]"

    def _reduce(self, s: Reduce | Contract) -> None:
        if isinstance(s, Contract):
            kind, value = "sum", f"{self.value(s.left)} * {self.value(s.right)}"
        else:
            kind, value = s.kind, self.value(s.source)
        if self.nest.in_variable(s):
            self._in_variable(s, kind, value)
        else:
            self._in_memory(s, kind, value)

    def _in_variable(self, s: Statement, kind: str, value: str) -> None:
        prefix = len(s.labels)
        total = self.token(s.target.name + "_here")
        if kind == "max":
            self.before[prefix].append(f"real {total} = -INFINITY;")
            self.work.append(f"{total} = maximum_real({total}, {value});")
            self.vector = False
        elif prefix >= self.inner:
            self.before[prefix].append(f"real {total} = 0;")
            self.work.append(f"{total} += {value};")
            self.sums += [total] if prefix == self.inner else []
        else:
            part = self.token(s.target.name + "_part")
            self.before[prefix].append(f"double {total} = 0;")
            self.before[self.inner].append(f"real {part} = 0;")
            self.work.append(f"{part} += {value};")
            self.sums.append(part)
            self.after[self.inner].append(f"{total} += {part};")
        self._finish(s, prefix, total)

    def _finish(self, s: Statement, prefix: int, total: str) -> None:
        where = self.index(Read(s.target, s.labels)) if s.labels else "0"
        self.after[prefix].append(f"{self.pointer(s.target, True)}[{where}] = {total};")

    def _in_memory(self, s: Statement, kind: str, value: str) -> None:
        target = self.pointer(s.target, True)
        count = " * ".join(self.size(a) for a in s.target.axes)
        k = self.token("k")
        first = "0" if kind == "sum" else "-INFINITY"
        if self.nest.split is None:
            self.start.append(f"for (long {k} = 0; {k} < {count}; {k}++) {target}[{k}] = {first};")
        else:
            self.start += self._part_of(s, f"{target}[{{}}] = {first};")
        place = f"{target}[{self.index(Read(s.target, s.labels))}]"
        if kind == "sum":
            self.work.append(f"{place} += {value};")
        else:
            self.work.append(f"{place} = maximum_real({place}, {value});")
        self.vector &= self.nest.loops[-1] in s.labels

    def _part_of(self, s: Statement, line: str) -> list[str]:
        """A loop over the part of a target that this thread makes."""
        here = Read(s.target, s.labels)
        lines = []
        for k in self.orders[s.target]:
            name = s.labels[k]
            v, end = self.labels[name], self.size(s.target.axes[k])
            last = "to - from" if name == self.nest.split else end
            lines.append(f"for (long {v} = 0; {v} < {last}; {v}++)")
        return [*lines, "    " + line.format(self.index(here))]

    def _argmax(self, s: Reduce) -> None:
        if not self.nest.in_variable(s) or len(s.labels) != self.deep - 1:
            raise NotSupported("an argmax whose axis is not the innermost loop")
        prefix, name = len(s.labels), self.nest.loops[-1]
        best, at = self.token("best"), self.token(s.target.name + "_here")
        v = self.value(s.source)
        self.before[prefix] += [f"real {best} = -INFINITY;", f"long {at} = -1;"]
        label = self.places[name]
        better = f"({v} > {best}) | (({v} != {v}) & ({best} == {best})) | ({at} < 0)"
        self.work.append(f"if ({better}) {{ {best} = {v}; {at} = {label}; }}")
        self.vector = False
        self._finish(s, prefix, at)


def is_whole(o: Operand) -> bool:
    """Whether an operand is a whole number: a place or a label."""
    return isinstance(o, Place) or (isinstance(o, Read) and o.slot.kind == "label")


def single_text(
    s: Statement,
    value: Callable[[Operand, bool], str],
    size: Sizes,
    used: set[str],
    element: Callable[[Gather], str],
) -> str:
    """A statement without axes as the text of its value."""
    if isinstance(s, Map):
        names = {k: value(o, False) for k, o in s.symbols.items()}
        for symbol in s.body.free_symbols - names.keys():
            names[symbol] = f"(double){size(symbol)}"
        return CScalarPrinter(names).text(s.body)
    if isinstance(s, Gather):
        return element(s)
    if not isinstance(s, Apply):
        raise NotSupported(f"a {type(s).__name__} of single numbers")
    whole = s.target.kind == "label" or any(is_whole(a) for a in s.args)
    return operation(s.op, [value(a, whole and s.op != "copy") for a in s.args], used)
