"""Activations and losses as they stand in a network: over z[n,j], one formula for each kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.compose import Renaming, chain, elementwise
from symdl.formula import Formula, Variable
from symdl.notation.functions import HYPERBOLIC
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import variables
from symdl.training.layers import activation_of
from symdl.training.losses import joins_activation, loss_formula
from symdl.training.own import axes_of, called

__all__ = ["K", "N", "activation_kind", "joins", "joint_kind", "over_rows", "renamed"]

N, K = size_of("N"), size_of("K")
_n, _j = Index("n", N), Index("j", K)
_z, _h = TensorSymbol("z", (N, K)), TensorSymbol("h", (N, K))


@cache
def activation_kind(given: str | Formula) -> Formula:
    """Return the activation over z[n,j]: a formula of a scalar is taken element by element.

    >>> activation_kind("relu").equations[0].lhs
    h[n, j]
    """
    return _applied(_chosen(given), _h, ())


@cache
def joint_kind(activation: str | Formula, loss: str | Formula) -> Formula:
    """Return the activation of z[n,j] followed by the loss, as one formula derived as a whole.

    >>> joint_kind("softmax", "categorical_crossentropy").name
    'softmax with categorical_crossentropy'
    """
    formula = over_rows(loss_formula(loss) if isinstance(loss, str) else loss)
    taken = (*formula.given, *formula.defined)
    return chain(_applied(_chosen(activation), formula.inputs[0], taken), formula)


def _chosen(activation: str | Formula) -> Formula:
    return activation_of(activation, "") if isinstance(activation, str) else activation


@cache
def over_rows(loss: Formula) -> Formula:
    """The loss over the axes N and K, which its own formula may call otherwise."""
    axes = axes_of(loss.inputs[0])
    if axes == (N, K):
        return loss
    return renamed(loss, {}, dict(zip(axes, (N, K), strict=True)))


@cache
def joins(loss: Formula) -> bool:
    """Whether a loss takes logarithms of its prediction: it is derived with the activation then.

    So exponentials and logarithms cancel, and neither overflows.

    >>> joins(loss_formula("bce")), joins(loss_formula("mse"))
    (True, False)
    """
    if joins_activation(loss):
        return True
    known = {loss.inputs[0]}
    for e in loss.equations:
        if any(_beyond_exp(a.args[0]) & known for a in e.rhs.atoms(sp.log)):
            return True
        if _beyond_exp(e.rhs) & known:
            known.add(e.variable)
    return False


def _beyond_exp(e: Expr) -> frozenset[Variable]:
    """The variables that are read elsewhere than in exponentials, and cosh and the like."""
    return variables(e.xreplace(dict.fromkeys(e.atoms(sp.exp, *HYPERBOLIC), sp.S.One)))


def renamed(
    formula: Formula, names: Mapping[Variable, Variable], sizes: Mapping[Expr, Expr]
) -> Formula:
    """The same formula under other names and over other axes."""
    new = Renaming(names, sizes)

    def every(given: Iterable[Variable]) -> tuple[Variable, ...]:
        return tuple(new.variable(v) for v in given)

    return replace(
        formula,
        equations=tuple(new.equation(e) for e in formula.equations),
        output=new.variable(formula.output),
        inputs=every(formula.inputs),
        parameters=every(formula.parameters),
        state=tuple((new.variable(old), new.variable(after)) for old, after in formula.state),
        random=every(formula.random),
        hyper=tuple((new.variable(v), value) for v, value in formula.hyper),
        domain=tuple(
            (new.variable(v), values.xreplace(dict(sizes))) for v, values in formula.domain
        ),
        assumptions=tuple(new.equation(e) for e in formula.assumptions),
    )


def _applied(activation: Formula, output: TensorSymbol, taken: Iterable[Variable]) -> Formula:
    (given,) = activation.inputs
    activation = _apart(activation, {_z.name, output.name, *(v.name for v in taken)})
    axes = axes_of(given)
    if axes:
        names = {given: _z, activation.output: output}
        return renamed(activation, names, dict(zip(axes, (N, K), strict=True)))
    own = {p: _by_column(p) for p in activation.parameters}
    return elementwise(activation, _z[_n, _j], output, own)


def _by_column(p: Variable) -> Elem:
    return TensorSymbol(p.name, (K,), bool(p.is_positive))[_j]


def _apart(formula: Formula, taken: set[str]) -> Formula:
    """Call the variables of a formula otherwise where their names are taken."""
    own = {v.name for v in (*formula.given, *formula.defined)}
    names: dict[Variable, Variable] = {}
    for v in (*formula.given, *formula.defined):
        if v.name in taken and v not in (*formula.inputs, formula.output):
            free = (f"{v.name}_{k}" for k in range(1, len(own | taken) + 2))
            name = next(c for c in free if c not in own | taken)
            own.add(name)
            names[v] = called(v, name)
    return renamed(formula, names, {}) if names else formula
