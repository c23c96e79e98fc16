"""A key of formulas and whatever else code is generated from: the hash of a full description."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path

import numpy as np
import sympy as sp
from sympy.core.singleton import Singleton

from symdl.errors import NotSupported
from symdl.notation.indices import Bound, Index
from symdl.notation.tensors import TensorSymbol

__all__ = ["description", "formula_key"]

_ROOMS = ("notation", "calculus", "evidence", "program", "backends", "training")


def formula_key(value: object) -> str | None:
    """Return the hash of a value, of symdl's own source, and of the versions of what it uses.

    None for a value with parts that cannot be described in full, such as a function of one's own.

    >>> x, y = sp.symbols("x y", real=True)
    >>> formula_key(sp.tanh(x)) == formula_key(sp.tanh(x)), formula_key(x) == formula_key(y)
    (True, False)
    """
    try:
        text = description(value)
    except NotSupported:
        return None
    whole = "\n".join([_source_hash(), sp.__version__, np.__version__, platform.python_version()])
    return hashlib.sha256(f"{whole}\n{text}".encode()).hexdigest()


def description(value: object) -> str:
    """Return a text that is equal for equal values alone, in every process.

    Free indices that differ by their internal number only are numbered as they appear.

    Raises NotSupported for what it does not know.

    >>> x = sp.Symbol("x", real=True)
    >>> description((x + 1, "a")) == description((1 + x, "a"))
    True
    """
    return _Describer().text(value)


@cache
def _source_hash() -> str:
    """The hash of the source of all that generates code."""
    package = Path(__file__).parent.parent
    files = [package / "formula.py", package / "errors.py"]
    files += [path for room in _ROOMS for path in (package / room).rglob("*.py")]
    whole = hashlib.sha256()
    for path in sorted(files):
        data = path.read_bytes()
        whole.update(f"{path.relative_to(package)} {len(data)}\n".encode() + data)
    return whole.hexdigest()


class _Describer:
    def __init__(self) -> None:
        self.known: dict[sp.Basic, str] = {}
        self.numbers: dict[object, int] = {}
        self.seen: dict[int, tuple[object, str]] = {}  # values by identity, kept alive

    def text(self, value: object) -> str:
        """The description of any value."""
        if isinstance(value, sp.Basic):
            return self.expression(value)
        if value is None or isinstance(value, (bool, int, float, str)):
            return repr(value)
        if id(value) in self.seen:
            return self.seen[id(value)][1]
        if is_dataclass(value) and not isinstance(value, type):
            parts = [self.text(getattr(value, f.name)) for f in fields(value) if f.compare]
            made = f"{_name(type(value))}({','.join(parts)})"
        elif isinstance(value, (tuple, list)):
            made = f"[{','.join(map(self.text, value))}]"
        elif isinstance(value, Mapping):
            pairs = (f"{self.text(k)}:{self.text(v)}" for k, v in value.items())
            made = f"{{{','.join(pairs)}}}"
        else:
            raise NotSupported(f"a description of {type(value).__qualname__}")
        self.seen[id(value)] = value, made
        return made

    def expression(self, e: sp.Basic) -> str:
        """The description of a SymPy expression."""
        if e not in self.known:
            self.known[e] = self._expression(e)
        return self.known[e]

    def _expression(self, e: sp.Basic) -> str:
        if isinstance(e, TensorSymbol):
            whole = (e.name, e.axes, e.positive_elements, e.labels)
            return f"Tensor{self.text(whole)}"
        if isinstance(e, Bound):
            return f"Bound[{e.height},{self.expression(e.size)}]"
        if isinstance(e, Index):
            number = self.numbers.setdefault(e, len(self.numbers))
            return f"Index[{e.name!r},{self.expression(e.size)},{number}]"
        if type(e) is sp.Symbol:
            return f"Symbol[{e.name!r},{sorted(e.assumptions0.items())}]"
        if isinstance(e, sp.Number):
            return sp.srepr(e)
        kind = type(e)
        if not str(kind.__module__).startswith(("sympy.", "symdl.notation.")):
            raise NotSupported(f"a description of {kind.__qualname__}")
        if not e.args and not isinstance(kind, Singleton):
            raise NotSupported(f"a description of {kind.__qualname__}")
        return f"{_name(kind)}({','.join(map(self.expression, e.args))})"


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
