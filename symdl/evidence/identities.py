"""Claims on whole formulas: unchanged by a shift, affine in the input, slopes of one sign."""

from __future__ import annotations

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import adjoint, place_of
from symdl.calculus.compose import Piece, Renaming, chain
from symdl.calculus.contract import contract
from symdl.calculus.differentiate import gradient
from symdl.errors import InputError, SymdlError
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.pieces import pieces
from symdl.evidence.signs import Domain, judge_nonnegative
from symdl.evidence.verdict import Verdict
from symdl.formula import Formula
from symdl.notation.binders import Total, rename
from symdl.notation.indices import Index, size_of
from symdl.notation.normal import is_zero
from symdl.notation.tensors import Elem, TensorSymbol, real
from symdl.notation.walk import inline, substitute, variables

__all__ = [
    "judge_affine",
    "judge_max_is_negated_min",
    "judge_one_sign",
    "judge_same",
    "judge_shift",
    "judge_sum",
    "multiplied_out",
    "stacked",
]


def judge_same(left: Expr, right: Expr, x: sp.Symbol) -> Verdict:
    """Judge that two functions of ``x`` are the same; kinked ones also piece by piece.

    >>> x = sp.Symbol("x", real=True)
    >>> judge_same(sp.Max(-1, sp.Min(1, x)), -sp.Max(-1, sp.Min(1, -x)), x).level
    'proved'
    """
    seen = judge_equation(left, right)
    if seen.level != "numeric":
        return seen
    try:
        found = pieces(left - right, x)
    except SymdlError:
        return seen
    kinks = [(left - right).xreplace({x: p.low}) for p in found[1:]]
    if all(is_zero(e) for e in (*(p.expr for p in found), *kinks)):
        return Verdict("proved", "same normal form between the kinks, and equal at them")
    return seen


def judge_sum(formula: Formula, axis: int, value: Expr) -> Verdict:
    """Judge that the output sums to ``value`` over one of its axes."""
    lhs = formula.equation(formula.output).lhs
    return judge_equation(Total(lhs, lhs.index[axis]), value, formula.equations)


def judge_shift(formula: Formula, variable: TensorSymbol, axis: int) -> Verdict:
    """Judge that adding one number to all elements along an axis leaves the output as it is."""
    out = inlined(formula.equation(formula.output).rhs, formula.equations)

    def moved(*at: Expr) -> Expr:
        rest = at[:axis] + at[axis + 1 :]
        if not rest:
            return Elem(variable, *at) + real("shift")
        axes = variable.axes[:axis] + variable.axes[axis + 1 :]
        return Elem(variable, *at) + Elem(TensorSymbol("shift", axes), *rest)

    return judge_equation(out, substitute(out, variable, moved))


def stacked(layer: Formula, depth: int) -> Formula:
    """The same kind of layer ``depth`` times, each with its own parameters and sizes.

    The layer reads x[n, i] and gives y[n, j]; its parameters live on those axes.
    """
    if depth < 1:
        raise InputError(f"a stack has at least one layer, not {depth}")
    (x,), y = layer.inputs, layer.output
    (rows, last), wide = x.axes, y.axes[1]
    out: Formula | None = None
    below, size = x, last
    for k in range(1, depth + 1):
        above_size = size_of(f"{wide}_{k}")
        above = TensorSymbol(f"{y.name}_{k}", (rows, above_size))
        sizes = {last: size, wide: above_size}
        plain = Renaming({}, sizes)
        names = {x: below, y: above}
        for p in layer.parameters:
            axes = tuple(plain.size(s) for s in p.axes)
            names[p] = TensorSymbol(f"{p.name}_{k}", axes)
        piece = Piece(layer, Renaming(names, sizes))
        one = Formula(
            piece.equations, output=above, inputs=[below],
            parameters=[names[p] for p in layer.parameters], name=f"{layer.name}_{k}",
        )  # fmt: skip
        out = one if out is None else chain(out, one)
        below, size = above, above_size
    assert out is not None
    return out


def judge_affine(formula: Formula, x: TensorSymbol) -> tuple[Expr, Expr, Verdict]:
    """The kernel and the bias of a formula that is affine in its rows x[n, i], with the verdict.

    Proved means that the whole formula is the one layer x -> x kernel + bias.
    """
    equation = formula.equation(formula.output)
    out = inlined(equation.rhs, formula.equations)
    n = equation.index[0]
    place = place_of(x, frozenset(i.name for i in equation.index))
    slope = gradient(out, place).after
    kernel = contract(rename(slope, {place.index[0]: n}))
    bias = substitute(out, x, lambda *at: sp.S.Zero)
    if x in variables(kernel):
        mirrored = substitute(out, x, lambda *at: -Elem(x, *at))
        seen = judge_equation(out + mirrored, 2 * bias)
        why = f"the values at {x} and at -{x} do not have the value at 0 for their mean"
        if seen.level == "refuted":
            return kernel, bias, Verdict("refuted", why, seen.counterexample)
        return kernel, bias, Verdict("unknown", f"the derivative for {x} still reads {x}")
    i = place.index[1]
    whole = Total(Elem(x, n, i) * kernel, i) + bias
    seen = judge_equation(out, whole)
    flat = judge_equation(multiplied_out(out), multiplied_out(whole))
    if seen.level == "numeric" and flat.level == "proved":
        return kernel, bias, Verdict("proved", "same normal form once the sums are multiplied out")
    return kernel, bias, seen


def multiplied_out(e: Expr) -> Expr:
    """Sums of products of sums as sums over all their indices."""
    if isinstance(e, Total):
        body, index = e.open()
        return sp.Add(*(_one_sum(t, index) for t in _terms(multiplied_out(body))))
    if e.is_Add or e.is_Mul:
        return sp.expand(e.func(*(multiplied_out(a) for a in e.args)))
    return e


def _terms(e: Expr) -> tuple[Expr, ...]:
    return sp.Add.make_args(sp.expand(e))


def _one_sum(term: Expr, index: tuple[Index, ...]) -> Expr:
    parts, every = [], list(index)
    for f in sp.Mul.make_args(term):
        if isinstance(f, Total):
            body, more = f.open()
            parts.append(body)
            every += more
        else:
            parts.append(f)
    return Total(sp.Mul(*parts), *every)


def judge_one_sign(formula: Formula, weight: TensorSymbol, domain: Domain) -> Verdict:
    """Judge that the derivatives for all elements of ``weight`` have one sign, for one example.

    The product of any two of them is never negative.
    """
    found = adjoint(formula, (weight,)).inlined(weight)
    index = found.index
    other = tuple(place_of(weight, frozenset(i.name for i in index)).index)
    product = found.rhs * rename(found.rhs, dict(zip(index, other, strict=True)))
    definitions = {e.lhs: e.rhs for e in reversed(formula.equations)}
    return judge_nonnegative(inline(product, definitions), domain)


def judge_max_is_negated_min(values: tuple[Expr, ...]) -> Verdict:
    """Judge max L = -min(-L) over finitely many values of L."""
    return judge_equation(sp.Max(*values), -sp.Min(*(-v for v in values)))
