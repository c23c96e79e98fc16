"""Newton's method: the step that minimises the quadratic model, and how fast it converges.

The model m(d) = f + f' d + f'' d^2/2 is stationary at d = -f'/f''.  On a quadratic the model is
the function, so one step arrives.  Near a minimum the next error is f'''/(2 f'') times the square
of the error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.differentiate import differentiate
from symdl.calculus.elimination import simplest, solve_linear
from symdl.calculus.limit import LawsOfPart, Lim
from symdl.calculus.tree import Node
from symdl.errors import Impossible, NotSupported
from symdl.evidence.judge import judge_equation
from symdl.evidence.limits import judge_limit
from symdl.evidence.verdict import Verdict, weakest
from symdl.notation.normal import is_zero
from symdl.notation.tensors import real

__all__ = ["ErrorLaw", "Newton", "error_law", "newton"]


@dataclass(frozen=True)
class Newton:
    """Newton's method on f.

    model      the quadratic model of f in the step, for each weight one symbol
    stationary the equations that the model's slopes vanish, one a weight
    step       their solution
    update     the weights after the step
    """

    f: Expr
    weights: tuple[sp.Symbol, ...]
    gradient: tuple[Expr, ...]
    hessian: sp.Matrix
    deltas: tuple[sp.Symbol, ...]
    model: Expr
    stationary: tuple[Expr, ...]
    step: tuple[Expr, ...]
    update: tuple[Expr, ...]

    def judge(self) -> Verdict:
        """Judge that the model agrees with f to second order and is stationary at the step."""
        zero = dict.fromkeys(self.deltas, sp.S.Zero)
        parts = [judge_equation(self.model.xreplace(zero), self.f)]
        for d, g in zip(self.deltas, self.gradient, strict=True):
            slope = differentiate(self.model, d).after
            parts.append(judge_equation(slope.xreplace(zero), g))
        there = dict(zip(self.deltas, self.step, strict=True))
        parts += [judge_equation(e.xreplace(there), sp.S.Zero) for e in self.stationary]
        return weakest(parts)

    def judge_one_step(self) -> Verdict:
        """Judge that the gradient is zero after one step, from wherever it starts."""
        there = dict(zip(self.weights, self.update, strict=True))
        return weakest(judge_equation(g.xreplace(there), sp.S.Zero) for g in self.gradient)

    def after(self, point: Sequence[Expr]) -> tuple[Expr, ...]:
        """Where one step leads from a point, exactly."""
        at = dict(zip(self.weights, point, strict=True))
        return tuple(u.xreplace(at) for u in self.update)


def newton(f: Expr, weights: Sequence[sp.Symbol]) -> Newton:
    """Derive Newton's step on f from its quadratic model.

    Raises Impossible where the Hessian is singular everywhere: the model has no one minimum.

    >>> a, b, w = sp.symbols("a b w", real=True)
    >>> newton(a * w**2 / 2 - b * w, [w]).update
    (b/a,)
    """
    weights = tuple(weights)
    slopes = tuple(simplest(differentiate(f, w).after) for w in weights)
    rows = [[simplest(differentiate(g, v).after) for v in weights] for g in slopes]
    curvature = sp.Matrix(rows)
    taken = {s.name for s in f.free_symbols}
    names = ("d",) if len(weights) == 1 else tuple(f"d{k}" for k in range(1, len(weights) + 1))
    deltas = tuple(real(n if n not in taken else f"delta_{n}") for n in names)
    pairs = [
        rows[i][j] * deltas[i] * deltas[j] / 2
        for i in range(len(weights))
        for j in range(len(weights))
    ]
    linear = [g * d for g, d in zip(slopes, deltas, strict=True)]
    model = sp.Add(f, *linear, *pairs)
    stationary = tuple(sp.expand(differentiate(model, d).after) for d in deltas)
    step = _solved(stationary, deltas)
    update = tuple(simplest(w + d) for w, d in zip(weights, step, strict=True))
    return Newton(f, weights, slopes, curvature, deltas, model, stationary, step, update)


def _solved(equations: tuple[Expr, ...], unknowns: tuple[sp.Symbol, ...]) -> tuple[Expr, ...]:
    """Solve linear equations one after another."""
    found: dict[Expr, Expr] = {}
    for e, d in zip(equations, unknowns, strict=True):
        value = solve_linear(e.xreplace(found), d)
        if value is None:
            raise Impossible(
                f"the equation {e} = 0 does not determine {d}: the curvature is zero, or the "
                "weights stand in an order in which a pivot is"
            )
        found = {k: v.xreplace({d: value}) for k, v in found.items()} | {d: value}
    return tuple(simplest(found[d]) for d in unknowns)


@dataclass(frozen=True)
class ErrorLaw:
    """The error after a step of Newton's method: ``next_error`` is close to ``factor`` e^2.

    slopes    the derivatives of f at the minimum: f'', f''', f''''
    ratio     next_error/e^2, exactly, for the Taylor polynomial of degree 4
    """

    error: sp.Symbol
    slopes: tuple[sp.Symbol, ...]
    next_error: Expr
    ratio: Expr
    factor: Expr
    verdict: Verdict


def error_law() -> ErrorLaw:
    """Derive the law of the error from f' and f'' expanded around the minimum, where f' = 0.

    >>> error_law().factor
    f3/(2*f2)
    """
    e = real("e")
    two = sp.Symbol("f2", positive=True)
    three, four = real("f3"), real("f4")
    f = two * e**2 / 2 + three * e**3 / 6 + four * e**4 / 24
    slope = differentiate(f, e).after
    curvature = differentiate(slope, e).after
    following = simplest(e - slope / curvature)
    ratio = simplest(following / e**2)
    if is_zero(ratio.xreplace({e: sp.S.Zero})) or ratio.xreplace({e: sp.S.Zero}).has(sp.nan):
        raise NotSupported("the law of the error was not found")
    factor = simplest(ratio.xreplace({e: sp.S.Zero}))
    limit = Lim(following / e**2, e)
    verdict = weakest(
        (
            judge_equation(following, e - slope / curvature),
            judge_equation(following, ratio * e**2),
            judge_limit(Node(LawsOfPart(ratio), limit, factor, factor), judge_equation),
        )
    )
    return ErrorLaw(e, (two, three, four), following, ratio, factor, verdict)
