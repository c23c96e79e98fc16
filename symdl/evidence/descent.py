"""Gradient descent on a quadratic: the factor of one step, and when it converges."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.differentiate import differentiate
from symdl.calculus.elimination import simplest
from symdl.errors import Impossible, InputError
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.signs import sign
from symdl.evidence.verdict import Verdict
from symdl.formula import Formula

__all__ = ["Descent", "descent"]


@dataclass(frozen=True)
class Descent:
    """Descent on a quadratic: each step multiplies the distance from ``stationary`` by ``factor``.

    ``fastest`` is the rate that arrives in one step, ``limit`` the rate from which on it no
    longer converges; both only where the curvature is positive.
    """

    variable: sp.Symbol
    rate: sp.Symbol
    update: Expr
    curvature: Expr
    stationary: Expr
    factor: Expr
    fastest: Expr
    limit: Expr
    verdict: Verdict

    def behaviour(self, rate: Expr) -> str:
        """What a number does as the rate, found from the factor.

        converges, zigzags (and converges), arrives in one step, stands still, oscillates or
        diverges.
        """
        f = self.factor.xreplace({self.rate: sp.sympify(rate, strict=True)})
        if not f.is_number:
            raise InputError(f"the factor {f} is no number: give the curvature a value too")
        if f == 0:
            return "arrives in one step"
        if abs(f) == 1:
            return "stands still" if f == 1 else "oscillates"
        if abs(f) > 1:
            return "diverges"
        return "converges" if f > 0 else "zigzags"

    def judge_converges(self, rate: Expr) -> Verdict:
        """Judge that the distance goes to 0 at this rate."""
        rate = sp.sympify(rate, strict=True)
        f = self.factor.xreplace({self.rate: rate})
        if sign(1 - f) == "> 0" and sign(1 + f) == "> 0":
            return Verdict("proved", f"each step multiplies the distance by {f}, and |{f}| < 1")
        if f.is_number and abs(f) >= 1:
            point = ((str(self.rate), str(rate)), ("factor", str(f)))
            return Verdict("refuted", "the distance does not shrink", point)
        return Verdict("unknown", f"whether |{f}| < 1")


def descent(f: Expr, variable: sp.Symbol, step: Formula, names: tuple[sp.Symbol, ...]) -> Descent:
    """Derive what the update formula ``step`` does on a quadratic ``f``.

    ``names`` are the weight, the gradient and the rate of the update formula.
    """
    weight, slope, rate = names
    first = differentiate(f, variable).after
    second = simplest(differentiate(first, variable).after)
    if second.has(variable):
        raise Impossible(f"{f} is not quadratic in {variable}: its curvature changes")
    if second == 0:
        raise Impossible(f"{f} has no curvature in {variable}: nothing is stationary")
    update = inlined(step.equation(step.output).rhs, step.equations)
    update = update.xreplace({weight: variable, slope: first})
    stationary = simplest(variable - first / second)
    factor = simplest(differentiate(update, variable).after)
    verdict = judge_equation(update - stationary, factor * (variable - stationary))
    fall = simplest(differentiate(factor, rate).after)
    if fall.has(rate) or fall == 0:
        raise Impossible(f"the factor {factor} is not linear in {rate}")
    start = factor.xreplace({rate: sp.S.Zero})
    fastest, limit = simplest(-start / fall), simplest(-(start + 1) / fall)
    return Descent(variable, rate, update, second, stationary, factor, fastest, limit, verdict)
