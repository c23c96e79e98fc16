"""SymPy's own objects on entry and exit: Sum, IndexedBase, KroneckerDelta, Idx, plain symbols."""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr
from sympy.functions.special.tensor_functions import KroneckerDelta

from symdl.errors import InputError, NotSupported
from symdl.notation.binders import Binder, Total, loose
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, TensorSymbol, real
from symdl.notation.walk import free_indices, variables

__all__ = ["from_sympy", "to_sympy"]


def from_sympy(e: object) -> Expr:
    """Bring a SymPy expression inside: binders and deltas become ours, plain symbols real.

    ``Sum(f(i), (i, 0, D - 1))`` becomes a total over an index of size ``D``; an ``Indexed``
    element of ``IndexedBase("x", shape=(N, D))`` becomes an element of a tensor.

    >>> x = sp.Symbol("x")
    >>> from_sympy(sp.exp(x)).args[0].is_real
    True
    """
    e = sp.sympify(e, strict=True) if not isinstance(e, str) else _no_text(e)
    inside = _enter(e, {})
    if loose(inside):
        names = ", ".join(sorted(str(b) for b in loose(inside)))
        raise InputError(
            f"{inside} uses the bound index {names} outside its sum; SymPy does so to a condition "
            "that compares a sum of cases: give the sum a name in an equation of its own"
        )
    return inside


def _no_text(e: str) -> Expr:
    raise InputError(f"{e!r} is text; symdl.notation.text.parse reads text")


def _enter(e: Expr, index: dict[Expr, Index]) -> Expr:
    if e in index:
        return index[e]
    if isinstance(e, sp.Symbol):
        if type(e) is sp.Symbol and e == sp.Symbol(e.name):
            return real(e.name)
        if e.is_real is not True and type(e) is sp.Symbol:
            raise NotSupported(f"the symbol {e} is declared as not real; formulas are real")
        if type(e) is sp.Dummy:
            raise NotSupported(f"dummy symbol {e}: use a named symbol")
        return e
    if isinstance(e, sp.Sum):
        return _enter_sum(e, index)
    if isinstance(e, sp.Indexed):
        return _enter_indexed(e, index)
    if isinstance(e, sp.Idx) and e.lower not in (None, 0):
        raise NotSupported(f"{e} counts from {e.lower} and is used as a number; write it from 0")
    if isinstance(e, sp.Piecewise) and e.args[-1][1] != sp.true:
        raise InputError(f"{e} has no value where none of its cases holds; end with (value, True)")
    if isinstance(e, KroneckerDelta):
        return Delta(_enter(e.args[0], index) - _enter(e.args[1], index))
    if isinstance(e, sp.Heaviside):
        return UnitStep(_enter(e.args[0], index), e.args[1])
    if isinstance(e, (sp.MatrixBase, sp.MatrixExpr)):
        raise NotSupported("matrices are for display only; write the formula with indices")
    if isinstance(e, (sp.Integral, sp.Product, sp.Derivative, sp.Limit, sp.Subs)):
        raise NotSupported(f"{type(e).__name__} in a formula")
    if not e.args:
        return e
    args = tuple(_enter(a, index) for a in e.args)
    return e if all(a is b for a, b in zip(args, e.args, strict=True)) else e.func(*args)


def _enter_sum(e: sp.Sum, index: dict[Expr, Index]) -> Expr:
    body, *limits = e.args
    inner = dict(index)
    bound = []
    for symbol, low, high in limits:
        if low not in (0, 1):
            raise NotSupported(f"a sum from {low}: sums run over a whole axis, from 0 or 1")
        if low == 1:
            _check_plain(body, symbol)
        bound.append(Index(symbol.name, _size(high + 1 - low)))
        inner[symbol] = bound[-1]
    return Total(_enter(body, inner), *bound)


def _check_plain(e: Expr, symbol: Expr) -> None:
    """An index that counts from 1 may only say which element is read."""
    hidden = e.replace(
        lambda a: isinstance(a, sp.Indexed),
        lambda a: a.base[tuple(sp.S.Zero if i == symbol else i for i in a.indices)],
    )
    if hidden.has(symbol):
        raise NotSupported(
            f"{symbol} counts from 1 and is used as a number or shifted in {e}; write it from 0"
        )


def _enter_indexed(e: sp.Indexed, index: dict[Expr, Index]) -> Expr:
    at = []
    for place, i in enumerate(e.indices):
        if isinstance(i, sp.Idx) and i not in index:
            if i.upper is None:
                raise InputError(f"index {i} of {e} needs a range: sympy.Idx({i.name!r}, size)")
            at.append(Index(i.name, _size(i.upper - i.lower + 1)))
        else:
            at.append(_enter(i, index))
        if e.base.shape is None and not isinstance(at[-1], Index):
            raise InputError(f"axis {place + 1} of {e} has no size; give IndexedBase a shape")
    shape = e.base.shape or tuple(i.size for i in at)
    return Elem(TensorSymbol(str(e.base.label), tuple(_size(s) for s in shape)), *at)


def _size(e: Expr) -> Expr:
    return e.xreplace({s: sp.Symbol(s.name, integer=True, positive=True) for s in e.free_symbols})


def to_sympy(e: Expr) -> Expr:
    """Give ``e`` back in SymPy's own objects: Sum, Indexed, KroneckerDelta, Heaviside.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> i = indices("i:D")
    >>> to_sympy(Total(tensors("z[i]", i)[i] ** 2, i))
    Sum(z[i]**2, (i, 0, D - 1))
    """
    return _leave(e, _distinct_names(e))


def _distinct_names(e: Expr) -> dict[Expr, sp.Symbol]:
    """A SymPy symbol for each free index; two of one name are told apart."""
    out: dict[Expr, sp.Symbol] = {}
    taken = {v.name for v in variables(e)}
    for i in sorted(free_indices(e), key=lambda i: i.sort_key()):
        names = (i.name, *(f"{i.name}{k}" for k in range(1, len(taken) + 2)))
        name = next(n for n in names if n not in taken)
        taken.add(name)
        out[i] = sp.Symbol(name, integer=True, nonnegative=True)
    return out


def _leave(e: Expr, names: dict[Expr, sp.Symbol]) -> Expr:
    if e in names:
        return names[e]
    if isinstance(e, Index):
        return sp.Symbol(e.name, integer=True, nonnegative=True)
    if isinstance(e, Elem):
        at = tuple(_leave(a, names) for a in e.index)
        return sp.IndexedBase(e.tensor.name, shape=tuple(e.tensor.axes))[at]
    if isinstance(e, Total):
        body, index = e.named()
        limits = ((_leave(i, names), 0, i.size - 1) for i in index)
        return sp.Sum(_leave(body, names), *limits)
    if isinstance(e, UnitStep):
        return sp.Heaviside(_leave(e.args[0], names), e.args[1])
    if isinstance(e, Delta):
        return _kronecker(_leave(e.args[0], names))
    if isinstance(e, (Binder, InRange)):
        raise NotSupported(f"SymPy has no object for {type(e).__name__}")
    if not e.args:
        return e
    return e.func(*(_leave(a, names) for a in e.args))


def _kronecker(e: Expr) -> Expr:
    """[e = 0] as KroneckerDelta(i, j), where e = i - j."""
    negative = [t for t in sp.Add.make_args(e) if t.could_extract_minus_sign()]
    right = -sp.Add(*negative)
    return KroneckerDelta(e + right, right)
