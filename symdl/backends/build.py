"""A step's functions, and what is needed to bind them to sizes and arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property

import sympy as sp

from symdl.backends.given import axes_of, size_value
from symdl.backends.kept import NOTHING, Kept, typed
from symdl.backends.lowered import Lowered
from symdl.backends.names import Names
from symdl.backends.numpy_module import NumpyModule, numpy_module
from symdl.backends.numpy_source import Maker
from symdl.backends.outline import Outline, outline_from, outline_of
from symdl.backends.use import Use
from symdl.calculus.network import Backward
from symdl.formula import Variable
from symdl.notation.tensors import TensorSymbol
from symdl.program.clip import Clip
from symdl.program.plan import Plan
from symdl.program.update import Update

__all__ = ["Build"]


@dataclass(frozen=True)
class Build:
    """A step by its variables; its programs and its code are made when they are first asked for.

    given    inputs and targets
    lower    derives and lowers
    sizes    what is known of the sizes
    metrics  numbers that are computed besides the loss
    kept     what was derived before: where it is there, nothing is derived to run the step
    """

    inputs: tuple[Variable, ...]
    given: tuple[Variable, ...]
    parameters: tuple[Variable, ...]
    batch: sp.Symbol | None
    lower: Callable[[], Lowered]
    sizes: Mapping[sp.Symbol, int] = field(default_factory=dict)
    statistics: tuple[Variable, ...] = ()
    draws: tuple[Variable, ...] = ()
    metrics: tuple[Variable, ...] = ()
    kept: Kept = NOTHING

    # -- what is derived

    @cached_property
    def lowered(self) -> Lowered:
        """The programs of the step."""
        return self.lower()

    @property
    def uses(self) -> Mapping[str, Use]:
        """The functions by name."""
        return self.lowered.uses

    @property
    def update(self) -> Update | None:
        """The update of all parameters, if there is an optimizer."""
        return self.lowered.update

    @property
    def clip(self) -> Clip | None:
        """What the gradients go through before the update."""
        return self.lowered.clip

    @property
    def formulas(self) -> tuple[str, ...]:
        """The formulas as a reader sees them."""
        return self.lowered.formulas

    @property
    def derived(self) -> Backward | None:
        """Where the equations come from."""
        return self.lowered.derived

    @cached_property
    def numpy(self) -> NumpyModule:
        """The functions for NumPy."""
        return numpy_module(self.lowered)

    @property
    def plans(self) -> Mapping[str, Plan]:
        """Where the arrays of each NumPy function live."""
        return self.numpy.plans

    @property
    def makers(self) -> tuple[Maker, ...]:
        """The NumPy functions one by one."""
        return self.numpy.makers

    # -- what is kept

    @cached_property
    def source(self) -> str:
        """The source of the NumPy functions."""
        found = self.kept.read("numpy", lambda data: typed(str, data["source"]))
        if found is None:
            found = self.numpy.source
            self.kept.write("numpy", {"source": found})
        return found

    @cached_property
    def _outlined(self) -> tuple[Outline, tuple[sp.Symbol, ...]]:
        """The outline and its symbols."""
        found = self.kept.read("outline", outline_from)
        symbols = None if found is None else self._symbols(found.symbols)
        if found is not None and symbols is not None:
            return found, symbols
        found = outline_of(self.lowered)
        self.kept.write("outline", asdict(found))
        return found, self.lowered.symbols

    @property
    def outline(self) -> Outline:
        """What running the functions takes to know."""
        return self._outlined[0]

    @property
    def symbols(self) -> tuple[sp.Symbol, ...]:
        """The sizes that functions take, in order."""
        return self._outlined[1]

    def _symbols(self, names: Sequence[str]) -> tuple[sp.Symbol, ...] | None:
        """The sizes of these names, if each is that of one size."""
        axes = (a for v in (*self.given, *self.parameters) for a in axes_of(v))
        every = {
            s for e in (*axes, *self.sizes, self.batch) if e is not None for s in e.free_symbols
        }
        by_name = {str(s): s for s in every}
        known = len(by_name) == len(every) and by_name.keys() >= set(names)
        return tuple(by_name[n] for n in names) if known else None

    # -- sizes

    @property
    def labels(self) -> tuple[Variable, ...]:
        """The given variables that hold labels."""
        return tuple(v for v in self.given if isinstance(v, TensorSymbol) and v.labels is not None)

    def numbers(
        self, sizes: Mapping[sp.Symbol, int], without: sp.Symbol | None = None
    ) -> dict[str, int]:
        """The sizes under the names by which the makers take them."""
        names = Names()
        return {names.new(str(s)): size_value(s, sizes) for s in self.symbols if s != without}

    def axes(self, variable: Variable, sizes: Mapping[sp.Symbol, int]) -> tuple[int, ...]:
        """The shape of a variable."""
        return tuple(size_value(a, sizes) for a in axes_of(variable))

    def count(self, variables: Sequence[Variable], sizes: Mapping[sp.Symbol, int]) -> int:
        """The number of all elements together."""
        return sum(math.prod(self.axes(v, sizes)) for v in variables)

    def check(self, sizes: Mapping[sp.Symbol, int]) -> None:
        """Raise Mismatch where a fixed place lies outside its axis."""
        self.outline.check(self.numbers(sizes))
