"""Words that users choose by: names looked up in written-out tables, numbers checked for range."""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

import sympy as sp

from symdl.errors import InputError, NotSupported

__all__ = [
    "Worded",
    "choose",
    "number_in",
    "one_of",
    "positive_int",
    "real_number",
    "suggestion",
    "true_or_false",
]

T = TypeVar("T")


class Worded(type):
    """The class of what users describe by words: one that it does not have is refused when made.

    >>> class Noise(metaclass=Worded):
    ...     def __init__(self, rate):
    ...         self.rate = rate
    >>> Noise(rat=0.1)
    Traceback (most recent call last):
        ...
    symdl.errors.InputError: Noise has no 'rat'; did you mean 'rate'? (known: rate)
    """

    @property
    def __signature__(cls) -> inspect.Signature:
        """What ``help`` shows: the words of the class, not those of this one."""
        _, *words = inspect.signature(cls.__init__).parameters.values()  # type: ignore[misc]
        return inspect.Signature(words)

    def __call__(cls, *given: Any, **words: Any) -> Any:
        expected = cls.__signature__
        known = [p.name for p in expected.parameters.values() if p.kind is not p.VAR_KEYWORD]
        if len(known) == len(expected.parameters):
            for word in words.keys() - set(known):
                raise InputError(f"{cls.__name__} has no {word!r}{suggestion(word, known)}")
        try:
            expected.bind(*given, **words)
        except TypeError as error:
            raise InputError(f"{cls.__name__}: {error}") from None
        return super().__call__(*given, **words)


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


def true_or_false(what: str, value: object) -> bool:
    """Return ``value`` if it is a bool, or raise InputError: "no" and 0 are none.

    >>> true_or_false("shuffle", False)
    False
    """
    if not isinstance(value, bool):
        raise InputError(f"{what} must be True or False, not {value!r}")
    return value


def positive_int(what: str, value: object, least: int = 1) -> int:
    """Return ``value`` as an int of at least 1, or of at least ``least``, or raise InputError."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or number < least:
        raise InputError(f"{what} must be a whole number of at least {least}, not {value!r}")
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
        bound = f" {'>' if low_open else '>='} {low:g}" if low > -math.inf else ""
        span = span or f"a finite number{bound}"
        raise InputError(f"{what} must be {span}, not {value!r}")
    return number


def number_in(what: str, value: object, values: sp.Set, why: str = "") -> float:
    """Return ``value`` as a float that lies in an interval, or raise InputError, with the reason.

    >>> number_in("rate", 0.5, sp.Interval.Ropen(0, 1))
    0.5
    >>> number_in("rate", 1, sp.Interval.Ropen(0, 1), "nothing would be left")
    Traceback (most recent call last):
        ...
    symdl.errors.InputError: rate must be in [0, 1), not 1: nothing would be left
    """
    if not isinstance(values, sp.Interval) and values != sp.S.Reals:
        raise NotSupported(f"{what}: numbers of the set {values}, which is no interval")
    low, high = float(values.inf), float(values.sup)
    try:
        return real_number(
            what,
            value,
            low,
            high,
            low_open=bool(values.left_open),
            high_open=bool(values.right_open),
        )
    except InputError as error:
        raise InputError(f"{error}: {why}" if why else str(error)) from None
