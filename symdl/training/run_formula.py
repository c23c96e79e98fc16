"""A formula as a function of arrays, in its stabilised form."""

from __future__ import annotations

from symdl.backends.function import Compiled, compile_function
from symdl.calculus.compose import Renaming
from symdl.calculus.stabilise import stabilise
from symdl.errors import NotSupported
from symdl.formula import Formula
from symdl.training.choices import one_of

__all__ = ["BACKENDS", "DTYPES", "check_backend", "compile_formula", "kind_of", "name_of_dtype"]

BACKENDS = ("numpy", "compiled")
DTYPES = ("float64", "float32")


def compile_formula(formula: Formula, backend: str = "numpy", dtype: str = "float64") -> Compiled:
    """Return a formula as a function of its inputs, parameters, draws and old states."""
    kind = kind_of(backend)
    constants = Renaming(dict(formula.hyper), {})
    equations = [constants.equation(e) for e in stabilise(formula).formula.equations]
    old, new = zip(*formula.state, strict=True) if formula.state else ((), ())
    inputs = (*formula.inputs, *formula.parameters, *formula.random, *old)
    name = one_of("dtype", name_of_dtype(dtype), DTYPES)
    return compile_function(equations, inputs, (formula.output, *new), dtype=name, kind=kind)


def kind_of(backend: object) -> type[Compiled]:
    """Return the class of a function that runs on that backend; raise NotSupported for others."""
    check_backend(backend)
    if backend == "numpy":
        return Compiled
    from symdl.backends.compiled_function import CompiledFunction

    return CompiledFunction


def check_backend(backend: object) -> None:
    """Raise NotSupported for a backend that there is not."""
    if backend not in BACKENDS:
        raise NotSupported(f"the backend {backend!r}; there is: {', '.join(BACKENDS)}")


def name_of_dtype(dtype: object) -> str:
    """Return the name of "float32", numpy.float32 or numpy.dtype("float32")."""
    return dtype.__name__ if isinstance(dtype, type) else str(dtype)
