"""A program as C source: a function for each kind of loop nest, and one that calls them in turn."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp
from sympy.core.expr import Expr

from symdl.backends.c_math import c_functions
from symdl.backends.c_nest import (
    C_TYPES,
    NestText,
    index_text,
    joined_index,
    single_text,
    write_nest,
)
from symdl.backends.c_scalars import HELPERS, CScalarPrinter, c_number, size_text
from symdl.backends.names import Names, comment
from symdl.errors import NotSupported
from symdl.program.ir import Const, Gather, Operand, Place, Read, Slot, Statement
from symdl.program.nests import Nest, Node, statements_of, writes_of
from symdl.program.products import Matrix, Product

__all__ = ["CFunction", "CModule"]

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

PRODUCT = """\
typedef void gemm_t(char *, char *, int *, int *, int *, real *, const real *, int *, const real *,
                    int *, real *, real *, int *);
static gemm_t *gemm;
__attribute__((visibility("default"))) void start(void *routine) { gemm = (gemm_t *)routine; }

/* c[m, n] = a[m, k] b[k, n] + beta c, all by rows; ta, tb: stored as [k, m], [n, k].  BLAS counts
   by columns, and so sees the transposed product. */
static void product(long m, long n, long k, const real *a, long lda, int ta, const real *b,
                    long ldb, int tb, real beta, real *c, long ldc) {
    char one = tb ? 'T' : 'N', two = ta ? 'T' : 'N';
    int im = m, in = n, ik = k, ia = lda, ib = ldb, ic = ldc;
    real alpha = 1;
    gemm(&one, &two, &in, &im, &ik, &alpha, b, &ib, a, &ia, &beta, c, &ic);
}
"""


@dataclass(frozen=True)
class CFunction:
    """One exported function: what its pointers mean, in order."""

    name: str
    text: str
    pointers: tuple[Slot, ...]
    buffers: tuple[Slot, ...]


@dataclass
class CModule:
    """The functions of one C file.

    numbers  sizes that are known; the others are arguments, called ``dims``
    """

    real: str
    numbers: Mapping[sp.Symbol, int]
    dims: Mapping[sp.Symbol, str]
    used: set[str] = field(default_factory=set)
    nests: dict[str, tuple[str, str]] = field(default_factory=dict)  # text -> name, definition
    functions: list[CFunction] = field(default_factory=list)
    blas: bool = False
    small: bool = False  # everything is known and little: all in one function, without memory

    def size(self, e: Expr) -> str:
        """A size as C text."""
        return size_text(e, self.dims, self.numbers)

    def add(
        self,
        name: str,
        nodes: Sequence[Node],
        orders: Mapping[Slot, tuple[int, ...]],
        *,
        given: Sequence[Slot],
        outside: Sequence[Slot],
        result: Slot | None,
        scalars: Sequence[Slot] = (),
        same: Mapping[Slot, Slot] | None = None,
    ) -> CFunction:
        """Write an exported function.

        given, outside  slots whose arrays the caller has; the rest are buffers
        result          the scalar that is returned
        scalars         arguments by value
        same            slots that live in the memory of others
        """
        writer = _Function(self, orders, given, outside, scalars, same or {})
        made = writer.run(name, nodes, result)
        self.functions.append(made)
        return made

    def source(self, title: str, formulas: Sequence[str], extra: Sequence[str] = ()) -> str:
        """The whole file."""
        suffix = "name##f" if self.real == "float" else "name"
        head = [f"/* {_plain(title)}", ""]
        head += [f"       {_plain(f)}" for f in formulas]
        head += ["*/", "#include <math.h>", "#include <string.h>", ""]
        head += [f"typedef {self.real} real;", f"#define F(name) {suffix}", ""]
        parts = ["\n".join(head), HELPERS]
        parts += [c_functions(self.used, self.real)] if self.used else []
        parts += [PRODUCT] if self.blas else []
        parts += [definition for _, definition in self.nests.values()]
        parts += [f.text for f in self.functions]
        return "\n".join([*parts, *extra])


def _plain(text: str) -> str:
    return comment(text)[2:].replace("*/", "* /").replace("/*", "/ *")


class _Function:
    """The text of one exported function."""

    def __init__(
        self,
        module: CModule,
        orders: Mapping[Slot, tuple[int, ...]],
        given: Sequence[Slot],
        outside: Sequence[Slot],
        scalars: Sequence[Slot],
        same: Mapping[Slot, Slot],
    ) -> None:
        self.module, self.orders, self.same = module, orders, same
        self.names = Names(reserved={*_WORDS, *module.dims.values()})
        self.pointers: list[Slot] = []
        self.name_of: dict[Slot, str] = {}
        self.head: list[str] = []
        self.lines: list[str] = []
        self.cells: list[Slot] = []
        self.outside = set(outside)
        self.own: int | None = None
        for slot in (*given, *outside):
            self._pointer(slot)
        self.own = len(self.pointers)
        for slot in scalars:
            self.name_of[slot] = self.names.new(slot.name)
        self.scalars = tuple(scalars)

    def run(self, name: str, nodes: Sequence[Node], result: Slot | None) -> CFunction:
        made = {s for n in nodes for s in writes_of(n)}
        for slot in self.outside:
            if not slot.rank and slot not in made:
                self._read_cell(slot)
        for slot in self.pointers[: self.own]:
            if not slot.rank and slot not in self.outside:
                self._read_cell(slot)
        for node in nodes:
            self._note(node)
            if isinstance(node, Nest):
                self._nest(node)
            elif isinstance(node, Product):
                self._product(node)
            else:
                self._single(node.statement)
        for slot in self.cells:
            place = self.pointers.index(slot)
            self.lines.append(f"*(real *)a[{place}] = {self.name_of[slot]};")
        dims = [f"const long {n} = d[{k}];" for k, n in enumerate(self.module.dims.values())]
        body = [*dims, *self.head, *self.lines]
        if result is not None:
            body.append(f"return {self.name_of[result]};")
        kind = "void" if result is None else "double"
        values = "".join(f", double {self.name_of[s]}" for s in self.scalars)
        head = f'__attribute__((visibility("default"))) {kind} {name}'
        text = f"{head}(void *const *a, const long *d{values}) {{\n"
        text += "\n".join("    " + t for t in body) + "\n}\n"
        return CFunction(name, text, tuple(self.pointers), tuple(self.pointers[self.own :]))

    def _note(self, node: Node) -> None:
        for s in statements_of(node):
            note = getattr(s, "note", "")
            line = f"/* {_plain(note)} */"
            if note and line not in self.lines:
                self.lines.append(line)

    # -- names

    def _pointer(self, slot: Slot) -> str:
        if slot in self.name_of:
            return self.name_of[slot]
        if slot in self.same:
            self.name_of[slot] = self._pointer(self.same[slot])
            return self.name_of[slot]
        if self.module.small and slot.rank and self.own is not None:
            name = self.name_of[slot] = self.names.new(slot.name)
            count = self.module.size(sp.Mul(*slot.axes))
            self.head.append(f"{C_TYPES[slot.kind]} {name}[{count}] __attribute__((aligned(64)));")
            return name
        place = len(self.pointers)
        self.pointers.append(slot)
        if slot.rank:
            name = self.name_of[slot] = self.names.new(slot.name)
            self.head.append(f"{C_TYPES[slot.kind]} *{name} = a[{place}];")
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
        written = write_nest(nest, self.orders, self.module.size, self.module.used)
        for slot in written.written:
            if not slot.rank:
                kind = "double" if slot.kind == "real" else "long"
                self.lines.append(f"{kind} {self._new_scalar(slot)};")
        function = self._function(written)
        given = [self._argument(slot, slot in written.written) for slot in written.pointers]
        given += [self.name_of[slot] for slot in written.values]
        given += list(self.module.dims.values())
        self.lines.append(f"{function}({', '.join(given)});")

    def _argument(self, slot: Slot, written: bool) -> str:
        if slot.rank:
            return self._pointer(slot)
        return f"&{self.name_of[slot]}" if written else self.name_of[slot]

    def _function(self, written: NestText) -> str:
        """The name of the function with that text, which is written once."""
        arguments = []
        for slot, token in written.pointers.items():
            kind = C_TYPES[slot.kind] if slot.rank else "double" if slot.kind == "real" else "long"
            const = "" if slot in written.written else "const "
            arguments.append(f"{const}{kind} *\x01{token}\x02")
        for slot, token in written.values.items():
            arguments.append(f"{'double' if slot.kind == 'real' else 'long'} \x01{token}\x02")
        arguments += [f"long {n}" for n in self.module.dims.values()]
        written.text = f"({', '.join(arguments)}) {{\n{written.text}\n}}\n"
        nests = self.module.nests
        if written.text not in nests:
            name = f"nest_{len(nests) + 1}"
            reserved = {*_WORDS, *self.module.dims.values()}
            kind = "static inline __attribute__((always_inline))" if self.module.small else "static"
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
        left, right, out = (self._matrix(m, labels) for m in (p.left, p.right, p.out))
        counts = ", ".join(size(e) for e in (p.rows, p.columns, p.summed))
        self.lines.append(
            f"{pad}product({counts}, {left}, {int(p.left.turned)}, {right}, "
            f"{int(p.right.turned)}, 0, {out});"
        )

    def _matrix(self, m: Matrix, labels: Mapping[str, str]) -> str:
        here = {n: labels.get(n, "0") for n in m.read.labels}
        name = self._pointer(m.read.slot)
        offset = ""
        if any(n in labels for n in m.read.labels):
            offset = " + " + index_text(m.read, self.orders[m.read.slot], here, self.module.size)
        return f"{name}{offset}, {self.module.size(m.lead)}"

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


def names_used(functions: Collection[CFunction]) -> set[str]:
    """The names of all exported functions."""
    return {f.name for f in functions}
