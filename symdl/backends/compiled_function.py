"""A plain formula as C: what ``compile_function`` gives on the compiled backend."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdl.backends.build import Build
from symdl.backends.c_build import compiler
from symdl.backends.c_library import Library
from symdl.backends.function import Compiled
from symdl.backends.given import axes_of, size_value
from symdl.backends.lowered import Lowered, slot_of
from symdl.backends.native import BoundStep
from symdl.backends.use import Use
from symdl.errors import NotSupported
from symdl.formula import Equation
from symdl.program.ir import Program

__all__ = ["CompiledFunction"]

Array = NDArray[Any]
_NAME = "function"


class CompiledFunction(Compiled):
    """Computes outputs from inputs in C.

    Where there is no compiler NumPy runs, and a warning says so.

    backend  "compiled", or "numpy" where no code could be compiled
    source   the C source
    """

    def prepare(self, equations: Sequence[Equation], lowered: Program) -> None:
        given = tuple(slot_of(lowered, v) for v in self.inputs)
        first, *others = (slot_of(lowered, v) for v in self.outputs)
        use = Use(_NAME, lowered, given, {"others": tuple(others)} if others else {}, first)
        formulas = tuple(str(e) for e in equations)
        program = Lowered({_NAME: use}, self._symbols, formulas)
        build = Build(self.inputs, self.inputs, (), None, lambda: program)
        try:
            compiler()
            self._library = Library(build, {}, self.dtype)
            self._library.code  # noqa: B018  (compiles)
        except NotSupported as error:
            warnings.warn(f"the NumPy backend runs instead: {error}", RuntimeWarning, stacklevel=4)
            return
        self.backend, self.source = "compiled", self._library.source

    def _made(self, sizes: Mapping[sp.Symbol, int]) -> Callable[..., Any]:
        if self.backend == "numpy":
            return super()._made(sizes)
        shapes = [tuple(size_value(a, sizes) for a in axes_of(v)) for v in self.outputs[1:]]
        counts = [int(np.prod(s)) for s in shapes]
        ends = np.cumsum([0, *counts])
        flat = np.zeros(ends[-1], self.dtype)
        run = BoundStep(self._library, _NAME, [flat] if shapes else [], sizes)
        others = [flat[a:b].reshape(s) for a, b, s in zip(ends, ends[1:], shapes, strict=False)]

        def function(*given: Any) -> Any:
            first = run(*given)
            return (first, *(a if a.ndim else float(a) for a in others)) if others else first

        return function
