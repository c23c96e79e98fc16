"""Initial variances: what a layer does to the size of its values, forward and backward.

A layer keeps the size of what goes through it where the variance of its output is the mean square
of its input; going back, where the mean square of the adjoint of its input is that of its output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import adjoint, bar
from symdl.calculus.differentiate import differentiate
from symdl.calculus.elimination import simplest, solve_linear
from symdl.calculus.lemmas import Lemma, apply_lemmas
from symdl.errors import Impossible, InputError
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.moments import (
    STANDARD_NORMAL,
    UNIFORM,
    Density,
    Law,
    law,
    law_from_density,
    law_of,
    mean,
    noise_named,
    variance,
)  # fmt: skip
from symdl.evidence.signs import sign
from symdl.evidence.verdict import Verdict, weakest
from symdl.evidence.written_out import element_symbol, write_out
from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indicators import Delta
from symdl.notation.indices import Index, fresh
from symdl.notation.normal import normal
from symdl.notation.tensors import Elem, TensorSymbol

__all__ = [
    "Preservation", "Share", "initial_moments", "judge_initial_law", "judge_norm_kept",
    "judge_preserves", "judge_share_of_normal", "largest_weight", "preservation",
    "second_moment_share", "uniform_limit",
]  # fmt: skip


@dataclass(frozen=True)
class Preservation:
    """The mean squares behind a layer and, going back, before it; and what keeps them.

    forward, backward    in terms of the ``weight`` variance and the mean square ``given`` to it
    keeps_forward, ...   the weight variances with which they are ``given`` again; ``keeps_mean``
                         is the one for which the mean of the two is
    """

    forward: Expr
    backward: Expr
    weight: sp.Symbol
    given: sp.Symbol
    keeps_forward: Expr
    keeps_backward: Expr
    keeps_mean: Expr


def preservation(layer: Formula, kernel: TensorSymbol, share: Expr = sp.S.One) -> Preservation:
    """Derive what a layer does to mean squares, on its formula and on its derived adjoint.

    Weights are independent draws of mean 0.  ``share`` is the part of the mean square that the
    activation in front of the layer lets through (see ``second_moment_share``).

    >>> from symdl.catalog.layers import DENSE, W
    >>> found = preservation(DENSE, W)
    >>> found.forward, found.keeps_forward, found.keeps_mean
    (D*q*v, 1/D, 2/(D + K))
    """
    (x,) = layer.inputs
    v, q = sp.symbols("v q", positive=True)
    middle = sp.Symbol("m", real=True)
    weights, values = law(sp.S.Zero, v), Law((middle, q))
    out = inlined(layer.equation(layer.output).rhs, layer.equations)
    back = adjoint(layer, (x,)).inlined(x).rhs
    forward = share * variance(out, {kernel: weights, x: values})
    backward = share * variance(back, {kernel: weights, bar(layer.output): values})
    if forward.has(middle) or backward.has(middle):
        raise Impossible(f"the variance behind {layer.name} depends on the mean of its input")
    return Preservation(
        forward, backward, v, q, *(_solved(e - q, v) for e in (
            forward, backward, (forward + backward) / 2,
        )),
    )  # fmt: skip


def _solved(e: Expr, unknown: sp.Symbol) -> Expr:
    found = solve_linear(e, unknown)
    if found is None:
        raise Impossible(f"no variance of the weights makes {e} zero")
    return simplest(found)


@dataclass(frozen=True)
class Share:
    """E[f(z)^2] = ``value`` E[z^2] for every z whose law is symmetric about 0.

    It holds because ``pair``, f(z)^2 + f(-z)^2, is 2 ``value`` z^2 whatever z; going back, because
    the ``slopes``, f'(z)^2 + f'(-z)^2, are 2 ``value``.
    """

    value: Expr
    pair: Expr
    slopes: Expr
    parts: tuple[tuple[str, Verdict], ...]

    @property
    def verdict(self) -> Verdict:
        """The weaker of the two parts."""
        return weakest(v for _, v in self.parts)


def second_moment_share(activation: Formula) -> Share:
    """Derive which part of the mean square an activation lets through, forward and backward.

    Raises Impossible where that depends on the size of z, as for tanh.

    >>> from symdl.catalog.activations import RELU
    >>> second_moment_share(RELU).value
    1/2
    """
    (given,), f = activation.inputs, inlined(activation.output, activation.equations)
    z = sp.Symbol(given.name, positive=True)  # away from the kink; the other side is -z
    pair = _both_sides(f, given, z)
    value = simplest(normal(pair.xreplace({z: sp.S.One})) / 2)
    forward = judge_equation(pair, 2 * value * z**2)
    if not forward.ok:
        raise Impossible(
            f"the part of the mean square that {activation.name} lets through: it depends on the "
            f"size of its input ({forward})"
        )
    slopes = _both_sides(differentiate(f, given).after, given, z)
    parts = (
        ("mean square of the values", forward),
        ("mean square of the slopes", judge_equation(slopes, 2 * value)),
    )
    return Share(value, pair, slopes, parts)


def _both_sides(f: Expr, given: sp.Symbol, z: sp.Symbol) -> Expr:
    return f.xreplace({given: z}) ** 2 + f.xreplace({given: -z}) ** 2


def judge_share_of_normal(activation: Formula, share: Expr) -> Verdict:
    """Judge E[f(z)^2] = share * E[z^2] for a normal z of mean 0, by integration.

    Written for z of variance 1; f(a z) = a f(z) for a > 0 is judged too, for every other one.
    """
    (z,), f = activation.inputs, inlined(activation.output, activation.equations)
    a = sp.Symbol("a", positive=True)
    scales = judge_equation(f.xreplace({z: a * z}), a * f)
    found = law_of(f.xreplace(dict(activation.hyper)), z, STANDARD_NORMAL).powers[1]
    whole = judge_equation(found, sp.sympify(share, strict=True).xreplace(dict(activation.hyper)))
    return weakest((scales, whole))


# ----------------------------------------------------------------------------------- initializers


def uniform_limit(var: Expr) -> tuple[Expr, Expr]:
    """The variance of a uniform draw from -a to a, integrated, and the a for which it is ``var``.

    >>> uniform_limit(sp.Symbol("v", positive=True))
    (limit**2/3, sqrt(3)*sqrt(v))
    """
    a, s = sp.Symbol("limit", positive=True), sp.Symbol("s", real=True)
    spread = law_from_density(1 / (2 * a), s, -a, a).cumulant(2)
    square = solve_linear(spread.xreplace({a: sp.sqrt(sp.Symbol("a2", positive=True))}) - var,
                          sp.Symbol("a2", positive=True))  # fmt: skip
    if square is None:
        raise Impossible(f"no limit gives the variance {var}")
    return spread, sp.sqrt(simplest(square))


def _densities(initializer: Formula) -> dict[sp.Symbol, Density]:
    known = {"u": UNIFORM, "z": STANDARD_NORMAL}
    for draw in initializer.random:
        if draw.name not in known:
            raise InputError(
                f"{initializer.name} draws {draw}; known are u, uniform, and z, normal"
            )
    return {draw: known[draw.name] for draw in initializer.random}


def initial_moments(initializer: Formula) -> tuple[Expr, Expr]:
    """The mean and the variance of an initial weight, by the laws of its draws."""
    e = inlined(initializer.output, initializer.equations)
    e, laws = noise_named(e, _densities(initializer))
    return mean(e, laws), variance(e, laws)


def largest_weight(initializer: Formula) -> Expr:
    """The largest initial weight of a uniform draw u: the value at u = 1.

    Raises InputError where the weight is no rising line in one uniform draw.
    """
    e = inlined(initializer.output, initializer.equations)
    line = InputError(f"{initializer.name} is no rising line in one uniform draw")
    densities = _densities(initializer)
    if len(densities) != 1:
        raise line
    ((draw, density),) = densities.items()
    slope = differentiate(e, draw).after
    if density is not UNIFORM or draw in slope.free_symbols or sign(slope) != "> 0":
        raise line
    return simplest(e.xreplace({draw: sp.S.One}))


def judge_initial_law(initializer: Formula, stated: Expr) -> Verdict:
    """Judge that initial weights have the mean 0 and the ``stated`` variance."""
    middle, spread = initial_moments(initializer)
    stated = inlined(stated, initializer.equations)
    seen = weakest((judge_equation(middle, sp.S.Zero), judge_equation(spread, stated)))
    if seen.level == "proved":
        return Verdict("proved", "by integration over its draws")
    return seen


def judge_preserves(
    initializer: Formula,
    found: Preservation,
    fans: Mapping[sp.Symbol, Expr],
    way: str = "forward",
) -> Verdict:
    """Judge that weights drawn so keep mean squares: ``way`` is forward, backward or mean.

    ``fans`` gives the size behind each fan of the initializer.
    """
    sides = {
        "forward": found.forward,
        "backward": found.backward,
        "mean": (found.forward + found.backward) / 2,
    }
    if way not in sides:
        raise InputError(f"way must be one of {', '.join(sides)}, not {way!r}")
    _, spread = initial_moments(initializer)
    reached = sides[way].xreplace({found.weight: spread.xreplace(dict(fans))})
    return judge_equation(reached, found.given)


def judge_norm_kept(layer: Formula, kernel: TensorSymbol) -> Verdict:
    """Judge that a kernel with orthonormal rows keeps the norm of every row of the input.

    sum_j (sum_i x_i W_ij)^2 = sum_i x_i^2 where sum_j W_ij W_kj = [i = k].  A bias must be left
    out of the layer.  Checked too on exact orthogonal matrices.
    """
    (x,) = layer.inputs
    equation = layer.equation(layer.output)
    n, j = equation.index
    i, k = fresh(x.axes[1]), fresh(x.axes[1])
    gram = Lemma(Total(Elem(kernel, i, j) * Elem(kernel, k, j), j), Delta(i - k))
    out = equation.rhs
    if not (isinstance(out, Total) and len(out.bounds) == 1):
        raise Impossible(f"{layer.name} is not a single sum over its inputs")
    body, (inner,) = out.open()
    other = fresh(inner.size)
    product = body * body.xreplace({inner: other})
    squared = judge_equation(out**2, Total(product, inner, other))
    if not squared.ok:
        return squared
    over_rows = apply_lemmas(Total(product, j), [gram])
    whole = Total(Elem(x, n, inner) ** 2, inner)
    kept = normal(Total(over_rows, inner, other))
    seen = _on_matrices(Total(out**2, j), whole, kernel, x, n)
    if seen.ok and normal(kept - whole) != 0:
        return Verdict("unknown", f"kept by exact matrices; {kept} is not {whole} in form")
    return seen


def _on_matrices(
    left: Expr, right: Expr, kernel: TensorSymbol, x: TensorSymbol, n: Index
) -> Verdict:
    for q in _orthogonal():
        sizes = {kernel.axes[0]: q.rows, kernel.axes[1]: q.cols, n.size: 1}
        values = {
            element_symbol(kernel, (a, b)): q[a, b] for a in range(q.rows) for b in range(q.cols)
        }
        sides = [write_out(e, sizes, {n: 0}).xreplace(values) for e in (left, right)]
        if sp.expand(sides[0] - sides[1]) != 0:
            return Verdict("refuted", "not on an exact matrix", (("matrix", str(q.tolist())),))
    return Verdict("proved", "the rows' products put in, and exact orthogonal matrices")


def _orthogonal() -> tuple[sp.Matrix, ...]:
    """A rotation, a reflection, and two of its rows alone."""
    rotation = sp.Matrix([[3, -4], [4, 3]]) / 5
    u = sp.Matrix([1, 2, 2])
    mirror = sp.eye(3) - 2 * u * u.T / 9
    return rotation, mirror, mirror[:2, :]
