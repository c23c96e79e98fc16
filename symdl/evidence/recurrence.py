"""Linear recurrences unrolled: new = a old + f_t as a sum over all steps, proved by induction.

Moments of optimizers, the velocity of momentum and running statistics are recurrences of this kind.
The steps are an axis: a variable that changes from step to step is a tensor over it, counted from
0, so that ``g[k]`` is the gradient of step k + 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import place_of
from symdl.calculus.differentiate import differentiate
from symdl.calculus.elimination import simplest, solve_linear
from symdl.errors import Impossible, InputError
from symdl.evidence.judge import judge_equation
from symdl.evidence.moments import Law, mean
from symdl.evidence.verdict import Verdict, weakest
from symdl.evidence.written_out import write_out
from symdl.formula import Equation, Formula, Variable
from symdl.notation.binders import Total
from symdl.notation.indices import Index, fresh, size_of
from symdl.notation.normal import normal
from symdl.notation.resize import first_term_out, last_term_out, single
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import sizes_of, substitute, variables

__all__ = [
    "Geometric", "Unrolled", "geometric", "judge_induction", "mean_after", "unroll",
]  # fmt: skip

_WRITTEN_OUT = range(1, 6)


@dataclass(frozen=True)
class Unrolled:
    """What a state is after ``steps`` steps, from its ``start``.

    value    in terms of the start and of what was read at each step
    varying  what is read at each step: the variable, and its tensor over the steps
    parts    how it was judged: the first step, the induction, written-out steps
    """

    equation: Equation
    old: Expr
    start: Expr
    steps: sp.Symbol
    decay: Expr
    value: Expr
    varying: tuple[tuple[Variable, TensorSymbol], ...]
    parts: tuple[tuple[str, Verdict], ...]

    @property
    def verdict(self) -> Verdict:
        """The weakest of the parts."""
        worst = weakest(v for _, v in self.parts)
        return Verdict("proved", "by induction") if worst.level == "proved" else worst

    @property
    def from_zero(self) -> Expr:
        """The value where the state starts at 0."""
        if isinstance(self.start, Elem):
            return substitute(self.value, self.start.tensor, lambda *at: sp.S.Zero)
        return self.value.xreplace({self.start: sp.S.Zero})


def unroll(formula: Formula, state: Variable, steps: sp.Symbol | None = None) -> Unrolled:
    """Unroll the equation of a formula that gives the next value of a state.

    Raises InputError for what is no state, Impossible where the equation is not linear in the
    state, or where the factor of the state changes from step to step.

    >>> from symdl.catalog.optimizers import MOMENTUM, velocity
    >>> found = unroll(MOMENTUM, velocity)
    >>> found.from_zero
    sum[j](-learning_rate*momentum**(-j + t - 1)*g[j])
    >>> found.verdict.level
    'proved'
    """
    following = dict(formula.state).get(state)
    if following is None:
        names = ", ".join(str(old) for old, _ in formula.state) or "none"
        raise InputError(f"{state} is no state of {formula.name}; its states are: {names}")
    equation = formula.equation(following)
    t = size_of("t") if steps is None else steps
    constants = {symbol for symbol, _ in formula.hyper}
    old = Elem(state, *equation.index) if isinstance(state, TensorSymbol) else state
    decay, drive = _linear(equation, old, constants)
    k = fresh(t, "k")
    varying = tuple(
        (v, TensorSymbol(v.name, (t, *_axes(v)))) for v in _sorted(variables(drive) - constants)
    )
    start = _renamed(old, f"{state.name}_0")
    terms = decay ** (t - 1 - k) * _read_at(drive, varying, k)
    value = decay**t * start + Total(terms, k)
    found = Unrolled(equation, old, start, t, decay, value, varying, ())
    return replace(found, parts=_judged(found))


def _linear(equation: Equation, old: Expr, constants: set[sp.Symbol]) -> tuple[Expr, Expr]:
    slope = simplest(differentiate(equation.rhs, old).after)
    state = old.tensor if isinstance(old, Elem) else old
    if state in variables(slope):
        raise Impossible(f"{equation} is not linear in {state}")
    if not variables(slope) <= constants:
        raise Impossible(f"in {equation} the factor {slope} of {state} changes from step to step")
    return slope, substitute(equation.rhs, state, lambda *at: sp.S.Zero)


def _sorted(found: set[sp.Symbol] | frozenset[sp.Symbol]) -> list[sp.Symbol]:
    return sorted(found, key=str)


def _axes(v: Variable) -> tuple[Expr, ...]:
    return v.axes if isinstance(v, TensorSymbol) else ()


def _renamed(place: Expr, name: str) -> Expr:
    if isinstance(place, Elem):
        t = place.tensor
        return Elem(TensorSymbol(name, t.axes, t.positive_elements), *place.index)
    return sp.Symbol(name, **place.assumptions0)


def _read_at(e: Expr, varying: tuple[tuple[Variable, TensorSymbol], ...], k: Index) -> Expr:
    for v, over in varying:
        e = substitute(e, v, lambda *at, over=over: Elem(over, k, *at))
    return e


def _judged(u: Unrolled) -> tuple[tuple[str, Verdict], ...]:
    lasts = {v: _reader(_renamed(place_of(v), f"{v.name}_last")) for v, _ in u.varying}
    stepped = _after(u, u.value)
    for v, read in lasts.items():
        stepped = substitute(stepped, v, read)
    grown = last_term_out(u.value, u.steps, {over: lasts[v] for v, over in u.varying})
    first = _read_at(_after(u, u.start), u.varying, fresh(u.steps))
    return (
        ("the first step", judge_equation(single(u.value, u.steps), single(first, u.steps))),
        ("one step more, by induction", judge_equation(grown, stepped)),
        *(
            (f"{n} step{'s' if n > 1 else ''} written out", _written_out(u, n))
            for n in _WRITTEN_OUT
        ),
    )


def _after(u: Unrolled, value: Expr) -> Expr:
    """One step of the equation from ``value``."""
    state = u.old.tensor if isinstance(u.old, Elem) else u.old
    return substitute(u.equation.rhs, state, lambda *at: value)


def _reader(place: Expr) -> Callable[..., Expr]:
    if isinstance(place, Elem):
        return lambda *at: Elem(place.tensor, *at)
    return lambda: place


def _written_out(u: Unrolled, n: int) -> Verdict:
    """The equation put into itself n - 1 times, against the value, both as plain SymPy."""
    rhs, t = u.equation.rhs, u.steps
    sizes = {**dict.fromkeys(sizes_of(rhs) | sizes_of(u.equation.lhs), 2), t: n}
    index = dict.fromkeys(u.equation.index, 1)
    name, reached = (write_out(e, sizes, index) for e in (u.old, u.start))
    k = fresh(t)
    for step in range(n):
        plain = write_out(_read_at(rhs, u.varying, k), sizes, {**index, k: step})
        reached = plain.xreplace({name: reached})
    claimed = write_out(u.value, sizes, index)
    if sp.expand(reached - claimed) == 0:
        return Verdict("proved", "the equation put into itself, multiplied out")
    return judge_equation(reached, claimed)


# -------------------------------------------------------------------------------- closed sums


@dataclass(frozen=True)
class Geometric:
    """The sum of the powers of ``ratio`` below ``steps``, as ``total`` and as ``value``.

    ``last_out`` and ``first_out`` are the sum of one term more, written in two ways with the sum
    itself as S; the value solves last_out = first_out for S.
    """

    ratio: Expr
    steps: sp.Symbol
    total: Expr
    last_out: Expr
    first_out: Expr
    value: Expr
    verdict: Verdict


def geometric(ratio: Expr, steps: sp.Symbol) -> Geometric:
    """Derive sum_{k < t} ratio**(t - 1 - k) = (1 - ratio**t) / (1 - ratio), ratio not 1.

    >>> found = geometric(sp.Symbol("b", positive=True), size_of("t"))
    >>> found.value, found.verdict.level
    ((1 - b**t)/(1 - b), 'proved')
    """
    k = fresh(steps, "k")
    total = Total(ratio ** (steps - 1 - k), k)
    s = sp.Symbol("S", real=True)
    last_out = ratio * s + _remainder(last_term_out(total, steps), ratio * total)
    first_out = s + _remainder(first_term_out(total, steps), total)
    value = solve_linear(last_out - first_out, s)
    if value is None:
        raise Impossible(f"the sum of the powers of {ratio}")
    value = _with_positive_divisor(simplest(value), ratio)
    verdict = judge_induction(total, value, steps, lambda e: last_out.xreplace({s: e}))
    return Geometric(ratio, steps, total, last_out, first_out, value, verdict)


def _with_positive_divisor(e: Expr, ratio: Expr) -> Expr:
    """The fraction with a divisor that is positive for a small ratio: 1 - ratio."""
    above, below = sp.fraction(e)
    if below.xreplace({ratio: sp.S.Zero}).is_negative:
        above, below = sp.expand(-above), sp.expand(-below)
    return above / below


def _remainder(whole: Expr, part: Expr) -> Expr:
    rest = normal(whole - part)
    if rest.has(Total):
        raise Impossible(f"{whole} less {part} still holds a sum")
    return rest


def judge_induction(
    left: Expr, right: Expr, steps: sp.Symbol, following: Callable[[Expr], Expr]
) -> Verdict:
    """Judge left = right for every number of steps: equal after one, and both go on alike.

    ``following`` is the recurrence: the value after one step more, from the value.
    """
    parts = [judge_equation(single(left, steps), single(right, steps))]
    parts += [judge_equation(last_term_out(side, steps), following(side)) for side in (left, right)]
    worst = weakest((*parts, judge_equation(left, right)))  # the last one at points
    if all(v.level == "proved" for v in parts) and worst.ok:
        return Verdict("proved", "by induction: both sides solve the same recurrence")
    return worst


def mean_after(
    unrolled: Unrolled, laws: Mapping[Variable, Law], from_zero: bool = False
) -> tuple[Expr, Verdict]:
    """The mean of the state after all steps, where each step draws anew from the same laws.

    Returns the mean with its geometric sum carried out, and the verdict on it.
    """
    over = dict(unrolled.varying)
    missing = [str(v) for v in over if v not in laws]
    if missing:
        raise InputError(f"no law was given for {', '.join(missing)}")
    value = unrolled.from_zero if from_zero else unrolled.value
    found = mean(value, {over[v]: law for v, law in laws.items() if v in over})
    known = geometric(unrolled.decay, unrolled.steps)
    factored = normal(known.total)
    (atom,) = factored.atoms(Total)
    closed = simplest(found.xreplace({atom: known.value * atom / factored}))
    seen = judge_equation(found, closed)
    if closed.has(Total):
        return closed, Verdict("unknown", f"a sum is left in {closed}")
    if unrolled.verdict.level == known.verdict.level == "proved" and seen.ok:
        return closed, Verdict("proved", "the mean of each term, and the geometric sum")
    return closed, weakest((unrolled.verdict, known.verdict, seen))
