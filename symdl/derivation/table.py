"""The value and the gradient of every node of a graph, as people write them into its boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import Adjoint, adjoint
from symdl.derivation.graph_svg import MOST_NODES, graph_svg
from symdl.derivation.markdown import escaped
from symdl.derivation.numbers import Numbers, numbers_of, written
from symdl.derivation.plain_printer import plain_text
from symdl.derivation.printer import latex, latex_text
from symdl.derivation.subject import find
from symdl.derivation.wording import Wording
from symdl.errors import InputError, NotSupported
from symdl.evidence.evaluate import define
from symdl.formula import Formula
from symdl.notation.tensors import TensorSymbol
from symdl.notation.walk import variables

__all__ = ["NodeRow", "NodeTable", "node_table"]


@dataclass(frozen=True)
class NodeRow:
    """A node: its variable, the expression it computes (None for a leaf), value and gradient.

    ``after`` is the value after the update of a step of gradient descent, None where there is none.
    The numbers are exact (SymPy's rationals) or have 50 digits (mpmath's).
    """

    variable: sp.Symbol
    rhs: Expr | None
    value: Any
    gradient: Any
    after: Any = None


@dataclass(frozen=True)
class NodeTable:
    """The rows of a formula in scalar symbols, leaves first."""

    rows: tuple[NodeRow, ...]
    formula: Formula
    numbers: Numbers

    @property
    def exact(self) -> bool:
        """True where every number is a fraction."""
        return all(isinstance(r.value, sp.Rational) for r in self.rows)

    @property
    def output(self) -> sp.Symbol:
        """The node whose gradient is 1."""
        return self.formula.output

    @property
    def is_step(self) -> bool:
        """True for a table of a training step, with the parameters after it."""
        return any(r.after is not None for r in self.rows)

    def row(self, name: str) -> NodeRow:
        """The row of the node of that name."""
        variable = find(name, [r.variable for r in self.rows])
        return next(r for r in self.rows if r.variable == variable)

    def text(self, lang: str = "en") -> str:
        """An aligned table of plain text."""
        rows = [self._head(lang), *(self._cells(r, plain_text) for r in self.rows)]
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        lines = []
        for row in rows:
            left = [c.ljust(w) for c, w in zip(row[:2], widths[:2], strict=True)]
            right = [c.rjust(w) for c, w in zip(row[2:], widths[2:], strict=True)]
            lines.append("  ".join((*left, *right)).rstrip())
        return "\n".join(lines) + "\n"

    def markdown(self, lang: str = "en") -> str:
        """A Markdown table."""
        head = [escaped(h) for h in self._head(lang)]
        rows = [self._cells(r, lambda e: f"${latex(e)}$") for r in self.rows]
        lines = [head, ["---", "---", *["---:"] * (len(head) - 2)], *rows]
        return "\n".join("| " + " | ".join(row) + " |" for row in lines) + "\n"

    def latex(self, lang: str = "en") -> str:
        """A LaTeX tabular."""
        head = [latex_text(h) for h in self._head(lang)]
        rows = [self._cells(r, lambda e: f"${latex(e)}$") for r in self.rows]
        body = " \\\\\n".join(" & ".join(row) for row in (head, *rows))
        return f"\\begin{{tabular}}{{ll{'r' * (len(head) - 2)}}}\n{body}\n\\end{{tabular}}\n"

    def json(self) -> dict[str, Any]:
        """The nodes as plain values; numbers as they are printed."""
        nodes = [
            dict(zip(("node", "operation", "value", "gradient", "after"), cells, strict=False))
            for cells in (self._cells(r, plain_text) for r in self.rows)
        ]
        return {"output": plain_text(self.output), "nodes": nodes}

    def _head(self, lang: str) -> list[str]:
        words = Wording(lang)
        head = [words["word.node"], "", words["word.value"], words["word.gradient"]]
        return [*head, words["word.after"]] if self.is_step else head

    def _cells(self, r: NodeRow, show: Any) -> list[str]:
        formula = show(r.rhs) if r.rhs is not None else ""
        value, gradient = (self.number(v) for v in (r.value, r.gradient))
        after = ["" if r.after is None else self.number(r.after)] if self.is_step else []
        return [show(r.variable), formula, value, gradient, *after]

    def number(self, v: Any) -> str:
        """A number as this table prints it: a fraction where all are, else so many decimals."""
        if self.exact and isinstance(v, sp.Rational):
            return str(v)
        return self.numbers.text(v)

    def svg(self, lang: str = "en") -> str:
        """A picture of the graph: values above its lines, gradients below.

        Raises NotSupported for a graph of more nodes than can be read.
        """
        return graph_svg(self, lang)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_html_(self) -> str | None:
        """The picture; a notebook shows the table where the graph is too large for one."""
        return self.svg() if len(self.rows) <= MOST_NODES else None


def node_table(
    formula: Formula, values: Mapping[Any, object], *, digits: int | None = 8
) -> NodeTable:
    """The value and the gradient of every node of a formula in scalar symbols.

    With ``digits=None`` rational numbers stay fractions; where one is not rational, all are
    rounded to 8 decimals.

    >>> x, y, z, q, f = sp.symbols("x y z q f", real=True)
    >>> graph = Formula([sp.Eq(q, x + y), sp.Eq(f, q * z)], output=f, inputs=[x, y, z])
    >>> table = node_table(graph, {x: -2, y: 5, z: -4}, digits=0)
    >>> print(table.text())
    node         value  gradient
    x               -2        -4
    y                5        -4
    z               -4         3
    q     x + y      3        -4
    f     q·z      -12         1
    <BLANKLINE>
    """
    if any(isinstance(v, TensorSymbol) for e in formula.equations for v in variables(e.lhs)):
        raise NotSupported("a table of nodes needs a formula written in scalar symbols")
    leaves = [*formula.inputs, *formula.parameters, *formula.random]
    leaves += [s for s, _ in formula.hyper] + [old for old, _ in formula.state]
    found: dict[sp.Symbol, object] = dict(formula.hyper)
    found.update((find(k, leaves), x) for k, x in values.items())
    missing = ", ".join(str(v) for v in leaves if v not in found)
    if missing:
        raise InputError(f"no value was given for {missing}")
    back = adjoint(formula, (*formula.inputs, *formula.parameters))
    numbers = numbers_of(found, {}, 8 if digits is None else digits)
    reached = _exact(formula, back, found) if digits is None else None
    if reached is None:
        try:
            world = define((*formula.equations, *back.equations), numbers.world)
        except ZeroDivisionError as error:
            raise InputError("the formula divides by zero at these values") from error
        reached = dict(world.values)
    bars: dict[sp.Symbol, Any] = {s.variable: reached[s.equation.variable] for s in back.steps}
    bars[formula.output] = sp.S.One
    rhs = {e.variable: e.rhs for e in formula.equations}
    nodes = (*leaves, *formula.defined)
    rows = tuple(NodeRow(v, rhs.get(v), reached[v], bars[v]) for v in nodes if v in bars)
    return NodeTable(rows, formula, numbers)


def _exact(
    formula: Formula, back: Adjoint, found: Mapping[sp.Symbol, object]
) -> dict[sp.Symbol, Any] | None:
    """The values of all nodes and adjoints as fractions; None where one is not rational."""
    values: dict[sp.Symbol, Any] = {}
    for v, given in found.items():
        fraction = written(given)
        values[v] = sp.Rational(fraction.numerator, fraction.denominator)
    for e in (*formula.equations, *back.equations):
        value = e.rhs.xreplace(values)
        if not value.is_Rational:
            return None
        values[e.variable] = value
    return values
