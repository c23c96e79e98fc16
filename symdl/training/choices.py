"""Words that users choose by: names looked up in written-out tables, numbers checked for range."""

from __future__ import annotations

import math
import operator
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import TypeVar

from symdl.errors import InputError

__all__ = ["choose", "one_of", "positive_int", "real_number", "suggestion"]

T = TypeVar("T")


def suggestion(name: object, known: Collection[str]) -> str:
    """Return ``"; did you mean 'relu'? (known: ...)"``, or only the known names."""
    close = get_close_matches(str(name).lower(), known, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} (known: {', '.join(known)})"


def choose(what: str, name: object, table: Mapping[str, T], where: str = "") -> T:
    """Return ``table[name]``, or raise InputError with the nearest name that is known.

    >>> choose("color", "red", {"red": 1, "blue": 2})
    1
    """
    if isinstance(name, str) and name in table:
        return table[name]
    at = f"{where}: " if where else ""
    raise InputError(f"{at}unknown {what} {name!r}{suggestion(name, table)}")


def one_of(what: str, name: object, known: Collection[str]) -> str:
    """Return ``name`` if it is known, or raise InputError."""
    return choose(what, name, {k: k for k in known})


def positive_int(what: str, value: object) -> int:
    """Return ``value`` as an int of at least 1, or raise InputError."""
    try:
        number = 0 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if number < 1:
        raise InputError(f"{what} must be a whole number of at least 1, not {value!r}")
    return number


def real_number(
    what: str,
    value: object,
    low: float,
    high: float = math.inf,
    *,
    low_open: bool = False,
    high_open: bool = True,
) -> float:
    """Return ``value`` as a float within the stated range, or raise InputError."""
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    above = number > low if low_open else number >= low
    below = number < high if high_open else number <= high
    if not (above and below):
        left, right = "(" if low_open else "[", ")" if high_open else "]"
        span = f"in {left}{low:g}, {high:g}{right}" if high < math.inf else ""
        span = span or f"a finite number {'>' if low_open else '>='} {low:g}"
        raise InputError(f"{what} must be {span}, not {value!r}")
    return number
