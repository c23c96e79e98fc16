"""The worked example: a 2-2-2 network of sigmoids without biases, with numbers for everything.

Only the forward formula and the given numbers are written here; the sigmoid and the update are the
catalogue's, and every derivative comes out of the formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import adjoint
from symdl.catalog.activations import SIGMOID
from symdl.catalog.optimizers import SGD, g, rate, w
from symdl.derivation.derivation import Derivation
from symdl.derivation.derive import derive
from symdl.evidence.evaluate import World, define, evaluate, precise
from symdl.formula import Equation, Formula
from symdl.notation.tensors import real

__all__ = ["EXAMPLE", "LEARNING_RATE", "VALUES", "Update", "derived", "errors", "updates"]

LEARNING_RATE = real("alpha")

# As they are written down: the decimals are exact.
VALUES: Mapping[str, str] = {
    "x1": "0.1", "x2": "0.2",
    "W1": "0.3", "W2": "0.25", "W3": "0.4", "W4": "0.35",
    "W5": "0.45", "W6": "0.4", "W7": "0.7", "W8": "0.6",
    "target_o1": "0.4", "target_o2": "0.6",
    "alpha": "0.5",
}  # fmt: skip


def _sigmoid(z: Expr) -> Expr:
    (x,) = SIGMOID.inputs
    return SIGMOID.equation(SIGMOID.output).rhs.xreplace({x: z})


def _example() -> Formula:
    x1, x2, t1, t2 = map(real, ("x1", "x2", "target_o1", "target_o2"))
    weights = [real(f"W{k}") for k in range(1, 9)]
    w1, w2, w3, w4, w5, w6, w7, w8 = weights
    z1, z2, z3, z4 = (real(f"z{k}") for k in range(1, 5))
    h1, h2, o1, o2 = map(real, ("h1", "h2", "o1", "o2"))
    error = real("E_total")
    equations = [
        sp.Eq(z1, w1 * x1 + w2 * x2),
        sp.Eq(z2, w3 * x1 + w4 * x2),
        sp.Eq(h1, _sigmoid(z1)),
        sp.Eq(h2, _sigmoid(z2)),
        sp.Eq(z3, w5 * h1 + w6 * h2),
        sp.Eq(z4, w7 * h1 + w8 * h2),
        sp.Eq(o1, _sigmoid(z3)),
        sp.Eq(o2, _sigmoid(z4)),
        sp.Eq(error, (t1 - o1) ** 2 / 2 + (t2 - o2) ** 2 / 2),
    ]
    return Formula(
        equations,
        output=error,
        inputs=[x1, x2, t1, t2],
        parameters=weights,
        name="worked_example",
        title="a 2-2-2 network of sigmoids",
        source="Rumelhart, Hinton, Williams (1986), "
        "Learning representations by back-propagating errors",
    )


EXAMPLE = _example()


@dataclass(frozen=True)
class Update:
    """One step of gradient descent on one weight, in symbols and in numbers of 50 digits."""

    weight: sp.Symbol
    derivative: Equation
    equation: Equation
    slope: Any
    after: Any


@cache
def derived(name: str) -> Derivation:
    """The derivation of dE/d(name) with the given numbers beside the symbols.

    >>> derived("W5").result
    h1*o1*(1 - o1)*(o1 - target_o1)
    """
    given = {k: v for k, v in VALUES.items() if k != LEARNING_RATE.name}
    return derive(EXAMPLE, name).at(given)


@cache
def updates() -> tuple[Update, ...]:
    """The eight updates, each the catalogue's gradient descent with this weight and gradient.

    >>> [round(float(u.after), 8) for u in updates()][4]
    0.43703857
    """
    return tuple(_update(v) for v in EXAMPLE.parameters)


def _update(weight: sp.Symbol) -> Update:
    derivative = adjoint(EXAMPLE, EXAMPLE.parameters).inlined(weight)
    descent = SGD.equation(SGD.output)
    names = {w: weight, g: derivative.lhs, rate: LEARNING_RATE}
    rhs = descent.rhs.xreplace(names)
    world = _world()
    slope = evaluate(derivative.rhs, world)
    there = World({}, {**world.values, derivative.lhs: slope}, world.ctx)
    equation = Equation(real(f"{weight.name}_new"), rhs)
    return Update(weight, derivative, equation, slope, evaluate(rhs, there))


def errors() -> tuple[Any, Any]:
    """The error before the eight updates, and after them.

    >>> [round(float(e), 8) for e in errors()]
    [0.0239719, 0.02323634]
    """
    moved = _world({u.weight: u.after for u in updates()})
    return _world().values[EXAMPLE.output], moved.values[EXAMPLE.output]


def _world(other: Mapping[sp.Symbol, Any] | None = None) -> World:
    """The value of every variable of the forward pass."""
    ctx = precise()
    given = {real(name): ctx.mpf(text) for name, text in VALUES.items()}
    return define(EXAMPLE.equations, World({}, {**given, **(other or {})}, ctx))
