"""Reverse mode over equations: the adjoint of each variable, one equation each.

For y = f(x) the adjoint of x is the sum over y's indices of ybar * dy/dx, contracted; uses add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.contract import contract
from symdl.calculus.differentiate import gradient
from symdl.calculus.elimination import through_output
from symdl.calculus.tree import Node
from symdl.errors import Impossible, InputError, Mismatch
from symdl.formula import Equation, Formula, Variable
from symdl.notation.binders import Binder, Total, letters, rename
from symdl.notation.indicators import Delta
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import inline, occurrences, variables

__all__ = ["Adjoint", "AdjointStep", "Use", "adjoint", "at_place", "bar", "place_of", "vjp"]


def bar(v: Variable) -> Variable:
    """The adjoint variable of ``v``: dL/dv, on the same axes.

    >>> bar(sp.Symbol("z", real=True))
    zbar
    """
    if isinstance(v, TensorSymbol):
        return TensorSymbol(f"{v.name}bar", v.axes)
    return sp.Symbol(f"{v.name}bar", real=True)


def place_of(v: Variable, taken: frozenset[str] = frozenset()) -> Expr:
    """The scalar itself, or the tensor at free indices with usual names that are not ``taken``."""
    if not isinstance(v, TensorSymbol):
        return v
    used = set(taken)
    index = []
    for size in v.axes:
        name = next(n for n in letters(size) if n not in used)
        used.add(name)
        index.append(Index(name, size))
    return Elem(v, *index)


@dataclass(frozen=True)
class Use:
    """One use of a variable: the equation that reads it, its local derivative, what it adds.

    ``uncontracted`` is the sum over the equation's indices of ybar * dy/dx, as the chain rule
    states it; ``term`` is the same with its deltas contracted.
    """

    equation: Equation
    local: Node
    place: Expr
    uncontracted: Expr
    term: Expr


@dataclass(frozen=True)
class AdjointStep:
    """The adjoint of one variable as the sum over its uses."""

    variable: Variable
    uses: tuple[Use, ...]
    equation: Equation


@dataclass(frozen=True)
class Adjoint:
    """The adjoint equations of a formula in the order of evaluation, output to inputs."""

    formula: Formula
    wrt: tuple[Variable, ...]
    steps: tuple[AdjointStep, ...]

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The adjoint equations."""
        return tuple(s.equation for s in self.steps)

    def step(self, v: Variable) -> AdjointStep:
        """The step that gives the adjoint of ``v``."""
        for s in self.steps:
            if s.variable == v:
                return s
        known = ", ".join(str(s.variable) for s in self.steps)
        raise InputError(f"no adjoint of {v} was derived; there are: {known}")

    def inlined(self, v: Variable) -> Equation:
        """The adjoint of ``v`` in terms of the formula's own variables alone."""
        definitions = {s.equation.lhs: s.equation.rhs for s in self.steps if s.variable != v}
        equation = self.step(v).equation
        rhs = equation.rhs
        while variables(rhs) & {_head(lhs) for lhs in definitions}:
            rhs = inline(rhs, definitions)
        return Equation(equation.lhs, contract(rhs))


def _head(e: Expr) -> Variable:
    return e.tensor if isinstance(e, Elem) else e


def vjp(formula: Formula, wrt: Any = None) -> Adjoint:
    """Derive the vector-Jacobian products of a formula: the adjoint of each variable in ``wrt``.

    For y = f(x) and given adjoints ybar, xbar = sum ybar dy/dx over the indices of y; a scalar
    output has the adjoint 1.  ``wrt`` is a variable, a name, or several; by default all inputs
    and parameters.  Raises InputError for a variable that the formula does not read, Impossible
    for labels.

    >>> x, y = sp.symbols("x y", real=True)
    >>> f = Formula(sp.Eq(y, 1 / (1 + sp.exp(-x))), output=y, inputs=[x])
    >>> print(*vjp(f, "x").equations)
    xbar = y*(1 - y)
    """
    if wrt is None:
        return adjoint(formula)
    asked = (wrt,) if isinstance(wrt, (str, sp.Basic)) else tuple(wrt)
    return adjoint(formula, tuple(_variable_of(formula, v) for v in asked))


