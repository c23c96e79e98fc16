"""C functions of a step, bound to arrays: what the generated C is called through."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from sympy.core.expr import Expr

from symdl.backends.blas import one_thread, product_address
from symdl.backends.build import TITLE, Build
from symdl.backends.c_build import compile_c
from symdl.backends.c_epoch import Run
from symdl.backends.c_program import (
    CUpdate,
    Written,
    count_of,
    epoch_text,
    write_update_function,
    write_use,
)
from symdl.backends.c_source import CFunction, CModule
from symdl.backends.names import Names
from symdl.errors import NotSupported
from symdl.program.ir import Slot
from symdl.program.memory import moves_of, offsets
from symdl.program.nests import Node, Order
from symdl.program.products import Product
from symdl.program.slices import moves_by_phase

__all__ = ["BoundStep", "BoundUpdate", "Library"]

Array = NDArray[Any]


class Library:
    """The C functions of a step for some known sizes; compiled when first called."""

    def __init__(
        self,
        build: Build,
        numbers: Mapping[sp.Symbol, int],
        dtype: np.dtype[Any],
        threads: bool = False,
        likely: Mapping[sp.Symbol, int] | None = None,
    ) -> None:
        self.build, self.numbers, self.dtype = build, dict(numbers), dtype
        self.real = "float" if dtype == np.float32 else "double"
        names = Names()
        dims = {s: names.new(str(s)) for s in build.symbols if s not in numbers}
        module = CModule(
            self.real, _with_count(build, numbers), dims, small=not dims, threads=threads
        )
        module.likely = likely or numbers
        self.threads = threads
        self.dims = tuple(dims)
        self.written = {
            name: write_use(use, module, build.batch) for name, use in build.uses.items()
        }
        self.update: CUpdate | None = None
        extra = []
        if build.update is not None:
            self.update = write_update_function(build.update, module)
            extra = [epoch_text(self.update, *self._row_bytes(), threads)]
        self.blas = module.blas
        self.source = module.source(TITLE, build.formulas, extra)
        self._loaded: ctypes.CDLL | None = None

    def _row_bytes(self) -> tuple[list[int], int | None]:
        """The bytes of a row of what is given, and the rows of a batch, where they are known."""
        batch = self.build.batch
        if batch not in self.numbers:
            return [], None
        rows = [self.build.axes(v, self.numbers)[1:] for v in self.build.given]
        kinds = [8 if v in self.build.labels else self.dtype.itemsize for v in self.build.given]
        return [math.prod(r) * k for r, k in zip(rows, kinds, strict=True)], self.numbers[batch]

    @property
    def code(self) -> ctypes.CDLL:
        """The compiled library."""
        if self._loaded is None:
            loaded = compile_c(self.source)
            if self.blas:
                loaded.start.argtypes, loaded.start.restype = [ctypes.c_void_p], None
                loaded.start(product_address(self.real))
            for name in self.written:
                kind = None if self.written[name].use.result.rank else ctypes.c_double
                function = getattr(loaded, name)
                function.argtypes, function.restype = [ctypes.c_void_p] * 2, kind
            if self.update is not None:
                loaded.update_all.restype = loaded.epoch.restype = None
                loaded.update_all.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_double]
                loaded.epoch.argtypes = [ctypes.c_void_p] * 2
            if self.threads and not loaded.ready():
                raise NotSupported("no second thread could be started")
            self._loaded = loaded
        return self._loaded

    def products(self, name: str) -> list[Expr]:
        """The multiplications of each matrix product of a function."""
        nodes = self.written[name].nodes
        return [p.rows * p.columns * p.summed for p in nodes if isinstance(p, Product)]

    def offsets(
        self,
        function: CFunction,
        nodes: Sequence[Node],
        orders: Mapping[Slot, Order],
        size: Callable[[Slot], int],
    ) -> tuple[dict[Slot, int], int]:
        """Where the buffers of a function lie in its memory, and how long that is."""
        if self.threads:
            moves = moves_by_phase(
                function.phases, function.buffers, orders, mine=function.mine, own=function.own
            )
        else:
            moves = moves_of(nodes, function.buffers, orders)
        return offsets(moves, size)

    def alone(self) -> AbstractContextManager[object]:
        """While this lasts, BLAS leaves threads to those of the library, if it has its own."""
        return one_thread() if self.threads else nullcontext()

    def lengths(self, sizes: Mapping[sp.Symbol, int]) -> Array:
        """The sizes that the functions are given."""
        return np.array([sizes[s] for s in self.dims] or [0], np.int64)


def _with_count(build: Build, numbers: Mapping[sp.Symbol, int]) -> dict[sp.Symbol, int]:
    """The sizes, and the number of all parameters under the name that the update has for it."""
    found = dict(numbers)
    if build.update is not None:
        (size,) = build.update.weight.axes
        found[size] = build.count(build.parameters, numbers)
    return found


def address(a: Array) -> int:
    """Where an array starts."""
    found: int = a.__array_interface__["data"][0]
    return found


def aligned_bytes(count: int) -> Array:
    """Zero bytes that start at a multiple of 64."""
    raw = np.zeros(count + 64, np.uint8)
    start = -address(raw) % 64
    return raw[start : start + count]


class BoundStep:
    """One C function with the arrays it works on; calling it gives the result."""

    def __init__(
        self,
        library: Library,
        name: str,
        vectors: Sequence[Array],
        sizes: Mapping[sp.Symbol, int],
    ) -> None:
        self.library, self.sizes = library, sizes
        self.written: Written = library.written[name]
        self.vectors = tuple(vectors)
        self.dims = library.lengths(sizes)
        self.given = self.written.use.given
        self.table = self._table()
        self._cells = np.zeros(len(self.given) or 1, library.dtype)
        self._function: Callable[..., Any] = getattr(library.code, name)
        self._at = address(self.table), address(self.dims)

    def _table(self) -> Array:
        """The addresses of all arrays but those that a call is given."""
        itemsize = self.library.dtype.itemsize
        function, use = self.written.function, self.written.use
        places = {slot: k for k, slot in enumerate(function.pointers)}
        table = np.zeros(len(places) or 1, np.uintp)
        for vector, slots in zip(self.vectors, use.vectors.values(), strict=True):
            start = address(vector)
            for slot in slots:
                table[places[slot]] = start
                start += count_of(slot, self.sizes) * itemsize

        def size(slot: Slot) -> int:
            width = {"real": itemsize, "flag": 1, "label": 8}[slot.kind]
            return count_of(slot, self.sizes) * width

        at, count = self.library.offsets(function, self.written.nodes, self.written.orders, size)
        self.memory = aligned_bytes(count)
        for slot in function.buffers:
            table[places[slot]] = address(self.memory) + at[slot]
        self.result: Array | None = None
        if use.result.rank:
            order = self.written.orders[use.result]
            shape = [count_of(Slot("", (use.result.axes[k],)), self.sizes) for k in order]
            kind = np.dtype(np.int64) if use.result.kind == "label" else self.library.dtype
            made = np.empty(shape, kind)
            table[places[use.result]] = address(made)
            self.result = made.transpose(np.argsort(order))
        return table

    def __call__(self, *given: Any) -> Any:
        """Run on arrays of the right type, in C order."""
        table = self.table
        for k, a in enumerate(given):
            if isinstance(a, np.ndarray) and a.ndim:
                table[k] = a.__array_interface__["data"][0]
            else:
                self._cells[k] = a
                table[k] = address(self._cells) + k * self._cells.itemsize
        with self.library.alone():
            value = self._function(*self._at)
        return value if self.result is None else self.result


class BoundUpdate:
    """The update with its vectors; hyper-parameters are read at each call."""

    def __init__(self, library: Library, vectors: Sequence[Array]) -> None:
        assert library.update is not None
        self.library = library
        function, written = library.update.function, library.update
        itemsize = library.dtype.itemsize
        places = {slot: k for k, slot in enumerate(function.pointers)}
        self.table = np.zeros(len(places), np.uintp)
        self.vectors = tuple(vectors)
        held = [written.update.weight, written.update.gradient]
        held += [old for old, _ in written.update.state]
        for slot, vector in zip(held, vectors, strict=True):
            self.table[places[slot]] = address(vector)
        count = len(vectors[0])

        def size(slot: Slot) -> int:
            return count * itemsize

        at, total = library.offsets(function, written.nodes, written.orders, size)
        self.memory = aligned_bytes(total)
        for slot in function.buffers:
            self.table[places[slot]] = address(self.memory) + at[slot]
        self.dims = np.zeros(max(len(library.dims), 1), np.int64)
        self.hyper = np.zeros(len(written.update.hyper) or 1, np.float64)
        self._at = address(self.table), address(self.dims), address(self.hyper)

    def __call__(self, hyper: Sequence[float], count: int) -> None:
        self.hyper[: len(hyper)] = hyper
        with self.library.alone():
            self.library.code.update_all(*self._at, float(count))


def run_steps(
    bound: BoundStep,
    update: BoundUpdate,
    rows: Sequence[Array],
    *,
    batch: int,
    order: Array | None,
    draws: Sequence[Array],
    statistics: tuple[Array, Array],
    hyper: Sequence[float],
    count: int,
    losses: Array,
    metrics: tuple[Array, Array],
) -> None:
    """Take ``len(losses)`` steps over the rows, or over those of them that ``order`` lists.

    ``metrics`` are the vector that a step leaves, and the rows where those of all steps are kept.
    """
    gathered = [np.empty((batch, *a.shape[1:]), a.dtype) for a in rows] if order is not None else []

    def addresses(arrays: Sequence[Array]) -> Array:
        return np.array([address(a) for a in arrays] or [0], np.uintp)

    tables = [
        addresses(rows),
        np.array([a.strides[0] for a in rows], np.int64),
        addresses(gathered),
        addresses(draws),
        np.array([a.strides[0] for a in draws] or [0], np.int64),
    ]
    update.hyper[: len(hyper)] = hyper
    run = Run(
        steps=len(losses),
        batch=batch,
        order=0 if order is None else address(order),
        given=len(rows),
        rows=address(tables[0]),
        row_bytes=address(tables[1]),
        gathered=address(tables[2]),
        drawn=len(draws),
        draws=address(tables[3]),
        draw_bytes=address(tables[4]),
        pointers=len(bound.table),
        dims=address(bound.dims),
        state=address(update.table),
        old=address(statistics[0]),
        next=address(statistics[1]),
        statistics_bytes=statistics[0].nbytes,
        hyper=address(update.hyper),
        count=float(count),
        losses=address(losses),
        metrics=address(metrics[0]),
        metrics_bytes=metrics[0].nbytes,
        kept=address(metrics[1]),
    )
    with bound.library.alone():
        bound.library.code.epoch(address(bound.table), ctypes.addressof(run))
