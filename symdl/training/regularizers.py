"""Penalties on weights or outputs of a layer, which training adds to the loss."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import sympy as sp
from sympy.core.expr import Expr

from symdl.catalog import regularizers
from symdl.errors import InputError, NotSupported
from symdl.formula import Equation, Formula, Variable
from symdl.notation.binders import Total
from symdl.notation.indices import Index
from symdl.notation.tensors import TensorSymbol
from symdl.notation.walk import occurrences, variables
from symdl.training.constants import Chosen, formula_chosen
from symdl.training.own import axes_of, under_own_name, with_axes

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "REGULARIZERS",
    "Regularizer",
    "kept",
    "of_rank",
    "penalized",
    "regularizer_of",
]

REGULARIZERS: dict[str, Formula] = {f.name: f for f in regularizers.ALL}


@dataclass(frozen=True)
class Regularizer(Chosen):
    """Common to the penalties whose strengths can be chosen: ``formula`` holds them."""


@dataclass(frozen=True)
class L1(Regularizer):
    """l1 sum |W|, with l1 >= 0; InputError outside of that.  Source: Tibshirani (1996).

    >>> L1(0.1).formula.name
    'l1(l1=0.1)'
    """

    base: ClassVar[Formula] = regularizers.L1
    l1: float = 0.01


@dataclass(frozen=True)
class L2(Regularizer):
    """l2 sum W^2, with l2 >= 0; InputError outside of that.  Source: Hoerl, Kennard (1970).

    >>> L2().formula.name
    'l2'
    """

    base: ClassVar[Formula] = regularizers.L2
    l2: float = 0.01


@dataclass(frozen=True)
class L1L2(Regularizer):
    """l1 sum |W| + l2 sum W^2, with l1, l2 >= 0 (0 and 0 by default, as in Keras).

    Source: Zou, Hastie (2005).
    """

    base: ClassVar[Formula] = regularizers.L1_L2
    l1: float = 0.0
    l2: float = 0.0


def regularizer_of(given: object, where: str) -> Formula:
    """Return the formula of a penalty: "l2", "l1(l1=0.1)", L1(0.1), or a formula of one's own.

    >>> regularizer_of("l2(l2=0.5)", "Dense") == regularizer_of(L2(0.5), "Dense")
    True
    """
    return formula_chosen("regularizer", given, REGULARIZERS, where, Regularizer, own=_own)


def kept(given: object, formula: Formula) -> str | Formula:
    """What a layer keeps of a choice: a formula of one's own, or the words that name it."""
    return given if isinstance(given, Formula) else formula.name


def penalized(formula: Formula) -> Variable:
    """The tensor that a penalty reads."""
    (v,) = (*formula.inputs, *formula.parameters)
    return v


def _own(formula: Formula, where: str) -> Formula:
    read = (*formula.inputs, *formula.parameters)
    if len(read) != 1 or formula.state or formula.random or not axes_of(read[0]):
        raise InputError(
            f"{where}: a regularizer reads one tensor, such as W[i,j]; {formula.name!r} reads "
            f"{', '.join(map(with_axes, read)) or 'none'}"
        )
    if axes_of(formula.output):
        raise InputError(
            f"{where}: the output {with_axes(formula.output)} of the regularizer {formula.name!r} "
            "must be one number"
        )
    return under_own_name(formula, REGULARIZERS)


@lru_cache(maxsize=128)
def of_rank(formula: Formula, rank: int, rows: bool = False) -> Formula:
    """Return a penalty as it reads a tensor of one or two axes; with ``rows``, their mean.

    A penalty of W[i,j] that adds up a term for each element is the same for b[i].  With ``rows``
    it reads outputs h[n,j], and its sum is divided by the number of rows, as in Keras.

    >>> print(*of_rank(regularizers.L2, 1).equations)
    R = l2*sum[i](W[i]**2)
    >>> print(of_rank(regularizers.L2, 2, rows=True).equations[-1])
    A = R/D
    """
    v = penalized(formula)
    if len(axes_of(v)) != rank:
        formula = _for_vectors(formula, v)
    if not rows:
        return formula
    taken = {u.name for u in (*formula.given, *formula.defined)}
    mean = sp.Symbol(next(c for c in ("A", "A_1", "A_2") if c not in taken), real=True)
    average = Equation(mean, formula.output / axes_of(v)[0])
    return _remade(formula, (*formula.equations, average), v, mean)


def _for_vectors(formula: Formula, v: TensorSymbol) -> Formula:
    if len(v.axes) != 2:
        raise NotSupported(f"the penalty {formula.name!r} reads {with_axes(v)}, not one axis")
    flat = TensorSymbol(v.name, v.axes[:1], v.positive_elements)
    equations = tuple(Equation(e.lhs, _flattened(e.rhs, v, flat)) for e in formula.equations)
    if any(v in variables(e.rhs) for e in equations):
        raise NotSupported(
            f"the penalty {formula.name!r} is not a sum over the elements of {with_axes(v)}, so "
            "there is none for one axis; give a formula of b[j] instead"
        )
    return _remade(formula, equations, flat, formula.output)


def _flattened(e: Expr, v: TensorSymbol, flat: TensorSymbol) -> Expr:
    """sum_ij f(v[i,j]) becomes sum_i f(flat[i])."""
    if isinstance(e, Total):
        body, index = e.open()
        (read, *others) = occurrences(body, v) or [None]
        if read is not None and not others and set(read.index) <= set(index):
            k = Index("i", flat.axes[0])
            rest = tuple(i for i in index if i not in read.index)
            inner = body.xreplace({read: flat[k]})
            if not inner.free_symbols & set(read.index):
                return Total(inner, k, *rest)
        return e
    return e.func(*(_flattened(a, v, flat) for a in e.args)) if e.args else e


def _remade(
    formula: Formula, equations: tuple[Equation, ...], v: Variable, output: Variable
) -> Formula:
    return Formula(
        equations,
        output=output,
        inputs=[v],
        hyper=formula.hyper,
        kinks=formula.kinks,
        name=formula.name,
        source=formula.source,
        title=formula.title,
    )
