"""``derive``: the derivative of an expression, a text or a formula, as a derivation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.differentiate import gradient
from symdl.calculus.elimination import simplest, through_output
from symdl.calculus.limit import first_principles
from symdl.calculus.rules import RULES
from symdl.calculus.tree import Deriv, Node, Rule
from symdl.derivation.derivation import Derivation, Judge, Line
from symdl.derivation.notations import prepared, written_as
from symdl.derivation.paths import derive_gradient
from symdl.derivation.shown import TotalDeriv
from symdl.derivation.steps import LEVELS, Derived, Step, goal_of, steps_of
from symdl.derivation.subject import find, plain_symbols, read_subject, read_variable
from symdl.derivation.writing import Writing, chosen
from symdl.errors import InputError, NotSupported
from symdl.evidence import judge as evidence
from symdl.formula import Equation, Formula
from symdl.notation.binders import rename
from symdl.notation.tensors import Elem
from symdl.notation.walk import variables

__all__ = ["METHODS", "Derivation", "Line", "derive", "derive_in_network"]

METHODS = ("rules", "limit")


def derive(
    what: Expr | str | Formula,
    x: Expr | str,
    *,
    level: str = "normal",
    method: str = "rules",
    notation: str | None = None,
    layout: str = "denominator",
    style: str | None = None,
    sizes: Mapping[str, int] | None = None,
    names: Mapping[str, Any] | None = None,
    rules: Sequence[Rule] = RULES,
    judge: Judge = evidence,
) -> Derivation:
    """Derive ``what`` with respect to ``x``.

    ``what`` is an expression, text such as ``"x*exp(-x**2)"`` or ``"y = 1/(1 + exp(-x))"``, or a
    formula.  ``x`` is a symbol, a tensor, an element such as ``W[a,b]``, or its name.  Of a formula
    with several equations or a tensor output, the adjoint of ``x`` along the graph is derived.
    ``method="limit"`` derives a scalar expression from first principles, as the limit of its
    difference quotient; it raises NotSupported where that needs a limit which is not elementary.

    ``notation`` is ``"scalar"``, ``"index"`` or ``"matrix"``; by default as the formula is written.
    Scalar notation writes tensors out at ``sizes={"N": 1, "D": 2}``, the elements called as in
    ``names={"b": ["b1", "b2"]}``.  A matrix form is recognised from the index form and judged by
    expanding it back; a line that has no clean one stays in indices and says so.  In matrices,
    ``layout="denominator"`` gives a derivative the shape of the variable, ``"numerator"`` that of
    its transpose.  ``style`` names derivatives: ``"leibniz"`` dL/dW, ``"bar"`` Wbar, ``"nabla"``.

    >>> derive("x*exp(-x**2)", "x").result
    (1 - 2*x**2)*exp(-x**2)
    >>> derive("y = 1/(1 + exp(-x))", "x").result
    y*(1 - y)
    >>> derive("x**2", "x", method="limit").lines[0].sides[0]
    lim[h→0] (-x**2 + (h + x)**2)/h
    >>> print(derive("y[n:N,j:K] = sum[i:D](x[n,i]*W[i,j])", "W", notation="matrix").result)
    X^T Ybar
    """
    chosen("level", level, LEVELS)
    writing = Writing(notation, layout, style)
    way = _way(method, tuple(rules), judge)
    subject, at = prepared(read_subject(what), x, writing, sizes, names)
    back = plain_symbols(what, x)
    return written_as(_derived(subject, at, level, way, back), writing)


def derive_in_network(
    formula: Formula,
    v: object,
    *,
    level: str = "normal",
    writing: Writing | None = None,
    sizes: Mapping[str, int] | None = None,
    names: Mapping[str, Any] | None = None,
) -> Derivation:
    """The derivation of one gradient along the graph of a formula with a scalar output."""
    writing = Writing() if writing is None else writing
    subject, at = prepared(formula, v, writing, sizes, names)
    if not isinstance(subject, Formula):
        raise TypeError(subject)
    variable = find(at, (*subject.given, *subject.defined))
    return written_as(derive_gradient(subject, variable, level=level), writing)


def _derived(
    subject: Expr | Formula,
    x: Any,
    level: str,
    way: _Way,
    back: Mapping[sp.Symbol, sp.Symbol],
) -> Derivation:
    if isinstance(subject, Formula):
        return _of_formula(subject, x, level, way)
    at = read_variable(x, variables(subject), subject)
    node = way.tree(subject, at)
    node = node.rewritten("simplification", simplest(node.after))
    result = rename(node.after, dict(back)) if back else node.after
    return Derivation(goal_of(node), result, (_judged_whole(node, level),), judge=way.judge)


@dataclass(frozen=True)
class _Way:
    """How an expression is differentiated, by rules or as the limit of a quotient, and judged."""

    method: str
    rules: tuple[Rule, ...]
    judge: Judge

    def tree(self, e: Expr, x: Expr) -> Node:
        return first_principles(e, x) if self.method == "limit" else gradient(e, x, self.rules)


def _way(method: str, rules: tuple[Rule, ...], judge: Judge) -> _Way:
    chosen("method", method, METHODS)
    if method == "limit" and rules != RULES:
        raise InputError("method='limit' uses no differentiation rules: leave rules out")
    return _Way(method, rules, judge)


def _of_formula(f: Formula, x: object, level: str, way: _Way) -> Derivation:
    known = frozenset().union(
        *(variables(e.rhs) for e in f.equations), f.inputs, f.parameters, f.defined
    )
    equation = f.equations[0]
    at = read_variable(x, known, equation.rhs)
    local = len(f.equations) == 1 and (
        not isinstance(equation.lhs, Elem) or (isinstance(x, (Elem, sp.Indexed)) or "[" in str(x))
    )
    if not local or (isinstance(at, Elem) and not isinstance(equation.lhs, Elem)):
        return _along_the_graph(f, at, level, way)
    node = way.tree(equation.rhs, at)
    node = node.rewritten(
        "through the output", through_output(node.after, equation.lhs, equation.rhs)
    )
    kind = TotalDeriv if variables(equation.rhs) == {at} else Deriv
    shown = kind(equation.lhs, at)
    steps = (given_step(equation), _judged_whole(node, level, {goal_of(node): shown}, (equation,)))
    meaning = {shown: node.after}
    return Derivation(
        shown,
        node.after,
        steps,
        f.equations,
        meaning,
        defaults=dict(f.hyper),
        title=f.title,
        source=f.source,
        judge=way.judge,
    )


def _along_the_graph(f: Formula, at: Expr, level: str, way: _Way) -> Derivation:
    if way.method != "rules":
        raise NotSupported(
            "the limit definition is for one scalar equation: derive the equations of a graph one "
            "by one, or leave method out"
        )
    if way.rules != RULES:
        raise NotSupported("a formula of several equations is derived with the standard rules")
    v = at.tensor if isinstance(at, Elem) else at
    return derive_gradient(f, v, level=level, judge=way.judge)


def _judged_whole(
    node: Node,
    level: str,
    shown: Mapping[Expr, Expr] | None = None,
    definitions: tuple[Equation, ...] = (),
) -> Step:
    """The steps of a tree; the last line read also claims the derivative as a whole."""
    step = steps_of(node, level, shown, definitions)
    return replace(step, claims=(*step.claims, Derived(node, definitions)))


def given_step(equation: Equation) -> Step:
    """The line that states an equation of the formula."""
    return Step("formula", equation.lhs, (equation.rhs,), section="given")
