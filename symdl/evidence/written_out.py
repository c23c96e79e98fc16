"""An expression written out at small sizes, as plain SymPy over scalar symbols."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.expr import Expr

from symdl.errors import NotSupported
from symdl.notation.binders import ArgPeak, Binder, Peak, Total
from symdl.notation.functions import held, xlogy
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.notation.tensors import Elem, TensorSymbol

__all__ = ["element_symbol", "write_out"]


def element_symbol(t: TensorSymbol, at: tuple[int, ...]) -> sp.Symbol:
    """The scalar symbol of one element."""
    name = "_".join((t.name, *map(str, at)))
    return sp.Symbol(name, positive=True) if t.positive_elements else sp.Symbol(name, real=True)


def write_out(
    e: Expr,
    sizes: Mapping[Expr, int],
    index: Mapping[Expr, int] | None = None,
    labels: Mapping[TensorSymbol, Mapping[tuple[int, ...], int]] | None = None,
) -> Expr:
    """Write ``e`` out: sums as sums of terms, elements as scalar symbols.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> i = indices("i:D")
    >>> write_out(Total(tensors("z[i]", i)[i] ** 2, i), {i.size: 2})
    z_0**2 + z_1**2
    """
    return _write(e, dict(sizes), dict(index or {}), dict(labels or {}))


def _write(e: Expr, sizes: Any, index: Any, labels: Any) -> Expr:
    if e in index:
        return sp.Integer(index[e])
    if e in sizes:
        return sp.Integer(sizes[e])
    if isinstance(e, Elem):
        at = tuple(int(_write(a, sizes, index, labels)) for a in e.index)
        axes = [
            int(s.xreplace({k: sp.Integer(v) for k, v in sizes.items()})) for s in e.tensor.axes
        ]
        if not all(0 <= a < n for a, n in zip(at, axes, strict=True)):
            return sp.S.Zero
        if e.tensor in labels:
            return sp.Integer(labels[e.tensor][at])
        return element_symbol(e.tensor, at)
    if isinstance(e, Binder):
        return _write_binder(e, sizes, index, labels)
    if not e.args:
        return e
    args = [_write(a, sizes, index, labels) for a in e.args]
    if isinstance(e, UnitStep):
        return sp.Heaviside(*args)
    if isinstance(e, Delta):
        return sp.Integer(int(args[0] == 0))
    if isinstance(e, InRange):
        return sp.Integer(int(0 <= args[0] < args[1]))
    if isinstance(e, held):
        return args[0]
    if isinstance(e, xlogy):
        return args[0] * sp.log(args[1])
    if isinstance(e, log1p):
        return sp.log(1 + args[0])
    if isinstance(e, expm1):
        return sp.exp(args[0]) - 1
    return e.func(*args)


def _write_binder(e: Binder, sizes: Any, index: Any, labels: Any) -> Expr:
    ranges = [
        range(int(b.size.xreplace({k: sp.Integer(v) for k, v in sizes.items()}))) for b in e.bounds
    ]
    terms = [
        _write(e.body, sizes, {**index, **dict(zip(e.bounds, at, strict=True))}, labels)
        for at in itertools.product(*ranges)
    ]
    if isinstance(e, Total):
        return sp.Add(*terms)
    if isinstance(e, Peak):
        return sp.Max(*terms)
    if isinstance(e, ArgPeak):
        top = sp.Max(*terms)
        places = [(sp.Integer(k), sp.Eq(t, top)) for k, t in enumerate(terms)]
        return sp.Piecewise(*places[:-1], (places[-1][0], True))
    raise NotSupported(f"writing out {type(e).__name__}")
