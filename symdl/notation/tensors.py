"""Tensors and the access of their elements."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import sympy as sp
from sympy.core.expr import Expr
from sympy.utilities.iterables import NotIterable

from symdl.errors import InputError, Mismatch, NotSupported
from symdl.notation.indices import Bound, Index

__all__ = ["Elem", "TensorSymbol", "real", "tensor", "tensors"]


def real(name: str) -> sp.Symbol:
    """Return the real scalar symbol of that name (a tensor of rank 0 is a plain symbol)."""
    return sp.Symbol(name, real=True)


class TensorSymbol(sp.Symbol, NotIterable):
    """A named tensor over axes; ``W[i, j]`` accesses an element.

    ``positive``: every element within the axes is positive.  ``labels``: the size of the axis in
    whose range the (integer) elements lie, so that ``p[n, t[n]]`` is an access.
    """

    __slots__ = ("axes", "labels", "positive_elements")
    __iter__ = None  # an index is never asked for one after another
    axes: tuple[Expr, ...]
    labels: Expr | None
    positive_elements: bool

    def __new__(
        cls,
        name: str,
        axes: tuple[Expr, ...],
        positive: bool = False,
        labels: Expr | None = None,
    ) -> Any:
        made: Any = _make
        return made(cls, name, tuple(axes), positive, labels)

    def _hashable_content(self) -> tuple[object, ...]:
        return (self.name, self.axes, self.positive_elements, self.labels)

    def __getnewargs_ex__(self) -> tuple[tuple[object, ...], dict[str, object]]:
        return (self.name, self.axes, self.positive_elements, self.labels), {}

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.axes)

    def __getitem__(self, index: object) -> Expr:
        parts = index if isinstance(index, tuple) else (index,)
        return Elem(self, *parts)


@cache
def _make(
    cls: Any, name: str, axes: tuple[Expr, ...], positive: bool, labels: Expr | None
) -> TensorSymbol:
    obj = sp.Symbol.__xnew__(cls, name, real=True)
    obj.axes, obj.labels, obj.positive_elements = axes, labels, positive
    return obj


class Elem(Expr):
    """An element of a tensor, ``W[i, j]``; outside the axes it reads 0 (padding)."""

    is_commutative = True
    is_real = True
    __slots__ = ()

    def __new__(cls, tensor: TensorSymbol, *index: object) -> Expr:
        parts = tuple(sp.sympify(p, strict=True) for p in index)
        if len(parts) != tensor.rank:
            raise Mismatch(
                f"tensor {tensor.name} has {tensor.rank} axes {_show(tensor.axes)} "
                f"but {len(parts)} indices {_show(parts)} were given"
            )
        for place, (part, size) in enumerate(zip(parts, tensor.axes, strict=True)):
            if isinstance(part, (Index, Bound)):
                if part.size != size:
                    raise Mismatch(
                        f"index {part.name} runs over size {part.size}, but axis {place + 1} of "
                        f"tensor {tensor.name}{_show(tensor.axes)} has size {size}"
                    )
            elif part.is_Integer and (part < 0 or (size.is_Integer and part >= size)):
                return sp.S.Zero
        return Expr.__new__(cls, tensor, *parts)

    @property
    def tensor(self) -> TensorSymbol:
        """The tensor that is read."""
        return self.args[0]

    @property
    def index(self) -> tuple[Expr, ...]:
        """The index expressions, one an axis."""
        return self.args[1:]

    def _eval_is_positive(self) -> bool | None:
        inside = all(map(_surely_inside, self.index, self.tensor.axes))
        return True if self.tensor.positive_elements and inside else None

    def _eval_is_integer(self) -> bool | None:
        return True if self.tensor.labels is not None else None

    def _eval_derivative(self, s: Expr) -> Expr:
        raise NotSupported("SymPy's diff does not know tensors; use symdl.derive")

    def _sympystr(self, printer: Any) -> str:
        return f"{self.tensor.name}[{', '.join(printer._print(p) for p in self.index)}]"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        name = printer._print(sp.Symbol(self.tensor.name))
        parts = [printer._print(p) for p in self.index]
        plain = all(p.is_Symbol or p.is_Integer for p in self.index)
        index = (" " if plain else ", ").join(parts)
        shown = f"{{{name}}}_{{{index}}}" if "_" in name or "^" in name else f"{name}_{{{index}}}"
        return shown if exp is None else f"{shown}^{{{exp}}}"


def _surely_inside(at: Expr, size: Expr) -> bool:
    if isinstance(at, Elem):
        return bool(at.tensor.labels == size)
    return isinstance(at, (Index, Bound)) or bool(at.is_Integer)


def _show(parts: tuple[object, ...]) -> str:
    return "[" + ", ".join(str(p) for p in parts) + "]"


def tensor(name: str, *index: Index, positive: bool = False, labels: Expr | None = None) -> Expr:
    """Declare one tensor over the axes of ``index``; without an index, a real scalar symbol."""
    if not index:
        return sp.Symbol(name, positive=True) if positive else real(name)
    return TensorSymbol(name, tuple(i.size for i in index), positive, labels)


_DECLARED = re.compile(r"([A-Za-z][A-Za-z0-9_]*)(?:\[([^\]]*)\])?\s*")


def tensors(text: str, *index: Index, positive: bool = False, labels: Index | None = None) -> Any:
    """Declare tensors as ``"x[n,i] W[i,j] b[j]"`` over the axes of the given indices.

    A name without brackets is a real scalar symbol.  ``positive``: all of them are positive, such
    as probabilities whose logarithms are taken.  ``labels``: all of them hold places on the axis of
    that index, such as the classes c[n] that are read in p[n, c[n]].

    >>> from symdl.notation.indices import indices
    >>> n, i, j = indices("n:N i:D j:K")
    >>> x, W = tensors("x[n,i] W[i,j]", n, i, j)
    >>> W.axes
    (D, K)
    >>> c = tensors("c[n]", n, labels=j)
    >>> tensors("p[n,j]", n, j)[n, c[n]]
    p[n, c[n]]
    """
    if labels is not None and not isinstance(labels, Index):
        raise InputError(f"labels must be an index, the one whose places they are, not {labels!r}")
    if labels is not None and positive:
        raise InputError("labels are whole numbers from 0 on: leave positive away")
    places = None if labels is None else labels.size
    known = {i.name: i for i in index}
    found: list[Expr] = []
    place, text = 0, text.strip()
    while place < len(text):
        match = _DECLARED.match(text, place)
        if match is None:
            raise InputError(f"tensor declaration at {text[place:]!r}: expected name[index,index]")
        name, inner = match.groups()
        names = [p.strip() for p in inner.split(",")] if inner else []
        for p in names:
            if p not in known:
                raise InputError(f"tensor {name}: index {p!r} was not given (known: {list(known)})")
        if places is not None and not names:
            raise InputError(f"the labels {name} need an index of their own, such as {name}[n]")
        axes = [known[p] for p in names]
        found.append(tensor(name, *axes, positive=positive, labels=places))
        place = match.end()
    return found[0] if len(found) == 1 else tuple(found)
