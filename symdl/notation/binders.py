"""Binders: sum over indices, maximum over an index, and the place of the maximum.

``args`` are the body and the bound indices.  Bound indices are numbered by height, so two binders
that differ by renaming are the same object to ``==``.  A body is entered through ``open`` only,
which puts fresh indices in place of the bound ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy.core.expr import Expr
from sympy.core.sorting import default_sort_key

from symdl.errors import InputError, NotSupported
from symdl.notation.indices import Bound, Index, fresh

__all__ = ["ArgPeak", "Binder", "Peak", "Total", "letters", "loose", "rename", "total"]

_PERMUTED = 5  # ties of more interchangeable indices than this keep their first order


class Binder(Expr):
    """Common to all binders: closing over indices, opening, printing."""

    is_commutative = True
    __slots__ = ()
    symbol = ""
    latex_symbol = ""

    def __new__(cls, body: object, *index: Index | Bound) -> Expr:
        body = sp.sympify(body, strict=True)
        for i in index:
            if not isinstance(i, (Index, Bound)):
                raise InputError(f"{cls.__name__} needs indices made by symdl.indices, not {i!r}")
        if cls is not Total and len(index) != 1:
            raise NotSupported(f"{cls.__name__} over {len(index)} indices; nest one in the other")
        return _close(cls, body, tuple(dict.fromkeys(index)))

    @property
    def body(self) -> Expr:
        """The body with its bound indices as they are stored; prefer ``open``."""
        return self.args[0]

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """The bound indices."""
        return self.args[1:]

    def open(self, names: Iterable[str] = ()) -> tuple[Expr, tuple[Index, ...]]:
        """Return the body with fresh indices, and those indices."""
        new = tuple(fresh(b.size) for b in self.bounds)
        return rename(self.body, dict(zip(self.bounds, new, strict=True))), new

    @property
    def free_symbols(self) -> set[sp.Basic]:
        return self.body.free_symbols - set(self.bounds)

    def as_dummy(self) -> Expr:
        return self

    def _eval_is_real(self) -> bool | None:
        return self.body.is_real

    def _eval_derivative(self, s: Expr) -> Expr:
        raise NotSupported("SymPy's diff does not know binders; use symdl.derive")

    def _sympystr(self, printer: Any) -> str:
        body, index = self.named()
        names = ",".join(i.name for i in index)
        return f"{self.symbol}[{names}]({printer._print(body)})"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        body, index = self.named()
        shown = printer._print(body)
        if body.is_Add or body.could_extract_minus_sign():
            shown = rf"\left({shown}\right)"
        shown = rf"{self.latex_symbol}_{{{', '.join(i.name for i in index)}}} {shown}"
        return shown if exp is None else rf"\left({shown}\right)^{{{exp}}}"

    def named(self) -> tuple[Expr, tuple[Index, ...]]:
        """Return the body with indices of readable names that clash with nothing inside."""
        taken = {s.name for s in self.free_symbols if s.is_Symbol}
        index = []
        for b in self.bounds:
            name = next(c for c in letters(b.size) if c not in taken)
            taken.add(name)
            index.append(Index(name, b.size))
        return rename(self.body, dict(zip(self.bounds, index, strict=True))), tuple(index)


class Total(Binder):
    """Sum of the body over one or more indices."""

    __slots__ = ()
    symbol, latex_symbol = "sum", r"\sum"

    def _eval_is_positive(self) -> bool | None:
        return True if self.body.is_positive else None

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.body.is_nonnegative else None


class Peak(Binder):
    """Maximum of the body over one index."""

    __slots__ = ()
    symbol, latex_symbol = "max", r"\max"

    def _eval_is_positive(self) -> bool | None:
        return True if self.body.is_positive else None


class ArgPeak(Binder):
    """The (first) place of the maximum of the body over one index."""

    __slots__ = ()
    symbol, latex_symbol = "argmax", r"\operatorname{argmax}"
    is_integer = True
    is_nonnegative = True

    @property
    def size(self) -> Expr:
        """The axis in whose range the place lies."""
        return self.bounds[0].size


def total(body: object, *index: Index) -> Expr:
    """Sum ``body`` over the given indices.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> i, k = indices("i:D k:D")
    >>> z = tensors("z[i]", i)
    >>> total(z[i] ** 2, i) == total(z[k] ** 2, k)
    True
    """
    if not index:
        raise InputError("total needs at least one index to sum over")
    return Total(body, *index)


@lru_cache(maxsize=200_000)
def height(e: sp.Basic) -> int:
    """Return the largest number of a binder inside ``e``."""
    inner = max((height(a) for a in e.args), default=0)
    if isinstance(e, Binder):
        return max(inner, *(b.height for b in e.bounds))
    return inner


@lru_cache(maxsize=200_000)
def loose(e: sp.Basic) -> frozenset[Bound]:
    """Return the bound indices of ``e`` whose binder lies outside ``e``."""
    if isinstance(e, Bound):
        return frozenset((e,))
    found: frozenset[Bound] = frozenset().union(*(loose(a) for a in e.args))
    return found - set(e.bounds) if isinstance(e, Binder) else found


def rename(e: Expr, new: Mapping[Expr, Expr]) -> Expr:
    """Replace indices (or any free subexpressions) in ``e``, never one that is bound inside."""
    if not new:
        return e
    return _rename(e, dict(new), {})


def _rename(e: Expr, new: Mapping[Expr, Expr], seen: dict[Expr, Expr]) -> Expr:
    if e in new:
        return new[e]
    if not e.args:
        return e
    if e in seen:
        return seen[e]
    if isinstance(e, Binder):
        inner = {k: v for k, v in new.items() if k not in e.bounds}
        if len(inner) != len(new):
            args = (_rename(e.body, inner, {}), *e.bounds) if inner else e.args
        else:
            args = (_rename(e.body, new, seen), *e.bounds)
    else:
        args = tuple(_rename(a, new, seen) for a in e.args)
    same = all(a is b for a, b in zip(args, e.args, strict=True))
    seen[e] = e if same else e.func(*args)
    return seen[e]


def _close(cls: type, body: Expr, index: tuple[Index | Bound, ...]) -> Expr:
    if cls is Total:
        if body is sp.S.Zero:
            return sp.S.Zero
        if isinstance(body, Total):
            inner, more = body.open()
            return _close(cls, inner, (*index, *more))
    if not index:
        return body
    base = height(body)
    taken = {b.height for b in loose(body) if b not in index}
    free_numbers = (h for h in itertools.count(base + 1) if h not in taken)
    numbers = tuple(itertools.islice(free_numbers, len(index)))
    order = index if len(index) == 1 else _canonical_order(body, index)
    bounds = tuple(Bound(h, i.size) for h, i in zip(numbers, order, strict=True))
    if bounds != order:
        body = _swap(body, order, bounds)
        if height(body) != base:  # binders inside had made room for the old numbers
            return _close(cls, body, bounds)
    return Expr.__new__(cls, body, *bounds)


def _swap(body: Expr, old: tuple[Expr, ...], new: tuple[Expr, ...]) -> Expr:
    """Rename all of ``old`` to ``new`` at once, through fresh names where the two overlap."""
    if set(old) & set(new):
        middle = tuple(fresh(i.size) for i in new)
        body = rename(body, dict(zip(old, middle, strict=True)))
        old = middle
    return rename(body, dict(zip(old, new, strict=True)))


def _canonical_order(body: Expr, index: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """Order the indices by how the body uses them, whatever they are called."""
    marks = {i: Index("_other", i.size) for i in index}

    def use(i: Expr) -> tuple[object, ...]:
        shown = rename(body, {**marks, i: Index("_this", i.size)})
        return (str(i.size), default_sort_key(shown))

    keyed = sorted(((use(i), i) for i in index), key=lambda pair: pair[0])
    groups = [[i for _, i in g] for _, g in itertools.groupby(keyed, key=lambda pair: pair[0])]
    if all(len(g) == 1 for g in groups):
        return tuple(g[0] for g in groups)
    choices = [itertools.permutations(g) if len(g) <= _PERMUTED else [tuple(g)] for g in groups]
    names = [Index(f"_at{k}", i.size) for k, (_, i) in enumerate(keyed)]

    def shape(order: tuple[Expr, ...]) -> tuple[object, ...]:
        return default_sort_key(rename(body, dict(zip(order, names, strict=True))))

    orders = (tuple(itertools.chain(*c)) for c in itertools.product(*choices))
    return min(orders, key=shape)


_USUAL = {
    "N": "n", "D": "i", "K": "j", "H": "h", "M": "m", "T": "t", "C": "c",
    "G": "g", "P": "p", "Q": "q", "R": "r",
}  # fmt: skip


def letters(size: Expr) -> Iterable[str]:
    """Usual names for an index over an axis of that size, the likeliest first."""
    usual = _USUAL.get(str(size))
    plain = ("j", "k", "l", "m", "r", "s", "q", "i", "n")
    first = (usual,) if usual else ()
    return itertools.chain(first, plain, (f"i{k}" for k in itertools.count(1)))
