"""The C functions of a step for some known sizes: written or found again, compiled, loaded."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdl.backends.blas import one_thread, product_address
from symdl.backends.build import Build
from symdl.backends.c_build import compile_c
from symdl.backends.c_epoch import MovingState, epoch_source, shared_source, straight_source
from symdl.backends.c_layout import Layout, layout_from, layout_of
from symdl.backends.c_program import (
    CUpdate,
    Written,
    arguments_text,
    hyper_text,
    units_text,
    write_update_function,
    write_use,
)
from symdl.backends.c_scalars import size_text
from symdl.backends.c_source import CFunction, CModule
from symdl.backends.c_straight import straight_epoch
from symdl.backends.c_train import Train, write_train
from symdl.backends.kept import typed
from symdl.backends.names import Names
from symdl.backends.numpy_module import TITLE
from symdl.errors import NotSupported
from symdl.program.ir import Slot
from symdl.program.memory import Move, moves_of, offsets
from symdl.program.nests import Node, Order
from symdl.program.slices import moves_by_phase

__all__ = ["Library"]

Array = NDArray[Any]
UPDATE, TRAIN = "update", "train"


@dataclass(frozen=True)
class _Text:
    """The source of a library, and where its functions find their arrays."""

    source: str
    blas: bool
    layouts: Mapping[str, Layout]


@dataclass(frozen=True)
class _Code:
    """What a library was written from."""

    module: CModule
    written: Mapping[str, Written]
    update: CUpdate | None
    train: Train | None = None


class Library:
    """The C functions of a step for some known sizes; compiled when first called.

    numbers  the sizes that are compiled in
    threads  whether two threads share each function
    likely   sizes by which costs are judged
    names    which functions: the update comes with ``gradients``
    absorb   whether epochs may let an update ride in products
    """

    def __init__(
        self,
        build: Build,
        numbers: Mapping[sp.Symbol, int],
        dtype: np.dtype[Any],
        *,
        threads: bool = False,
        likely: Mapping[sp.Symbol, int] | None = None,
        names: Sequence[str] | None = None,
        absorb: bool = True,
    ) -> None:
        self.build, self.numbers, self.dtype, self.threads = build, dict(numbers), dtype, threads
        self.real = "float" if dtype == np.float32 else "double"
        self.names = tuple(build.uses if names is None else names)
        self._likely, self._absorb = dict(likely or numbers), absorb
        self._loaded: ctypes.CDLL | None = None
        found = build.kept.read(self._part, _text_from)
        if found is None:
            found = self._text()
            build.kept.write(self._part, asdict(found))
        self.source, self.blas, self.layouts = found.source, found.blas, found.layouts

    @property
    def _part(self) -> str:
        """What tells this library from the others of the same step."""
        names = self._names
        known = sorted((names[s], n) for s, n in self.numbers.items() if s in names)
        likely = sorted((names[s], n) for s, n in self._likely.items() if s in names)
        how = f"{likely if self.threads else ''} {self._absorb}"
        return f"C {self.real} {self.names} {known} {how}"

    @cached_property
    def _names(self) -> dict[sp.Symbol, str]:
        """The sizes and their names."""
        unique = Names()
        return {s: unique.new(str(s)) for s in self.build.symbols}

    @property
    def dims(self) -> tuple[sp.Symbol, ...]:
        """The sizes that are not compiled in."""
        return tuple(s for s in self._names if s not in self.numbers)

    def known(self, sizes: Mapping[sp.Symbol, int]) -> dict[str, int]:
        """The sizes by name."""
        return {name: sizes[s] for s, name in self._names.items()}

    def lengths(self, sizes: Mapping[sp.Symbol, int]) -> Array:
        """The sizes that the functions are given."""
        return np.array([sizes[s] for s in self.dims] or [0], np.int64)

    # -- what it is written from

    @cached_property
    def _code(self) -> _Code:
        build = self.build
        dims = {s: self._names[s] for s in self.dims}
        numbers = self._with_count()
        module = CModule(self.real, numbers, dims, small=not dims, threads=self.threads)
        module.likely = self._likely
        written = {name: write_use(build.uses[name], module, build.batch) for name in self.names}
        update = train = None
        if build.update is not None and "gradients" in self.names:
            update = write_update_function(build.update, module)
            if self._absorb and not (build.clip or build.lowered.constraints):
                train = write_train(build.uses["gradients"], build.update, module, build.batch)
        return _Code(module, written, update, train)

    @property
    def written(self) -> Mapping[str, Written]:
        """The functions with what they were written from."""
        return self._code.written

    @property
    def update(self) -> CUpdate | None:
        """The update with what it was written from."""
        return self._code.update

    @cached_property
    def straight(self) -> str | None:
        """The source of an epoch that calls no other function, where that is the fastest."""
        if self.dims:
            return None
        try:
            return straight_epoch(self.build, self.numbers, self.real)
        except NotSupported:
            return None

    @property
    def train(self) -> Train | None:
        """The step that absorbs its update, where there is one."""
        return self._code.train

    def _with_count(self) -> dict[sp.Symbol, int]:
        """The known sizes, and the number of all parameters under the update's name for it."""
        found = dict(self.numbers)
        if self.build.update is not None:
            (size,) = self.build.update.weight.axes
            found[size] = self.build.count(self.build.parameters, self.numbers)
        return found

    def _text(self) -> _Text:
        code = self._code
        layouts = {name: self._layout_of_use(written) for name, written in code.written.items()}
        extra = []
        if code.update is not None:
            extra = [self._epoch(code)]
            extra.append(units_text(code.update.update))
            layouts[UPDATE] = self._layout_of_update(code.update)
            if code.train is not None:
                layouts[TRAIN] = self._layout_of_use(code.train.step)
        source = code.module.source(TITLE, self.build.formulas, extra)
        return _Text(source, code.module.blas, layouts)

    def _epoch(self, code: _Code) -> str:
        assert code.update is not None
        values = arguments_text(code.update.update)
        if self.threads:
            return shared_source(values)
        if self.straight is not None:
            return straight_source(values, self.straight)
        moving = None
        if code.train is not None and code.train.rest is not None:
            update = code.update.update
            count = size_text(update.weight.axes[0], code.module.dims, code.module.numbers)
            linear = code.train.linear
            alpha, beta = (hyper_text(e, update) for e in (linear.alpha, linear.beta))
            moving = MovingState(alpha, beta, count)
        absorbed = code.train is not None
        return epoch_source(values, *self._row_bytes(), absorbed=absorbed, moving=moving)

    def _layout_of_use(self, written: Written) -> Layout:
        use = written.use
        return layout_of(
            written.function,
            self._moves(written.function, written.nodes, written.orders),
            written.orders,
            given=use.given,
            vectors=tuple(use.vectors.values()),
            result=use.result,
            numbers=self.numbers,
            names=self._names,
        )

    def _layout_of_update(self, written: CUpdate) -> Layout:
        update = written.update
        held = [update.weight, update.gradient, *(old for old, _ in update.state)]
        return layout_of(
            written.function,
            self._moves(written.function, written.nodes, written.orders),
            written.orders,
            given=(),
            vectors=[[slot] for slot in held],
            result=None,
            numbers=self._with_count(),
            names=self._names,
        )

    def _moves(
        self, function: CFunction, nodes: Sequence[Node], orders: Mapping[Slot, Order]
    ) -> list[Move[Slot]]:
        if not self.threads:
            return moves_of(nodes, function.buffers, orders)
        return moves_by_phase(
            function.phases, function.buffers, orders, mine=function.mine, own=function.own
        )

    def offsets(
        self,
        function: CFunction,
        nodes: Sequence[Node],
        orders: Mapping[Slot, Order],
        size: Callable[[Slot], int],
    ) -> tuple[dict[Slot, int], int]:
        """Where the buffers of a function lie in its memory, and how long that is."""
        return offsets(self._moves(function, nodes, orders), size)

    def _row_bytes(self) -> tuple[list[int], int | None]:
        """The bytes of a row of what is given, and the rows of a batch, where they are known."""
        batch = self.build.batch
        if batch not in self.numbers:
            return [], None
        rows = [self.build.axes(v, self.numbers)[1:] for v in self.build.given]
        kinds = [8 if v in self.build.labels else self.dtype.itemsize for v in self.build.given]
        return [math.prod(r) * k for r, k in zip(rows, kinds, strict=True)], self.numbers[batch]

    # -- what runs

    @property
    def code(self) -> ctypes.CDLL:
        """The compiled library."""
        if self._loaded is None:
            loaded = compile_c(self.source)
            if self.blas:
                loaded.start.argtypes, loaded.start.restype = [ctypes.c_void_p], None
                loaded.start(product_address(self.real))
            for name in self.names:
                kind = None if self.layouts[name].result is not None else ctypes.c_double
                function = getattr(loaded, name)
                function.argtypes, function.restype = [ctypes.c_void_p] * 2, kind
            if UPDATE in self.layouts:
                for function in (loaded.update_all, loaded.epoch, loaded.state_units):
                    function.restype = None
                loaded.state_units.argtypes = [ctypes.c_void_p] * 2
                loaded.update_all.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_double]
                loaded.epoch.argtypes = [ctypes.c_void_p] * 2
            if self.threads and not loaded.ready():
                raise NotSupported("no second thread could be started")
            self._loaded = loaded
        return self._loaded

    def alone(self) -> AbstractContextManager[object]:
        """While this lasts, BLAS leaves threads to those of the library, if it has its own."""
        return one_thread() if self.threads else nullcontext()


def _text_from(data: Any) -> _Text:
    """Read what a file holds; raise ValueError or the like for anything else."""
    layouts = {typed(str, name): layout_from(layout) for name, layout in data["layouts"].items()}
    return _Text(typed(str, data["source"]), typed(bool, data["blas"]), layouts)
