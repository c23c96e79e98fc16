"""Stationary points of a polynomial, exactly: which are minima, and which one is the lowest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.differentiate import differentiate
from symdl.errors import Impossible, InputError, NotSupported
from symdl.evidence.signs import judge_nonnegative
from symdl.evidence.verdict import Verdict
from symdl.notation.walk import variables

__all__ = ["Landscape", "Stationary", "landscape", "run_descent"]

_LARGEST_DEGREE = 24
_LATTICE = 80  # points to try on each side, in eighths


@dataclass(frozen=True)
class Stationary:
    """A point where f' = 0: an exact root, f there, and what the derivatives say.

    order     the first derivative after f' that is not zero there
    sign      its sign, +1 or -1
    """

    at: Expr
    value: Expr
    order: int
    sign: int

    @property
    def kind(self) -> str:
        """Minimum, maximum or inflection."""
        if self.order % 2:
            return "inflection"
        return "minimum" if self.sign > 0 else "maximum"


@dataclass(frozen=True)
class Landscape:
    """The stationary points of a polynomial from left to right."""

    f: Expr
    variable: sp.Symbol
    slope: Expr
    curvature: Expr
    points: tuple[Stationary, ...]

    @property
    def minima(self) -> tuple[Stationary, ...]:
        """The local minima."""
        return tuple(p for p in self.points if p.kind == "minimum")

    @property
    def lowest(self) -> Stationary:
        """The global minimum; raises Impossible where f has none."""
        poly = sp.Poly(self.f, self.variable)
        if poly.degree() % 2 or poly.LC() < 0:
            raise Impossible(f"{self.f} falls without end: it has no global minimum")
        return min(self.minima, key=lambda p: p.value.evalf(50))

    def judge_lowest(self) -> Verdict:
        """Judge that f is nowhere below its value at the lowest minimum."""
        if not self.lowest.value.is_rational:
            return self._judge_by_roots()
        return judge_nonnegative(self.f - self.lowest.value)

    def _judge_by_roots(self) -> Verdict:
        """f takes its least value where f' = 0, for it grows without end on both sides."""
        best = self.lowest
        for k in range(-_LATTICE, _LATTICE + 1):
            at = sp.Rational(k, 8)
            here = self.f.xreplace({self.variable: at})
            if (here - best.value).evalf(30) < 0:
                where = ((str(self.variable), str(at)), ("value there", str(here.evalf(12))))
                return Verdict("refuted", "the function is lower elsewhere", where)
        if sp.Poly(self.slope, self.variable).count_roots() != len(self.points):
            return Verdict("unknown", "these are not all points where the slope is zero (Sturm)")
        rest = [p for p in self.points if p != best]
        if all(sp.sign(p.value - best.value) >= 0 for p in rest):
            return Verdict("proved", "the least of its values where the slope is zero")
        return Verdict("unknown", "the values at the stationary points could not be compared")

    def reached_from(self, start: Expr) -> Stationary:
        """The minimum to whose side of the hills a start belongs: where small steps end."""
        for p in self.points:
            if sp.Eq(p.at, start) == sp.true:
                raise Impossible(f"the slope at {start} is zero: descent stands still")
        down = sp.sign(self.slope.xreplace({self.variable: start}))
        ahead = [p for p in self.points if (p.at < start if down > 0 else p.at > start) == sp.true]
        if not ahead:
            raise Impossible(f"descent from {start} goes on without end")
        return ahead[-1] if down > 0 else ahead[0]


def landscape(f: Expr, variable: sp.Symbol) -> Landscape:
    """Find and classify the stationary points of a polynomial with rational coefficients.

    A point is a minimum where the first derivative that is not zero there is of even order and
    positive, by Taylor's theorem.

    >>> w = sp.Symbol("w", real=True)
    >>> [(p.at, p.kind) for p in landscape(w**4 / 4 - w**2 / 2, w).points]
    [(-1, 'minimum'), (0, 'maximum'), (1, 'minimum')]

    Raises NotSupported where f is no such polynomial.
    """
    if variables(f) != {variable} or not f.is_polynomial(variable):
        raise NotSupported(f"{f} is no polynomial in {variable} alone")
    if not sp.Poly(f, variable).domain.is_QQ and not sp.Poly(f, variable).domain.is_ZZ:
        raise NotSupported(f"the coefficients of {f} are not all rational: write 0.1 as 1/10")
    if sp.degree(f, variable) > _LARGEST_DEGREE:
        raise NotSupported(f"a polynomial of degree above {_LARGEST_DEGREE}")
    derivatives = [f]
    while derivatives[-1] != 0:
        derivatives.append(sp.expand(differentiate(derivatives[-1], variable).after))
    if len(derivatives) < 4:
        raise Impossible(f"{f} has the same slope everywhere: nothing is stationary")
    roots = sp.Poly(derivatives[1], variable).real_roots(multiple=False)
    points = tuple(_classified(derivatives, variable, root) for root, _ in roots)
    return Landscape(f, variable, derivatives[1], derivatives[2], points)


def _classified(derivatives: list[Expr], x: sp.Symbol, root: Expr) -> Stationary:
    value = sp.simplify(derivatives[0].xreplace({x: root}))
    for order, d in enumerate(derivatives[2:], start=2):
        if _vanishes(d, derivatives[1], x, root):
            continue
        return Stationary(root, value, order, int(sp.sign(d.xreplace({x: root}).evalf(60))))
    raise Impossible(f"every derivative of {derivatives[0]} is zero at {root}")


def _vanishes(d: Expr, slope: Expr, x: sp.Symbol, root: Expr) -> bool:
    """True if ``root`` of the slope is a root of ``d`` too, exactly: of their common divisor."""
    common = sp.gcd(sp.Poly(d, x), sp.Poly(slope, x))
    return (
        any(r == root for r, _ in common.real_roots(multiple=False)) if common.degree() else False
    )


def run_descent(
    update: Callable[[float], float], start: float, steps: int, largest: float = 1e6
) -> tuple[float, ...]:
    """Carry out w <- update(w) in floating point; it stops where |w| passes ``largest``.

    >>> run_descent(lambda w: w - 0.4 * 2 * w, 1.0, 2) == (1.0, 1.0 - 0.8, 0.2 - 0.4 * 2 * 0.2)
    True
    """
    if steps < 0:
        raise InputError(f"the number of steps must not be negative, not {steps}")
    path = [start]
    for _ in range(steps):
        path.append(update(path[-1]))
        if not abs(path[-1]) <= largest:
            break
    return tuple(path)
