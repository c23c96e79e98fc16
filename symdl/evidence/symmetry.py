"""Symmetric starts: hidden units that begin alike stay alike, and zeros that no gradient leaves."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import adjoint
from symdl.calculus.compose import Renaming, chain, elementwise
from symdl.errors import InputError
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.verdict import Verdict
from symdl.formula import Equation, Formula, Variable
from symdl.notation.binders import Binder, rename
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import substitute

__all__ = ["gradient_at", "judge_alike", "judge_stays_zero", "two_layers", "with_unit_alike"]


def two_layers(layer: Formula, activation: Formula, loss: Formula | None = None) -> Formula:
    """A net of two layers of a kind with an activation between them, and a loss if given.

    The layer reads x[n, i] and gives y[n, j]; its parameters are called W1, W2 and so on, and
    the axis of the hidden units is H.  The loss reads the y of the second layer.
    """
    (x,), y = layer.inputs, layer.output
    rows, below, above = x.axes[0], x.axes[1], y.axes[1]
    wide = size_of("H")
    z, h = (TensorSymbol(name, (rows, wide)) for name in ("z", "h"))
    first = _named(layer, {y: z}, {above: wide}, "1")
    middle = elementwise(activation, Elem(z, Index("n", rows), Index("h", wide)), h)
    net = chain(chain(first, middle), _named(layer, {x: h}, {below: wide}, "2"))
    return net if loss is None else chain(net, loss)


def _named(
    layer: Formula, names: Mapping[Variable, Variable], sizes: Mapping[Expr, Expr], number: str
) -> Formula:
    plain = Renaming({}, sizes)
    new = dict(names)
    for p in layer.parameters:
        new[p] = TensorSymbol(f"{p.name}{number}", tuple(plain.size(s) for s in p.axes))
    renaming = Renaming(new, sizes)
    return Formula(
        [renaming.equation(e) for e in layer.equations],
        output=renaming.variable(layer.output), inputs=[renaming.variable(v) for v in layer.inputs],
        parameters=[new[p] for p in layer.parameters], name=f"{layer.name}_{number}",
        source=layer.source,
    )  # fmt: skip


def judge_alike(formula: Formula, axis: sp.Symbol) -> tuple[tuple[str, Verdict], ...]:
    """Judge that two hidden units with equal weights get equal gradients.

    ``axis`` is the size of the hidden layer.  For each parameter over it: its gradient at unit b,
    where every weight of unit b is that of unit a, is its gradient at unit a.

    >>> from symdl.notation.binders import Total
    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> h = indices("h:H")
    >>> v, w, x, y = tensors("v[h] w[h] x y", h)
    >>> net = Formula(sp.Eq(y, Total(v[h] * sp.tanh(w[h] * x), h)), output=y, inputs=x,
    ...               parameters=[v, w])
    >>> [(what, verdict.level) for what, verdict in judge_alike(net, h.size)]
    [('gradient of v', 'proved'), ('gradient of w', 'proved')]
    """
    owned = _over(formula, axis)
    return tuple((f"gradient of {v}", _judge_one(formula, v, axis)) for v in owned)


def _over(formula: Formula, axis: sp.Symbol) -> tuple[TensorSymbol, ...]:
    found = tuple(p for p in formula.parameters if isinstance(p, TensorSymbol) and axis in p.axes)
    if not found:
        raise InputError(f"no parameter of {formula.name or 'the formula'} lies over {axis}")
    return found


def _judge_one(formula: Formula, v: TensorSymbol, axis: sp.Symbol) -> Verdict:
    equation = _whole(formula, v)
    places = [i for i in equation.index if i.size == axis]
    if len(places) != 1:
        raise InputError(f"{v} lies over {axis} more than once")
    a, b = places[0], Index("b", axis)
    there = rename(equation.rhs, {a: b})
    return judge_equation(with_unit_alike(there, _over(formula, axis), b, a), equation.rhs)


def with_unit_alike(e: Expr, parameters: tuple[TensorSymbol, ...], b: Index, a: Index) -> Expr:
    """Each weight of unit ``b`` replaced by the same weight of unit ``a``; sums stay as they are.

    What is summed over all units reads the unit by its bound index, and is left alone.
    """
    if isinstance(e, Elem):
        at = tuple(with_unit_alike(i, parameters, b, a) for i in e.index)
        if e.tensor in parameters:
            at = tuple(a if i == b else i for i in at)
        return Elem(e.tensor, *at)
    if isinstance(e, Binder):
        body, index = e.open()
        return e.func(with_unit_alike(body, parameters, b, a), *index)
    return e.func(*(with_unit_alike(x, parameters, b, a) for x in e.args)) if e.args else e


def _whole(formula: Formula, v: Variable) -> Equation:
    """The gradient in terms of what is given alone."""
    found = adjoint(formula, (v,)).inlined(v)
    return Equation(found.lhs, inlined(found.rhs, formula.equations))


def gradient_at(formula: Formula, v: Variable, start: Mapping[Variable, Expr]) -> Expr:
    """The gradient of ``v`` where some parameters have the same number everywhere."""
    e = _whole(formula, v).rhs
    for parameter, value in start.items():
        number = sp.sympify(value, strict=True)
        e = substitute(e, parameter, lambda *at, number=number: number)
    return e


def judge_stays_zero(formula: Formula, v: Variable, start: Mapping[Variable, Expr]) -> Verdict:
    """Judge that the gradient of ``v`` is exactly 0 where parameters have the values of ``start``.

    Gradient descent never moves ``v`` from there, as long as the start stays.
    """
    found = gradient_at(formula, v, start)
    return judge_equation(found, sp.S.Zero)
