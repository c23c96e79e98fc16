"""Formulas put together: the same kind of layer under other names and sizes, and chains of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import Mismatch
from symdl.formula import Equation, Formula, Variable
from symdl.notation.binders import Binder
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, TensorSymbol

__all__ = ["Piece", "Renaming", "chain", "elementwise"]


@dataclass(frozen=True)
class Renaming:
    """Other names for variables, and other sizes for axes."""

    names: Mapping[Variable, Variable]
    sizes: Mapping[Expr, Expr]
    _done: dict[Equation, Equation] = field(default_factory=dict, compare=False, repr=False)

    def more(self, names: Mapping[Variable, Variable]) -> Renaming:
        """Rename also variables that were in none of the equations renamed so far."""
        return Renaming({**self.names, **names}, self.sizes, dict(self._done))

    def variable(self, v: Variable) -> Variable:
        """The new variable; one that is not renamed keeps its name on the new axes."""
        if v in self.names:
            return self.names[v]
        if isinstance(v, TensorSymbol):
            axes = tuple(self.size(s) for s in v.axes)
            labels = None if v.labels is None else self.size(v.labels)
            return TensorSymbol(v.name, axes, v.positive_elements, labels)
        return v

    def size(self, s: Expr) -> Expr:
        """The new size."""
        return s.xreplace(self.sizes) if self.sizes else s

    def __call__(self, e: Expr) -> Expr:
        """Rename in an expression, under binders too."""
        if isinstance(e, Elem):
            return Elem(self.variable(e.tensor), *(self(a) for a in e.index))
        if isinstance(e, Index):
            return Index(e.name, self.size(e.size), e.uid)
        if isinstance(e, sp.Symbol):
            return self.names.get(e, self.sizes.get(e, e))
        if not e.args:
            return e
        if isinstance(e, Binder):
            body, index = e.open()
            return e.func(self(body), *(self(i) for i in index))
        return e.func(*(self(a) for a in e.args))

    def equation(self, e: Equation) -> Equation:
        """Rename in an equation; several of its readers ask for the same one."""
        if e not in self._done:
            self._done[e] = Equation(self(e.lhs), self(e.rhs))
        return self._done[e]


@dataclass(frozen=True)
class Piece:
    """A formula under the names it has in a larger network."""

    kind: Formula
    renaming: Renaming

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The equations under their new names."""
        return tuple(self.renaming.equation(e) for e in self.kind.equations)

    def variable(self, v: Variable) -> Variable:
        """The new name of a variable of the kind."""
        return self.renaming.variable(v)


def elementwise(
    scalar: Formula,
    at: Elem,
    output: TensorSymbol,
    parameters: Mapping[Variable, Elem] | None = None,
) -> Formula:
    """Apply a formula of one scalar to every element: y = f(x) becomes y[n,j] = f(x[n,j]).

    ``parameters`` says where each parameter of the scalar formula is read.
    """
    (x,) = scalar.inputs
    own = dict(parameters or {})
    names = {x: at, **own}
    names.update((v, Elem(_like(v, at), *at.index)) for v in scalar.defined)
    names[scalar.output] = Elem(output, *at.index)
    equations = [Equation(names[e.lhs], e.rhs.xreplace(names)) for e in scalar.equations]
    return Formula(
        equations,
        output=output,
        inputs=[at.tensor],
        parameters=[own[p].tensor for p in scalar.parameters],
        hyper=scalar.hyper,
        domain={at.tensor: scalar.domain_of(x)},
        kinks=scalar.kinks,
        name=scalar.name,
        source=scalar.source,
        title=scalar.title,
    )


def _like(v: Variable, at: Elem) -> TensorSymbol:
    return TensorSymbol(v.name, at.tensor.axes)


def chain(first: Formula, second: Formula, name: str = "") -> Formula:
    """Feed the output of ``first`` to the input of ``second`` of the same name.

    Raises Mismatch where ``second`` does not read the output of ``first``.
    """
    if first.output not in second.inputs:
        raise Mismatch(f"{second.name} reads {second.inputs}, not {first.output}")
    domain = dict(_joined(second.domain, first.domain))
    domain.pop(first.output, None)
    return Formula(
        first.equations + second.equations,
        output=second.output,
        inputs=_joined(first.inputs, (v for v in second.inputs if v != first.output)),
        parameters=_joined(first.parameters, second.parameters),
        state=_joined(first.state, second.state),
        random=_joined(first.random, second.random),
        hyper=_joined(first.hyper, second.hyper),
        domain=domain,
        kinks=_joined(first.kinks, second.kinks),
        assumptions=_joined(first.assumptions, second.assumptions),
        name=name or f"{first.name} with {second.name}",
        source="; ".join(dict.fromkeys(s for s in (first.source, second.source) if s)),
        title=" with ".join(t for t in (first.title, second.title) if t),
    )


def _joined(a: Iterable[Any], b: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*a, *b)))
