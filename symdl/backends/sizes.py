"""Sizes as plain data, which can be written to a file: numbers, names, sums, products."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import TypeAlias, cast

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import InputError, NotSupported

__all__ = ["Size", "size_data", "size_from", "size_number"]

Size: TypeAlias = "int | str | tuple[str | Size, ...]"

_OPERATIONS: dict[str, Callable[[Iterable[Fraction]], Fraction]] = {
    "+": lambda parts: sum(parts, Fraction(0)),
    "*": lambda parts: math.prod(parts, start=Fraction(1)),
    "/": lambda parts: Fraction(*parts),
    "^": lambda parts: _power(*parts),
    "floor": lambda parts: Fraction(math.floor(*parts)),
    "ceiling": lambda parts: Fraction(math.ceil(*parts)),
}
_LARGEST = 9  # exponent
_NAMES = {sp.Add: "+", sp.Mul: "*", sp.floor: "floor", sp.ceiling: "ceiling"}


def size_data(e: Expr, names: Mapping[sp.Symbol, str]) -> Size:
    """Return a size as plain data; raise NotSupported for what is no arithmetic of whole numbers.

    >>> N, D = sp.symbols("N D", integer=True, positive=True)
    >>> size_data(3 * N, {N: "N"}), size_data(N * D - 1, {N: "N", D: "D"})
    (('*', 3, 'N'), ('+', -1, ('*', 'D', 'N')))
    """
    if e.is_Integer:
        return int(e)
    if e.is_Rational:
        return ("/", int(e.p), int(e.q))
    if e in names:
        return names[e]
    if e.is_Pow and e.exp.is_Integer and abs(e.exp) <= _LARGEST:
        return ("^", size_data(e.base, names), int(e.exp))
    if e.func not in _NAMES:
        raise NotSupported(f"the size {e}")
    return (_NAMES[e.func], *(size_data(a, names) for a in e.args))


def size_from(data: object) -> Size:
    """Read a size from what a file holds; raise ValueError for anything else."""
    if type(data) in (int, str):
        return cast("int | str", data)
    if not isinstance(data, (list, tuple)) or data[0] not in _OPERATIONS:
        raise ValueError(f"{data!r} is no size")
    return (data[0], *map(size_from, data[1:]))


def size_number(size: Size, numbers: Mapping[str, int]) -> int:
    """Return the number behind a size.

    >>> size_number(("*", 3, "N"), {"N": 5})
    15
    """
    if isinstance(size, int):
        return size
    if isinstance(size, str):
        return numbers[size]
    value = _value(size, numbers)
    if value.denominator != 1 or value < 1:
        raise InputError(f"the size {size} is {value}, which is not a positive whole number")
    return int(value)


def _value(size: Size, numbers: Mapping[str, int]) -> Fraction:
    if isinstance(size, int):
        return Fraction(size)
    if isinstance(size, str):
        return Fraction(numbers[size])
    name, *parts = size
    assert isinstance(name, str)
    return _OPERATIONS[name](_value(p, numbers) for p in parts)


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if abs(exponent) > _LARGEST:
        raise ValueError(f"{exponent} is no exponent of a size")
    return Fraction(base**exponent)
