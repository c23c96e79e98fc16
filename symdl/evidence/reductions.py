"""Claims on a loss and its other forms: summed, row by row, with weights of the rows."""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.rows import reduced
from symdl.evidence.identities import multiplied_out
from symdl.evidence.judge import judge_equation
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.tensors import Elem
from symdl.notation.walk import substitute

__all__ = ["judge_reductions"]


def judge_reductions(loss: Formula) -> tuple[tuple[str, Verdict], ...]:
    """Judge that mean, sum and weighted mean of a loss are made of the losses of its rows.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> n, j = indices("n:N j:K")
    >>> y, t = tensors("y[n,j] t[n,j]", n, j)
    >>> L = sp.Symbol("L", real=True)
    >>> written = sp.Eq(L, Total((y[n, j] - t[n, j]) ** 2, n, j) / n.size, evaluate=False)
    >>> squares = Formula(written, output=L, inputs=[y, t], name="squares")
    >>> [verdict.level for _, verdict in judge_reductions(squares)]
    ['proved', 'proved', 'proved', 'proved']
    """
    before = loss.equations[:-1]
    rows, summed = reduced(loss, "none"), reduced(loss, "sum")
    weighted, each = reduced(loss, "mean", True), reduced(loss, "none", True)
    (row,) = rows.equation(rows.output).index
    s = weighted.inputs[-1]

    def same(a: Expr, b: Expr) -> Verdict:
        return judge_equation(multiplied_out(a), multiplied_out(b), before)

    one = _last(rows)
    products = judge_equation(_last(each), Elem(s, row) * one, before)
    return (
        ("the mean of the rows is the loss", same(Total(one, row) / row.size, _last(loss))),
        ("the sum of the rows", same(Total(one, row), _last(summed))),
        (
            "the mean of the rows, each times its weight",
            weakest((products, same(Total(_last(each), row) / row.size, _last(weighted)))),
        ),
        (
            "weights of 1 change nothing",
            same(substitute(_last(weighted), s, lambda _: sp.S.One), _last(loss)),
        ),
    )


def _last(formula: Formula) -> Expr:
    return formula.equations[-1].rhs
