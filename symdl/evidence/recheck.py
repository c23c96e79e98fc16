"""An independent re-check of each rule application, with SymPy's own ``diff`` as the oracle.

Two ways that know nothing of the rules: the premises become unknown functions of one variable and
SymPy differentiates the whole (exact, for all sizes); or everything is written out at small sizes
and SymPy differentiates that (an instance).
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy as sp
from mpmath.libmp import to_rational
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.expr import Expr

from symdl.calculus.tree import Deriv, Node
from symdl.evidence.evaluate import NO_VALUE, World, evaluate, holds
from symdl.evidence.points import random_world
from symdl.evidence.verdict import Verdict, weakest
from symdl.evidence.written_out import element_symbol, write_out
from symdl.formula import Equation
from symdl.notation.binders import ArgPeak, Binder, Peak, Total, rename
from symdl.notation.indicators import UnitStep
from symdl.notation.normal import is_zero
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import free_indices, sizes_of, variables

__all__ = ["conditions_hold", "recheck", "written_out_agrees"]

_POSITIONS = 6
# rules that use a premise under a binder or at another point; an instance judges the whole
_MOVED_PREMISES = ("chain rule", "sum over an index", "maximum over an index")
_FORMAL = (
    sp.Add, sp.Mul, sp.Pow, sp.exp, sp.log, sp.sin, sp.cos, sp.tanh, sp.erf, sp.Max, sp.Min,
    sp.Piecewise, log1p, expm1, sp.sinh, sp.cosh, sp.tan, sp.Abs, sp.erfc,
    sp.atan, sp.asinh,
)  # fmt: skip


def recheck(node: Node, equal: Callable[[Expr, Expr], Verdict]) -> Verdict:
    """Judge one application of a differentiation rule; ``equal`` judges equations."""
    follows = _follows_from_children(node, equal)
    return weakest((_rule_right(node), follows)) if follows.ok else follows


def _rule_right(node: Node) -> Verdict:
    """Whether the premises and what is shown are those that the rule asks for."""
    if _formally_right(node):
        return Verdict("proved", "for unknown functions, by SymPy")
    d = node.before
    if _stairs_right(node):
        return Verdict("proved", "off its jump the step is constant, by SymPy")
    if _sum_right(node):
        return Verdict("proved", "a sum is differentiated term by term")
    seen = written_out_agrees(d.expr, d.wrt, node.after)
    if seen.ok and (_constant_right(node) or isinstance(d.expr, (Elem, sp.Symbol))):
        return Verdict("proved", "by definition, and a written-out instance")
    if seen.ok and _maximum_right(node):
        return Verdict(
            "proved", "off ties the place of a maximum stays, and a written-out instance"
        )
    return seen


def _constant_right(node: Node) -> bool:
    return node.after == 0 and node.before.variable not in variables(node.before.expr)


def _stairs_right(node: Node) -> bool:
    """The conclusion is what SymPy says of the cases of a step, and the jump is left out."""
    d = node.before
    if not isinstance(d.expr, UnitStep):
        return False
    z, at_zero = d.expr.args
    x = sp.Dummy("x", positive=d.wrt.is_positive, real=True)
    side = z.xreplace({d.wrt: x})
    if d.variable in variables(at_zero) | variables(side) or sp.Ne(z, 0) not in node.conditions:
        return False
    cases = sp.Piecewise((0, side < 0), (at_zero, sp.Eq(side, 0)), (1, True))
    return bool(cases.diff(x) == node.after)


def _sum_right(node: Node) -> bool:
    """The premise is the body at free indices, and the conclusion sums its derivative over them."""
    d = node.before
    if not isinstance(d.expr, Total) or len(node.children) != 1:
        return False
    (child,) = node.children
    if child.before.wrt != d.wrt:
        return False
    index = free_indices(child.before.expr) - free_indices(d.expr)
    if len(index) != len(d.expr.bounds) or free_indices(d.wrt) & index:
        return False
    return Total(child.before.expr, *index) == d.expr and Total(child.after, *index) == node.after


def _maximum_right(node: Node) -> bool:
    """The premise is the body at a free index, and the conclusion its derivative at the argmax."""
    d = node.before
    if not isinstance(d.expr, Peak) or len(node.children) != 1:
        return False
    (child,) = node.children
    index = free_indices(child.before.expr) - free_indices(d.expr)
    if child.before.wrt != d.wrt or len(index) != 1 or free_indices(d.wrt) & index:
        return False
    (k,) = index
    place = ArgPeak(child.before.expr, k)
    return Peak(child.before.expr, k) == d.expr and rename(child.after, {k: place}) == node.after


def _follows_from_children(node: Node, equal: Callable[[Expr, Expr], Verdict]) -> Verdict:
    """The shown middle, with each premise replaced by its conclusion, is the conclusion."""
    done = {c.before: c.after for c in node.children}
    shown = node.middle.xreplace(done)
    if shown.has(Deriv):
        follows = len(node.children) == len(node.middle.atoms(Deriv))
        if node.name in _MOVED_PREMISES and follows:
            return Verdict("proved", "there is a premise for each derivative")
        return Verdict("refuted", "the conclusion does not follow from the premises")
    if shown == node.after or is_zero(shown - node.after):
        return Verdict("proved", "the conclusion follows from the premises")
    return equal(shown, node.after)


def _formally_right(node: Node) -> bool:
    """SymPy differentiates the expression with unknown functions in place of the premises."""
    d = node.before
    if not isinstance(d.expr, _FORMAL):
        return False
    if not node.children:
        return not d.expr.has(Binder) and _leaf_right(d, node.after)
    if node.name == "function by definition":
        return is_zero(node.children[0].before.expr - d.expr) is True
    if node.name == "chain rule":
        return _chain_right(node)
    if isinstance(d.expr, sp.Piecewise):
        return _cases_right(node)
    return _premises_right(node)


def _leaf_right(d: Deriv, after: Expr) -> bool:
    x = sp.Dummy("x", positive=d.wrt.is_positive, real=True)
    e = d.expr.xreplace({d.wrt: x})
    if d.variable in variables(e):
        return False
    return is_zero(e.diff(x) - after.xreplace({d.wrt: x})) is True


def _cases_right(node: Node) -> bool:
    """Between the boundaries, a function given by cases is differentiated case by case."""
    d = node.before
    return node.middle == sp.Piecewise(*((Deriv(v, d.wrt), c) for v, c in d.expr.args))


def _premises_right(node: Node) -> bool:
    t = sp.Dummy("t", real=True)
    wrt = node.before.wrt
    functions = {}
    for k, c in enumerate(node.children):
        if c.before.wrt != wrt:
            return False
        functions[c.before.expr] = sp.Function(f"_F{k}", real=True)(t)
    shown = _with_functions(node.before.expr, functions)
    if node.before.variable in variables(shown):
        return False
    back = {f: e for e, f in functions.items()}
    found = shown.diff(t)
    slopes = {f.diff(t): sp.Dummy(f"_d{k}", real=True) for k, f in enumerate(functions.values())}
    claimed = node.middle.xreplace({Deriv(e, wrt): slopes[f.diff(t)] for e, f in functions.items()})
    if claimed.has(Deriv):
        return False
    theirs = found.xreplace(slopes).xreplace(back)
    return is_zero(_away_from_kinks(theirs) - _away_from_kinks(claimed)) is True


def _away_from_kinks(e: Expr) -> Expr:
    """Write each step of z with one symbol that is 0 or 1, whatever it is at z = 0."""

    def side(step: Expr) -> Expr:
        z = step.args[0]
        turned = z.could_extract_minus_sign()
        s = sp.Symbol(f"_side({-z if turned else z})", real=True)
        return 1 - s if turned else s

    return e.replace(lambda a: isinstance(a, (sp.Heaviside, UnitStep)), side)


def _with_functions(e: Expr, functions: Mapping[Expr, Expr]) -> Expr:
    """Put functions in place of the premises: parts, their reciprocals, or products of some."""
    if e in functions:
        return functions[e]
    if e.is_Pow and 1 / e in functions:
        return 1 / functions[1 / e]
    if not e.args:
        return e
    if not e.is_Mul:
        return e.func(*(_with_functions(a, functions) for a in e.args))
    rest = list(e.args)
    out = sp.S.One
    for premise, f in functions.items():
        wanted = sp.Mul.make_args(premise)
        inverse = sp.Mul.make_args(1 / premise)
        for group, value in ((wanted, f), (inverse, 1 / f)):
            if all(g in rest for g in group):
                rest = [r for r in rest if r not in group]
                out *= value
                break
    return out * sp.Mul(*(_with_functions(r, functions) for r in rest))


def _chain_right(node: Node) -> bool:
    outer, inner = node.children
    v, u = outer.before.wrt, inner.before.expr
    t = sp.Dummy("t", real=True)
    f = sp.Function("_U", real=True, positive=u.is_positive)(t)
    slope = sp.Dummy("_du", real=True)
    found = outer.before.expr.xreplace({v: f}).diff(t).xreplace({f.diff(t): slope})
    if not is_zero(found.xreplace({f: u}) - outer.after.xreplace({v: u}) * slope):
        return False
    return is_zero(node.after - outer.after.xreplace({v: u}) * inner.after) is True


def written_out_agrees(
    e: Expr,
    wrt: Expr,
    result: Expr,
    seeds: int = 2,
    assumptions: Sequence[Equation] = (),
) -> Verdict:
    """Compare ``result`` with SymPy's derivative of the written-out instance at random points."""
    tried = 0
    trouble = "no point of the domain was found"
    for seed in range(4 * seeds):
        try:
            world = random_world(
                variables(e) | variables(result) | variables(wrt),
                sizes_of(e) | sizes_of(result) | sizes_of(wrt),
                seed,
                assumptions,
            )
            found = _instance_difference(e, wrt, result, world, seed)
        except (*NO_VALUE, TypeError) as error:
            trouble = str(error) or type(error).__name__
            continue
        if found is not None:
            return found
        tried += 1
        if tried == seeds:
            return Verdict("instance", "SymPy's derivative of the written-out instance agrees")
    return Verdict("unknown", trouble)


