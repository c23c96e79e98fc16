"""C functions of a step, bound to arrays: what the generated C is called through."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdl.backends.c_epoch import Run
from symdl.backends.c_layout import Layout
from symdl.backends.c_library import UPDATE, Library
from symdl.backends.sizes import size_number

__all__ = ["BoundStep", "BoundUpdate", "run_steps"]

Array = NDArray[Any]


def address(a: Array) -> int:
    """Where an array starts."""
    found: int = a.__array_interface__["data"][0]
    return found


def aligned_bytes(count: int) -> Array:
    """Zero bytes that start at a multiple of 64."""
    raw = np.zeros(count + 64, np.uint8)
    start = -address(raw) % 64
    return raw[start : start + count]


def filled_table(
    library: Library, layout: Layout, vectors: Sequence[Array], numbers: Mapping[str, int]
) -> tuple[Array, Array]:
    """The addresses of all arrays but those that a call is given, and the memory of the buffers."""
    itemsize = library.dtype.itemsize
    table = np.zeros(layout.pointers or 1, np.uintp)
    for vector, slots in zip(vectors, layout.vectors, strict=True):
        start = address(vector)
        for place, count in slots:
            table[place] = start
            start += size_number(count, numbers) * itemsize
    at, total = layout.offsets(numbers, itemsize)
    memory = aligned_bytes(total)
    for buffer, start in zip(layout.buffers, at, strict=True):
        table[buffer.place] = address(memory) + start
    return table, memory


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
        self.layout: Layout = library.layouts[name]
        self.vectors = tuple(vectors)
        self.dims = library.lengths(sizes)
        self.given = self.layout.given
        numbers = library.known(sizes)
        self.table, self.memory = filled_table(library, self.layout, vectors, numbers)
        self.result = self._result(numbers)
        self._cells = np.zeros(len(self.given) or 1, library.dtype)
        self._function: Callable[..., Any] = getattr(library.code, name)
        self._at = address(self.table), address(self.dims)

    def _result(self, numbers: Mapping[str, int]) -> Array | None:
        """The array that the function leaves, as its axes are declared."""
        left = self.layout.result
        if left is None:
            return None
        shape = [size_number(a, numbers) for a in left.axes]
        made = np.empty(shape, np.int64 if left.kind == "label" else self.library.dtype)
        self.table[left.place] = address(made)
        return made.transpose(np.argsort(left.order))

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
        self.library, self.vectors = library, tuple(vectors)
        self.table, self.memory = filled_table(library, library.layouts[UPDATE], vectors, {})
        self.dims = np.zeros(len(library.dims) or 1, np.int64)
        optimizing = library.build.outline.optimizing
        assert optimizing is not None
        self.hyper = np.zeros(len(optimizing.hyper) or 1, np.float64)
        self._units = np.zeros(len(optimizing.state), np.float64)
        self._at = address(self.table), address(self.dims), address(self.hyper)

    def units(self, hyper: Sequence[float]) -> tuple[float, ...]:
        """What each vector of the state is kept divided by."""
        self.hyper[: len(hyper)] = hyper
        self.library.code.state_units(self._at[-1], address(self._units))
        return tuple(self._units.tolist())

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
    gathered = [aligned_bytes(batch * _row_bytes(a)) for a in rows if order is not None]

    def addresses(arrays: Sequence[Array]) -> Array:
        return np.array([address(a) for a in arrays] or [0], np.uintp)

    tables = [
        addresses(rows),
        np.array([_row_bytes(a) for a in rows], np.int64),
        addresses(gathered),
        addresses(draws),
        np.array([_row_bytes(a) for a in draws] or [0], np.int64),
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


def _row_bytes(a: Array) -> int:
    """The bytes of one row; the stride of an array of one row may be anything."""
    return int(np.prod(a.shape[1:], dtype=np.int64)) * a.itemsize
