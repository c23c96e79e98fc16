"""Identifiers and comments of generated code: only safe characters, never a user's own text."""

from __future__ import annotations

import builtins
import keyword
import re
import textwrap
from collections.abc import Collection

import numpy as np

__all__ = ["Names", "comment", "comment_lines"]

_UNSAFE = re.compile(r"[^A-Za-z0-9_]+")
_LONGEST = 40
_WIDTH = 160
_LINE = 100


class Names:
    """Hands out identifiers, each once.

    >>> names = Names()
    >>> names.new("dense_1.W"), names.new("dense_1 W"), names.new("lambda"), names.new("2; x")
    ('dense_1_W', 'dense_1_W_2', 'lambda_', 'v2_x')
    """

    def __init__(self, reserved: Collection[str] | None = None) -> None:
        """Start from reserved names: by default, all that generated code may use."""
        words = _RESERVED if reserved is None else reserved
        self._taken = {*words, *keyword.kwlist, *keyword.softkwlist}

    def new(self, wish: str) -> str:
        """Return an identifier like the wish that is not taken yet."""
        stem = _UNSAFE.sub("_", wish).strip("_")[:_LONGEST].rstrip("_") or "v"
        if not stem[0].isalpha():
            stem = "v" + stem
        name, number = stem, 1
        if name in self._taken:
            name = stem + "_" if keyword.iskeyword(stem) else stem
        while name in self._taken:
            number += 1
            name = f"{stem}_{number}"
        self._taken.add(name)
        return name


_UFUNCS = {n for n in dir(np) if isinstance(getattr(np, n, None), np.ufunc)}
_OWN = {"np", "math", "dtype", "state", "hyper", "units", "update", "buffer", "cut", "select"}
_OWN |= {"change_units", "scalar_power", "scalar_quotient"}
_OWN |= {"erf", "erfc", "error_function", "polynomial", "ERF_NEAR", "ERF_FAR"}
_RESERVED = _OWN | set(dir(builtins)) | _UFUNCS | {"dot", "vdot", "einsum", "copyto", "argmax"}


def comment(text: str) -> str:
    """Return a one-line comment: printable ASCII only.

    >>> comment("a" + chr(10) + "import os")
    '# a import os'
    """
    line = _printable(text)
    return "# " + (line if len(line) <= _WIDTH else line[: _WIDTH - 3] + "...")


def comment_lines(text: str) -> list[str]:
    """Return the whole of a text as indented comment lines: printable ASCII only.

    >>> comment_lines("y = x")
    ['#     y = x']
    """
    whole = _printable(text).replace(", ", ",\0")  # no break between the indices of an element
    lines = textwrap.wrap(
        whole,
        _LINE,
        initial_indent="#     ",
        subsequent_indent="#         ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\0", " ") for line in lines]


def _printable(text: str) -> str:
    line = " ".join(str(text).split())
    return "".join(c if " " <= c <= "~" else "?" for c in line)
