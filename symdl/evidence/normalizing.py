"""What normalizing layers do: one row alone, the output's statistics, moved and scaled inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.elimination import simplest
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.moments import Law, law, mean, variance
from symdl.evidence.verdict import Verdict
from symdl.formula import Equation, Formula, Variable
from symdl.notation.binders import Total
from symdl.notation.indices import Index
from symdl.notation.resize import single
from symdl.notation.tensors import Elem, TensorSymbol, real
from symdl.notation.walk import substitute, variables

__all__ = [
    "Elsewhere", "elsewhere", "judge_centred", "judge_moved", "judge_scale", "judge_single",
    "judge_spread", "output_alone", "scaling",
]  # fmt: skip


def output_alone(formula: Formula, axis: sp.Symbol) -> Expr:
    """The output where ``axis`` has one element, as simple as the normal form makes it."""
    out = inlined(formula.equation(formula.output).rhs, formula.equations)
    return simplest(single(out, axis))


def judge_single(formula: Formula, axis: sp.Symbol, value: Expr) -> Verdict:
    """Judge what the output is where ``axis`` has one element, for all other sizes.

    >>> from symdl.catalog.normalization import BATCH_NORMALIZATION, beta, i, n
    >>> judge_single(BATCH_NORMALIZATION, n.size, beta[i]).level
    'proved'
    """
    out = inlined(formula.equation(formula.output).rhs, formula.equations)
    return judge_equation(single(out, axis), single(value, axis))


def _mean_over(e: Expr, index: tuple[Index, ...]) -> Expr:
    return Total(e, *index) / sp.Mul(*(i.size for i in index))


def judge_centred(formula: Formula, axes: tuple[sp.Symbol, ...], hidden: Variable) -> Verdict:
    """Judge that what is normalized, ``hidden``, has the mean 0 over ``axes``."""
    h, index = _place(formula, hidden, axes)
    return judge_equation(_mean_over(h, index), sp.S.Zero, formula.equations)


def judge_spread(
    formula: Formula, axes: tuple[sp.Symbol, ...], hidden: Variable, var: Variable, epsilon: Expr
) -> Verdict:
    """Judge that the mean square of ``hidden`` over ``axes`` is var / (var + epsilon)."""
    h, index = _place(formula, hidden, axes)
    v = formula.equation(var).lhs
    return judge_equation(_mean_over(h**2, index), v / (v + epsilon), formula.equations)


def _place(
    formula: Formula, variable: Variable, axes: tuple[sp.Symbol, ...]
) -> tuple[Expr, tuple[Index, ...]]:
    place = formula.equation(variable).lhs
    return place, tuple(i for i in place.index if i.size in axes)


def judge_moved(formula: Formula, axes: tuple[int, ...]) -> Verdict:
    """Judge that adding a number to the input leaves the output as it is.

    The number is the same along ``axes`` and another one for each place of the other axes.
    """
    (x,) = formula.inputs
    rest = tuple(k for k in range(x.rank) if k not in axes)
    number = TensorSymbol("shift", tuple(x.axes[k] for k in rest))
    out = inlined(formula.equation(formula.output).rhs, formula.equations)

    def moved(*at: Expr) -> Expr:
        shift = Elem(number, *(at[k] for k in rest)) if rest else real("shift")
        return Elem(x, *at) + shift

    return judge_equation(out, substitute(out, x, moved))


def scaling(
    formula: Formula, axes: tuple[int, ...], epsilon: sp.Symbol
) -> tuple[tuple[tuple[Variable, int], ...], Verdict]:
    """With which power of a positive factor of the input each variable is multiplied.

    The factor is the same along ``axes`` and another one for each place of the other axes;
    ``epsilon`` is 0.  Found equation by equation, and the whole output judged at points.

    >>> from symdl.catalog.normalization import RMS_NORMALIZATION, epsilon
    >>> powers, verdict = scaling(RMS_NORMALIZATION, (1,), epsilon)
    >>> dict(powers)[RMS_NORMALIZATION.output], verdict.level
    (0, 'proved')
    """
    (x,) = formula.inputs
    factor = _factor(x, axes)
    powers: dict[Variable, int] = {x: 1}
    for e in _needed(formula):
        rhs = e.rhs.xreplace({epsilon: sp.S.Zero})
        found = _power(rhs, _scaled(rhs, powers, factor), factor(e.lhs))
        if found is None:
            return tuple(powers.items()), Verdict("unknown", f"how '{e}' scales")
        powers[e.variable] = found
    out = _whole(formula, epsilon)
    seen = judge_equation(
        _scaled(out, {x: 1}, factor), factor(_output(formula)) ** powers[formula.output] * out
    )
    if seen.ok:
        seen = Verdict("proved", "equation by equation, and the whole at random points")
    return tuple(powers.items()), seen


def judge_scale(formula: Formula, axes: tuple[int, ...], epsilon: sp.Symbol) -> Verdict:
    """Judge that a positive factor of the input, the same along ``axes``, leaves the output.

    With ``epsilon`` = 0; a different factor for each place of the other axes.
    """
    powers, verdict = scaling(formula, axes, epsilon)
    power = dict(powers).get(formula.output)
    if verdict.ok and power != 0:
        point = (("power of the factor", str(power)),)
        return Verdict("refuted", "the output is multiplied as well", point)
    return verdict


def _output(formula: Formula) -> Expr:
    return formula.equation(formula.output).lhs


def _whole(formula: Formula, epsilon: sp.Symbol) -> Expr:
    out = inlined(formula.equation(formula.output).rhs, formula.equations)
    return out.xreplace({epsilon: sp.S.Zero})


def _needed(formula: Formula) -> list[Equation]:
    """The equations that the output needs, in their order."""
    wanted, found = {formula.output}, []
    for e in reversed(formula.equations):
        if e.variable in wanted:
            wanted |= variables(e.rhs)
            found.append(e)
    return found[::-1]


def _factor(x: TensorSymbol, axes: tuple[int, ...]) -> Callable[[Expr], Expr]:
    """The factor at the place of an element: read at its indices over the other axes."""
    rest = tuple(x.axes[k] for k in range(x.rank) if k not in axes)
    tensor = TensorSymbol("c", rest, positive=True)

    def at(place: Expr) -> Expr:
        if not rest:
            return sp.Symbol("c", positive=True)
        by_size = dict(zip(place.tensor.axes, place.index, strict=True))
        return Elem(tensor, *(by_size[s] for s in rest))

    return at


def _scaled(e: Expr, powers: dict[Variable, int], factor: Callable[[Expr], Expr]) -> Expr:
    for v, power in powers.items():
        if power:
            e = substitute(e, v, lambda *at, v=v, power=power: _times(Elem(v, *at), factor, power))
    return e


def _times(place: Expr, factor: Callable[[Expr], Expr], power: int) -> Expr:
    return factor(place) ** power * place


def _power(plain: Expr, scaled: Expr, c: Expr) -> int | None:
    for power in (0, 1, 2):
        if judge_equation(scaled, c**power * plain).level == "proved":
            return power
    return None


@dataclass(frozen=True)
class Elsewhere:
    """Mean and variance of the output where other statistics were used than those of the input.

    ``moved`` is the mean less what it would be with the input's own, ``widened`` the variance
    over what it would be; both as they are with epsilon = 0.
    """

    mean: Expr
    variance: Expr
    moved: Expr
    widened: Expr


def elsewhere(
    inference: Formula, statistics: tuple[TensorSymbol, TensorSymbol], epsilon: sp.Symbol
) -> Elsewhere:
    """What running statistics do to inputs that have another mean and variance.

    ``statistics`` are the running mean and variance of the formula.  In a recurrent net the inputs
    of each step have a mean and a variance of their own, while one pair of running statistics
    serves all steps.
    """
    x = inference.inputs[0]
    equation = inference.equation(inference.output)
    out = inlined(equation.rhs, inference.equations)
    mu, var = sp.Symbol("mu_x", real=True), sp.Symbol("var_x", positive=True)
    draws: dict[sp.Symbol, Law] = {x: law(mu, var)}
    middle, spread = simplest(mean(out, draws)), simplest(variance(out, draws))
    own: dict[TensorSymbol, Expr] = dict(zip(statistics, (mu, var), strict=True))

    def with_own(e: Expr) -> Expr:
        for v, value in own.items():
            e = substitute(e, v, lambda *at, value=value: value)
        return e

    plain = {epsilon: sp.S.Zero}
    moved = simplest(middle.xreplace(plain) - with_own(middle).xreplace(plain))
    widened = simplest(spread.xreplace(plain) / with_own(spread).xreplace(plain))
    return Elsewhere(middle, spread, moved, widened)
