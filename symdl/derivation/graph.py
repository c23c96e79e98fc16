"""Any scalar expression as a computational graph: one node an operation, shared parts once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.derivation.order import factors, terms
from symdl.derivation.subject import read_subject
from symdl.derivation.table import NodeTable, node_table
from symdl.errors import InputError, NotSupported
from symdl.formula import Equation, Formula
from symdl.notation.binders import Binder
from symdl.notation.tensors import Elem, real
from symdl.notation.walk import variables

__all__ = ["as_graph", "graph"]


def graph(
    what: Expr | str | Formula, at: Mapping[Any, object], *, digits: int | None = None
) -> NodeTable:
    """Take a scalar expression apart and give every node its value and its gradient.

    The gradient of a node is the derivative of the whole for it; where several operations read a
    node, what they hand back adds up.  ``what`` is an expression, a text, or a formula in scalar
    symbols; ``at`` gives each variable a value.  With ``digits=None`` all numbers are exact where
    they are rational, else they have 8 decimals.

    >>> print(graph("(x + y)*z", at={"x": -2, "y": 5, "z": -4}).text())
    node         value  gradient
    x               -2        -4
    y                5        -4
    z               -4         3
    q1    x + y      3        -4
    f     q1·z     -12         1
    <BLANKLINE>

    What it returns has ``.text()``, ``.markdown()``, ``.latex()``, ``.json()``, and ``.svg()``, the
    graph as a picture.

    Raises InputError for a missing or unknown variable, NotSupported for tensors.
    """
    return node_table(as_graph(what), at, digits=digits)


def as_graph(what: Expr | str | Formula) -> Formula:
    """The expression as a formula with one operation an equation.

    >>> x, y = sp.symbols("x y", real=True)
    >>> print(*as_graph(sp.exp(-x) / (1 + sp.exp(-x)) + y).equations, sep="; ")
    q1 = -x; q2 = exp(q1); q3 = q2 + 1; q4 = 1/q3; q5 = q2*q4; f = q5 + y
    """
    subject = read_subject(what)
    if isinstance(subject, Formula):
        equations, output = subject.equations, subject.output
        given = subject.given
        title = subject.title
    else:
        given = tuple(sorted(variables(subject), key=lambda v: str(v.name)))
        output = _output({v.name for v in given})
        equations, title = (Equation(output, subject),), ""
    if any(e.has(Elem, Binder) for q in equations for e in (q.lhs, q.rhs)):
        raise NotSupported("a graph needs a formula written in scalar symbols")
    if not given:
        raise InputError(f"{what} reads no variable: there is nothing to differentiate for")
    taken = {v.name for v in given} | {q.variable.name for q in equations}
    apart = _Apart(taken)
    for q in equations:
        apart.define(q)
    return Formula(apart.equations, output=output, inputs=given, title=title)


def _output(taken: set[str]) -> sp.Symbol:
    return real(
        next(n for n in ("f", "g", "F", *(f"f{k}" for k in range(1, 999))) if n not in taken)
    )


class _Apart:
    """Operations by what they compute, so that a part which occurs twice is one node."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken
        self._nodes: dict[Expr, sp.Symbol] = {}
        self._count = 0
        self.equations: list[Equation] = []

    def define(self, q: Equation) -> None:
        """The equation in single operations; its own left side names the last."""
        self.equations.append(Equation(q.lhs, self._operation(q.rhs)))
        self._nodes.setdefault(q.rhs, q.lhs)

    def _node(self, e: Expr) -> Expr:
        """The node that computes ``e``; numbers and symbols stand for themselves."""
        if isinstance(e, sp.Symbol) or e.is_number:
            return e
        if e not in self._nodes:
            operation = self._operation(e)
            self._nodes[e] = self._new()
            self.equations.append(Equation(self._nodes[e], operation))
        return self._nodes[e]

    def _new(self) -> sp.Symbol:
        while True:
            self._count += 1
            name = f"q{self._count}"
            if name not in self._taken and f"{name}bar" not in self._taken:
                return real(name)

    def _operation(self, e: Expr) -> Expr:
        """``e`` as one operation on nodes, which are made before it."""
        if isinstance(e, sp.Symbol) or e.is_number:
            return e
        if e.is_Add:
            return self._sum(e)
        if e.is_Mul:
            return self._product(e)
        if isinstance(e, sp.Piecewise):
            return self._cases(e)
        if isinstance(e, (sp.Max, sp.Min)) and len(e.args) > 2:
            *rest, last = e.args
            return e.func(self._node(e.func(*rest)), self._node(last))
        if e.is_Pow and e.exp.is_Rational and e.exp < 0 and e.exp != -1:
            return 1 / self._node(e.base ** (-e.exp))
        return e.func(*(self._node(a) for a in e.args))

    def _sum(self, e: Expr) -> Expr:
        """Two terms at a time, in reading order; a factor that all terms have comes last.

        SymPy multiplies -(x + y) out by itself: here it is one sum and its negative again.
        """
        shared = {t.as_coeff_Mul()[0] for t in e.args}
        if len(shared) == 1 and shared != {sp.S.One}:
            (c,) = shared
            return c * self._node(sp.Add(*(t / c for t in e.args)))
        *rest, (negative, last) = terms(e)
        before = sp.Add(*(-t if minus else t for minus, t in rest))
        right = self._node(last)
        return self._node(before) + (-right if negative else right)

    def _product(self, e: Expr) -> Expr:
        """Two factors at a time, in reading order; a number goes with the last one."""
        c, rest = e.as_coeff_Mul()
        if c != 1:
            return c * self._node(rest)
        *before, last = factors(list(sp.Mul.make_args(e)))
        return self._node(sp.Mul(*before)) * self._node(last)

    def _cases(self, e: sp.Piecewise) -> Expr:
        cases = []
        for value, condition in e.args:
            sides = {
                a: self._node(a)
                for r in condition.atoms(sp.core.relational.Relational)
                for a in r.args
            }
            cases.append((self._node(value), condition.xreplace(sides)))
        return sp.Piecewise(*cases)
