"""Claims on the activations: their values, their steepest place, and how they are related."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TypeAlias

import sympy as sp
from sympy.core.expr import Expr

from symdl.book.claims.parts import Claim, at, body, defaults, interval_text
from symdl.calculus.differentiate import differentiate
from symdl.catalog import activations as a
from symdl.catalog import layers
from symdl.evidence.convexity import judge_convex
from symdl.evidence.enclosures import judge_rounded_range
from symdl.evidence.identities import judge_same, judge_shift, judge_sum
from symdl.evidence.judge import judge_equation
from symdl.evidence.monotone import judge_never_falls, judge_odd
from symdl.evidence.ranges import judge_largest_derivative, judge_range
from symdl.evidence.signs import judge_nonnegative
from symdl.evidence.verdict import Verdict, negated
from symdl.formula import Formula
from symdl.notation.binders import Total

__all__ = ["activation_claims"]

_x = a.x
_open = sp.Interval.open

# the values, where their ends have a closed form
_RANGES: Mapping[str, sp.Interval] = {
    a.IDENTITY.name: _open(-sp.oo, sp.oo),
    a.SIGMOID.name: _open(0, 1),
    a.TANH.name: _open(-1, 1),
    a.RELU.name: sp.Interval(0, sp.oo),
    a.LEAKY_RELU.name: _open(-sp.oo, sp.oo),
    a.PRELU.name: _open(-sp.oo, sp.oo),
    a.ELU.name: _open(-a.scale, sp.oo),
    a.SELU.name: _open(-a.gain * a.scale, sp.oo),
    a.SOFTPLUS.name: _open(0, sp.oo),
    a.SOFTSIGN.name: _open(-1, 1),
    a.HARD_SIGMOID.name: sp.Interval(0, 1),
    a.HARD_SILU.name: sp.Interval(-sp.Rational(3, 8), sp.oo),
    a.LOG_SIGMOID.name: _open(-sp.oo, 0),
}

# the least value, rounded, where it has none; there is no greatest
_LEAST: Mapping[str, str] = {
    a.SILU.name: "-0.278465",
    a.GELU.name: "-0.169971",
    a.GELU_TANH.name: "-0.170041",
    a.MISH.name: "-0.308843",
}

# the largest derivative, and where it is taken (None: everywhere on a side, or only approached)
_STEEPEST: Mapping[str, tuple[Expr, Expr | None]] = {
    a.IDENTITY.name: (sp.S.One, None),
    a.SIGMOID.name: (sp.Rational(1, 4), sp.S.Zero),
    a.TANH.name: (sp.S.One, sp.S.Zero),
    a.RELU.name: (sp.S.One, None),
    a.LEAKY_RELU.name: (sp.S.One, None),
    a.ELU.name: (sp.S.One, None),
    a.SELU.name: (sp.Mul(*(value for _, value in a.SELU.hyper)), None),
    a.SOFTPLUS.name: (sp.S.One, None),
    a.SOFTSIGN.name: (sp.S.One, None),
    a.HARD_SIGMOID.name: (sp.Rational(1, 6), None),
    a.HARD_SILU.name: (sp.Rational(3, 2), None),
    a.LOG_SIGMOID.name: (sp.S.One, None),
}

# the least and the largest derivative, rounded, where they have no closed form
_SLOPES: Mapping[str, tuple[str, str]] = {
    a.SILU.name: ("-0.099839", "1.099839"),
    a.GELU.name: ("-0.128904", "1.128904"),
}

# the value at 0
_STEPS: Mapping[str, Expr] = {a.STEP.name: sp.S.One, a.STEP_STRICT.name: sp.S.Zero}

_NOT_MONOTONE = (a.SILU.name, a.GELU.name, a.GELU_TANH.name, a.MISH.name, a.HARD_SILU.name)
_ODD = (a.IDENTITY.name, a.TANH.name, a.SOFTSIGN.name)

_Sides: TypeAlias = tuple[Expr, Expr]
_Identity: TypeAlias = tuple[str, Callable[[Formula], _Sides]]


def _mirror(name: str) -> _Identity:
    """The value at x less the value at -x is x itself."""
    return f"{name}(x) - {name}(-x) = x", lambda f: (at(f, _x) - at(f, -_x), _x)


def _turned(name: str) -> _Identity:
    """Turned by half a circle round (0, 1/2), the graph is the same."""
    return f"{name}(-x) = 1 - {name}(x)", lambda f: (at(f, -_x), 1 - at(f, _x))


# what is claimed, and its two sides
_IDENTITIES: Mapping[str, tuple[_Identity, ...]] = {
    a.SIGMOID.name: (_turned(a.SIGMOID.name),),
    a.TANH.name: (
        ("tanh(x) = 2 sigmoid(2 x) - 1", lambda f: (body(f), 2 * at(a.SIGMOID, 2 * _x) - 1)),
    ),
    a.RELU.name: (
        ("x times the step", lambda f: (body(f), _x * body(a.STEP))),
        _mirror(a.RELU.name),
    ),
    a.PRELU.name: (
        ("the formula of leaky_relu, its slope trained", lambda f: (body(f), body(a.LEAKY_RELU))),
    ),
    a.LEAKY_RELU.name: (
        ("the larger of x and 0.1 x", lambda f: (defaults(f), sp.Max(_x, _x / 10))),
    ),
    a.SELU.name: (("lambda times elu", lambda f: (body(f), a.gain * body(a.ELU))),),
    a.SOFTPLUS.name: (
        (
            "its derivative is the sigmoid",
            lambda f: (differentiate(body(f), _x).after, body(a.SIGMOID)),
        ),
        _mirror(a.SOFTPLUS.name),
    ),
    a.SILU.name: (
        ("x sigmoid(x)", lambda f: (body(f), _x * body(a.SIGMOID))),
        _mirror(a.SILU.name),
    ),
    a.GELU.name: (_mirror(a.GELU.name),),
    a.GELU_TANH.name: (_mirror(a.GELU_TANH.name),),
    a.MISH.name: (("x tanh(softplus(x))", lambda f: (body(f), _x * at(a.TANH, body(a.SOFTPLUS)))),),
    a.HARD_SIGMOID.name: (_turned(a.HARD_SIGMOID.name),),
    a.HARD_SILU.name: (("x hard_sigmoid(x)", lambda f: (body(f), _x * body(a.HARD_SIGMOID))),),
    a.LOG_SIGMOID.name: (
        ("log sigmoid(x)", lambda f: (body(f), sp.log(body(a.SIGMOID)))),
        ("-softplus(-x)", lambda f: (body(f), -at(a.SOFTPLUS, -_x))),
    ),
}


def activation_claims(formula: Formula) -> tuple[Claim, ...]:
    """The claims on an activation, or on maxout, found by its name; none on anything else."""
    if formula.name == layers.MAXOUT.name:
        return (("each output is convex in x", partial(_is_convex, formula)),)
    if formula.name not in {f.name for f in a.ALL}:
        return ()
    scalar = formula.inputs == (_x,)
    return tuple(_of_a_scalar(formula) if scalar else _over_an_axis(formula))


def _of_a_scalar(f: Formula) -> Iterator[Claim]:
    name = f.name
    if name in _STEPS:
        yield from _of_a_step(f)
    if name in _RANGES:
        values = _RANGES[name]
        shown = f"values in {interval_text(values)}" + _for_which(f)
        yield shown, lambda: judge_range(_for_these(f), _x, values)
    if name in _LEAST:
        what = f"least value {_LEAST[name]} (rounded), and no greatest"
        yield what, lambda: judge_rounded_range(body(f), _x, _LEAST[name], "oo")
    yield from _slopes(f)
    if name in _NOT_MONOTONE:
        yield "it falls somewhere", lambda: negated(judge_never_falls(body(f), _x))
    else:
        yield "never falls" + _for_which(f), lambda: judge_never_falls(_for_these(f), _x)
    if name in _ODD:
        yield "odd: the value at -x is minus that at x", lambda: judge_odd(body(f), _x)
    for what, sides in _IDENTITIES.get(name, ()):
        yield what, partial(_equal, f, sides)


def _equal(f: Formula, sides: Callable[[Formula], _Sides]) -> Verdict:
    return judge_same(*sides(f), _x)


def _of_a_step(f: Formula) -> Iterator[Claim]:
    at_zero = _STEPS[f.name]
    yield f"the value at 0 is {at_zero}", lambda: judge_equation(at(f, sp.S.Zero), at_zero)
    what = "no other values than 0 and 1"
    yield what, lambda: judge_equation(body(f) * (body(f) - 1), sp.S.Zero)


def _slopes(f: Formula) -> Iterator[Claim]:
    if f.name in _STEEPEST:
        value, place = _STEEPEST[f.name]
        where = "" if place is None else f", at x = {place}"
        shown = str(value) if value.q < 100 else f"{sp.N(value, 5)} (rounded)"
        what = f"largest derivative {shown}{where}" + _with_defaults(f)
        yield what, lambda: judge_largest_derivative(defaults(f), _x, value, place)
    if f.name in _SLOPES:
        least, largest = _SLOPES[f.name]
        what = f"derivative between {least} and {largest} (rounded)"
        yield what, lambda: judge_rounded_range(_slope(f), _x, least, largest)


def _slope(f: Formula) -> Expr:
    return differentiate(body(f), _x).after


def _with_defaults(f: Formula) -> str:
    """The values of the hyper-parameters that a claim is made for."""
    pairs = [f"{v} = {float(value):.5g}" for v, value in f.hyper]
    return f" ({', '.join(pairs)})" if pairs else ""


def _for_which(f: Formula) -> str:
    """For which slope below zero a claim is made, where the formula leaves its sign open."""
    if f.name == a.LEAKY_RELU.name:
        return _with_defaults(f)
    return " (alpha > 0)" if f.name == a.PRELU.name else ""


def _for_these(f: Formula) -> Expr:
    if f.name == a.LEAKY_RELU.name:
        return defaults(f)
    return body(f).xreplace({a.slope: a.scale}) if f.name == a.PRELU.name else body(f)


# ---------------------------------------------------------------------------- over a whole axis


def _over_an_axis(f: Formula) -> Iterator[Claim]:
    out = f.equation(f.output)
    if f.name == a.SOFTMAX.name:
        yield "every output is positive", lambda: judge_nonnegative(body(f), None, strict=True)
        yield "the outputs of a row sum to 1", lambda: judge_sum(f, 1, sp.S.One)
    else:
        yield "the logarithm of softmax", lambda: judge_equation(body(f), sp.log(body(a.SOFTMAX)))
        rows = Total(sp.exp(body(f)), out.index[1])
        yield "the exponentials of a row sum to 1", lambda: judge_equation(rows, sp.S.One)
    what = "the same if one number is added to all z of a row"
    yield what, lambda: judge_shift(f, a.z, 1)


def _is_convex(f: Formula) -> Verdict:
    return judge_convex(body(f), f.inputs[0])
