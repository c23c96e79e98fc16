"""The compiled backend: a Step whose functions are C, and whole epochs in one call."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from symdl.backends.blas import two_threads
from symdl.backends.build import Build
from symdl.backends.c_build import compiler
from symdl.backends.c_explain import explained_loops
from symdl.backends.c_library import TRAIN, Library
from symdl.backends.explain import Explained
from symdl.backends.given import axes_of, infer_sizes
from symdl.backends.module import load
from symdl.backends.native import BoundStep, BoundUpdate, run_steps
from symdl.backends.scalars import HELPERS
from symdl.backends.sizes import size_number
from symdl.backends.step import Step
from symdl.errors import InputError, Mismatch, NotSupported
from symdl.formula import Variable

__all__ = ["CompiledStep"]

Array = NDArray[Any]
_SMALL = 2**14  # elements of all arrays of a step below which the batch is compiled in
_DRAWN = 2**22  # random numbers that are drawn ahead at a time
_MUCH = 2**19  # rows times parameters from which on two threads may share a step
_SHARED_BY_BLAS = 2**26  # multiplications of a product that BLAS shares well by itself
_KEPT = 4  # batch sizes that have code of their own


_TRAINING, _RUNNING = ("gradients",), ("evaluate", "forward")  # what is compiled together


@dataclass(frozen=True)
class _Variant:
    """Which functions a library has: for batches of which size, and for how many threads."""

    names: tuple[str, ...]
    batch: int | None = None
    threads: bool = False


class CompiledStep(Step):
    """A step as C code, which calls BLAS; everything else is as ``Step`` has it.

    backend  "compiled", or "numpy" where no code could be compiled, and a warning said why
    """

    backend = "compiled"

    def __init__(
        self,
        build: Build,
        initial: Mapping[Variable, ArrayLike],
        sizes: Mapping[sp.Symbol, int],
        dtype: str,
        *,
        statistics: Mapping[Variable, ArrayLike] | None = None,
        draws: Mapping[Variable, str] | None = None,
    ) -> None:
        super().__init__(build, initial, sizes, dtype, statistics=statistics, draws=draws)
        self._prepare()

    def beside(self, build: Build, draws: Mapping[Variable, str] | None = None) -> Step:
        other = super().beside(build, draws)
        assert isinstance(other, CompiledStep)
        other._prepare()
        return other

    def _prepare(self) -> None:
        """Start without libraries: each is made when it is first called."""
        self.backend = "compiled"
        self._libraries: dict[_Variant, Library] = {}
        self._bound: dict[int, tuple[BoundStep, BoundUpdate]] = {}
        try:
            compiler()
        except NotSupported as error:
            self._fall_back(error)
            return
        self._update = self._make_update()

    def _fall_back(self, error: NotSupported) -> None:
        """Run on NumPy from now on, and say so."""
        self.backend = "numpy"
        self._update = self._make_update()
        warnings.warn(f"the NumPy backend runs instead: {error}", RuntimeWarning, stacklevel=2)

    @property
    def source(self) -> str:
        """The C source of the training step; that of the NumPy module where that runs."""
        return super().source if self.backend == "numpy" else self._any_library().source

    def accounts(self, batch: int = 32) -> Explained:
        if self.backend == "numpy":
            return super().accounts(batch)
        sizes = self._sizes_with(batch)
        libraries = {name: self._library(name, sizes, keep=False) for name in self._build.uses}
        return explained_loops(self._build, libraries, sizes, self.dtype.itemsize)

    # -- functions

    def _maker(self, name: str) -> Callable[..., Any]:
        if self.backend == "numpy" or name in ("clip", "constrain"):
            return self._numpy_maker(name)
        if name == "update":
            return self._update_maker

        def make(*vectors: Array, **numbers: int) -> Callable[..., Any]:
            sizes = dict(zip(self._build.symbols, numbers.values(), strict=True))
            try:
                return self._function(name, vectors, sizes)
            except NotSupported as error:
                self._fall_back(error)
                made: Callable[..., Any] = self._numpy_maker(name)(*vectors, **numbers)
                return made

        return make

    def _function(
        self, name: str, vectors: Sequence[Array], sizes: Mapping[sp.Symbol, int]
    ) -> BoundStep:
        return BoundStep(self._library(name, sizes), name, vectors, sizes)

    def _library(self, name: str, sizes: Mapping[sp.Symbol, int], keep: bool = True) -> Library:
        """The code of a function for these sizes, which is kept for the next call."""
        for variant in self._variants(name, sizes):
            found = self._libraries.get(variant)
            if found is not None:
                return found
            try:
                made = self._made(variant, sizes)
            except NotSupported:
                if not variant.threads:
                    raise
                continue  # one thread can do what two cannot share
            if keep:
                self._libraries[variant] = made
            return made
        raise AssertionError(name)

    def _variants(self, name: str, sizes: Mapping[sp.Symbol, int]) -> Iterator[_Variant]:
        """The kinds of code for a function, the best first: the last one is for any size."""
        names = _TRAINING if name in _TRAINING else _RUNNING
        batch = self._build.batch
        if batch is not None:
            special = _Variant(names, sizes[batch])
            if self._worth_sharing(sizes) and two_threads():
                yield _Variant(names, threads=True)
            elif special in self._libraries or (
                names == _TRAINING
                and self._small(sizes)
                and sum(v.batch is not None for v in self._libraries) < _KEPT
            ):
                yield special
        yield _Variant(names)

    def _made(self, variant: _Variant, sizes: Mapping[sp.Symbol, int]) -> Library:
        known = dict(self._sizes)
        if variant.batch is not None:
            assert self._build.batch is not None
            known[self._build.batch] = variant.batch
        likely = sizes if variant.threads else None
        return Library(
            self._build,
            known,
            self.dtype,
            threads=variant.threads,
            likely=likely,
            names=variant.names,
        )

    def _worth_sharing(self, sizes: Mapping[sp.Symbol, int]) -> bool:
        """Whether two threads gain on one: much work, in products too small for BLAS to share."""
        assert self._build.batch is not None
        if self._vector.size * sizes[self._build.batch] < _MUCH:
            return False
        numbers = self._build.numbers(sizes)
        products = self._build.outline.products
        return all(size_number(p, numbers) <= _SHARED_BY_BLAS for p in products)

    def _any_library(self) -> Library:
        """A library that trains: one that is there already, if there is one."""
        made = [x for v, x in self._libraries.items() if v.names == _TRAINING]
        return made[-1] if made else self._made(_Variant(_TRAINING), self._sizes)

    def _small(self, sizes: Mapping[sp.Symbol, int]) -> bool:
        return self._build.count(self._build.given, sizes) + self._vector.size <= _SMALL

    def _update_maker(
        self, vector: Array, gradient: Array, state: dict[str, Any], hyper: Mapping[str, float]
    ) -> Callable[[], None]:
        optimizing = self._build.outline.optimizing
        assert optimizing is not None
        vectors = [vector, gradient, *(state[k] for k in optimizing.state)]
        bound: list[BoundUpdate] = []

        def run() -> None:
            if not bound:
                bound.append(BoundUpdate(self._any_library(), vectors))
            values = [float(hyper[key]) for key, _ in optimizing.hyper]
            self._settle_units(bound[0], values)
            state["step"] += 1
            bound[0](values, state["step"])

        return run

    def _settle_units(self, update: BoundUpdate, hyper: list[float]) -> None:
        """Bring the state to its units, which change with the hyper-parameters."""
        optimizing = self._build.outline.optimizing
        assert optimizing is not None
        units = update.units(hyper) if optimizing.in_units else self._state["units"]
        if units != self._state["units"]:
            load(HELPERS["change_units"])["change_units"](self._state, optimizing.state, units)

    # -- epochs

    def epoch(
        self,
        *given: ArrayLike,
        batch: int,
        order: ArrayLike | None = None,
        metrics: Array | None = None,
    ) -> Array:
        """Take a step on each batch of rows in turn; return the losses before each update.

        order    the rows in the order in which they are seen; without it, as they lie
        metrics  an array (batches, metrics) of the step's type, where those of each batch are put

        The last batch may be shorter.  Raises Mismatch for rows that are not there.
        """
        if self._update is None:
            raise InputError("this step has no optimizer; use gradients() or evaluate()")
        rows = self._arrays(given, self._build.given)
        count = len(rows[0])
        where = None if order is None else _checked(order, count)
        seen = count if where is None else len(where)
        losses = np.empty(-(-seen // batch))
        if metrics is None:
            metrics = np.empty((len(losses), len(self.metrics)), self.dtype)
        _check_metrics(metrics, (len(losses), len(self.metrics)), self.dtype)
        done = self._whole_batches(rows, where, batch, losses[: seen // batch], metrics)
        for k in range(done, len(losses)):
            part = slice(k * batch, min((k + 1) * batch, seen))
            chosen = part if where is None else where[part]
            losses[k] = self.step(*(a[chosen] for a in rows))
            metrics[k] = self.metrics
        return losses

    def _whole_batches(
        self,
        rows: Sequence[Array],
        order: Array | None,
        batch: int,
        losses: Array,
        metrics: Array,
    ) -> int:
        """Run the whole batches in C where that is possible; return how many were run."""
        size = self._build.batch
        plain = not self._clips and self._constrain is None and self.backend == "compiled"
        by_row = all(axes_of(v)[:1] == (size,) for v in self._build.given)
        optimizing = self._build.outline.optimizing
        if not (plain and by_row and len(losses)) or optimizing is None:
            return 0
        try:
            bound, update = self._bound_to(batch, rows)
        except NotSupported as error:
            self._fall_back(error)
            return 0
        hyper = [float(self.hyper[key]) for key, _ in optimizing.hyper]
        self._settle_units(update, hyper)
        for start, end in self._chunks(bound.sizes, len(losses)):
            first, last = start * batch, end * batch
            run_steps(
                bound,
                update,
                rows if order is not None else [a[first:last] for a in rows],
                batch=batch,
                order=None if order is None else order[first:last],
                draws=self._drawn(bound.sizes, end - start),
                statistics=(self._old, self._next),
                hyper=hyper,
                count=self._state["step"],
                losses=losses[start:end],
                metrics=(self.metrics, metrics[start:end]),
            )
            self._state["step"] += end - start
        return len(losses)

    def _bound_to(self, batch: int, rows: Sequence[Array]) -> tuple[BoundStep, BoundUpdate]:
        if batch not in self._bound:
            shapes = [(batch, *a.shape[1:]) for a in rows]
            sizes = infer_sizes(self._build.given, shapes, self._sizes)
            self._build.check(sizes)
            library, vectors = self._library("gradients", sizes), self._vectors("gradients")
            state = [v for v in self._state.values() if isinstance(v, np.ndarray)]
            whole = TRAIN in library.layouts
            step = BoundStep(
                library,
                TRAIN if whole else "gradients",
                [*vectors, *state] if whole else vectors,
                sizes,
            )
            update = BoundUpdate(library, [self._vector, self.gradient, *state])
            while len(self._bound) >= _KEPT:
                del self._bound[next(iter(self._bound))]
            self._bound[batch] = step, update
        return self._bound[batch]

    def _chunks(self, sizes: Mapping[sp.Symbol, int], count: int) -> Iterator[tuple[int, int]]:
        """As many steps at a time as random numbers may be drawn ahead for."""
        each = self._build.count(self._build.draws, sizes)
        length = max(1, _DRAWN // each) if each else count
        for start in range(0, count, length):
            yield start, min(start + length, count)

    def _drawn(self, sizes: Mapping[sp.Symbol, int], steps: int) -> list[Array]:
        """The random tensors of some steps, drawn in the order in which single steps draw them."""
        shapes = {v: self._build.axes(v, sizes) for v in self._build.draws}
        wide = {v: np.empty((steps, *shape)) for v, shape in shapes.items()}
        for k in range(steps if wide else 0):
            for v, a in wide.items():
                if self._draws[v] == "normal":
                    self.generator.standard_normal(out=a[k])
                else:
                    self.generator.random(out=a[k])
        return [np.asarray(a, self.dtype) for a in wide.values()]


def _check_metrics(metrics: Array, shape: tuple[int, int], dtype: np.dtype[Any]) -> None:
    if metrics.shape != shape or metrics.dtype != dtype or not metrics.flags.c_contiguous:
        raise Mismatch(
            f"metrics must be an array {shape} of {dtype} in C order, not {metrics.shape} of "
            f"{metrics.dtype}"
        )


def _checked(order: ArrayLike, count: int) -> Array:
    found = np.ascontiguousarray(order)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise InputError("order must be a list of row numbers")
    if found.size and (found.min() < 0 or found.max() >= count):
        raise Mismatch(f"order names rows from {found.min()} to {found.max()}, of {count} rows")
    return found.astype(np.int64, copy=False)
