"""What was saved before anything was lowered: by how a backward pass was derived.

The chain rule as it stands is lowered beside what was made of it, and their costs are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import adjoint, bar
from symdl.calculus.joint import joint_adjoint
from symdl.calculus.network import Backward, DerivedPiece
from symdl.formula import Equation
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import variables
from symdl.program.accounts import Account, Cost, cost_of, savings
from symdl.program.lowering import lower

__all__ = ["derivation_accounts"]

_Pair = tuple[Cost, Cost]  # before and after


def derivation_accounts(derived: Backward) -> tuple[Account, ...]:
    """Say what the forms of derivatives save, and the gradients that nothing asks for."""
    output: list[_Pair] = []
    joint: list[_Pair] = []
    unasked: list[tuple[str, _Pair]] = []
    for d in derived.pieces:
        output += _through_output(d)
        if d.reductions:
            raw = adjoint(d.piece.kind, d.adjoint.wrt)
            joint.append((_cost(d, raw.equations), _cost(d, d.adjoint.equations)))
        unasked += _unasked(d)
    found = [
        _account("output", "{} derivatives are written with the output of their function", output),
        _account("joint", "{} adjoints are simplified over all equations of their piece", joint),
    ]
    names = ", ".join(name for name, _ in unasked)
    pairs = [pair for _, pair in unasked]
    found.append(_account("unasked", f"{{}} gradients are not computed: of {names}", pairs))
    return tuple(a for a in found if a is not None)


def _account(name: str, what: str, pairs: Sequence[_Pair]) -> Account | None:
    if not pairs:
        return None
    before, after = (_sum([pair[k] for pair in pairs]) for k in range(2))
    return Account(name, what.format(len(pairs)), savings(before, after))


def _sum(costs: Sequence[Cost]) -> Cost:
    return Cost(
        sum(c.statements for c in costs),
        sum(c.operations for c in costs),
        sp.Add(*(c.elements for c in costs)),
        sp.Add(*(c.multiplications for c in costs)),
    )


def _cost(d: DerivedPiece, equations: Sequence[Equation]) -> Cost:
    """What the equations of a piece cost, under its sizes."""
    named = [d.renaming.equation(e) for e in equations]
    return cost_of(lower(named, {e.variable for e in named}).statements) if named else _NOTHING


_NOTHING = Cost(0, 0, sp.S.Zero, sp.S.Zero)


def _through_output(d: DerivedPiece) -> Iterator[_Pair]:
    """The uses of a variable whose local derivative was written with the output."""
    for step in d.adjoint.steps:
        for use in step.uses:
            plain, short = use.local.before, use.local.after
            y = use.equation
            if use.local.name != "through the output" or y.variable not in variables(short):
                continue
            yield _cost(d, [_times(y, plain)]), _cost(d, [_times(y, short)])


def _times(y: Equation, derivative: Expr) -> Equation:
    """An equation that multiplies the adjoint of y[...] by a derivative."""
    ybar = bar(y.variable)
    given = Elem(ybar, *y.index) if isinstance(ybar, TensorSymbol) else ybar
    name = f"{y.variable.name}_product"
    made = TensorSymbol(name, y.variable.axes) if y.index else sp.Symbol(name, real=True)
    return Equation(Elem(made, *y.index) if y.index else made, given * derivative)


def _unasked(d: DerivedPiece) -> Iterator[tuple[str, _Pair]]:
    """The inputs of a piece whose adjoint leads to no parameter, such as the data."""
    kind = d.piece.kind
    for v in kind.inputs:
        if v in d.adjoint.wrt or (isinstance(v, TensorSymbol) and v.labels is not None):
            continue
        whole, _ = joint_adjoint(kind, (*d.adjoint.wrt, v))
        name = d.piece.variable(v).name
        yield name, (_cost(d, whole.equations), _cost(d, d.adjoint.equations))
