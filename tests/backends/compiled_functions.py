"""Formulas as C functions, many in one library, for the tests."""

import ctypes

import numpy as np
import pytest

from symdl.backends.blas import product_address
from symdl.backends.c_build import compile_c, compiler
from symdl.backends.c_library import Library
from symdl.backends.c_program import write_use
from symdl.backends.c_source import CModule
from symdl.backends.lowered import sizes_in, slot_of
from symdl.backends.native import BoundStep
from symdl.backends.use import Use
from symdl.errors import NotSupported
from symdl.program.lowering import lower


def needs_compiler():
    """Skip where nothing can be compiled, and say why."""
    try:
        compiler()
        product_address("double")
    except NotSupported as error:
        pytest.skip(f"the compiled backend cannot run here: {error}")


class Functions(Library):
    """One C function for each (equations, inputs, output), compiled together."""

    def __init__(self, cases, sizes, dtype, *, static=False, batch=None):
        self.threads = False
        self.dtype = np.dtype(dtype)
        self.real = "float" if dtype == "float32" else "double"
        symbols = sorted(
            {s for equations, inputs, _ in cases for s in sizes_in(equations, inputs)}, key=str
        )
        self.numbers = sizes if static else {}
        self._names = {s: str(s) for s in symbols}
        module = CModule(self.real, self.numbers, {s: str(s) for s in self.dims})
        self.layouts = {}
        for number, (equations, inputs, output) in enumerate(cases):
            program = lower(equations, {output}, sizes)
            given = tuple(slot_of(program, v) for v in inputs)
            use = Use(f"function_{number}", program, given, {}, slot_of(program, output))
            written = write_use(use, module, batch)
            self.layouts[use.name] = self._layout_of_use(written)
        self.source = module.source("Tests", [])
        self._loaded = compile_c(self.source)
        if module.blas:
            self._loaded.start.argtypes = [ctypes.c_void_p]
            self._loaded.start(product_address(self.real))
        for name, layout in self.layouts.items():
            kind = None if layout.result is not None else ctypes.c_double
            getattr(self.code, name).restype = kind
            getattr(self.code, name).argtypes = [ctypes.c_void_p] * 2
        self.sizes = sizes

    def run(self, number, arrays):
        """The value of one function; arrays are converted."""
        bound = BoundStep(self, f"function_{number}", [], self.sizes)
        given = []
        for of, a in zip(bound.given, arrays, strict=True):
            kind = np.int64 if of == "label" else self.dtype
            given.append(np.ascontiguousarray(a, kind))
        bound(*given)
        return bound(*given)
