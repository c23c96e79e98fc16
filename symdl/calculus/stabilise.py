"""Rewrites that keep running code finite and exact; each is an equality that is checked.

shift            e^z / sum e^z is unchanged when z is shifted by its maximum
logarithm        log of a quotient or of an exponential is taken apart
softplus         log(1 + e^u) = max(0, u) + log1p(e^-|u|)
near 1           log(1 - p) = log1p(-p),  e^u - 1 = expm1 u,  1 - e^u = -expm1 u
logistic         1/(1 + e^u) with e^-|u|, which cannot overflow
1 + tanh u       over e^-2|u|, and other sums that cancel: see ``exponentials``
tails            1 + erf u = erfc(-u), and others: see ``tails``
sum near 1       log S = log1p(S - 1), where S - 1 is added up by itself: see ``log_sums``
product with log t log p is 0 where t is 0
norm             sqrt(sum b^2) = c sqrt(sum (b/c)^2) for any c > 0; c is the largest |b|
far out          0 inf and inf / inf at an infinite argument get their limit: see ``far_out``
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.expr import Expr

from symdl.calculus.exponentials import definitions_read, without_cancelling
from symdl.calculus.far_out import held_far_out
from symdl.calculus.forms import tidy
from symdl.calculus.log_sums import with_exact_logs
from symdl.calculus.norms import with_scaled_norms
from symdl.calculus.tails import log_cosh, with_erf_tails
from symdl.errors import SymdlError
from symdl.formula import Equation, Formula, Variable
from symdl.notation.binders import Binder, Peak, Total, loose, rename
from symdl.notation.functions import xlogy
from symdl.notation.normal import is_zero, normal
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import free_indices, inline, variables

__all__ = ["Stabilised", "rewritten", "same", "stabilise"]


@dataclass(frozen=True)
class Stabilised:
    """A formula fit to run, and what was rewritten: (name of the rewrite, before, after)."""

    formula: Formula
    rewrites: tuple[tuple[str, Equation, Equation], ...]


@lru_cache(maxsize=1024)
def stabilise(formula: Formula, exact: bool = True) -> Stabilised:
    """Rewrite the equations of ``formula`` for running; a rewrite not proved equal is not taken.

    Without ``exact`` x/(1 + e^-x) stays nan at -inf, which costs nothing.
    """
    equations, done = _named(formula), []
    kept = {formula.output, *(new for _, new in formula.state)}
    shifted = _shift(equations, kept)
    if shifted is not None:
        done += [("shift by the maximum", *pair) for pair in shifted.changed]
        equations = shifted.equations
    out: list[Equation] = []
    known: dict[Expr, Expr] = {}
    names = {v.name for e in equations for v in (e.variable, *variables(e.rhs))}
    for e in equations:
        read = definitions_read(e.rhs, known)
        whole = without_cancelling(e.rhs, read, by_output=False)
        new = Equation(e.lhs, _rewritten(whole, known))
        (*scales, new), scaled = with_scaled_norms(new, names)
        if exact:
            new = Equation(new.lhs, held_far_out(new.rhs, formula))
        if new.rhs != e.rhs:
            if not (same(e.rhs, new.rhs, known | scaled) or same(e.rhs, new.rhs, read)):
                scales, new = [], e
            else:
                done.append(("finite form", e, new))
        known[e.lhs] = e.rhs
        out += [*scales, new]
    if shifted is not None:
        out, more = _with_exact_logs(out, shifted, names)
        done += [("logarithm of a sum near 1", *pair) for pair in more]
    return Stabilised(replace(formula, equations=tuple(out)), tuple(done))


def _with_exact_logs(
    equations: list[Equation], shifted: _Shifted, names: set[str]
) -> tuple[list[Equation], list[tuple[Equation, Equation]]]:
    """Write log S as log1p(S - 1), if that is S and each equation that changes is equal with it."""
    total = shifted.total.lhs
    found = with_exact_logs(equations, shifted.term, shifted.total, lambda name: _new(name, names))
    before = {e.lhs: e.rhs for e in equations}
    changed = [
        (Equation(e.lhs, before[e.lhs]), e) for e in found if before.get(e.lhs, e.rhs) != e.rhs
    ]
    parts = {e.lhs: e.rhs for e in found if e.lhs not in before}
    sums = {e.lhs: e.rhs for _, e in changed if e.lhs == total}
    for old, new in changed:
        known = (parts, {}) if old.lhs == total else ({}, sums)
        if not _equal_with(new.rhs, known[0], old.rhs, known[1]):
            return equations, []
    return found, changed


def rewritten(e: Expr, known: Mapping[Expr, Expr]) -> Expr:
    """One expression in its finite form, with these definitions; the caller checks it."""
    return _rewritten(e, known)


def same(a: Expr, b: Expr, known: Mapping[Expr, Expr]) -> bool:
    """Whether two expressions are proved equal with these definitions put in."""
    try:
        difference = _inlined(a, known) - _inlined(b, known)
        return is_zero(difference) is True or _zero_by_sign(difference)
    except SymdlError:
        return False


def _zero_by_sign(e: Expr) -> bool:
    """Whether ``e`` is 0 for positive, negative and zero u, where |u| is the only size in it."""
    inner = {a for size in e.atoms(sp.Abs) for a in size.atoms(Elem, sp.Symbol)}
    sizes = [a for a in inner if sp.Abs(a) in e.atoms(sp.Abs)]
    if len(sizes) != 1:
        return False
    p = sp.Dummy("p", positive=True)
    return all(is_zero(e.xreplace({sizes[0]: u})) is True for u in (p, -p, sp.S.Zero))


def _inlined(e: Expr, known: Mapping[Expr, Expr]) -> Expr:
    heads = {lhs.tensor if isinstance(lhs, Elem) else lhs for lhs in known}
    whole: dict[Expr, Expr] = {}
    for lhs, rhs in known.items():  # into one another, before ``e`` grows with each of them
        whole[lhs] = inline(rhs, whole)
    while variables(e) & heads:
        e = inline(e, whole)
    return e


@dataclass(frozen=True)
class _Shifted:
    """Equations with shifted exponents, what changed, and among them e = exp(u), S = sum e."""

    equations: list[Equation]
    changed: list[tuple[Equation, Equation]]
    term: Equation
    total: Equation


def _shift(equations: list[Equation], kept: set[Variable]) -> _Shifted | None:
    """Shift the exponents of e = exp(u), S = sum e by the maximum of u, if the rest allows it."""
    found = _exponential_and_sum(equations)
    if found is None:
        return None
    e, s, axis = found
    u = e.rhs.args[0]
    names = {v.name for o in equations for v in (o.variable, *variables(o.rhs))}
    top_at = _at_new(_new("m", names), s.index)
    shift = Equation(top_at, Peak(u, axis))
    u_at = _at_new(_new("u_shifted", names), e.index)
    moved = Equation(u_at, u - top_at)
    e_new = _renamed_head(e, names, sp.exp(u_at))
    s_new = _renamed_head(s, names, inline(s.rhs, {e.lhs: e_new.lhs}))
    swap = {e.lhs: e_new.lhs, s.lhs: s_new.lhs}
    old, new = {e.lhs: e.rhs, s.lhs: s.rhs}, {o.lhs: o.rhs for o in (moved, e_new, s_new)}
    out, changed = [], []
    for o in equations:
        if o == e:
            out += [o, shift, moved, e_new]
        elif o == s:
            out += [o, s_new]
        elif variables(o.rhs) & {e.variable, s.variable}:
            scaled = {lhs: value * sp.exp(top_at) for lhs, value in swap.items()}
            forms = (inline(o.rhs, swap), _rewritten(inline(o.rhs, scaled), {}))
            better = next((f for f in forms if _equal_with(o.rhs, old, f, new)), None)
            if better is None or any(shift.variable in variables(a) for a in better.atoms(sp.exp)):
                return None
            out.append(Equation(o.lhs, better))
            changed.append((o, out[-1]))
        else:
            out.append(o)
    unneeded = {e.variable, s.variable} - kept
    return _Shifted(_without_unread(out, unneeded), changed, e_new, s_new) if changed else None


def _equal_with(a: Expr, of_a: Mapping[Expr, Expr], b: Expr, of_b: Mapping[Expr, Expr]) -> bool:
    return is_zero(_inlined(a, of_a) - _inlined(b, of_b)) is True


def _named(formula: Formula) -> list[Equation]:
    """The equations, with sums of exponentials inside others given names of their own."""
    equations = formula.equations
    names = {v.name for o in equations for v in (o.variable, *variables(o.rhs))}
    return [new for e in equations for new in _with_named_sum(e, names)]


def _with_named_sum(e: Equation, names: set[str]) -> list[Equation]:
    """y = f(exp(u), sum exp(u)) as three equations: e = exp(u), S = sum e, y = f(e, S)."""
    sums = (t for t in e.rhs.atoms(Total) if len(t.bounds) == 1 and isinstance(t.body, sp.exp))
    total = next((t for t in sorted(sums, key=str) if not loose(t)), None)
    if total is None:
        return [e]
    body, (k,) = total.open()
    free = tuple(sorted(free_indices(total), key=lambda i: i.sort_key()))
    power = TensorSymbol(_new("e", names), (*(i.size for i in free), k.size), positive=True)
    whole = _at_new(_new("S", names), free, positive=True)
    here = {total: whole}
    here |= {rename(body, {k: i}): power[(*free, i)] for i in e.index if i.size == k.size}
    return [
        Equation(power[(*free, k)], body),
        Equation(whole, Total(power[(*free, k)], k)),
        Equation(e.lhs, rename(e.rhs, here)),
    ]


def _exponential_and_sum(equations: list[Equation]) -> tuple[Equation, Equation, Expr] | None:
    """Find e = exp(u) and S = sum of e over one of its axes."""
    for e in equations:
        for s in equations:
            if isinstance(e.rhs, sp.exp) and isinstance(s.rhs, Total):
                axis = _summed_axis(e, s.rhs)
                if axis is not None and set(e.index) - set(s.index) == {axis}:
                    return e, s, axis
    return None


def _summed_axis(e: Equation, total: Total) -> Expr | None:
    """The index of ``e`` that ``total`` sums over, if it sums plain elements of ``e``."""
    body, (k, *more) = total.open()
    if more or not (isinstance(body, Elem) and body.tensor == e.variable and k in body.index):
        return None
    return e.index[body.index.index(k)]


def _renamed_head(e: Equation, names: set[str], rhs: Expr) -> Equation:
    v = e.variable
    if isinstance(v, TensorSymbol):
        w = TensorSymbol(_new(f"{v.name}_shifted", names), v.axes, positive=True)
        return Equation(Elem(w, *e.index), rhs)
    return Equation(sp.Symbol(_new(f"{v.name}_shifted", names), positive=True), rhs)


def _at_new(name: str, index: tuple[Expr, ...], positive: bool = False) -> Expr:
    if not index:
        return sp.Symbol(name, positive=True) if positive else sp.Symbol(name, real=True)
    return Elem(TensorSymbol(name, tuple(i.size for i in index), positive), *index)


def _new(name: str, names: set[str]) -> str:
    while name in names:
        name += "_"
    names.add(name)
    return name


def _without_unread(equations: list[Equation], candidates: set[Variable]) -> list[Equation]:
    for e in reversed(list(equations)):
        read = set().union(*(variables(o.rhs) for o in equations if o is not e))
        if e.variable in candidates and e.variable not in read:
            equations = [o for o in equations if o is not e]
    return equations


def _rewritten(e: Expr, known: Mapping[Expr, Expr]) -> Expr:
    """Rewrite from the leaves up."""
    if isinstance(e, Elem) or not e.args:
        return e
    if isinstance(e, Binder):
        body, index = e.open()
        return e.func(_rewritten(body, known), *index)
    if isinstance(e, sp.log):
        return _log(e.args[0], known)
    if e.is_Pow and e.exp == -1 and _one_plus_exp(e.base) is not None:
        return _logistic(_one_plus_exp(e.base))
    e = e.func(*(_rewritten(a, known) for a in e.args))
    if e.is_Mul:
        return _guarded_product(e)
    e = with_erf_tails(e)
    return _with_expm1(e)


def _with_expm1(e: Expr) -> Expr:
    """A sum of -1 and e^u, or of 1 and -e^u, as one function."""
    for one in (sp.S.NegativeOne, sp.S.One) if e.is_Add else ():
        powers = [a for a in e.args if isinstance(-one * a, sp.exp)]
        if one in e.args and len(powers) == 1:
            (power,) = powers
            return e - power - one - one * expm1((-one * power).args[0])
    return e


def _log(arg: Expr, known: Mapping[Expr, Expr]) -> Expr:
    """The logarithm of ``arg``, taken apart along the definitions of what it reads."""
    meaning = inline(arg, known) if isinstance(arg, (Elem, sp.Symbol)) else arg
    if isinstance(meaning, sp.exp):
        return meaning.args[0]
    if isinstance(meaning, sp.cosh):
        return log_cosh(meaning.args[0])
    if meaning.is_Mul and all(a.is_positive for a in meaning.args):
        return sp.Add(*(_log(a, known) for a in meaning.args))
    if meaning.is_Pow and meaning.exp.is_Rational and meaning.base.is_positive:
        return meaning.exp * _log(meaning.base, known)
    u = _one_plus_exp(meaning)
    if u is not None:
        return sp.Max(0, u) + log1p(sp.exp(-sp.Abs(u)))
    if meaning.is_Add:
        shown = tidy(normal(_inlined(meaning, known)))
        if not shown.is_Add:
            return _log(shown, known)
        negative = meaning - 1
        if negative.could_extract_minus_sign() and (-negative).is_positive:
            return log1p(_rewritten(arg - 1, known))
    return sp.log(_rewritten(arg, known))


def _one_plus_exp(e: Expr) -> Expr | None:
    """u, if e = 1 + exp(u)."""
    if e.is_Add and len(e.args) == 2 and e.args[0] == 1 and isinstance(e.args[1], sp.exp):
        return e.args[1].args[0]
    return None


def _logistic(u: Expr) -> Expr:
    """1/(1 + e^u) without overflow."""
    small = sp.exp(-sp.Abs(u))
    return sp.Piecewise((small, u > 0), (sp.S.One, True)) / (1 + small)


def _guarded_product(e: Expr) -> Expr:
    """t log p as xlogy, and t log1p(-p) too."""
    logs = {a: _argument(a) for a in e.args if _argument(a) is not None and variables(a)}
    others = [a for a in e.args if a not in logs and variables(a)]
    if len(logs) != 1 or len(others) != 1 or others[0].is_Pow:
        return e
    ((log, argument),) = logs.items()
    rest = sp.Mul(*(a for a in e.args if a is not log and a is not others[0]))
    return rest * xlogy(others[0], argument)


def _argument(e: Expr) -> Expr | None:
    """p, if ``e`` is log p, or log1p(p - 1) with a p that may be 0."""
    if isinstance(e, sp.log):
        return e.args[0]
    if isinstance(e, log1p) and e.args[0].could_extract_minus_sign():
        return 1 + e.args[0]
    return None
