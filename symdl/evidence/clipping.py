"""Claims on clipping formulas: how long the clipped gradient is, and where it points.

A clipping formula reads a vector g[k], gives one like it, and has one constant, the threshold c.
One that rescales has an equation norm = sqrt(sum g^2), and gives g times a factor f(norm).
"""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import SymdlError
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.pieces import pieces
from symdl.evidence.signs import judge_nonnegative
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Formula
from symdl.notation.binders import Binder, Total
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem
from symdl.notation.walk import substitute

__all__ = [
    "judge_at_most", "judge_direction", "judge_elements_bounded", "judge_norm_bounded",
    "judge_unchanged_below", "judge_zero_stays", "within",
]  # fmt: skip

_NO_FACTOR = "the formula does not give g times a factor of its norm alone"


def judge_norm_bounded(clip: Formula) -> Verdict:
    """Judge that the norm of the clipped vector is at most the threshold, for all sizes.

    The norm of f(r) g, r the norm of g, is f(r) r: an equation, judged by the normal form.  That
    f(r) r <= c is judged on each piece of r >= 0.  A formula of another kind is tried at points.
    """
    k, c = _index(clip), _threshold(clip)
    square = Total(_clipped(clip, k) ** 2, k)
    found = _factor(clip)
    if found is None:
        return judge_nonnegative(c**2 - square)
    factor, r = found
    g = clip.inputs[0]
    length = judge_equation(
        square, factor.xreplace({r: sp.sqrt(Total(g[k] ** 2, k))}) ** 2 * Total(g[k] ** 2, k)
    )
    return weakest((length, judge_at_most(factor * r, c, r, sp.S.Zero)))


def judge_elements_bounded(clip: Formula) -> Verdict:
    """Judge that no element of the clipped vector is further from 0 than the threshold.

    Each element must depend on its own element of g alone.
    """
    k, c, x = _index(clip), _threshold(clip), sp.Symbol("x", real=True)
    value = _clipped(clip, k).xreplace({clip.inputs[0][k]: x})
    if value.has(Elem, Binder):
        return Verdict("unknown", "an element of the clipped vector reads others of the gradient")
    return weakest((judge_at_most(value, c, x, -sp.oo), judge_at_most(-value, c, x, -sp.oo)))


def judge_direction(clip: Formula) -> Verdict:
    """Judge that the clipped vector is a positive multiple of g.

    The two are parallel where out[k] g[i] = out[i] g[k] for all k and i.
    """
    g, k = clip.inputs[0], _index(clip)
    i = Index("i", k.size)
    parallel = judge_equation(_clipped(clip, k) * g[i], _clipped(clip, i) * g[k])
    found = _factor(clip)
    if not parallel.ok:
        return parallel
    if found is None:
        return Verdict("unknown", _NO_FACTOR)
    factor, r = found
    positive = judge_nonnegative(factor, {r: sp.Interval(0, sp.oo)}, strict=True)
    return weakest((parallel, positive))


def judge_unchanged_below(clip: Formula) -> Verdict:
    """Judge that a vector whose norm is at most the threshold stays as it is."""
    c, found = _threshold(clip), _factor(clip)
    if found is None:
        return Verdict("unknown", _NO_FACTOR)
    factor, r = found
    try:
        inside = pieces(factor, r, sp.S.Zero, c)
    except SymdlError as error:
        return Verdict("unknown", str(error))
    values = [*(p.expr for p in inside), factor.xreplace({r: c}), factor.xreplace({r: sp.S.Zero})]
    return weakest(judge_equation(v, sp.S.One) for v in values)


def judge_zero_stays(clip: Formula) -> Verdict:
    """Judge that the gradient 0 stays 0, and that nothing is divided by 0 on the way."""
    k = _index(clip)
    at_zero = substitute(_clipped(clip, k), clip.inputs[0], lambda *_: sp.S.Zero)
    if at_zero.has(sp.nan, sp.zoo, sp.oo):
        return Verdict("refuted", "a division by 0", (("g", "0"),))
    return judge_equation(at_zero, sp.S.Zero)


def _threshold(clip: Formula) -> sp.Symbol:
    ((symbol, _),) = clip.hyper
    return symbol


def _index(clip: Formula) -> Index:
    (k,) = clip.equation(clip.output).index
    return k


def _clipped(clip: Formula, at: Index) -> Expr:
    """An element of the clipped vector in terms of g."""
    return inlined(Elem(clip.output, at), clip.equations)


def _factor(clip: Formula) -> tuple[Expr, sp.Symbol] | None:
    """f(r) and r, if the clipped vector is f(norm) g."""
    (g,), k = clip.inputs, _index(clip)
    r = sp.Symbol("r", nonnegative=True)
    roots = {e.lhs: r for e in clip.equations if _is_norm(e.rhs, g)}
    later = [e for e in clip.equations if e.lhs not in roots]
    out = inlined(Elem(clip.output, k), later).xreplace(roots)
    factor = sp.Mul(*(a for a in sp.Mul.make_args(out) if a != g[k]))
    if not roots or factor.has(Elem, Binder) or factor * g[k] != out:
        return None
    return factor, r


def _is_norm(e: Expr, g: sp.Symbol) -> bool:
    k = Index("k", g.axes[0])
    return bool(e == sp.sqrt(Total(g[k] ** 2, k)))


def judge_at_most(value: Expr, bound: Expr, x: sp.Symbol, low: Expr) -> Verdict:
    """Judge value <= bound for all x >= low, piece by piece; ``value`` is continuous."""
    try:
        found = pieces(bound - value, x, low)
    except SymdlError as error:
        seen = judge_nonnegative(bound - value, {x: sp.Interval(low, sp.oo)})
        return seen if seen.level == "refuted" else Verdict("unknown", str(error))
    return weakest(
        judge_nonnegative(p.expr.xreplace({x: at})) for p in found for at in within(p.low, p.high)
    )


def within(low: Expr, high: Expr) -> tuple[Expr, ...]:
    """Expressions whose values together are the closed interval; its ends may be symbols."""
    u = sp.Symbol("u", positive=True)
    if low == -sp.oo and high == sp.oo:
        return (sp.Symbol("u", real=True),)
    if low == -sp.oo:
        return (high - u, high)
    if high == sp.oo:
        return (low, low + u)
    return (low, (low + high * u) / (1 + u), high)
