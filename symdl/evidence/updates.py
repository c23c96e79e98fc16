"""Update formulas of optimizers compared: weight decay against a penalty, and changes of variable.

Two ways to pull weights to zero: a penalty adds decay * w to the gradient, and goes through
whatever the optimizer does with gradients; decoupled decay takes rate * decay * w off the weight.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.differentiate import differentiate
from symdl.calculus.elimination import simplest
from symdl.errors import InputError
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Formula, Variable

__all__ = [
    "decay_and_penalty", "decoupled", "judge_decay_is_not_penalty", "judge_decay_is_penalty",
    "judge_decouples", "judge_differ", "judge_look_ahead", "update_of", "with_penalty",
]  # fmt: skip

_VALUES = (sp.Rational(1, 2), sp.Rational(3, 4), sp.S.One)


def update_of(formula: Formula, variable: Variable | None = None) -> Expr:
    """The new weight (or another variable) in terms of what is given to the formula."""
    v = formula.output if variable is None else variable
    return inlined(formula.equation(v).rhs, formula.equations)


def with_penalty(update: Expr, weight: sp.Symbol, slope: sp.Symbol, penalty: Expr) -> Expr:
    """The update where ``penalty`` is added to the loss: its derivative joins the gradient.

    >>> from symdl.catalog import optimizers as o
    >>> decay = sp.Symbol("decay", positive=True)
    >>> with_penalty(update_of(o.SGD), o.w, o.g, decay * o.w**2 / 2)
    -learning_rate*(decay*w + g) + w
    """
    found = simplest(differentiate(penalty, weight).after)
    return update.xreplace({slope: slope + found})


def decoupled(update: Expr, weight: sp.Symbol, rate: sp.Symbol, decay: Expr) -> Expr:
    """The update with rate * decay * weight taken off beside it, the gradient left alone."""
    return update - rate * decay * weight


def judge_decay_is_penalty(
    formula: Formula, names: tuple[sp.Symbol, sp.Symbol, sp.Symbol], decay: sp.Symbol
) -> Verdict:
    """Judge that decoupled weight decay is the penalty decay * w^2 / 2: same weight, same states.

    ``names`` are the weight, the gradient and the rate of the update formula.
    """
    pairs = decay_and_penalty(formula, names, decay)
    return weakest(judge_equation(left, right) for left, right in pairs)


def judge_decouples(decayed: Formula, plain: Formula, names: tuple[sp.Symbol, ...]) -> Verdict:
    """Judge that ``decayed`` is ``plain`` with decoupled weight decay, every state as it was.

    ``names`` are the weight, the rate and the decay.
    """
    weight, rate, decay = names
    shared = (
        dict.fromkeys(e for e in f.equations if e.variable != f.output) for f in (decayed, plain)
    )
    if len({tuple(s) for s in shared}) > 1:
        return Verdict(
            "unknown", f"{decayed.name} and {plain.name} differ before the last equation"
        )
    left, right = (f.equation(f.output).rhs for f in (decayed, plain))
    return judge_equation(left, decoupled(right, weight, rate, decay))


def judge_differ(left: Expr, right: Expr, point: Mapping[sp.Symbol, Expr]) -> Verdict:
    """Judge that two expressions are not the same, by exact numbers at one point.

    Proved where both values are rational and differ; the point is part of the reason.

    >>> x = sp.Symbol("x", real=True)
    >>> print(judge_differ(x, x**2, {x: sp.Integer(2)}))
    proved: by a counterexample: at x = 2 the one is 2 and the other 4
    """
    unset = (left.free_symbols | right.free_symbols) - point.keys()
    if unset:
        names = ", ".join(sorted(map(str, unset)))
        raise InputError(f"the point gives no value to {names}")
    a, b = (e.xreplace(dict(point)) for e in (left, right))
    at = ", ".join(f"{k} = {v}" for k, v in point.items())
    if not (a.is_Rational and b.is_Rational):
        return Verdict("unknown", f"at {at} a side is no rational number: {a}, {b}")
    if a == b:
        return Verdict("refuted", "the two agree there", (("point", at), ("both", str(a))))
    return Verdict("proved", f"by a counterexample: at {at} the one is {a} and the other {b}")


def judge_decay_is_not_penalty(
    formula: Formula, names: tuple[sp.Symbol, sp.Symbol, sp.Symbol], decay: sp.Symbol
) -> Verdict:
    """Judge that decoupled weight decay and the penalty decay * w^2 / 2 are not the same.

    Proved by exact numbers, in the new weight or in a new state, after one step from states of 0.
    """
    outputs = (formula.output, *(new for _, new in formula.state))
    sides = decay_and_penalty(formula, names, decay)
    for v, (left, right) in zip(outputs, sides, strict=True):
        for point in _points(formula, decay):
            seen = judge_differ(left, right, point)
            if seen.ok:
                return Verdict(seen.level, f"{v}: {seen.reason}")
    return Verdict("unknown", "no point with rational values was found where they differ")


def decay_and_penalty(
    formula: Formula, names: tuple[sp.Symbol, sp.Symbol, sp.Symbol], decay: sp.Symbol
) -> tuple[tuple[Expr, Expr], ...]:
    """The new weight, then each new state: with decoupled decay, and with the penalty."""
    weight, slope, rate = names
    penalty = decay * weight**2 / 2
    plain = update_of(formula)
    out = [(decoupled(plain, weight, rate, decay), with_penalty(plain, weight, slope, penalty))]
    for _, new in formula.state:
        state = update_of(formula, new)
        out.append((state, with_penalty(state, weight, slope, penalty)))
    return tuple(out)


def _points(formula: Formula, decay: sp.Symbol) -> Iterator[dict[sp.Symbol, Expr]]:
    """States at 0, inputs at 1, constants at a half, three quarters or 1, within their domains."""
    start: dict[sp.Symbol, Expr] = dict.fromkeys((old for old, _ in formula.state), sp.S.Zero)
    start |= dict.fromkeys(formula.inputs, sp.S.One)
    start[decay] = sp.S.One
    constants = [symbol for symbol, _ in formula.hyper]
    values = ([v for v in _VALUES if v in formula.domain_of(s)] for s in constants)
    for chosen in itertools.product(*values):
        yield {**start, **dict(zip(constants, chosen, strict=True))}


def judge_look_ahead(ahead: Formula, plain: Formula, names: tuple[sp.Symbol, ...]) -> Verdict:
    """Judge that ``ahead`` is ``plain`` with the gradient taken at u + factor * velocity.

    ``names``: weight, velocity and factor, the same in both.  With w = u + factor * velocity for
    the weight, where u moves as ``plain`` does, ``ahead`` gives the new w from the new u.
    """
    weight, velocity, factor = names
    (state,) = (new for old, new in plain.state if old == velocity)
    moved = weight - factor * velocity  # u, so that the gradient is taken at w
    u_new = update_of(plain).xreplace({weight: moved})
    return judge_equation(update_of(ahead), u_new + factor * update_of(plain, state))
