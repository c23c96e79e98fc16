"""Backpropagation of a network made of pieces: each kind is derived once, then renamed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import Adjoint, bar, place_of
from symdl.calculus.compose import Piece, Renaming
from symdl.calculus.joint import Reduction, joint_adjoint
from symdl.calculus.stabilise import stabilise
from symdl.calculus.stable_adjoints import stable_adjoint
from symdl.errors import InputError
from symdl.formula import Equation, Formula, Variable
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import variables

__all__ = ["Backward", "DerivedPiece", "backpropagate", "forward_equations"]


@dataclass(frozen=True)
class DerivedPiece:
    """A piece with the adjoint of its kind and how that was simplified."""

    piece: Piece
    adjoint: Adjoint
    reductions: tuple[tuple[Variable, Reduction], ...]
    renaming: Renaming


@dataclass(frozen=True)
class Backward:
    """A network's equations, as written and as fit to run, and the adjoint equations.

    written      the forward equations as the formulas state them
    forward      the same, stabilised for running
    backward     the adjoint equations in the order of evaluation
    running      the same, stabilised for running
    gradients    the adjoint variable of each parameter
    assumptions  what the formulas assume of the data
    """

    pieces: tuple[DerivedPiece, ...]
    written: tuple[Equation, ...]
    forward: tuple[Equation, ...]
    backward: tuple[Equation, ...]
    running: tuple[Equation, ...]
    gradients: Mapping[Variable, Variable]
    assumptions: tuple[Equation, ...]


def backpropagate(
    pieces: Sequence[Piece], parameters: Sequence[Variable], exact: bool = True
) -> Backward:
    """Derive the gradients of the output of the last piece for ``parameters``.

    exact  whether adjoints keep their digits where that takes exponentials of its own, and whether
           what is 0 inf at an infinite argument has its limit there

    Raises InputError where two pieces define the same variable, where one reads what another keeps
    to itself, or a parameter is not read.
    """
    written = tuple(e for p in pieces for e in p.equations)
    _check_distinct(written)
    _check_outputs(pieces)
    wanted = _wanted(pieces, parameters)
    derived = tuple(_derive(p, wanted) for p in pieces)
    backward = _adjoint_equations(derived)
    running = _adjoint_equations(derived, lambda e, kind: stable_adjoint(e, kind, exact))
    gradients = {v: bar(v) for v in parameters}
    made = {e.variable for e in backward}
    missing = [str(v) for v, g in gradients.items() if g not in made]
    if missing:
        raise InputError(f"the loss does not read the parameters {', '.join(missing)}")
    forward = tuple(d.renaming.equation(e) for d in derived for e in _running(d, exact))
    assumptions = tuple(p.renaming.equation(e) for p in pieces for e in p.kind.assumptions)
    return Backward(derived, written, forward, backward, running, gradients, assumptions)


def forward_equations(pieces: Sequence[Piece]) -> tuple[Equation, ...]:
    """The forward equations of the pieces, stabilised for running, where no gradient is asked."""
    return backpropagate(pieces, ()).forward


def _running(d: DerivedPiece, exact: bool) -> tuple[Equation, ...]:
    """The equations that run: stabilised, and as written where only the adjoint reads them."""
    stable = stabilise(d.piece.kind, exact).formula.equations
    made = {e.variable for e in stable}
    read = set().union(*(variables(s.equation.rhs) for s in d.adjoint.steps))
    extra: list[Equation] = []
    for e in reversed(d.piece.kind.equations):
        if e.variable in read - made:
            extra.insert(0, e)
            read |= variables(e.rhs)
    return (*extra, *stable)


def _check_distinct(equations: Sequence[Equation]) -> None:
    seen: set[Variable] = set()
    for e in equations:
        if e.variable in seen:
            raise InputError(f"two pieces of the network define {e.variable}")
        seen.add(e.variable)


def _check_outputs(pieces: Sequence[Piece]) -> None:
    """Refuse a piece that reads an intermediate of another: its adjoint would miss that use."""
    inner = {p.variable(v) for p in pieces for v in p.kind.defined if v != p.kind.output}
    for p in pieces:
        for v in map(p.variable, (*p.kind.inputs, *p.kind.parameters)):
            if v in inner:
                raise InputError(f"{p.kind.name} reads {v}, which is no output of its piece")


def _wanted(pieces: Sequence[Piece], parameters: Sequence[Variable]) -> frozenset[Variable]:
    """The variables whose adjoints are needed: parameters, and what depends on them."""
    wanted = set(parameters)
    for p in pieces:
        read = {p.variable(v) for v in (*p.kind.inputs, *p.kind.parameters)}
        if read & wanted:
            wanted |= {p.variable(v) for v in p.kind.defined}
    return frozenset(wanted)


def _derive(p: Piece, wanted: frozenset[Variable]) -> DerivedPiece:
    wrt = tuple(v for v in (*p.kind.inputs, *p.kind.parameters) if p.variable(v) in wanted)
    found, reductions = joint_adjoint(p.kind, wrt)
    return DerivedPiece(p, found, reductions, _with_new_names(p, found))


def _with_new_names(p: Piece, a: Adjoint) -> Renaming:
    """Rename adjoints along with their variables, and the variables that stabilising added."""
    names: dict[Variable, Variable] = {}
    own = p.variable(p.kind.output).name
    for v in stabilise(p.kind).formula.defined:
        if v not in p.renaming.names and v not in p.kind.defined:
            names[v] = _prefixed(p.renaming.variable(v), own)
    variables = [*p.kind.inputs, *p.kind.parameters, *p.kind.defined]
    names.update({bar(v): bar(p.variable(v)) for v in variables})
    return p.renaming.more(names)


def _prefixed(v: Variable, prefix: str) -> Variable:
    name = f"{prefix}.{v.name}"
    if isinstance(v, TensorSymbol):
        return TensorSymbol(name, v.axes, v.positive_elements, v.labels)
    return sp.Symbol(name, **v.assumptions0)


def _adjoint_equations(
    derived: Sequence[DerivedPiece],
    as_run: Callable[[Equation, Formula], Equation] = lambda e, _: e,
) -> tuple[Equation, ...]:
    """The adjoint equations of all pieces, last piece first; several uses are added up."""
    uses: dict[Variable, int] = {}
    inner: set[Variable] = set()
    for d in derived:
        for s in d.adjoint.steps:
            if s.variable in d.adjoint.wrt:
                v = d.piece.variable(s.variable)
                uses[v] = uses.get(v, 0) + 1
            else:
                inner.add(d.piece.variable(s.variable))
    out: list[Equation] = []
    parts: dict[Variable, list[Expr]] = {}
    for d in reversed(derived):
        for s in d.adjoint.steps:
            v = d.piece.variable(s.variable)
            equation = d.renaming.equation(as_run(s.equation, d.piece.kind))
            if uses.get(v, 1) == 1 or v in inner:
                out.append(equation)
                continue
            part = _part(equation, len(parts.setdefault(v, [])) + 1)
            out.append(part)
            parts[v].append(part.lhs)
            if len(parts[v]) == uses[v]:
                out.append(_sum_of(v, parts[v]))
    return tuple(out)


def _part(e: Equation, number: int) -> Equation:
    v = e.variable
    if isinstance(v, TensorSymbol):
        return Equation(Elem(TensorSymbol(f"{v.name}_{number}", v.axes), *e.index), e.rhs)
    return Equation(sp.Symbol(f"{v.name}_{number}", real=True), e.rhs)


def _sum_of(v: Variable, parts: Sequence[Expr]) -> Equation:
    place = place_of(v)
    at = place.index if isinstance(place, Elem) else ()
    terms = (Elem(p.tensor, *at) if isinstance(p, Elem) else p for p in parts)
    lhs = Elem(bar(v), *at) if at else bar(v)
    return Equation(lhs, sp.Add(*terms))
