"""Backpropagation as an object: equations, gradients, their derivations and verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sympy.core.expr import Expr

from symdl.calculus.adjoint import Adjoint, adjoint
from symdl.calculus.compose import Piece, Renaming
from symdl.calculus.network import Backward, backpropagate
from symdl.derivation.derivation import Derivation
from symdl.derivation.derive import derive_in_network
from symdl.derivation.writing import Writing
from symdl.errors import InputError
from symdl.evidence.networks import judge_network
from symdl.evidence.verdict import Verdict
from symdl.formula import Equation, Formula, Variable
from symdl.notation.tensors import TensorSymbol
from symdl.training.losses import Loss
from symdl.training.network import network

if TYPE_CHECKING:
    from symdl.training.sequential import Sequential

__all__ = ["Backprop", "backprop"]


@dataclass(frozen=True)
class Backprop:
    """The backpropagation of a network: what ``backprop`` returns.

    formula   all forward equations, as written
    wrt       the variables whose gradients are derived
    """

    formula: Formula
    wrt: tuple[Variable, ...]
    pieces: tuple[Piece, ...]

    @cached_property
    def derived(self) -> Backward:
        """Forward and adjoint equations, kind by kind."""
        return backpropagate(self.pieces, self.wrt)

    @cached_property
    def _adjoint(self) -> Adjoint:
        return adjoint(self.formula, self.wrt)

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The forward equations as written, then the adjoint equations, in order of evaluation."""
        return self.derived.written + self.derived.backward

    def variable(self, name: str) -> Variable:
        """The variable of that name; raises InputError with the names there are."""
        known = (*self.wrt, *self.formula.defined, *self.formula.inputs, *self.formula.parameters)
        for v in known:
            if v.name == name:
                return v
        names = ", ".join(dict.fromkeys(v.name for v in known))
        raise InputError(f"there is no variable {name!r}; there are: {names}")

    def gradient(self, name: str) -> Expr:
        """The derivative of the loss for that variable, in terms of forward variables alone."""
        return self._adjoint.inlined(self.variable(name)).rhs

    def derivation(
        self,
        name: str,
        level: str = "normal",
        *,
        notation: str | None = None,
        layout: str = "denominator",
        style: str | None = None,
        sizes: Mapping[str, int] | None = None,
        names: Mapping[str, Any] | None = None,
    ) -> Derivation:
        """The derivation of one gradient: chain rule, local derivatives, result.

        The words are those of ``symdl.derive``.
        """
        writing = Writing(notation, layout, style)
        v = name if notation == "scalar" else self.variable(name)
        return derive_in_network(
            self.formula, v, level=level, writing=writing, sizes=sizes, names=names
        )

    def latex(self) -> str:
        """The derivations of all gradients as LaTeX."""
        return "\n\n".join(self.derivation(v.name).latex() for v in self.wrt)

    def markdown(self, lang: str = "en") -> str:
        """The derivations of all gradients as Markdown."""
        return "\n\n".join(self.derivation(v.name).markdown(lang=lang) for v in self.wrt)

    def verify(self) -> tuple[tuple[str, Verdict], ...]:
        """The verdict on every kind of layer and on every gradient."""
        return judge_network(self.derived)

    def _repr_latex_(self) -> str:
        return self.formula._repr_latex_()


def backprop(
    model_or_formula: Sequential | Formula,
    loss: str | Loss | Formula | None = None,
    weighted: bool = False,
) -> Backprop:
    """Derive the gradients of a model with a loss, or of a formula with a scalar output.

    ``weighted``: the loss of each row is multiplied by its sample weight s[n].

    Raises InputError for a formula whose output is not a scalar, or a model without a loss.

    >>> import sympy as sp
    >>> x, y, z, q, f = sp.symbols("x y z q f", real=True)
    >>> product = Formula([sp.Eq(q, x + y), sp.Eq(f, q * z)], inputs=[x, y, z], output=f)
    >>> backprop(product).gradient("x")
    z
    """
    if isinstance(model_or_formula, Formula):
        if loss is not None or weighted:
            raise InputError("a formula is differentiated as it is; leave loss and weighted away")
        return _of_formula(model_or_formula)
    if loss is None:
        if model_or_formula.setup is None:
            raise InputError("name the loss: backprop(model, 'categorical_crossentropy')")
        loss = model_or_formula.setup.loss
    net = network(model_or_formula.layers, loss, weighted)
    wrt = tuple(p.variable for p in net.parameters)
    written = tuple(e for p in net.pieces for e in p.equations)
    whole = Formula(
        written,
        output=net.loss,
        inputs=(net.input, net.target, *(() if net.weights is None else (net.weights,))),
        parameters=wrt,
        state=[(p.variable, p.following) for p in net.state if p.following is not None],
        random=[v for v, _ in net.random],
        assumptions=net.assumptions,
        name="network",
    )
    return Backprop(whole, wrt, net.pieces)


def _of_formula(formula: Formula) -> Backprop:
    if isinstance(formula.output, TensorSymbol):
        raise InputError(f"the output {formula.output} is a tensor; backprop needs a scalar loss")
    given = (*formula.parameters, *formula.inputs)
    wrt = tuple(v for v in given if not (isinstance(v, TensorSymbol) and v.labels is not None))
    return Backprop(formula, wrt, (Piece(formula, Renaming({}, {})),))
