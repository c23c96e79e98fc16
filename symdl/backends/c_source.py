"""A program as C source: a function for each kind of loop nest, and one that calls them in turn."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp
from sympy.core.expr import Expr

from symdl.backends.c_frame import Frame
from symdl.backends.c_function import CFunction, plain, write_function
from symdl.backends.c_math import c_functions
from symdl.backends.c_scalars import HELPERS, size_text
from symdl.backends.c_threads import THREADS
from symdl.backends.names import comment_lines
from symdl.program.ir import Slot
from symdl.program.nests import Node

__all__ = ["CFunction", "CModule"]

_PARTS = 4  # of a file, at most
_FEW = 4  # nests, for which a part of their own is not worth a process
_CHEAPER = 9  # a list of calls, which is not optimized, than as much text of loops
_INLINE = "#define NEST static inline __attribute__((always_inline))\n"
_APART = """\
/* with -DUNITS=n -DUNIT=k the k-th of n objects, which are linked: compiled at the same time */
#ifdef UNITS
#define NEST __attribute__((noinline, visibility("hidden")))
#define HERE(unit) ((unit) == UNIT)
#else
#define NEST static __attribute__((noinline))
#define HERE(unit) 1
#endif
"""
PRODUCT = """\
typedef void gemm_t(char *, char *, int *, int *, int *, real *, const real *, int *, const real *,
                    int *, real *, real *, int *);
static gemm_t *gemm;
__attribute__((visibility("default"))) void start(void *routine) { gemm = (gemm_t *)routine; }

/* c[m, n] = alpha a[m, k] b[k, n] + beta c, all by rows; ta, tb: stored as [k, m], [n, k].  BLAS
   counts by columns, and so sees the transposed product. */
static __attribute__((noinline)) void product(long m, long n, long k, real alpha,
                    const real *a, long lda, int ta, const real *b, long ldb, int tb,
                    real beta, real *c, long ldc) {
    char one = tb ? 'T' : 'N', two = ta ? 'T' : 'N';
    int im = m, in = n, ik = k, ia = lda, ib = ldb, ic = ldc;
    if (m <= 0 || n <= 0) return;
    gemm(&one, &two, &in, &im, &ik, &alpha, b, &ib, a, &ia, &beta, c, &ic);
}
"""


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
    threads: bool = False  # two threads share each function
    likely: Mapping[sp.Symbol, int] = field(default_factory=dict)  # sizes to judge costs by

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
        phases: Sequence[Sequence[Node]] = (),
        mine: Mapping[Slot, Slot] | None = None,
        own: Collection[Slot] = (),
        batch: Expr | None = None,
    ) -> CFunction:
        """Write an exported function.

        given, outside  slots whose arrays the caller has; the rest are buffers
        result          the scalar that is returned
        scalars         arguments by value
        same            slots that live in the memory of others
        phases          the same nodes for two threads, with a barrier after each phase
        mine            a thread's own part -> the array of the parts of all threads
        own             arrays whose rows along ``batch`` lie apart for each thread
        """
        frame = Frame(
            self,
            orders,
            given=given,
            outside=outside,
            scalars=scalars,
            same=same or {},
            mine=mine or {},
            own_rows=own,
            batch=batch,
        )
        made = write_function(name, frame, phases or [nodes], result, scalars)
        self.functions.append(made)
        return made

    def source(self, title: str, formulas: Sequence[str], extra: Sequence[str] = ()) -> str:
        """The whole file."""
        suffix = "name##f" if self.real == "float" else "name"
        head = [f"/* {plain(title)}", ""]
        shown = [f.replace("*/", "* /").replace("/*", "/ *") for f in formulas]
        head += [f"  {line[1:]}" for f in shown for line in comment_lines(f)]
        head += ["*/", "#include <math.h>", ""]
        head += [f"typedef {self.real} real;", f"#define F(name) {suffix}", ""]
        helpers = [HELPERS, *([c_functions(self.used, self.real)] if self.used else [])]
        calls = ["#include <string.h>\n"]
        calls += [THREADS] if self.threads else []
        calls += [PRODUCT] if self.blas else []
        functions = [*(f.text for f in self.functions), *extra]
        nests = [definition for _, definition in self.nests.values()]
        if self.small:
            parts = [_INLINE, *helpers, *calls, *nests, *functions]
        else:
            parts = [_APART, *helpers, *_declared(nests), *_apart([*calls, *functions], nests)]
        return "\n".join(["\n".join(head), *parts])


def _declared(nests: Sequence[str]) -> list[str]:
    """The heads of functions, so that each part of the file can call those of another."""
    return ["".join(n[: n.index(" {\n")] + ";\n" for n in nests)]


def _apart(functions: Sequence[str], nests: Sequence[str]) -> list[str]:
    """The parts of a file, which take the compiler about equally long."""
    count = min(_PARTS, 1 + len(nests) // _FEW)
    parts: list[list[str]] = [[*functions], *([] for _ in range(count - 1))]
    cost = sum(map(len, functions)) / _CHEAPER
    whole = cost + sum(map(len, nests))
    for nest in nests:
        parts[int((cost + len(nest) / 2) / whole * count)].append(nest)
        cost += len(nest)
    ifs = (f"#if HERE({k} * UNITS / {count})" for k in range(count))
    return ["\n".join([i, *part, "#endif\n"]) for i, part in zip(ifs, parts, strict=True)]
