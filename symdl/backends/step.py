"""Step: one training step as generated code, with its parameters, its source and its account."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from symdl.backends.build import Build
from symdl.backends.cache import Cache
from symdl.backends.explain import Explained, explained_arrays
from symdl.backends.given import check_labels, convert, infer_sizes
from symdl.backends.module import load
from symdl.backends.scalar_step import PlainSteps
from symdl.errors import InputError, Mismatch, NotSupported
from symdl.formula import Variable

__all__ = ["Step", "aligned"]

Array = NDArray[Any]
_FEW = 64  # parameters of a network that may run in plain floats


class Step:
    """A compiled training step; calling it updates the parameters and gives the loss before.

    parameters  the arrays of the parameters by name: views, change them in place
    statistics  the running statistics by name: views, which only a step with an update changes
    gradient    the vector that holds the gradients of the last call; an update may use it up
    metrics     the metrics of the last call that computed a loss, from the same outputs
    hyper       the hyper-parameters of the optimizer and of its clipping by name; change them at
                any time
    generator   where the random tensors of a training step are drawn from

    Buffers are made once for each size of a batch, so one step is not for two threads at a time.
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
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise NotSupported(f"dtype {dtype}: there are float32 and float64")
        self._build = build
        self._sizes = {s: n for s, n in sizes.items() if s != build.batch}
        self._labels = build.labels
        self._loaded: dict[str, Callable[..., Any]] = {}
        count = build.count(build.parameters, self._sizes)
        self._vector, self.gradient = aligned(count, self.dtype), aligned(count, self.dtype)
        self.parameters = self._views(self._vector, build.parameters)
        self._gradients = self._views(self.gradient, build.parameters)
        self._fill(self.parameters, initial)
        count = build.count(build.statistics, self._sizes)
        self._old, self._next = aligned(count, self.dtype), aligned(count, self.dtype)
        self.statistics = self._views(self._old, build.statistics)
        self._fill(self.statistics, statistics or {})
        self.metrics = np.zeros(len(build.metrics), self.dtype)
        self.generator = np.random.default_rng(0)
        self._draws = dict(draws or {})
        self._state, self.hyper = self._optimizer()
        self._update = self._make_update()
        self._clips = self._make_clips()
        self._constrain = self._make_constrain()
        self._cache = Cache(self._make)
        self._plain = self._plain_steps()

    @property
    def build(self) -> Build:
        """The source of the functions, and what they were written from."""
        return self._build

    @property
    def sizes(self) -> dict[sp.Symbol, int]:
        """The sizes that are known: all but the rows of a batch."""
        return dict(self._sizes)

    @property
    def draws(self) -> dict[Variable, str]:
        """The random tensors of training, each "uniform" on 0..1 or "normal"."""
        return dict(self._draws)

    # -- what is shown

    @property
    def source(self) -> str:
        """The source of the generated module, which needs NumPy alone."""
        return self._build.source + ("" if self._plain is None else self._plain.source)

    def accounts(self, batch: int = 32) -> Explained:
        """Return what each pass did and saved, by function, for batches of that many rows."""
        made = self._plain.accounts if self._plain is not None else ()
        sizes = self._sizes_with(batch)
        return explained_arrays(self._build, sizes, self.dtype.itemsize, made)

    def explain(self, batch: int = 32) -> str:
        """Return what each pass did and what it saved, in a line each.

        What is saved is given as a formula of the sizes, and as a number for batches of that many
        rows.  A pass that found nothing to do has no line.
        """
        return self.accounts(batch).text()

    def _sizes_with(self, batch: int) -> dict[sp.Symbol, int]:
        own = self._build.batch
        return dict(self._sizes) if own is None else {**self._sizes, own: batch}

    def __repr__(self) -> str:
        names = ", ".join(f"{name}{list(a.shape)}" for name, a in self.parameters.items())
        return f"Step({self.dtype}, {names})"

    # -- what is run

    def step(self, *given: ArrayLike) -> float:
        """Take one step on inputs and targets; return the loss before the update."""
        if self._update is None:
            raise InputError("this step has no optimizer; use gradients() or evaluate()")
        if self._plain is not None:
            done = self._plain.take(given)
            if done is not None:
                return done
        loss: float = self._run("gradients", given)
        self._finish()
        return loss

    __call__ = step

    def steps_on(self, *given: Array) -> Callable[..., float]:
        """Return a function that takes a step on arrays like these, which it does not check again.

        It is called with arrays of the same shapes, of the step's type, in C order, with labels
        that lie in their axes.
        """
        if self._update is None:
            raise InputError("this step has no optimizer; use gradients() or evaluate()")
        compute = self._cache.get("gradients", self._arrays(given, self._build.given))
        plain, finish = self._plain, self._finish

        def take(*arrays: Array) -> float:
            if plain is not None:
                done = plain.take(arrays)
                if done is not None:
                    return done
            loss: float = compute(*arrays)
            finish()
            return loss

        return take

    def _finish(self) -> None:
        """What follows the gradients: clipping, the update, constraints, running statistics."""
        assert self._update is not None
        for clip in self._clips:
            clip()
        self._update()
        if self._constrain is not None:
            self._constrain()
        if self.statistics:
            np.copyto(self._old, self._next)

    def gradients(self, *given: ArrayLike) -> tuple[float, dict[str, Array]]:
        """Return the loss in training and copies of its gradients by their parameters' names.

        They are those of the loss: only a step clips them.
        """
        loss: float = self._run("gradients", given)
        return loss, {name: g.copy() for name, g in self._gradients.items()}

    def evaluate(self, *given: ArrayLike) -> float:
        """Return the loss in prediction, by the running statistics; nothing is changed."""
        loss: float = self._run("evaluate", given)
        return loss

    def forward(self, *given: ArrayLike) -> Any:
        """Return the output for inputs without targets."""
        result = self._run("forward", given)
        return np.array(result, order="C") if isinstance(result, np.ndarray) else result

    @property
    def state(self) -> dict[str, Any]:
        """Copies of the optimizer's vectors by name, and the number of steps taken."""
        units = self._state.get("units", ())
        vectors = [k for k, v in self._state.items() if isinstance(v, np.ndarray)]
        shown: dict[str, Any] = {k: self._state[k] * u for k, u in zip(vectors, units, strict=True)}
        return {**shown, "step": self._state["step"]} if self._state else {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take over what ``state`` gave before, to go on with training where it was left."""
        if state.keys() != self.state.keys():
            raise Mismatch(f"the state has {list(self.state)}, but {list(state)} were given")
        for name, value in state.items():
            if name == "step":
                self._state[name] = int(value)
            else:
                self._state[name][...] = value
        self._state["units"] = (1.0,) * len(self._state["units"])

    def beside(self, build: Build, draws: Mapping[Variable, str] | None = None) -> Step:
        """Return a step by other equations for the same parameters, which the two share.

        Running statistics and the state of the optimizer are shared too, so that it does not matter
        which of the two takes a step.  Raises Mismatch where the parameters differ.
        """
        if (build.parameters, build.statistics) != (self._build.parameters, self._build.statistics):
            raise Mismatch("the two steps have different parameters")
        other = copy.copy(self)
        other._build, other._labels, other._loaded = build, build.labels, {}
        other._draws = dict(draws or {})
        other._cache = Cache(other._make)
        other._plain = other._plain_steps()
        return other

    # -- how it is made

    def _run(self, name: str, given: Sequence[ArrayLike]) -> Any:
        """Call a generated function; arrays that are right already are passed on at once."""
        dtype, shapes = self.dtype, []
        for a in given:
            if type(a) is not np.ndarray or a.dtype is not dtype or not a.flags.c_contiguous:
                break
            shapes.append(a.shape)
        else:
            function = self._cache.found(name, tuple(shapes))
            if function is not None and not self._labels:
                return function(*given)
        arrays = self._arrays(given, self._build.inputs if name == "forward" else self._build.given)
        return self._cache.get(name, arrays)(*arrays)

    def _arrays(self, given: Sequence[ArrayLike], wanted: Sequence[Variable]) -> list[Any]:
        if len(given) != len(wanted):
            names = ", ".join(v.name for v in wanted)
            raise Mismatch(
                f"{len(wanted)} arrays are needed ({names}), but {len(given)} were given"
            )
        arrays = [convert(v, a, self.dtype) for v, a in zip(wanted, given, strict=True)]
        for v, a in zip(wanted, arrays, strict=True):
            if v in self._labels:
                check_labels(v, a, self._sizes)
        return arrays

    def _make(self, name: str, shapes: tuple[tuple[int, ...], ...]) -> Callable[..., Any]:
        wanted = self._build.inputs if name == "forward" else self._build.given
        sizes = infer_sizes(wanted, shapes, self._sizes)
        self._build.check(sizes)
        made: Callable[..., Any] = self._maker(name)(
            *self._vectors(name), **self._build.numbers(sizes)
        )
        return self._with_draws(made, sizes) if name == "gradients" and self._draws else made

    def _vectors(self, name: str) -> list[Array]:
        """What a function reads and leaves outside, in the order of its arguments."""
        state = bool(self._build.statistics)
        vectors = [self._vector, self._old] if state else [self._vector]
        if name == "gradients":
            vectors += [self.gradient, self._next] if state else [self.gradient]
        if name != "forward" and self._build.metrics:
            vectors.append(self.metrics)
        return vectors

    def _maker(self, name: str) -> Callable[..., Any]:
        """What makes the function of that name for some sizes."""
        return self._numpy_maker(name)

    def _numpy_maker(self, name: str) -> Callable[..., Any]:
        if not self._loaded:
            self._loaded = load(self._build.source)
        return self._loaded[f"make_{name}"]

    def _with_draws(
        self, made: Callable[..., Any], sizes: Mapping[sp.Symbol, int]
    ) -> Callable[..., Any]:
        """Draw anew before each call; float32 takes the numbers of float64, rounded."""
        wide = {v: np.empty(self._build.axes(v, sizes)) for v in self._build.draws}
        same = self.dtype == np.float64
        drawn = {v: a if same else np.empty(a.shape, self.dtype) for v, a in wide.items()}

        def run(*given: Any) -> Any:
            for v, a in wide.items():
                if self._draws[v] == "normal":
                    self.generator.standard_normal(out=a)
                else:
                    self.generator.random(out=a)
                if drawn[v] is not a:
                    np.copyto(drawn[v], a)
            return made(*given, *drawn.values())

        return run

    def _views(self, vector: Array, variables: Sequence[Variable]) -> dict[str, Array]:
        found, start = {}, 0
        for variable in variables:
            shape = self._build.axes(variable, self._sizes)
            count = int(np.prod(shape, dtype=int))
            found[variable.name] = vector[start : start + count].reshape(shape)
            start += count
        return found

    def _fill(self, views: Mapping[str, Array], initial: Mapping[Variable, ArrayLike]) -> None:
        for variable, value in initial.items():
            view, array = views[variable.name], np.asarray(value)
            if array.shape != view.shape:
                raise Mismatch(
                    f"parameter {variable.name} has shape {view.shape}, but its initial value has "
                    f"shape {array.shape}"
                )
            view[...] = array

    def _optimizer(self) -> tuple[dict[str, Any], dict[str, float]]:
        own, thresholds = self._build.outline.optimizing, self._build.outline.thresholds
        if own is None:
            return {}, {}
        state: dict[str, Any] = {n: aligned(self._vector.size, self.dtype) for n in own.state}
        state |= {"step": 0, "units": (1.0,) * len(own.state)}
        return state, dict((*own.hyper, *(thresholds or ())))

    def _plain_steps(self) -> PlainSteps | None:
        """Where a step may run in plain floats: for a few 64-bit numbers."""
        small = self._vector.size <= _FEW and self.dtype == np.float64 and type(self) is Step
        if not small or self._update is None:
            return None

        return PlainSteps(
            self._build, self._sizes, self._vector, metrics=self.metrics, state=self._state,
            hyper=self.hyper,
        )  # fmt: skip

    def _make_clips(self) -> tuple[Callable[[], None], ...]:
        """What clips the vector of all gradients, or each tensor's part of it."""
        outline = self._build.outline
        if outline.thresholds is None:
            return ()
        by_tensor = [g.reshape(-1) for g in self._gradients.values()]
        make = self._maker("clip")
        parts = by_tensor if outline.by_tensor else [self.gradient]
        return tuple(make(part, self.hyper) for part in parts)

    def _make_constrain(self) -> Callable[[], None] | None:
        if not self._build.outline.constrained:
            return None
        made: Callable[[], None] = self._maker("constrain")(
            self._vector, **self._build.numbers(self._sizes, without=self._build.batch)
        )
        return made

    def _make_update(self) -> Callable[[], None] | None:
        if self._build.outline.optimizing is None:
            return None
        made: Callable[[], None] = self._maker("update")(
            self._vector, self.gradient, self._state, self.hyper
        )
        return made


def aligned(shape: int | tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Zeros that start at a multiple of 64 bytes, where vector instructions are fastest."""
    count = int(np.prod(shape)) * dtype.itemsize
    raw = np.zeros(count + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + count].view(dtype).reshape(shape)
