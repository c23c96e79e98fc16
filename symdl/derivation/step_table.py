"""A full training step of a small network as one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from symdl.catalog.optimizers import SGD, g, rate, w
from symdl.derivation.numbers import written
from symdl.derivation.scalars import in_scalars
from symdl.derivation.table import NodeRow, NodeTable, node_table
from symdl.evidence.evaluate import World, evaluate
from symdl.formula import Formula
from symdl.notation.tensors import TensorSymbol

__all__ = ["step_table"]


def step_table(
    formula: Formula,
    values: Mapping[Any, object],
    *,
    learning_rate: object,
    digits: int = 8,
    sizes: Mapping[str, int] | None = None,
    names: Mapping[str, Any] | None = None,
) -> NodeTable:
    """A training step as one table: every node's value and adjoint, every parameter afterwards.

    The update is the catalogue's gradient descent.  A formula in index notation is written out in
    scalars first: ``sizes`` and ``names`` are those of ``symdl.derive``.

    >>> import sympy as sp
    >>> x, t, v, e = sp.symbols("x t v e", real=True)
    >>> f = Formula(sp.Eq(e, (t - v * x) ** 2 / 2), output=e, inputs=[x, t], parameters=[v])
    >>> table = step_table(f, {"x": 2, "t": 1, "v": 1}, learning_rate="0.1", digits=2)
    >>> print(table.text())
    node                value  gradient  after the update
    x                    2.00      1.00
    t                    1.00     -1.00
    v                    1.00      2.00              0.80
    e     (t - v·x)²/2   0.50      1.00
    <BLANKLINE>
    """
    tensors = any(isinstance(v, TensorSymbol) for v in (*formula.given, *formula.defined))
    if tensors or sizes is not None or names is not None:
        formula = in_scalars(formula, sizes, names).formula
    table = node_table(formula, values, digits=digits)
    descent = SGD.equation(SGD.output).rhs
    ctx, exact = table.numbers.world.ctx, written(learning_rate)
    speed = ctx.mpf(exact.numerator) / exact.denominator

    def updated(r: NodeRow) -> NodeRow:
        if r.variable not in formula.parameters:
            return r
        world = World({}, {w: r.value, g: r.gradient, rate: speed}, ctx)
        return replace(r, after=evaluate(descent, world))

    return replace(table, rows=tuple(map(updated, table.rows)))
