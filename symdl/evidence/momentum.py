"""An optimizer with a velocity on a quadratic: a linear map of (weight, velocity).

Its powers go to 0 exactly if both roots of its characteristic polynomial
x^2 - T x + D lie inside the unit circle: |D| < 1 and |T| < 1 + D (the Schur-Cohn criterion).
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.differentiate import differentiate
from symdl.calculus.elimination import simplest, solve_linear
from symdl.errors import Impossible, InputError
from symdl.evidence.judge import inlined
from symdl.evidence.signs import sign
from symdl.evidence.verdict import Verdict
from symdl.formula import Formula

__all__ = ["HeavyBall", "heavy_ball"]


@dataclass(frozen=True)
class HeavyBall:
    """One step multiplies (w - stationary, velocity) by ``matrix``.

    trace, determinant  T and D of the characteristic polynomial
    limit               the rate from which on it no longer converges
    """

    rate: sp.Symbol
    momentum: sp.Symbol
    curvature: Expr
    matrix: sp.Matrix
    trace: Expr
    determinant: Expr
    limit: Expr

    def roots(self, rate: Expr, momentum: Expr) -> tuple[Expr, ...]:
        """The factors of one step at given numbers: the eigenvalues, exactly."""
        t, d = self._at(rate, momentum)
        root = sp.sqrt(t**2 - 4 * d)
        return tuple(sp.simplify((t + s * root) / 2) for s in (1, -1))

    def judge_converges(self, rate: Expr, momentum: Expr) -> Verdict:
        """Judge that the distance goes to 0 at this rate and momentum."""
        t, d = self._at(rate, momentum)
        inside = (1 - d, 1 + d, 1 + d - t, 1 + d + t)
        if all(sign(e) == "> 0" for e in inside):
            return Verdict("proved", "both factors lie inside the unit circle (Schur-Cohn)")
        if all(e.is_number for e in inside):
            point = ((str(self.rate), str(rate)), (str(self.momentum), str(momentum)))
            return Verdict("refuted", "a factor lies on or outside the unit circle", point)
        return Verdict("unknown", "whether both factors lie inside the unit circle")

    def _at(self, rate: Expr, momentum: Expr) -> tuple[Expr, Expr]:
        at = {
            self.rate: sp.sympify(rate, strict=True),
            self.momentum: sp.sympify(momentum, strict=True),
        }
        return self.trace.xreplace(at), self.determinant.xreplace(at)


def heavy_ball(
    f: Expr, variable: sp.Symbol, step: Formula, names: tuple[sp.Symbol, ...]
) -> HeavyBall:
    """Derive what an update formula with one velocity does on a quadratic ``f``.

    ``names`` are the weight, the gradient, the rate and the momentum of the update formula, whose
    state is the velocity.
    """
    weight, slope, rate, momentum = names
    if len(step.state) != 1:
        raise InputError(f"{step.name} has {len(step.state)} states; one velocity is needed")
    ((velocity, velocity_new),) = step.state
    first = differentiate(f, variable).after
    second = simplest(differentiate(first, variable).after)
    if second.has(variable) or second == 0:
        raise Impossible(f"{f} is not quadratic in {variable}")
    centred = {slope: second * weight}  # around the stationary point
    new = [inlined(v, step.equations).xreplace(centred) for v in (step.output, velocity_new)]
    rows = [[simplest(differentiate(e, v).after) for v in (weight, velocity)] for e in new]
    matrix = sp.Matrix(rows)
    trace, determinant = simplest(sp.expand(matrix.trace())), simplest(sp.expand(matrix.det()))
    limit = solve_linear(1 + trace + determinant, rate)
    if limit is None:
        raise Impossible(f"the factors of {step.name} are not linear in {rate}")
    return HeavyBall(rate, momentum, second, matrix, trace, determinant, sp.factor(limit))