def _variable_of(formula: Formula, asked: Any) -> Variable:
    known = (*formula.inputs, *formula.parameters, *formula.random, *formula.defined[:-1])
    for v in known:
        if asked in (v, v.name) or (isinstance(asked, sp.Symbol) and asked.name == v.name):
            return v
    names = ", ".join(v.name for v in known)
    raise InputError(f"there is no variable {asked} to differentiate for; there are: {names}")


@lru_cache(maxsize=4096)
def adjoint(formula: Formula, wrt: tuple[Variable, ...] | None = None) -> Adjoint:
    """Derive the adjoints of ``wrt`` (all inputs and parameters by default) of a formula.

    A scalar output has the adjoint 1; a tensor output y keeps its adjoint ``ybar`` as a given.
    """
    if wrt is None:
        wrt = tuple(v for v in formula.inputs + formula.parameters if not _has_labels(v))
    for v in wrt:
        if _has_labels(v):
            raise Impossible(f"{v} holds labels: whole numbers have no derivative")
        if v not in (*formula.inputs, *formula.parameters, *formula.defined):
            raise InputError(f"{v} is no input, parameter or intermediate of {formula.name}")
    _check_names(formula)
    needed = _needed(formula, frozenset(wrt))
    steps: list[AdjointStep] = []
    reached = {formula.output}
    for v in _reverse_order(formula):
        if v not in needed or v == formula.output:
            continue
        uses = tuple(
            use
            for e in formula.equations
            if e.variable in reached and v in variables(e.rhs)
            for use in (_use(e, v, formula.output),)
        )
        if uses:
            reached.add(v)
            steps.append(_step(v, uses))
        elif v in wrt:
            reached.add(v)
            steps.append(AdjointStep(v, (), Equation(_at(bar(v), place_of(v)), sp.S.Zero)))
    return Adjoint(formula, wrt, tuple(steps))


def _check_names(formula: Formula) -> None:
    """Refuse a variable that is called like the adjoint of another one."""
    given = (*formula.inputs, *formula.parameters, *formula.defined, *formula.random)
    names = {v.name for v in given} | {v.name for v, _ in formula.hyper}
    for v in given:
        if bar(v).name in names:
            raise Mismatch(
                f"the variable {bar(v).name} is called like the adjoint of {v.name}; rename one"
            )


def _has_labels(v: Variable) -> bool:
    return isinstance(v, TensorSymbol) and v.labels is not None


def _needed(formula: Formula, wrt: frozenset[Variable]) -> frozenset[Variable]:
    """The variables through which some ``wrt`` reaches the output, and ``wrt`` itself."""
    needed = set(wrt)
    for e in formula.equations:
        if variables(e.rhs) & needed:
            needed.add(e.variable)
    return frozenset(needed)


def _reverse_order(formula: Formula) -> tuple[Variable, ...]:
    return (*reversed(formula.defined), *formula.inputs, *formula.parameters)


def _at(v: Variable, place: Expr) -> Expr:
    return Elem(v, *place.index) if isinstance(v, TensorSymbol) else v


def _use(e: Equation, v: Variable, output: Variable) -> Use:
    place = place_of(v, frozenset(i.name for i in e.index))
    read = occurrences(e.rhs, v)
    alone = len(read) == 1 and not e.rhs.has(Binder)
    at = next(iter(read)) if alone else place
    local = gradient(e.rhs, at)
    local = local.rewritten("through the output", through_output(local.after, e.lhs, e.rhs))
    scalar_loss = e.variable == output and not isinstance(output, TensorSymbol)
    product = local.after * (sp.S.One if scalar_loss else _at(bar(e.variable), e.lhs))
    if alone and isinstance(at, Elem):
        product *= sp.Mul(*(Delta(i - a) for i, a in zip(at.index, place.index, strict=True)))
    whole = Total(product, *e.index) if e.index else product
    return Use(e, local, place, whole, contract(whole))


def _step(v: Variable, uses: tuple[Use, ...]) -> AdjointStep:
    place = place_of(v)
    total = sp.S.Zero
    for use in uses:
        total += at_place(use.term, use, place)
    return AdjointStep(v, uses, Equation(_at(bar(v), place), total))


def at_place(e: Expr, use: Use, place: Expr) -> Expr:
    """Write ``e``, made at the place of ``use``, at another place."""
    if not isinstance(place, Elem):
        return e
    return rename(e, dict(zip(use.place.index, place.index, strict=True)))
