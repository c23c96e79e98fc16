"""An axis given another size: a single element, or one element more."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import InputError, NotSupported
from symdl.notation.binders import ArgPeak, Binder, Total
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import is_size, variables

__all__ = ["first_term_out", "last_term_out", "single"]

Last = Mapping[TensorSymbol, Callable[..., Expr]]


def single(e: Expr, size: sp.Symbol) -> Expr:
    """``e`` where the axis ``size`` has one element: its indices are 0, its sums one term.

    Raises InputError where ``size`` is no symbol of a size.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> n, i = indices("n:N i:D")
    >>> x = tensors("x[n,i]", n, i)
    >>> single(Total(x[n, i], n) / n.size, n.size)
    x[0, i]
    """
    _check(size)
    return _single(e, size)


def _check(size: sp.Symbol) -> None:
    if not is_size(size):
        raise InputError(f"{size} is not the symbol of a size, such as size_of('N')")


def _single(e: Expr, size: sp.Symbol) -> Expr:
    if e == size:
        return sp.S.One
    if isinstance(e, Index):
        return sp.S.Zero if e.size == size else Index(e.name, _one(e.size, size), e.uid)
    if isinstance(e, Elem):
        t = e.tensor
        if t.labels == size:
            return sp.S.Zero
        labels = None if t.labels is None else _one(t.labels, size)
        smaller = TensorSymbol(
            t.name, tuple(_one(s, size) for s in t.axes), t.positive_elements, labels
        )
        return Elem(smaller, *(_single(a, size) for a in e.index))
    if isinstance(e, Binder):
        body, index = e.open()
        inner = _single(body, size)
        if isinstance(e, ArgPeak) and index[0].size == size:
            return sp.S.Zero
        rest = [_single(i, size) for i in index if i.size != size]
        return e.func(inner, *rest) if rest else inner
    return e.func(*(_single(a, size) for a in e.args)) if e.args else e


def _one(s: Expr, size: sp.Symbol) -> Expr:
    return s.xreplace({size: sp.S.One})


def last_term_out(e: Expr, size: sp.Symbol, last: Last | None = None) -> Expr:
    """``e`` with ``size`` + 1 in place of ``size``, the last term of each sum beside the sum.

    ``last`` gives, for each tensor over that axis, its element at the last place.  Raises
    NotSupported where ``e`` reads the axis other than under a sum, or a tensor not in ``last``.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import real, tensors
    >>> k = indices("k:M")
    >>> g = tensors("g[k]", k)
    >>> last_term_out(Total(g[k], k), k.size, {g: lambda: real("g_last")})
    g_last + sum[m](g[m])
    """
    _check(size)
    return _grown(e, size, lambda body, k: _split_last(body, k, last or {}))


def first_term_out(e: Expr, size: sp.Symbol) -> Expr:
    """``e`` with ``size`` + 1 in place of ``size``, the first term of each sum beside the sum.

    Raises NotSupported where ``e`` reads a tensor over that axis.

    >>> from symdl.notation.indices import indices
    >>> k = indices("k:M")
    >>> first_term_out(Total(k + 2, k), k.size)
    sum[m](m + 3) + 2
    """
    _check(size)
    return _grown(e, size, _split_first)


def _grown(e: Expr, size: sp.Symbol, split: Callable[[Expr, Index], Expr]) -> Expr:
    if e == size:
        return size + 1
    if isinstance(e, Index) and e.size.has(size):
        raise NotSupported(f"the index {e.name} runs over the axis {size} outside of a sum over it")
    if isinstance(e, Binder):
        body, index = e.open()
        along = [i for i in index if i.size.has(size)]
        if not along:
            return e.func(_grown(body, size, split), *index)
        if not isinstance(e, Total) or len(along) > 1 or along[0].size != size:
            raise NotSupported(f"taking one term out of {e}")
        rest = [i for i in index if i != along[0]]
        whole = split(_with_numbers(body, size, along[0]), along[0])
        return Total(whole, *rest) if rest else whole
    if isinstance(e, Elem) and any(s.has(size) for s in e.tensor.axes):
        raise NotSupported(f"{e} reads the axis {size} outside of a sum over it")
    return e.func(*(_grown(a, size, split) for a in e.args)) if e.args else e


def _with_numbers(e: Expr, size: sp.Symbol, k: Index) -> Expr:
    """The size + 1 where it is read as a number, under a sum over ``k``."""
    if e == size:
        return size + 1
    if isinstance(e, Binder):
        body, index = e.open()
        if any(i.size.has(size) for i in index):
            raise NotSupported(f"a sum over {size} inside another one")
        return e.func(_with_numbers(body, size, k), *index)
    if isinstance(e, Elem) and any(
        s.has(size) and at != k for s, at in zip(e.tensor.axes, e.index, strict=True)
    ):
        raise NotSupported(f"{e} reads the axis {size} at another place than its sum")
    if isinstance(e, (Elem, Index)) or not e.args:
        return e
    return e.func(*(_with_numbers(a, size, k) for a in e.args))


def _split_last(body: Expr, k: Index, last: Last) -> Expr:
    return Total(body, k) + _at_last(body, k, last)


def _at_last(e: Expr, k: Index, last: Last) -> Expr:
    if e == k:
        return k.size
    if isinstance(e, Elem) and k in e.index:
        if e.tensor not in last:
            raise NotSupported(f"the last element of {e.tensor} was not given")
        return last[e.tensor](*(a for a in e.index if a != k))
    if isinstance(e, Binder):
        inner, index = e.open()
        return e.func(_at_last(inner, k, last), *index)
    return e.func(*(_at_last(a, k, last) for a in e.args)) if e.args else e


def _split_first(body: Expr, k: Index) -> Expr:
    if any(isinstance(v, TensorSymbol) and k.size in v.axes for v in variables(body)):
        raise NotSupported(f"taking the first term out of the sum of {body}")
    return Total(body.xreplace({k: k + 1}), k) + body.xreplace({k: sp.S.Zero})
