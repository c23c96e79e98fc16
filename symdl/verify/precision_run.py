"""Compiled values and gradients at many points: of a scalar formula all at once, as an array."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdl.backends.function import Compiled
from symdl.calculus.adjoint import bar, vjp
from symdl.calculus.compose import elementwise
from symdl.errors import InputError
from symdl.formula import Formula, Variable
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import TensorSymbol
from symdl.training.gradient import compile_gradient
from symdl.verify.points import arguments, continuous
from symdl.verify.precision_points import Sample

__all__ = ["compiled", "over_a_vector", "run_all", "swept"]

Array = NDArray[Any]
_k = Index("k", size_of("P"))


def swept(formula: Formula, wrt: Iterable[Variable | str] | None = None) -> tuple[Variable, ...]:
    """The inputs and parameters that move over an interval, or those asked for.

    Raises InputError for one that does not.
    """
    given = tuple(v for v in (*formula.inputs, *formula.parameters) if continuous(formula, v))
    asked = given if wrt is None else vjp(formula, wrt).wrt
    for v in asked:
        if v not in given:
            raise InputError(f"{v} of {formula.name} cannot be swept: it does not move freely")
    return asked


@cache
def over_a_vector(formula: Formula) -> Formula | None:
    """A formula of scalars at each element of vectors, as layers apply it; None for others."""
    given = arguments(formula)
    scalar = not any(isinstance(v, TensorSymbol) for v in (*given, formula.output))
    if not scalar or len(formula.inputs) != 1 or formula.random or formula.state:
        return None
    (x,) = formula.inputs
    at = TensorSymbol(x.name, (_k.size,), bool(x.is_positive))[_k]
    own = {p: TensorSymbol(p.name, (_k.size,), bool(p.is_positive))[_k] for p in formula.parameters}
    return elementwise(formula, at, TensorSymbol(formula.output.name, (_k.size,)), own)


def compiled(
    formula: Formula, wrt: Sequence[Variable], dtype: str, backend: str, exact: bool = True
) -> Compiled:
    """The value and the gradients of ``wrt`` as one function, of vectors where that is possible."""
    lifted = over_a_vector(formula)
    if lifted is None:
        return compile_gradient(formula, wrt, dtype, backend, exact)
    return compile_gradient(lifted, [v.name for v in wrt], dtype, backend, exact)


def run_all(
    run: Callable[..., Any],
    formula: Formula,
    wrt: Sequence[Variable],
    points: Sequence[Sample],
    dtype: np.dtype[Any],
) -> list[tuple[Any, ...]]:
    """For each point the value and the gradients."""
    given = arguments(formula)
    if over_a_vector(formula) is not None:
        columns = [np.array([p.values[v] for p in points], dtype) for v in given]
        return list(zip(*run(*columns, np.ones(len(points), dtype)), strict=True))
    seed = (bar(formula.output),) if isinstance(formula.output, TensorSymbol) else ()
    return [run(*(_array(v, p.values[v], dtype) for v in (*given, *seed))) for p in points]


def _array(v: Variable, value: Any, dtype: np.dtype[Any]) -> Array:
    labels = isinstance(v, TensorSymbol) and v.labels is not None
    return np.asarray(value, None if labels else dtype)
