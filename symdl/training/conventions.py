"""The other conventions of an update, each made from the catalogue's one formula.

Frameworks write the same optimizer in ways that do not give the same numbers: epsilon stands
inside or outside a root, beside a corrected or an uncorrected moment; the rate is multiplied into
the velocity or to it.  Each function here takes an update formula to one of the other forms, and
raises NotSupported where the formula has nothing of the kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import sympy as sp
from sympy.core.expr import Expr

from symdl.catalog import optimizers
from symdl.errors import NotSupported
from symdl.formula import Equation, Formula

__all__ = [
    "accumulator_started",
    "epsilon_beside_uncorrected_root",
    "epsilon_inside_maximum",
    "epsilon_inside_root",
    "rate_outside_velocity",
]

_epsilon, _rate = optimizers.epsilon, optimizers.rate


def epsilon_inside_root(update: Formula) -> Formula:
    """sqrt(a) + epsilon becomes sqrt(a + epsilon): RMSprop and Adagrad as Keras has them.

    >>> epsilon_inside_root(optimizers.RMSPROP).equations[-1].rhs
    -g*learning_rate/sqrt(a_new + epsilon) + w
    """

    def inside(e: Expr) -> Expr:
        roots = e.atoms(sp.Pow)
        return e.xreplace({
            root + _epsilon: sp.sqrt(root.base + _epsilon)
            for root in roots
            if root.exp == sp.S.Half
        })  # fmt: skip

    return _changed(update, inside, "epsilon inside the root")


def epsilon_inside_maximum(update: Formula) -> Formula:
    """max(beta_2 a, |g|) + epsilon becomes max(beta_2 a, |g| + epsilon): Adamax as in PyTorch.

    >>> [str(e) for e in epsilon_inside_maximum(optimizers.ADAMAX).equations[1::2]]
    ['a_new = Max(a*beta_2, epsilon + Abs(g))', 'w_new = w - learning_rate*m_hat/a_new']
    """
    magnitude, largest = sp.Abs(optimizers.g), optimizers.a_new

    def inside(e: Expr) -> Expr:
        peaks = {p: p.xreplace({magnitude: magnitude + _epsilon}) for p in e.atoms(sp.Max)}
        return e.xreplace(peaks).xreplace({largest + _epsilon: largest})

    return _changed(update, inside, "epsilon inside the maximum")


def epsilon_beside_uncorrected_root(update: Formula) -> Formula:
    """sqrt(v_hat) + epsilon becomes (sqrt(v) + epsilon) / sqrt(1 - beta_2^t), as in Keras.

    v_hat is v / (1 - beta_2^t), so epsilon / sqrt(1 - beta_2^t) takes the place of epsilon: the
    faster form of Kingma, Ba (2015), end of section 2, whose constant they call epsilon hat.

    >>> epsilon_beside_uncorrected_root(optimizers.ADAM).equations[-1].rhs
    -learning_rate*m_hat/(epsilon/sqrt(1 - beta_2**t) + sqrt(v_hat)) + w
    """
    correction = sp.sqrt(1 - optimizers.beta_2**optimizers.step)

    def beside(e: Expr) -> Expr:
        root = sp.sqrt(optimizers.v_hat)
        return e.xreplace({root + _epsilon: root + _epsilon / correction})

    return _changed(update, beside, "epsilon beside the uncorrected root")


def rate_outside_velocity(update: Formula) -> Formula:
    """v <- momentum v - rate g becomes u <- momentum u + g, where v = -rate u, as in PyTorch.

    Both are one and the same while the rate stays; where it changes, a step that was taken with
    the old rate goes on with the new one.

    >>> [str(e) for e in rate_outside_velocity(optimizers.MOMENTUM).equations]
    ['velocity_new = g + momentum*velocity', 'w_new = -learning_rate*velocity_new + w']
    """
    old, new = optimizers.velocity, optimizers.velocity_new
    scaled = {old: -_rate * old, new: -_rate * new}
    equations = tuple(
        Equation(e.lhs, sp.expand(-e.rhs.xreplace(scaled) / _rate))
        if e.lhs == new
        else Equation(e.lhs, e.rhs.xreplace(scaled))
        for e in update.equations
    )
    return _replaced(update, equations, "the rate outside the velocity")


def accumulator_started(update: Formula, start: Expr) -> Formula:
    """Adagrad whose sum of squares starts at ``start``, as in Keras, instead of at 0.

    The state starts at 0 all the same: ``start`` is added where the sum is read.

    >>> accumulator_started(optimizers.ADAGRAD, sp.Rational(1, 10)).equations[-1].rhs
    -g*learning_rate/(epsilon + sqrt(a_new + 1/10)) + w
    """
    total = optimizers.a_new

    def started(e: Expr) -> Expr:
        return e.xreplace({total: total + start})

    return _changed(update, started, f"the sum of squares from {float(start):g}")


def _changed(update: Formula, change: Callable[[Expr], Expr], what: str) -> Formula:
    equations = tuple(Equation(e.lhs, change(e.rhs)) for e in update.equations)
    return _replaced(update, equations, what)


def _replaced(update: Formula, equations: tuple[Equation, ...], what: str) -> Formula:
    if equations == update.equations:
        raise NotSupported(f"{update.name} with {what}: its formula has no such place")
    return replace(
        update,
        equations=equations,
        name=f"{update.name}, {what}",
        title=f"{update.title}, {what}",
    )
