"""Gradients along depth: a product of slopes and weights, and how large it can be.

Sources: Hochreiter (1991), Untersuchungen zu dynamischen neuronalen Netzen; Bengio, Simard,
Frasconi (1994), Learning long-term dependencies with gradient descent is difficult.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import adjoint, bar
from symdl.calculus.compose import elementwise
from symdl.calculus.differentiate import differentiate
from symdl.calculus.elimination import simplest, through_output
from symdl.errors import Impossible, InputError
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.ranges import Range, derivative_range, judge_largest_derivative
from symdl.evidence.signs import judge_nonnegative
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Equation, Formula
from symdl.notation.binders import Total
from symdl.notation.indicators import UnitStep
from symdl.notation.indices import Index, fresh, size_of
from symdl.notation.tensors import Elem, TensorSymbol, real

__all__ = [
    "Along", "Lagrange", "along", "chain_of_units", "judge_bound", "judge_chain",
    "judge_one_more", "judge_slopes", "judge_wide_bound", "lagrange", "largest_slope",
]  # fmt: skip


def chain_of_units(activation: Formula, depth: int) -> Formula:
    """``depth`` layers of one unit each: z_l = w_l h_(l-1) + b_l, h_l = f(z_l).

    >>> from symdl.catalog.activations import TANH
    >>> print(*chain_of_units(TANH, 1).equations)
    z_1 = b_1 + h_0*w_1 h_1 = tanh(z_1)
    """
    if depth < 1:
        raise InputError(f"a chain has at least one layer, not {depth}")
    (x,), y = activation.inputs, activation.output
    equations, parameters = [], []
    h = real("h_0")
    for k in range(1, depth + 1):
        z, w, b = real(f"z_{k}"), real(f"w_{k}"), real(f"b_{k}")
        equations.append(Equation(z, w * h + b))
        parameters += [w, b]
        h = real(f"h_{k}")
        equations.append(Equation(h, inlined(y, activation.equations).xreplace({x: z})))
    return Formula(
        equations, output=h, inputs=[real("h_0")], parameters=parameters, hyper=activation.hyper,
        kinks=activation.kinks, name=f"{depth} layers of {activation.name}",
    )  # fmt: skip


@dataclass(frozen=True)
class Along:
    """The derivative of the last value of a chain for the first: as derived, and as a product."""

    chain: Formula
    derived: Expr
    product: Expr
    verdict: Verdict


def along(activation: Formula, depth: int) -> Along:
    """Derive dh_L/dh_0 in reverse mode and judge that it is the product of f'(z_l) w_l."""
    chain = chain_of_units(activation, depth)
    h0 = chain.inputs[0]
    derived = adjoint(chain, (h0,)).inlined(h0).rhs
    product = sp.S.One
    for k in range(1, depth + 1):
        e = chain.equation(real(f"h_{k}"))
        slope = through_output(differentiate(e.rhs, real(f"z_{k}")).after, e.lhs, e.rhs)
        product *= slope * real(f"w_{k}")
    return Along(chain, derived, product, judge_equation(derived, product))


def judge_chain(activation: Formula, depths: tuple[int, ...]) -> Verdict:
    """Judge the product for each of several depths, and the step from any depth to the next."""
    seen = weakest([*(along(activation, d).verdict for d in depths), judge_one_more(activation)])
    if seen.level == "proved":
        shown = ", ".join(map(str, depths))
        return Verdict("proved", f"for {shown} layers, and by induction for any number")
    return seen


def judge_one_more(activation: Formula) -> Verdict:
    """Judge the induction: one layer more multiplies the derivative by f'(z) w.

    Whatever the layers below compute is an unknown function of h_0, which SymPy differentiates.
    """
    (x,) = activation.inputs
    f = inlined(activation.output, activation.equations)
    h0, w, b, slope = real("h_0"), real("w"), real("b"), real("dh")
    below = sp.Function("F", real=True)(h0)
    z = w * below + b
    theirs = f.xreplace({x: z}).diff(h0).xreplace({below.diff(h0): slope})
    ours = differentiate(f, x).after.xreplace({x: z}) * w * slope
    level = real("h")
    return judge_equation(*(_off_kinks(e.xreplace({below: level})) for e in (theirs, ours)))


def _off_kinks(e: Expr) -> Expr:
    """SymPy's steps and those of the rules as the same ones: they differ at the kink alone."""
    return e.replace(
        lambda a: isinstance(a, (sp.Heaviside, UnitStep)), lambda a: UnitStep(a.args[0], 0)
    )


def _with_defaults(activation: Formula) -> Expr:
    return inlined(activation.output, activation.equations).xreplace(dict(activation.hyper))


@lru_cache(maxsize=64)
def _slopes(activation: Formula) -> Range:
    (x,) = activation.inputs
    return derivative_range(_with_defaults(activation), x)


