"""What can be learned at all: a parameter whose gradient is 0 everywhere would never change."""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.network import Backward
from symdl.errors import Impossible
from symdl.formula import Variable
from symdl.notation.tensors import Elem

__all__ = ["check_learnable"]


def check_learnable(derived: Backward) -> None:
    """Raise Impossible where the gradient of a parameter is 0 for all weights and data.

    So it is below a step function: its derivative is 0 beside the jump.
    """
    zero: set[Variable] = set()
    for e in derived.backward:
        if _without(e.rhs, zero) == 0:
            zero.add(e.variable)
    stuck = [str(v) for v, gradient in derived.gradients.items() if gradient in zero]
    if stuck:
        kinds = {
            d.piece.kind.name: None
            for d in derived.pieces
            if any(s.equation.rhs == 0 for s in d.adjoint.steps)
        }
        flat = " and ".join(map(repr, kinds))
        raise Impossible(
            f"{', '.join(stuck)} would never change: the gradient is 0 everywhere, because the "
            f"derivative of {flat} is 0 wherever it exists; take a smooth activation such as "
            "'sigmoid' for training, or compile with optimizer=None to predict only"
        )


def _without(e: Expr, zero: set[Variable]) -> Expr:
    """The expression where all elements of the given variables are 0."""
    read = (a for a in e.atoms(Elem) if a.tensor in zero)
    return e.xreplace(dict.fromkeys([*read, *(v for v in zero if v in e.free_symbols)], sp.S.Zero))
