"""The pass ``absorb``: an update that is linear in the gradient rides in the gradient's product.

A matrix product of BLAS is C <- alpha A B + beta C.  With w <- w - eta g and g = A B, it is the
whole update: alpha = -eta, beta = 1, C = w, and the gradient is never written nor read.

With v <- mu v - eta g it makes v.  BLAS multiplies by a beta other than 1 in a pass of its own, so
v may be kept divided by a unit that shrinks by mu each step: then beta = 1, alpha = -eta / unit.
With mu = 0 BLAS does not read v, so that nan in it is lost, as it is not in a sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sympy as sp
from sympy.core.expr import Expr

from symdl.formula import Equation, Formula, Variable
from symdl.notation.indices import Index
from symdl.notation.tensors import TensorSymbol, real
from symdl.program.ir import Contract, Program, Slot
from symdl.program.lowering import lower

__all__ = [
    "FACTOR",
    "KEPT",
    "UNIT",
    "Absorbed",
    "LinearUpdate",
    "absorb",
    "contractions",
    "linear_update",
]

FACTOR, KEPT = sp.Symbol("factor", real=True), sp.Symbol("kept", real=True)
UNIT = sp.Symbol("unit", positive=True)


@dataclass(frozen=True)
class LinearUpdate:
    """new = alpha g + beta old, and what follows from it alone.

    With a state the scalars of the products are FACTOR and KEPT, which are given: alpha and beta,
    or alpha / UNIT and 1 for a state that is kept divided by UNIT.

    stateful  whether ``old`` is a state, and not the weight itself
    rest      how the weight follows from ``new``, as an update of which ``new`` is the gradient
    """

    alpha: Expr
    beta: Expr
    stateful: bool
    rest: Formula | None

    @property
    def scalars(self) -> tuple[Expr, Expr]:
        """The factors of the product and of what was there."""
        return (FACTOR, KEPT) if self.stateful else (self.alpha, self.beta)


def linear_update(formula: Formula) -> LinearUpdate | None:
    """Take an update apart, or return nothing where it is not of that kind.

    >>> w, g, w_new = sp.symbols("w g w_new", real=True)
    >>> rate = sp.Symbol("eta", positive=True)
    >>> sgd = Formula(Equation(w_new, w - rate * g), output=w_new, inputs=[w, g], hyper={rate: 1})
    >>> found = linear_update(sgd)
    >>> found.alpha, found.beta, found.stateful, found.rest
    (-eta, 1, False, None)
    """
    own = {s.name for s in (FACTOR, KEPT, UNIT)}
    if (
        len(formula.inputs) != 2
        or len(formula.state) > 1
        or own & {s.name for s, _ in formula.hyper}
    ):
        return None
    w, g = formula.inputs
    readers = [e for e in formula.equations if e.rhs.has(g)]
    old, new = formula.state[0] if formula.state else (w, formula.output)
    others = [e for e in formula.equations if e not in readers]
    if len(readers) != 1 or readers[0].lhs != new or len(others) != len(formula.state):
        return None
    rhs = sp.expand(readers[0].rhs)
    alpha, beta = rhs.coeff(g), rhs.coeff(old)
    scalars = {s for s, _ in formula.hyper}
    if sp.expand(rhs - alpha * g - beta * old) != 0 or alpha == 0:
        return None
    if not alpha.free_symbols | beta.free_symbols <= scalars:
        return None
    if not others:
        return LinearUpdate(alpha, beta, False, None)
    (after,) = others
    if after.lhs != formula.output or not after.rhs.free_symbols <= {w, new, *scalars}:
        return None
    scaled = Equation(after.lhs, after.rhs.xreplace({new: UNIT * new}))
    hyper = {**dict(formula.hyper), UNIT: sp.S.One}
    rest = Formula([scaled], output=formula.output, inputs=[w, new], hyper=hyper)
    return LinearUpdate(alpha, beta, True, rest)


@dataclass(frozen=True)
class Absorbed:
    """A training step whose products change what the optimizer holds.

    into      what is made -> what it takes the place of
    products  what is made by a product alone
    """

    program: Program
    into: Mapping[Slot, Slot]
    products: tuple[Slot, ...]


def absorb(
    program: Program,
    linear: LinearUpdate,
    pairs: Sequence[tuple[Slot, Slot]],
    wanted: Sequence[Slot],
) -> Absorbed:
    """Put the first equation of an update into the program.

    pairs   of each parameter: what the optimizer holds, and the gradient
    wanted  the gradients that are products to be absorbed
    """
    new = {g: replace(g, name=f"{g.name}_step") for _, g in pairs}
    statements = [
        replace(s, target=new[s.target]) if s.target in wanted else s for s in program.statements
    ]
    others = [(old, g) for old, g in pairs if g not in wanted]
    alpha, beta = linear.scalars
    equations = [
        Equation(_element(new[g]), alpha * _element(g) + beta * _element(old)) for old, g in others
    ]
    added = lower(equations, {_variable(new[g]) for _, g in others})
    slots = {**program.slots, **added.slots}
    count = len(wanted)
    text = f"the update of {count} parameters rides in the products that make their gradients"
    kept = [s for s in program.keep if s not in wanted]
    whole = replace(program, keep=(*kept, *new.values()), slots=slots)
    return Absorbed(
        whole.changed([*statements, *added.statements], "absorb", text),
        {new[g]: old for old, g in pairs},
        tuple(new[g] for g in wanted),
    )


def contractions(program: Program) -> set[Slot]:
    """What is made by a product, and read by nothing else of the program."""
    read = {r.slot for s in program.statements for r in s.reads}
    return {s.target for s in program.statements if isinstance(s, Contract)} - read


def _indices(slot: Slot) -> list[Index]:
    return [Index(f"k{place}", size) for place, size in enumerate(slot.axes)]


def _variable(slot: Slot) -> Variable:
    return TensorSymbol(slot.name, slot.axes) if slot.rank else real(slot.name)


def _element(slot: Slot) -> Expr:
    v = _variable(slot)
    return v[tuple(_indices(slot))] if isinstance(v, TensorSymbol) else v
