"""The direction of descent: a small enough step against the gradient lowers the function.

With phi(r) = f(w - r grad f(w)) the chain rule gives phi'(0) = -|grad f(w)|^2, which is negative
wherever the gradient is not zero; so f falls for small r > 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.differentiate import differentiate
from symdl.calculus.elimination import simplest
from symdl.calculus.tree import Node
from symdl.errors import InputError
from symdl.evidence.judge import judge_derivative, judge_equation
from symdl.evidence.signs import judge_nonnegative
from symdl.evidence.verdict import Verdict, weakest
from symdl.notation.walk import variables

__all__ = ["Direction", "direction"]


@dataclass(frozen=True)
class Direction:
    """What a step of length r against the gradient does to f, to first order.

    along       phi(r) = f(w - r g)
    derivation  the rule tree of phi'(r)
    start       phi'(0)
    square      -|g|^2, to which phi'(0) is equal
    """

    gradient: tuple[Expr, ...]
    rate: sp.Symbol
    along: Expr
    derivation: Node
    start: Expr
    square: Expr

    def verdicts(self) -> tuple[tuple[str, Verdict], ...]:
        """The derivative along the step, its value at 0, and its sign."""
        return (
            ("derivative along the step", judge_derivative(self.derivation)),
            ("at r = 0 it is minus the squared gradient", judge_equation(self.start, self.square)),
            ("it is nowhere positive", judge_nonnegative(-self.square)),
        )

    def verify(self) -> Verdict:
        """The weakest of the verdicts."""
        return weakest(v for _, v in self.verdicts())


def direction(f: Expr, weights: Sequence[sp.Symbol], against: bool = True) -> Direction:
    """Derive how f changes at first along minus the gradient (or along it, ``against=False``).

    >>> w = sp.Symbol("w", real=True)
    >>> direction(w**2, [w]).start
    -4*w**2
    """
    if not weights or not set(weights) <= variables(f):
        raise InputError(f"the weights {list(weights)} are not all read by {f}")
    taken = {v.name for v in f.free_symbols}
    name = next(n for n in ("r", "eta", *(f"r{k}" for k in range(99))) if n not in taken)
    rate = sp.Symbol(name, real=True)
    slopes = tuple(simplest(differentiate(f, w).after) for w in weights)
    sign = -1 if against else 1
    moved = {w: w + sign * rate * g for w, g in zip(weights, slopes, strict=True)}
    along = f.xreplace(moved)
    tree = differentiate(along, rate)
    start = simplest(tree.after.xreplace({rate: sp.S.Zero}))
    return Direction(slopes, rate, along, tree, start, -sp.Add(*(g**2 for g in slopes)))
