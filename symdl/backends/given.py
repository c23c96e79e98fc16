"""Arrays as a caller gives them, checked against the axes of a formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray
from sympy.core.expr import Expr

from symdl.errors import InputError, Mismatch
from symdl.formula import Variable
from symdl.notation.tensors import TensorSymbol

__all__ = ["axes_text", "convert", "infer_sizes", "size_value"]


def axes_of(variable: Variable) -> tuple[Expr, ...]:
    """Return the sizes of the axes; a scalar has none."""
    return variable.axes if isinstance(variable, TensorSymbol) else ()


def axes_text(variable: Variable) -> str:
    """Return a tensor with its axes, as messages show it.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> axes_text(tensors("x[n,i]", *indices("n:N i:D")))
    'x[N, D]'
    """
    axes = axes_of(variable)
    return variable.name + (f"[{', '.join(str(a) for a in axes)}]" if axes else "")


def convert(variable: Variable, given: ArrayLike, dtype: np.dtype[Any]) -> NDArray[Any] | float:
    """Return what was given as an array in C order of the right type; no copy unless needed."""
    labels = isinstance(variable, TensorSymbol) and variable.labels is not None
    if isinstance(given, np.ma.MaskedArray):
        raise InputError(f"{axes_text(variable)} was given a masked array; fill it first")
    if isinstance(given, np.ndarray) and given.dtype == dtype and not labels:
        _check_rank(variable, given.shape)
        if given.ndim and given.flags.c_contiguous:
            return np.asarray(given)
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise InputError(f"{axes_text(variable)} was given something ragged: {error}") from None
    _check_rank(variable, array.shape)
    if labels:
        return _labels(variable, array)
    if array.dtype.kind not in "biuf":
        raise InputError(f"{axes_text(variable)} needs real numbers, but was given {array.dtype}")
    array = np.asarray(array, dtype=dtype, order="C")
    return array if array.ndim else float(array)


def _check_rank(variable: Variable, shape: tuple[int, ...]) -> None:
    if len(shape) != len(axes_of(variable)):
        raise Mismatch(
            f"{axes_text(variable)} has {len(axes_of(variable))} axes, but was given an array of "
            f"shape {shape}"
        )


def _labels(variable: TensorSymbol, array: NDArray[Any]) -> NDArray[Any]:
    whole = np.asarray(array, dtype=np.intp, order="C") if array.dtype.kind in "biu" else None
    if whole is None and array.dtype.kind == "f" and bool((array == np.floor(array)).all()):
        whole = array.astype(np.intp)
    if whole is None:
        raise InputError(f"{axes_text(variable)} holds labels, and needs whole numbers")
    return whole


def check_labels(variable: Variable, array: Any, sizes: Mapping[sp.Symbol, int]) -> None:
    """Raise unless labels lie in their axis."""
    if not isinstance(variable, TensorSymbol) or variable.labels is None or not array.size:
        return
    size = size_value(variable.labels, sizes)
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= size:
        raise Mismatch(
            f"{axes_text(variable)} holds labels of an axis of size {size}: 0 to {size - 1}, "
            f"but was given {low if low < 0 else high}"
        )


def size_value(e: Expr, sizes: Mapping[sp.Symbol, int]) -> int:
    """Return the number behind a size."""
    size = sp.sympify(e, strict=True)
    value = size.xreplace({k: sp.Integer(sizes[k]) for k in size.free_symbols if k in sizes})
    if not value.is_Integer or value < 1:
        raise InputError(f"the size {e} is {value}, which is not a positive whole number")
    return int(value)


def infer_sizes(
    variables: Sequence[Variable],
    shapes: Sequence[tuple[int, ...]],
    known: Mapping[sp.Symbol, int] | None = None,
) -> dict[sp.Symbol, int]:
    """Read the sizes off the shapes; two tensors that disagree are a Mismatch.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> x, y = tensors("x[n,i] y[n]", *indices("n:N i:D"))
    >>> infer_sizes([x, y], [(2, 3), (4,)])
    Traceback (most recent call last):
    ...
    symdl.errors.Mismatch: x[N, D] has shape (2, 3), so N = 2, but y[N] has shape (4,), so N = 4
    """
    sizes = dict(known or {})
    first: dict[sp.Symbol, str] = {s: f"{s} = {n} was given" for s, n in sizes.items()}
    for v, shape in zip(variables, shapes, strict=True):
        _check_rank(v, shape)
        for axis, size in zip(axes_of(v), shape, strict=True):
            if not isinstance(axis, sp.Symbol):
                continue
            here = f"{axes_text(v)} has shape {shape}, so {axis} = {size}"
            if sizes.setdefault(axis, size) != size:
                raise Mismatch(f"{first[axis]}, but {here}")
            first.setdefault(axis, here)
    for v, shape in zip(variables, shapes, strict=True):
        for place, (axis, size) in enumerate(zip(axes_of(v), shape, strict=True)):
            if size_value(axis, sizes) != size:
                raise Mismatch(
                    f"axis {place + 1} of {axes_text(v)} has size {axis} = "
                    f"{size_value(axis, sizes)}, but was given an array of shape {shape}"
                )
    return sizes
