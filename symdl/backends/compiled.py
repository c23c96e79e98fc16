"""The compiled backend: a Step whose functions are C, and whole epochs in one call."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from symdl.backends.blas import product_address, two_threads
from symdl.backends.build import Build
from symdl.backends.c_build import compiler
from symdl.backends.c_explain import explained_loops
from symdl.backends.explain import Explained
from symdl.backends.given import axes_of, infer_sizes
from symdl.backends.module import load
from symdl.backends.native import BoundStep, BoundUpdate, Library, run_steps
from symdl.backends.numpy_update import state_names
from symdl.backends.scalars import HELPERS, ScalarPrinter
from symdl.backends.step import Step, build_step
from symdl.errors import InputError, Mismatch, NotSupported
from symdl.formula import Variable
from symdl.program.update import Update

__all__ = ["CompiledStep", "build_compiled_step"]

Array = NDArray[Any]
_SMALL = 2**14  # elements of all arrays of a step below which the batch is compiled in
_DRAWN = 2**22  # random numbers that are drawn ahead at a time
_MUCH = 2**19  # rows times parameters from which on two threads may share a step
_SHARED_BY_BLAS = 2**26  # multiplications of a product that BLAS shares well by itself
_KEPT = 4  # batch sizes that have code of their own


class CompiledStep(Step):
    """A step as C code, which calls BLAS; everything else is as ``Step`` has it.

    backend  "compiled", or "numpy" where no code could be compiled, and a warning said why
    source   the C source
    """

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
        """Write the C source, and put C functions in the place of those of NumPy."""
        self.backend = "compiled"
        self._numpy = dict(self._code)
        self._special: dict[int, Library] = {}
        self._shared: Library | None = None
        self._bound: dict[int, tuple[BoundStep, BoundUpdate]] = {}
        try:
            compiler()
            self._general = Library(self._build, self._sizes, self.dtype)
            if self._general.blas:
                product_address(self._general.real)
            self.source = self._general.source
        except NotSupported as error:
            self._fall_back(error)
            return
        makers = {f"make_{name}": self._maker(name) for name in self._build.uses}
        self._code = {**self._code, **makers}
        if self._build.update is not None:
            self._code["make_update"] = self._update_maker
            self._update = self._make_update()

    def _fall_back(self, error: NotSupported) -> None:
        """Run on NumPy from now on, and say so."""
        self.backend = "numpy"
        self._code, self.source = self._numpy, self._build.source
        if self._build.update is not None:
            self._update = self._make_update()
        warnings.warn(f"the NumPy backend runs instead: {error}", RuntimeWarning, stacklevel=2)

    def accounts(self, batch: int = 32) -> Explained:
        if self.backend == "numpy":
            return super().accounts(batch)
        sizes = self._sizes_with(batch)
        libraries = {name: self._code_for(name, sizes) for name in self._build.uses}
        return explained_loops(self._build, libraries, sizes, self.dtype.itemsize)

    # -- functions

    def _maker(self, name: str) -> Callable[..., Any]:
        def make(*vectors: Array, **numbers: int) -> Callable[..., Any]:
            sizes = dict(zip(self._build.symbols, numbers.values(), strict=True))
            try:
                return self._function(name, vectors, sizes)
            except NotSupported as error:
                self._fall_back(error)
                made: Callable[..., Any] = self._numpy[f"make_{name}"](*vectors, **numbers)
                return made

        return make

    def _function(
        self, name: str, vectors: Sequence[Array], sizes: Mapping[sp.Symbol, int]
    ) -> BoundStep:
        return BoundStep(self._library(name, sizes), name, vectors, sizes)

    def _library(self, name: str, sizes: Mapping[sp.Symbol, int]) -> Library:
        """The code for these sizes, which is kept."""
        found = self._code_for(name, sizes)
        if found.threads:
            self._shared, self.source = found, found.source
        elif found is not self._general:
            assert self._build.batch is not None
            self._special[sizes[self._build.batch]] = found
        return found

    def _code_for(self, name: str, sizes: Mapping[sp.Symbol, int]) -> Library:
        """The code for these sizes: small steps have code for their own batch size."""
        batch = self._build.batch
        if batch is None:
            return self._general
        if self._worth_sharing(sizes) and two_threads():
            return self._shared or Library(self._build, self._sizes, self.dtype, True, sizes)
        count = sizes[batch]
        if count in self._special and name == "gradients":
            return self._special[count]
        if name != "gradients" or not self._small(sizes) or len(self._special) >= _KEPT:
            return self._general
        return Library(self._build, {**self._sizes, batch: count}, self.dtype)

    def _worth_sharing(self, sizes: Mapping[sp.Symbol, int]) -> bool:
        """Whether two threads gain on one: much work, in products too small for BLAS to share."""
        assert self._build.batch is not None
        if self._vector.size * sizes[self._build.batch] < _MUCH:
            return False
        products = self._general.products("gradients")
        known = {s: sp.Integer(n) for s, n in sizes.items()}
        return all(int(p.xreplace(known)) <= _SHARED_BY_BLAS for p in products)

    def _any_library(self) -> Library:
        """A library that is compiled already, if there is one."""
        return next(iter(self._special.values()), self._shared or self._general)

    def _small(self, sizes: Mapping[sp.Symbol, int]) -> bool:
        return self._build.count(self._build.given, sizes) + self._vector.size <= _SMALL

    def _update_maker(
        self, vector: Array, gradient: Array, state: dict[str, Any], hyper: Mapping[str, float]
    ) -> Callable[[], None]:
        update = self._build.update
        assert update is not None
        keys = state_names(update)[0]
        vectors = [vector, gradient, *(state[k] for k in keys)]
        bound: list[BoundUpdate] = []

        def run() -> None:
            if not bound:
                bound.append(BoundUpdate(self._any_library(), vectors))
            self._settle_units()
            state["step"] += 1
            bound[0](list(self._update_hyper()), state["step"])

        return run

    def _update_hyper(self) -> Iterator[float]:
        assert self._build.update is not None
        return (float(self.hyper[key]) for key in state_names(self._build.update)[1])

    def _settle_units(self) -> None:
        """Bring the state to its units, which change with the hyper-parameters."""
        update = self._build.update
        assert update is not None
        if all(u == 1 for u in update.units):
            return
        if not hasattr(self, "_units"):
            self._units, self._change = _units_function(update), load(_CHANGE)["change_units"]
        units = self._units(self.hyper)
        if units != self._state["units"]:
            self._change(self._state, state_names(update)[0], units)

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
        if not (plain and by_row and len(losses)):
            return 0
        try:
            bound, update = self._bound_to(batch, rows)
        except NotSupported as error:
            self._fall_back(error)
            return 0
        self._settle_units()
        hyper = list(self._update_hyper())
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
            vectors = self._vectors("gradients")
            step = self._function("gradients", vectors, sizes)
            assert self._build.update is not None
            state = [self._state[k] for k in state_names(self._build.update)[0]]
            update = BoundUpdate(step.library, [self._vector, self.gradient, *state])
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
        for k in range(steps):
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


_CHANGE = HELPERS["change_units"]


def _units_function(update: Update) -> Callable[[Mapping[str, float]], tuple[float, ...]]:
    """What each state's vector is kept divided by, as a function of the hyper-parameters."""
    keys = dict(zip((s.name for s in update.hyper), state_names(update)[1], strict=True))
    texts, used = [], set()
    for unit in update.units:
        printer = ScalarPrinter({s: f'hyper["{keys[s.name]}"]' for s in unit.free_symbols})
        texts.append(printer.text(unit))
        used |= printer.used
    helpers = "".join(HELPERS[h] for h in HELPERS if h in used)
    source = f"import numpy as np\n{helpers}\ndef units(hyper):\n    return ({', '.join(texts)},)\n"
    made: Callable[[Mapping[str, float]], tuple[float, ...]] = load(source)["units"]
    return made


def build_compiled_step(*args: Any, **words: Any) -> Step:
    """Build the step that runs the given equations as C code; the words are those of build_step."""
    return build_step(*args, **words, kind=CompiledStep)
