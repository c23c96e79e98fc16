"""Indices over symbolic sizes.

An axis is known by its size: the positive integer symbol ``N``, or a number.  A free index is an
``Index`` that knows its axis; an index bound by a sum or a maximum is a ``Bound``, numbered by the
height of its binder, so that expressions equal up to renaming are equal by ``==``.
"""

from __future__ import annotations

import itertools
import re
from functools import cache
from typing import Any

import sympy as sp

from symdl.errors import InputError

__all__ = ["Bound", "Index", "fresh", "indices", "size_of"]

_uids = itertools.count(1)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def size_of(text: str | int | sp.Expr) -> sp.Expr:
    """Return the size called ``text``: a positive integer, symbolic or a number.

    >>> size_of("N").is_positive, size_of("3")
    (True, 3)
    """
    if isinstance(text, sp.Expr):
        return text
    text = str(text).strip()
    if text.isdecimal() and int(text) > 0:
        return sp.Integer(int(text))
    if not _NAME.match(text):
        raise InputError(f"size {text!r} is neither a name nor a positive whole number")
    return sp.Symbol(text, integer=True, positive=True)


class _AxisSymbol(sp.Symbol):
    """A symbol that ranges over 0 .. size - 1; ``size`` and ``uid`` are part of its identity."""

    __slots__ = ("size", "uid")
    size: sp.Expr
    uid: int

    def __new__(cls, name: str, size: sp.Expr, uid: int = 0) -> Any:
        made: Any = _make
        return made(cls, name, size, uid)

    def _hashable_content(self) -> tuple[object, ...]:
        return (self.name, self.size, self.uid)

    def __getnewargs_ex__(self) -> tuple[tuple[object, ...], dict[str, object]]:
        return (self.name, self.size, self.uid), {}

    def sort_key(self, order: object = None) -> tuple[object, ...]:
        return (
            self.class_key(),
            (3, (self.name, str(self.size), str(self.uid).zfill(9))),
            sp.S.One.sort_key(),
            sp.S.One,
        )


@cache
def _make(cls: Any, name: str, size: sp.Expr, uid: int) -> _AxisSymbol:
    obj = sp.Symbol.__xnew__(cls, name, integer=True, nonnegative=True)
    obj.size = size
    obj.uid = uid
    return obj


class Index(_AxisSymbol):
    """A free index over an axis; ``uid`` tells fresh ones apart."""

    __slots__ = ()


class Bound(_AxisSymbol):
    """An index bound by a binder; ``height`` counts the binders at and below its own."""

    __slots__ = ()

    def __new__(cls, height: int, size: sp.Expr) -> Any:
        made: Any = _make
        return made(cls, f"_{height}", size, height)

    def __getnewargs_ex__(self) -> tuple[tuple[object, ...], dict[str, object]]:
        return (self.uid, self.size), {}

    @property
    def height(self) -> int:
        """The number of this bound index, counted from the innermost binder."""
        return self.uid


def fresh(size: sp.Expr, name: str = "i") -> Index:
    """Return an index over ``size`` that differs from every other one."""
    return Index(name, size, next(_uids))


def indices(text: str) -> Any:
    """Declare indices as ``"n:N i:D j:3"``: a name, a colon, and the size of its axis.

    A single declaration gives a single index, several a tuple, as ``sympy.symbols`` does.

    >>> n, i = indices("n:N i:D")
    >>> n.size, i.size
    (N, D)
    """
    found = []
    for word in text.replace(",", " ").split():
        name, colon, size = word.partition(":")
        if not colon or not _NAME.match(name):
            raise InputError(
                f"index declaration {word!r} is not of the form name:size, such as 'n:N' or 'j:3'"
            )
        found.append(Index(name, size_of(size)))
    if not found:
        raise InputError("no index was declared; write for instance 'n:N i:D'")
    return found[0] if len(found) == 1 else tuple(found)
