"""One exported C function: it calls loop nests and products in turn."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import sympy as sp
from sympy.core.expr import Expr

from symdl.backends.c_nest import (
    C_TYPES,
    NestText,
    index_text,
    joined_index,
    single_text,
    write_nest,
)
from symdl.backends.c_scalars import CScalarPrinter, c_number
from symdl.backends.names import Names, comment
from symdl.errors import NotSupported
from symdl.program.ir import Const, Gather, Operand, Place, Read, Slot, Statement
from symdl.program.nests import Nest, Node, statements_of, writes_of
from symdl.program.products import Matrix, Product

__all__ = ["CFunction", "FunctionWriter", "Module", "plain"]

_PLAIN = 'optimize("O1")'  # a list of calls: more thought on it takes time and saves none
_PARTS = 64  # numbers that two threads may add up
_WORDS = {
    *[
        "auto",
        "break",
        "case",
        "char",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extern",
        "float",
        "for",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "register",
        "restrict",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "typedef",
        "union",
        "unsigned",
        "void",
        "volatile",
        "while",
    ],
    *[
        "real",
        "F",
        "NAN",
        "INFINITY",
        "product",
        "gemm",
        "a",
        "d",
        "maximum",
        "minimum",
        "count",
        "k",
        "best",
        "constant",
        "abs",
        "exp",
        "log",
        "pow",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "tanh",
        "erf",
        "erfc",
        "y0",
        "y1",
        "yn",
        "j0",
        "j1",
        "jn",
        "gamma",
        "main",
        "a_",
        "epoch",
        "start",
        "free",
    ],
}


@dataclass(frozen=True)
class CFunction:
    """One exported function: what its pointers mean, in order."""

    name: str
    text: str
    pointers: tuple[Slot, ...]
    buffers: tuple[Slot, ...]
    phases: tuple[tuple[Node, ...], ...] = ()
    mine: Mapping[Slot, Slot] = field(default_factory=dict)
    own: frozenset[Slot] = frozenset()


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


def plain(text: str) -> str:
    """Return a text as it may stand in a comment."""
    return comment(text)[2:].replace("*/", "* /").replace("/*", "/ *")


class FunctionWriter:
    """The text of one exported function."""

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
    ) -> None:
        self.module, self.orders, self.same, self.mine = module, orders, same, mine
        self.names = Names(reserved={*_WORDS, *module.dims.values()})
        self.pointers: list[Slot] = []
        self.name_of: dict[Slot, str] = {}
        self.head: list[str] = []
        self.lines: list[str] = []
        self.cells: list[Slot] = []
        self.outside = set(outside)
        self.part: dict[Slot, int] = {}
        self.waiting: list[Slot] = []
        self.own_rows: Collection[Slot] = ()
        self.batch: Expr | None = None
        self.own: int | None = None
        for slot in (*given, *outside):
            self._pointer(slot)
        self.own = len(self.pointers)
        for slot in scalars:
            self.name_of[slot] = self.names.new(slot.name)
        self.scalars = tuple(scalars)

    def run(self, name: str, phases: Sequence[Sequence[Node]], result: Slot | None) -> CFunction:
        made = {s for phase in phases for n in phase for s in writes_of(n)}
        for slot in self.pointers[: self.own]:
            if not slot.rank and slot not in made:
                self._read_cell(slot)
        for number, phase in enumerate(phases):
            if number:
                self.lines.append("barrier();")
                self._sum_parts()
            for node in phase:
                self._note(node)
                if isinstance(node, Nest):
                    self._nest(node)
                elif isinstance(node, Product):
                    self._product(node)
                else:
                    self._single(node.statement)
        if self.waiting:
            self.lines.append("barrier();")
            self._sum_parts()
        first = "if (!me) " if self.module.threads else ""
        for slot in self.cells:
            place = self.pointers.index(slot)
            self.lines.append(f"{first}*(real *)a[{place}] = {self.name_of[slot]};")
        dims = [f"const long {n} = d[{k}];" for k, n in enumerate(self.module.dims.values())]
        body = [*dims, *self.head, *self.lines]
        if result is not None:
            body.append(f"return {self.name_of[result]};")
        text = self._text(name, "void" if result is None else "double", body)
        return CFunction(
            name,
            text,
            tuple(self.pointers),
            tuple(self.pointers[self.own :]),
            tuple(map(tuple, phases)),
            self.mine,
            frozenset(self.own_rows),
        )

    def _text(self, name: str, kind: str, body: Sequence[str]) -> str:
        lines = "\n".join("    " + t for t in body)
        values = "".join(f", double {self.name_of[s]}" for s in self.scalars)
        shown = (
            f'__attribute__((visibility("default"))) {kind} {name}(void *const *a, const long *d'
        )
        if not self.module.threads:
            return f"{shown}{values}) {{\n{lines}\n}}\n"
        part = f"static __attribute__((noinline, {_PLAIN})) {kind} {name}_part("
        part += f"void *const *a, const long *d, int me{values}) {{\n"
        if self.scalars or name == "update":
            return f"{part}{lines}\n}}\n"
        keep = "" if kind == "void" else "const double result = "
        give = "" if kind == "void" else " if (!me) c->result = result;"
        back = "" if kind == "void" else " return c.result;"
        return (
            f"{part}{lines}\n}}\n"
            f"typedef struct {{ void *const *a; const long *d; double result; }} {name}_call;\n"
            f"static void {name}_job(void *given, int me) {{\n"
            f"    {name}_call *c = given;\n    {keep}{name}_part(c->a, c->d, me);{give}\n}}\n"
            f"{shown}) {{\n    {name}_call c = {{a, d, 0}};\n"
            f"    together({name}_job, &c);{back}\n}}\n"
        )

    def _sum_parts(self) -> None:
        """Numbers to which each thread has added, now that both have come to a barrier."""
        for slot in self.waiting:
            k = self.part[slot]
            self.lines.append(
                f"const double {self._new_scalar(slot)} = parts[0][{k}] + parts[1][{k}];"
            )
        self.waiting = []

    def _note(self, node: Node) -> None:
        for s in statements_of(node):
            note = getattr(s, "note", "")
            line = f"/* {plain(note)} */"
            if note and line not in self.lines:
                self.lines.append(line)

    # -- names

    def _pointer(self, slot: Slot) -> str:
        if slot in self.name_of:
            return self.name_of[slot]
        if slot in self.same:
            self.name_of[slot] = self._pointer(self.same[slot])
            return self.name_of[slot]
        if slot in self.mine:
            whole = self._pointer(self.mine[slot])
            name = self.name_of[slot] = self.names.new(slot.name)
            count = self.module.size(sp.Mul(*slot.axes))
            self.head.append(f"{C_TYPES[slot.kind]} *{name} = {whole} + me * {count};")
            return name
        if self.module.small and slot.rank and self.own is not None:
            name = self.name_of[slot] = self.names.new(slot.name)
            count = self.module.size(sp.Mul(*slot.axes))
            self.head.append(f"{C_TYPES[slot.kind]} {name}[{count}] __attribute__((aligned(64)));")
            return name
        place = len(self.pointers)
        self.pointers.append(slot)
        if slot.rank:
            name = self.name_of[slot] = self.names.new(slot.name)
            kind = C_TYPES[slot.kind]
            if slot in self.own_rows:
                assert self.batch is not None
                rest = self.module.size(sp.Mul(*slot.axes) / self.batch)
                first = f"FROM({self.module.size(self.batch)}) * {rest}"
                self.head.append(f"{kind} *{name} = ({kind} *)a[{place}] + {first};")
            else:
                self.head.append(f"{kind} *{name} = a[{place}];")
            return name
        return ""

    def _read_cell(self, slot: Slot) -> None:
        place = self.pointers.index(slot)
        name = self.name_of[slot] = self.names.new(slot.name)
        self.head.append(f"const double {name} = *(real *)a[{place}];")

    def _new_scalar(self, slot: Slot) -> str:
        name = self.name_of[slot] = self.names.new(slot.name)
        if slot in self.outside:
            self.cells.append(slot)
        return name

    # -- nodes

    def _nest(self, nest: Nest) -> None:
        written = write_nest(nest, self.orders, self.module.size, self.module.used, self.own_rows)
        for slot in written.written:
            if not slot.rank:
                self._declare(slot)
        function = self._function(written, nest.split is not None)
        given = [self._argument(slot, slot in written.written) for slot in written.pointers]
        given += [self.name_of[slot] for slot in written.values]
        given += list(self.module.dims.values())
        if nest.split is not None:
            size = self.module.size(nest.sizes[nest.split])
            given += [f"FROM({size})", f"TO({size})"]
        alone = "if (!me) " if self.module.threads and nest.split is None else ""
        self.lines.append(f"{alone}{function}({', '.join(given)});")

    def _declare(self, slot: Slot) -> None:
        """Make room for a number that a nest leaves."""
        if not self.module.threads:
            kind = "double" if slot.kind == "real" else "long"
            self.lines.append(f"{kind} {self._new_scalar(slot)};")
            return
        if slot.kind != "real" or len(self.part) >= _PARTS:
            raise NotSupported("this number is not shared by two threads")
        k = self.part[slot] = len(self.part)
        self.waiting.append(slot)
        self.lines.append(f"parts[me][{k}] = 0;")

    def _argument(self, slot: Slot, written: bool) -> str:
        if slot.rank:
            return self._pointer(slot)
        if slot in self.part:
            return f"&parts[me][{self.part[slot]}]"
        return f"&{self.name_of[slot]}" if written else self.name_of[slot]

    def _function(self, written: NestText, split: bool) -> str:
        """The name of the function with that text, which is written once."""
        arguments = []
        for slot, token in written.pointers.items():
            kind = C_TYPES[slot.kind] if slot.rank else "double" if slot.kind == "real" else "long"
            const = "" if slot in written.written else "const "
            arguments.append(f"{const}{kind} *\x01{token}\x02")
        for slot, token in written.values.items():
            arguments.append(f"{'double' if slot.kind == 'real' else 'long'} \x01{token}\x02")
        arguments += [f"long {n}" for n in self.module.dims.values()]
        arguments += ["long from", "long to"] if split else []
        written.text = f"({', '.join(arguments)}) {{\n{written.text}\n}}\n"
        nests = self.module.nests
        if written.text not in nests:
            name = f"nest_{len(nests) + 1}"
            reserved = {*_WORDS, *self.module.dims.values()}
            how = "always_inline" if self.module.small else "noinline"
            kind = f"static inline __attribute__(({how}))"
            nests[written.text] = name, f"{kind} void {name}{written.named(reserved)}"
        return nests[written.text][0]

    def _product(self, p: Product) -> None:
        self.module.blas = True
        size = self.module.size
        sizes = p.statement.sizes
        labels = {n: self.names.new(n) for n in p.loops}
        pad = ""
        for n in p.loops:
            v = labels[n]
            self.lines.append(f"{pad}for (long {v} = 0; {v} < {size(sizes[n])}; {v}++)")
            pad += "    "
        rows, columns, summed = (size(e) for e in (p.rows, p.columns, p.summed))
        left, right, out = (self._matrix(m, labels) for m in (p.left, p.right, p.out))

        def moved(m: Matrix, text: tuple[str, str], first: str, unit: bool) -> tuple[str, str]:
            return text if m.read.slot in self.own_rows else _moved(text, first, unit)

        alone = "if (!me) " if self.module.threads and p.split is None else ""
        if p.split is not None and p.row_labels == (p.split,):
            left = moved(p.left, left, f"FROM({rows})", p.left.turned)
            out = moved(p.out, out, f"FROM({rows})", False)
            rows = f"TO({rows}) - FROM({rows})"
        elif p.split is not None and p.summed_labels == (p.split,):
            left = moved(p.left, left, f"FROM({summed})", not p.left.turned)
            right = moved(p.right, right, f"FROM({summed})", p.right.turned)
            summed = f"TO({summed}) - FROM({summed})"
        elif p.split is not None:
            right = moved(p.right, right, f"FROM({columns})", not p.right.turned)
            out = moved(p.out, out, f"FROM({columns})", True)
            columns = f"TO({columns}) - FROM({columns})"
        self.lines.append(
            f"{pad}{alone}product({rows}, {columns}, {summed}, {', '.join(left)}, "
            f"{int(p.left.turned)}, {', '.join(right)}, {int(p.right.turned)}, 0, "
            f"{', '.join(out)});"
        )

    def _matrix(self, m: Matrix, labels: Mapping[str, str]) -> tuple[str, str]:
        here = {n: labels.get(n, "0") for n in m.read.labels}
        name = self._pointer(m.read.slot)
        offset = ""
        if any(n in labels for n in m.read.labels):
            offset = " + " + index_text(m.read, self.orders[m.read.slot], here, self.module.size)
        if m.read.slot in self.own_rows:
            assert self.batch is not None
            size = self.module.size(self.batch)
            local = f"(TO({size}) - FROM({size}))"
            lead = m.lead / self.batch
            if not lead.has(self.batch) and lead.is_integer:
                return (
                    f"{name}{offset}",
                    local if lead == 1 else f"{local} * {self.module.size(lead)}",
                )
        return f"{name}{offset}", self.module.size(m.lead)

    def _single(self, s: Statement) -> None:
        text = single_text(s, self._value, self.module.size, self.module.used, self._element)
        kind = {"real": "double", "flag": "int", "label": "long"}[s.target.kind]
        name = self._new_scalar(s.target)
        self.lines.append(f"const {kind} {name} = {text};")

    def _value(self, o: Operand, whole: bool) -> str:
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
        return (
            f"{self._pointer(o.slot)}[{index_text(o, self.orders[o.slot], {}, self.module.size)}]"
        )

    def _element(self, s: Gather) -> str:
        places = []
        for k in self.orders[s.source]:
            p = s.at[k]
            place = self._value(p, True) if isinstance(p, Read) else str(p)
            places.append((place, self.module.size(s.source.axes[k])))
        return f"{self._pointer(s.source)}[{joined_index(places)}]"


def _moved(matrix: tuple[str, str], first: str, unit: bool) -> tuple[str, str]:
    """A matrix from its row or column ``first`` on."""
    name, lead = matrix
    return f"{name} + {first}" + ("" if unit else f" * {lead}"), lead