def _instance_difference(
    e: Expr, wrt: Expr, result: Expr, world: World, seed: int
) -> Verdict | None:
    labels = {
        v: value
        for v, value in world.values.items()
        if isinstance(v, TensorSymbol) and v.labels is not None
    }
    exact = _exact_values(world)
    for index in _positions(e, wrt, result, world, seed):
        evaluate(e, world, index)  # the point must lie in the domain of e itself
        plain = write_out(e, world.sizes, index, labels)
        at = write_out(wrt, world.sizes, index, labels)
        theirs = plain.diff(at).xreplace(exact).doit().evalf(40)
        ours = evaluate(result, world, index)
        if not theirs.is_number or not theirs.is_finite:
            raise ValueError(f"SymPy's derivative has no value: {theirs}")
        if abs(world.ctx.mpf(str(theirs)) - ours) > world.ctx.mpf(10) ** -30 * max(1, abs(ours)):
            shown = (*((i.name, str(k)) for i, k in index.items()),)
            values = tuple((str(s), str(v)) for s, v in list(exact.items())[:12])
            both = (("left", str(theirs)[:14]), ("right", world.ctx.nstr(ours, 12)))
            return Verdict("refuted", "SymPy's derivative differs", (*shown, *values, *both))
    return None


def _exact_values(world: World) -> dict[sp.Symbol, Expr]:
    out: dict[sp.Symbol, Expr] = {s: sp.Integer(n) for s, n in world.sizes.items()}
    for v, value in world.values.items():
        if isinstance(value, dict):
            out.update({element_symbol(v, at): _rational(x) for at, x in value.items()})
        else:
            out[v] = _rational(value)
    return out


def _rational(x: Any) -> Expr:
    return sp.Integer(x) if isinstance(x, int) else sp.Rational(*to_rational(x._mpf_))


def _positions(e: Expr, wrt: Expr, result: Expr, world: World, seed: int) -> list[dict[Expr, int]]:
    free = sorted(
        free_indices(e) | free_indices(wrt) | free_indices(result), key=lambda i: i.sort_key()
    )
    every = list(itertools.product(*(range(world.size(i.size)) for i in free)))
    if len(every) > _POSITIONS:
        every = [every[0], every[-1], *random.Random(seed).sample(every, _POSITIONS - 2)]
    return [dict(zip(free, at, strict=True)) for at in every]


def conditions_hold(node: Node, seed: int = 0) -> bool:
    """True if the side conditions of a rule hold at a random point of the domain."""
    for c in node.conditions:
        if c in (sp.true, sp.false):
            if c == sp.false:
                return False
            continue
        sides = c.args
        names = set().union(*(variables(s) for s in sides))
        sizes = set().union(*(sizes_of(s) for s in sides))
        free = set().union(*(free_indices(s) for s in sides))
        world = random_world(names, sizes, seed)
        if not holds(c, world, dict.fromkeys(free, 0)):
            return False
    return True
