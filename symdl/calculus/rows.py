"""A loss taken apart into the losses of its rows, and put together again in other ways.

A loss is written once, as the mean over the N rows of a batch: c sum_n b[n] with 1/N in c.  The
loss of a row is then l[n] = N c b[n], and the reductions are

    none   l[n]
    sum    sum_n l[n]
    mean   1/N sum_n l[n], the loss as it is written

With weights of the rows, s[n] l[n] takes the place of l[n]; the mean is divided by N, not by the
sum of the weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import InputError, NotSupported
from symdl.formula import Equation, Formula, Variable
from symdl.notation.binders import Total, rename
from symdl.notation.indices import Index
from symdl.notation.tensors import TensorSymbol
from symdl.notation.walk import sizes_of

__all__ = ["REDUCTIONS", "reduced"]

REDUCTIONS = ("mean", "sum", "none")

_Term = tuple[Expr, Expr, tuple[Index, ...]]  # what a row's sum is multiplied by, its body and axes


@lru_cache(maxsize=256)
def reduced(formula: Formula, reduction: str = "mean", weighted: bool = False) -> Formula:
    """Return the loss with another reduction, and with weights of the rows as its last input.

    formula   a loss written as a mean over the first axis of its first input
    weighted  the weights s[n] become the last input; each is a number >= 0

    Raises InputError for an unknown reduction, NotSupported for a loss that is no mean over rows.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> n, j = indices("n:N j:K")
    >>> y, t = tensors("y[n,j] t[n,j]", n, j)
    >>> L = sp.Symbol("L", real=True)
    >>> written = sp.Eq(L, Total((y[n, j] - t[n, j]) ** 2, n, j) / n.size, evaluate=False)
    >>> squares = Formula(written, output=L, inputs=[y, t], name="squares")
    >>> print(*reduced(squares, "none").equations)
    l[n] = sum[j]((-t[n, j] + y[n, j])**2)
    >>> print(*reduced(squares, "sum", weighted=True).equations)
    L = sum[j,n]((-t[n, j] + y[n, j])**2*s[n])
    """
    if reduction not in REDUCTIONS:
        raise InputError(f"a reduction is one of {', '.join(REDUCTIONS)}, not {reduction!r}")
    if reduction == "mean" and not weighted:
        return formula
    *before, last = formula.equations
    row = Index("n", _rows(formula))
    terms = tuple(_terms(formula, last, row))
    factor = 1 / row.size if reduction == "mean" else sp.S.One
    inputs, domain = formula.inputs, dict(formula.domain)
    weight: Expr = sp.S.One
    if weighted:
        s = TensorSymbol(_unused(formula, "s"), (row.size,))
        inputs, weight, domain = (*inputs, s), s[row], {**domain, s: sp.Interval(0, sp.oo)}
    added = () if reduction == "none" else (row,)
    parts = [factor * c * _total(weight * body, (*added, *axes)) for c, body, axes in terms]
    output: Variable = formula.output
    if reduction == "none":
        output = TensorSymbol(_unused(formula, formula.output.name.lower()), (row.size,))
    lhs = output[row] if reduction == "none" else output
    return replace(
        formula,
        equations=(*before, Equation(lhs, sp.Add(*parts))),
        inputs=inputs,
        output=output,
        domain=tuple(domain.items()),
        title=", ".join(_title(formula, reduction, weighted)),
    )


def _rows(formula: Formula) -> Expr:
    first = formula.inputs[0]
    if not isinstance(first, TensorSymbol) or not first.axes:
        raise NotSupported(f"{formula.name} has no rows: its input {first} has no axis")
    return first.axes[0]


def _terms(formula: Formula, last: Equation, row: Index) -> Iterator[_Term]:
    """The sums over rows that the loss is made of, each without its 1/N."""
    if last.variable != formula.output or isinstance(formula.output, TensorSymbol):
        raise NotSupported(f"the last equation of {formula.name} gives no single number")
    for term in sp.Add.make_args(last.rhs):
        factors = sp.Mul.make_args(term)
        sums = [f for f in factors if isinstance(f, Total) and _over(f, row.size)]
        rest = sp.Mul(*(f for f in factors if f not in sums)) * row.size
        if len(sums) != 1 or row.size in sizes_of(rest):
            raise NotSupported(
                f"{formula.name} is no mean over its rows, 1/{row.size} times a sum over "
                f"{row.size}: in its term {term} the loss of a single row cannot be told"
            )
        yield rest, *_opened(sums[0], row)


def _over(total: Total, size: Expr) -> bool:
    return [i.size for i in total.open()[1]].count(size) == 1


def _opened(total: Total, row: Index) -> tuple[Expr, tuple[Index, ...]]:
    """The body at ``row``, and the other axes of the sum."""
    body, index = total.open()
    (own,) = (i for i in index if i.size == row.size)
    return rename(body, {own: row}), tuple(i for i in index if i != own)


def _total(body: Expr, axes: tuple[Index, ...]) -> Expr:
    return Total(body, *axes) if axes else body


def _unused(formula: Formula, name: str) -> str:
    names = {v.name for v in (*formula.given, *formula.defined)}
    while name in names:
        name += "_"
    return name


def _title(formula: Formula, reduction: str, weighted: bool) -> Iterator[str]:
    yield formula.title or formula.name
    if reduction != "mean":
        yield {"sum": "summed over rows", "none": "of each row"}[reduction]
    if weighted:
        yield "with weights of the rows"