def largest_slope(activation: Formula) -> Expr:
    """The largest size of the derivative, over all inputs (or the limit it only approaches).

    Constants of the activation have their default values.

    >>> from symdl.catalog.activations import SIGMOID
    >>> largest_slope(SIGMOID)
    1/4
    """
    found = _slopes(activation)
    m = simplest(sp.Max(found.greatest, -found.least))
    if not (m.is_number and m.is_finite):
        raise Impossible(f"the derivative of {activation.name} has no bound: {m}")
    return m


def judge_slopes(activation: Formula, m: Expr) -> Verdict:
    """Judge that the derivative lies between -m and m, wherever the activation has one."""
    (x,) = activation.inputs
    f, slopes = _with_defaults(activation), _slopes(activation)
    if not (slopes.greatest <= m and -m <= slopes.least):
        point = (("slopes", str(slopes.interval)), ("bound", str(m)))
        return Verdict("refuted", "the bound is no bound on the slopes", point)
    parts = [judge_largest_derivative(f, x, slopes.greatest)]
    if -slopes.least == m:
        parts.append(judge_largest_derivative(-f, x, m))
    return weakest(parts)


def judge_bound(activation: Formula) -> Verdict:
    """Judge |dh_L/dh_0| <= m^L |w_1 ... w_L|, with m the largest size of the derivative.

    By induction: the square of what is there so far, p, is at most B; one layer more makes it
    (s w)^2 p, and B to (m w)^2 B, where the slope s lies between -m and m.
    """
    m = largest_slope(activation)
    s, w = real("s"), real("w")
    p, gap = sp.symbols("p gap", nonnegative=True)
    step = (m * w) ** 2 * (p + gap) - (s * w) ** 2 * p
    worst = weakest((
        judge_slopes(activation, m), judge_nonnegative(step, {s: sp.Interval(-m, m)}),
    ))  # fmt: skip
    if worst.level == "proved":
        return Verdict("proved", "the range of the derivative, and one layer more by induction")
    return worst


# ------------------------------------------------------------------------------------ wide layers


@dataclass(frozen=True)
class Lagrange:
    """sum a_j^2 sum v_j^2 - (sum_j a_j v_j)^2, as the ``squares`` that it is half the sum of."""

    gap: Expr
    squares: Expr
    parts: tuple[tuple[str, Verdict], ...]


def lagrange() -> Lagrange:
    """Judge the inequality of Cauchy and Schwarz, by Lagrange's identity.

    The difference of its sides is half the sum of (a_j v_k - a_k v_j)^2 over all j and k.
    """
    size = size_of("K")
    j, k = Index("j", size), Index("k", size)
    a, v = TensorSymbol("a", (size,)), TensorSymbol("v", (size,))
    gap = Total(a[j] ** 2, j) * Total(v[j] ** 2, j) - Total(a[j] * v[j], j) ** 2
    squares = Total((a[j] * v[k] - a[k] * v[j]) ** 2, j, k) / 2
    parts = (
        ("Lagrange's identity", judge_equation(gap, squares)),
        ("a sum of squares is not negative", judge_nonnegative(squares)),
    )
    return Lagrange(gap, squares, parts)


def judge_wide_bound(layer: Formula, activation: Formula) -> tuple[tuple[str, Verdict], ...]:
    """Judge |xbar|^2 <= m^2 |W|^2 |hbar|^2 for one row, with |W| the root of the sum of squares.

    The adjoint is derived on z = x W + b, h = f(z): xbar_i = sum_j W_ij f'(z_j) hbar_j.
    """
    (x,), z = layer.inputs, layer.output
    kernel = next(p for p in layer.parameters if p.rank == 2)
    n, j = layer.equation(z).index
    h = TensorSymbol("h", z.axes)
    whole = elementwise(activation, Elem(z, n, j), h)
    net = Formula(
        (*layer.equations, *whole.equations), output=h, inputs=[x],
        parameters=layer.parameters, hyper=whole.hyper,
    )  # fmt: skip
    found = adjoint(net, (x,)).inlined(x)
    i = found.index[1]
    e = whole.equation(h)
    local = through_output(differentiate(e.rhs, Elem(z, n, j)).after, e.lhs, e.rhs)
    m = largest_slope(activation)
    s, u = TensorSymbol("s", (j.size,)), TensorSymbol("u", (j.size,))
    k = fresh(j.size)
    shrinks = Total((m**2 - s[k] ** 2) * u[k] ** 2, k)
    claimed = Total(Elem(kernel, i, j) * local * Elem(bar(h), n, j), j)
    return (
        ("the adjoint", judge_equation(found.rhs, claimed)),
        *lagrange().parts,
        ("the largest slope", judge_slopes(activation, m)),
        (
            "the slopes stretch it by at most the largest",
            judge_nonnegative(shrinks, {s: sp.Interval(-m, m)}),
        ),
    )
