"""Judging limits: each line of a derivation from first principles, without the rules.

A line is proved where its algebra has one normal form on both sides and what is put at h = 0 is
continuous there; elementary limits by SymPy's own ``limit``.  Every value is also compared with
Richardson extrapolation, with 100 digits inside, at random points from both sides of 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import mpmath
import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.limit import (
    Conjugate,
    ElementaryLimit,
    LawsOfPart,
    Lim,
    LimitDefinition,
    LimitLaws,
    LimitOfPart,
    taken_at_zero,
)
from symdl.calculus.tree import Deriv, Node, Rewrite
from symdl.evidence.evaluate import NO_VALUE, World, evaluate
from symdl.evidence.points import random_world
from symdl.evidence.verdict import Verdict, weakest
from symdl.notation.normal import is_zero
from symdl.notation.walk import variables

__all__ = ["has_limit", "judge_limit", "judge_limit_value"]

Judge = Callable[[Expr, Expr], Verdict]

_STEPS = 16
_DIGITS = 25
_POINTS = 3
_CONTINUOUS = (sp.exp, sp.log, sp.sin, sp.cos, sp.Pow, sp.Add, sp.Mul, sp.Symbol, sp.Number)


def has_limit(node: Node) -> bool:
    """True for a line of a derivation from first principles."""
    return node.before.has(Lim) or node.middle.has(Lim)


def judge_limit(node: Node, equal: Judge) -> Verdict:
    """Judge one line; ``equal`` judges the equality of two expressions."""
    seen = None
    if isinstance(node.before, Lim) and not node.after.has(Lim):
        seen = judge_limit_value(node.before, node.after)
        if not seen.ok:
            return seen
    follows = _follows(node, equal)
    if not follows.ok:
        return follows
    step = weakest((_step(node, equal), follows))
    if seen is None:
        return step
    if step.level == "proved":
        return Verdict("proved", f"{step.reason}, and {seen.reason}")
    return weakest((step, seen))


def _follows(node: Node, equal: Judge) -> Verdict:
    """The line starts from the one before it, and its conclusion follows from its premises."""
    premises = {_goal(c): c.after for c in node.children}
    if isinstance(node.rule, Rewrite):
        if not node.children or node.children[0].after != node.before:
            return Verdict("refuted", "the line does not start from what was concluded before")
        if not isinstance(node.rule, LimitLaws):
            return Verdict("proved", "it starts from what was concluded before")
    shown = node.middle.xreplace(premises)
    reached = isinstance(node.rule, LimitDefinition) and bool(node.children)  # judged below
    if reached or shown == node.after:
        return Verdict("proved", "follows from the premises")
    if shown.has(Lim):
        return Verdict("refuted", "the conclusion does not follow from the premises")
    if is_zero(shown - node.after):
        return Verdict("proved", "follows from the premises")
    return equal(shown, node.after)


def _goal(node: Node) -> Expr:
    """What a tree is about, below the lines that rewrite its result."""
    while isinstance(node.rule, Rewrite):
        node = node.children[0]
    return node.before


def _step(node: Node, equal: Judge) -> Verdict:
    """Judge what the rule itself claims."""
    rule = node.rule
    if isinstance(rule, LimitDefinition):
        return _definition(node, equal)
    if isinstance(rule, ElementaryLimit):
        return _elementary(node, equal)
    if isinstance(rule, LimitOfPart):
        return _substituted(node, equal)
    if isinstance(rule, Conjugate):
        return equal(node.before.expr, node.middle.expr)
    if isinstance(rule, (LimitLaws, LawsOfPart)):
        return _laws(node, rule.form, equal)
    if isinstance(rule, Rewrite) and isinstance(node.after, Lim):
        return _same(node.before.expr, node.after.expr, equal)
    return Verdict("unknown", f"no way is known to judge the limit rule {node.name}")


def _same(a: Expr, b: Expr, equal: Judge) -> Verdict:
    """Equality, with the addition theorems of angles and logarithms, which have no normal form."""
    seen = equal(a, b)
    if seen.level == "numeric" and is_zero(sp.expand_trig(_logs_apart(a, b) - b)):
        return Verdict("proved", "by the addition theorems, and at random points")
    return seen


def _logs_apart(a: Expr, b: Expr) -> Expr:
    """log(pq) of ``a`` as log p + log q, where ``b`` has these; all three have real values."""
    mine, theirs = a.atoms(sp.log), b.atoms(sp.log)
    new = {}
    for whole in mine - theirs:
        for p, q in itertools.combinations(sorted((mine | theirs) - {whole}, key=str), 2):
            if is_zero(whole.args[0] - p.args[0] * q.args[0]):
                new[whole] = p + q
    return a.xreplace(new)


def _definition(node: Node, equal: Judge) -> Verdict:
    """The limit is that of the difference quotient of what is differentiated."""
    slope, limit = node.before, node.middle
    scale = sp.S.One
    if isinstance(slope, Lim):
        (child,) = node.children
        slope, limit = _goal(child), node.before
        scale = node.middle / slope
        if not isinstance(slope, Deriv) or limit.h in variables(scale):
            return Verdict("refuted", "it is not a multiple of a derivative")
        follows = equal(node.after, scale * child.after)
        if not follows.ok:
            return follows
    f, x, h = slope.expr, slope.wrt, limit.h
    if h in variables(f):
        return Verdict("refuted", f"{h} stands in what is differentiated")
    return equal(limit.expr * h, scale * (f.subs(x, x + h) - f))


def _elementary(node: Node, equal: Judge) -> Verdict:
    found = sp.limit(node.before.expr, node.before.h, 0)
    if found == node.after:
        return Verdict("proved", "by SymPy's limit")
    if found.is_finite:
        return equal(found, node.after)
    where = (("left", str(found)), ("right", str(node.after)))
    return Verdict("refuted", "SymPy's limit differs", where)


def _substituted(node: Node, equal: Judge) -> Verdict:
    """g(r)/h is g(t)/t at t = r, times r/h, and r goes to 0."""
    lemma, *inner = node.children
    h, t = node.before.h, lemma.before.h
    slope = inner[0].before.expr if inner else node.middle / lemma.before
    r = slope * h
    if slope.has(Lim) or not is_zero(r.xreplace({h: sp.S.Zero})):
        return Verdict("refuted", "what is substituted does not go to 0")
    outer = lemma.before.expr.xreplace({t: r})
    return equal(node.before.expr, outer * slope)


def _laws(node: Node, form: Expr, equal: Judge) -> Verdict:
    """``form`` is what stands under the limit, and it is continuous at h = 0."""
    h = node.before.h
    opened = form.xreplace({part: part.expr for part in form.atoms(Lim)})
    if not is_zero(taken_at_zero(form, h) - node.middle):
        return Verdict("refuted", "what is continuous was not taken at 0")
    if node.middle.has(sp.nan, sp.zoo, sp.oo, -sp.oo):
        return Verdict("refuted", "it is not continuous at 0")
    plain = form.xreplace({part: sp.Dummy("part", real=True) for part in form.atoms(Lim)})
    for a in sp.preorder_traversal(plain):
        if not isinstance(a, _CONTINUOUS) and a is not sp.E and not a.is_number:
            return Verdict("unknown", f"whether {type(a).__name__} is continuous")
    return equal(node.before.expr, opened)


def judge_limit_value(limit: Lim, value: Expr) -> Verdict:
    """Compare a limit with Richardson extrapolation from both sides, at random points.

    >>> x, h = sp.symbols("x h", real=True)
    >>> judge_limit_value(Lim(((x + h) ** 2 - x**2) / h, h), 2 * x).level
    'numeric'
    >>> judge_limit_value(Lim(sp.Abs(h) / h, h), sp.S.One).level
    'refuted'
    """
    names = (variables(limit.expr) | variables(value)) - {limit.h}
    tried, trouble = 0, "no point of the domain was found"
    for seed in range(6 * _POINTS):
        try:
            world = random_world(names, (), seed, digits=100)
            found = _differs(limit, value, world)
        except NO_VALUE as error:
            trouble = str(error) or type(error).__name__
            continue
        if found is not None:
            return found
        tried += 1
        if tried == _POINTS:
            return Verdict("numeric", f"Richardson extrapolation at {tried} points")
    return Verdict("unknown", trouble)


def _differs(limit: Lim, value: Expr, world: World) -> Verdict | None:
    claimed = evaluate(value, world)
    for side in (1, -1):
        found = _extrapolated(limit, world, side)
        if abs(found - claimed) > world.ctx.mpf(10) ** -_DIGITS * max(1, abs(claimed)):
            values = [(str(v), mpmath.nstr(n, 8)) for v, n in world.values.items()]
            both = [("limit", mpmath.nstr(found, 12)), ("claimed", mpmath.nstr(claimed, 12))]
            return Verdict("refuted", "the quotient goes elsewhere", (*values, *both))
    return None


def _extrapolated(limit: Lim, world: World, side: int = 1) -> Any:
    """The limit from one side by Richardson's (Neville's) extrapolation over halved steps."""
    ctx = world.ctx
    steps = [ctx.mpf(side) / 2 ** (k + 5) for k in range(_STEPS)]
    row = [evaluate(limit.expr, replace(world, values={**world.values, limit.h: s})) for s in steps]
    for gap in range(1, _STEPS):
        row = [
            (steps[k] * row[k + 1] - steps[k + gap] * row[k]) / (steps[k] - steps[k + gap])
            for k in range(_STEPS - gap)
        ]
    return row[0]
