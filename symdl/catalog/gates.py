"""Threshold units: the perceptron, its learning rule, and logic gates made of such units."""

from __future__ import annotations

import sympy as sp

from symdl.errors import InputError, NotSupported
from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indicators import UnitStep
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import real, tensors

__all__ = [
    "ALL",
    "AND",
    "NAND",
    "OR",
    "PERCEPTRON_RULE",
    "THRESHOLD_UNIT",
    "THRESHOLD_UNIT_STRICT",
    "UNIT_WITH_THRESHOLD",
    "XOR",
    "with_step",
]

x, y, z = real("x"), real("y"), real("z")
x1, x2, s1, s2 = real("x1"), real("x2"), real("s1"), real("s2")
b, b_new, t, theta = real("b"), real("b_new"), real("t"), real("theta")
rate = sp.Symbol("learning_rate", positive=True)

i = Index("i", size_of("D"))
inputs, w, w_new = tensors("x[i] w[i] w_new[i]", i)

_BIT = sp.FiniteSet(0, 1)

_ROSENBLATT = "Rosenblatt (1958), The perceptron: a probabilistic model"
_GATES = "Saito (2016), Deep Learning from Scratch, chapter 2"


def _unit(name: str, title: str, at_zero: int) -> Formula:
    return Formula(
        [
            sp.Eq(z, Total(w[i] * inputs[i], i) + b, evaluate=False),
            sp.Eq(y, UnitStep(z, at_zero), evaluate=False),
        ],
        output=y, inputs=[inputs],
        domain={inputs: sp.Reals}, parameters=[w, b], name=name, title=title,
        kinks=[f"z = 0: the value is {at_zero}, the derivative 0"], source=_ROSENBLATT,
    )  # fmt: skip


THRESHOLD_UNIT = _unit("threshold_unit", "threshold unit, 1 at 0", 1)
THRESHOLD_UNIT_STRICT = _unit("threshold_unit_strict", "threshold unit, 0 at 0", 0)

UNIT_WITH_THRESHOLD = Formula(
    [
        sp.Eq(z, Total(w[i] * inputs[i], i), evaluate=False),
        sp.Eq(y, 1 - UnitStep(theta - z, 0), evaluate=False),
    ],
    output=y, inputs=[inputs], domain={inputs: sp.Reals}, parameters=[w, theta],
    name="unit_with_threshold", title="unit that fires from a threshold on",
    kinks=["at the threshold: the value is 1, the derivative 0"], source=_ROSENBLATT,
)  # fmt: skip


def _fires(a: sp.Expr, c: sp.Expr, first: str, second: str, bias: str) -> sp.Expr:
    weighted = sp.Rational(first) * a + sp.Rational(second) * c + sp.Rational(bias)
    return UnitStep(weighted, 0)


def _gate(name: str, *numbers: str) -> Formula:
    return Formula(
        sp.Eq(y, _fires(x1, x2, *numbers), evaluate=False), output=y, inputs=[x1, x2],
        domain={x1: _BIT, x2: _BIT},
        name=name, title=f"{name.upper()} gate", kinks=["at the threshold: the value is 0"],
        source=_GATES,
    )  # fmt: skip


_AND, _NAND, _OR = ("0.5", "0.5", "-0.7"), ("-0.5", "-0.5", "0.7"), ("0.6", "0.6", "-0.5")

AND = _gate("and", *_AND)
NAND = _gate("nand", *_NAND)
OR = _gate("or", *_OR)

XOR = Formula(
    [
        sp.Eq(s1, _fires(x1, x2, *_NAND), evaluate=False),
        sp.Eq(s2, _fires(x1, x2, *_OR), evaluate=False),
        sp.Eq(y, _fires(s1, s2, *_AND), evaluate=False),
    ],
    output=y, inputs=[x1, x2],
    domain={x1: _BIT, x2: _BIT}, name="xor", title="XOR gate of three units",
    kinks=["at a threshold: the value is 0"], source=_GATES,
)  # fmt: skip

PERCEPTRON_RULE = Formula(
    [
        sp.Eq(z, Total(w[i] * inputs[i], i) + b, evaluate=False),
        sp.Eq(y, UnitStep(z, 1), evaluate=False),
        sp.Eq(b_new, b + rate * (t - y), evaluate=False),
        sp.Eq(w_new[i], w[i] + rate * (t - y) * inputs[i], evaluate=False),
    ],
    output=w_new, inputs=[inputs, t],
    domain={inputs: sp.Reals, t: _BIT}, state=[(w, w_new), (b, b_new)],
    hyper=[(rate, sp.Integer(1))], name="perceptron_rule", title="perceptron learning rule",
    kinks=["z = 0: the unit fires"], source=_ROSENBLATT,
)  # fmt: skip

ALL = (
    THRESHOLD_UNIT, THRESHOLD_UNIT_STRICT, UNIT_WITH_THRESHOLD, AND, NAND, OR, XOR, PERCEPTRON_RULE,
)  # fmt: skip


def with_step(formula: Formula, at_zero: int) -> Formula:
    """The same unit or gate with the other convention: its steps are ``at_zero`` at 0.

    Raises InputError for anything but 0 and 1, NotSupported where a step is part of something else.

    >>> with_step(AND, 1).equations[0].rhs.at_zero
    1
    """
    if at_zero not in (0, 1):
        raise InputError(f"a step is 0 or 1 at 0, not {at_zero!r}")
    equations = []
    for e in formula.equations:
        rhs = UnitStep(e.rhs.args[0], at_zero) if isinstance(e.rhs, UnitStep) else e.rhs
        if rhs.atoms(UnitStep) - {rhs}:
            raise NotSupported(f"the convention of the step inside {rhs}")
        equations.append(sp.Eq(e.lhs, rhs, evaluate=False))
    return Formula(
        equations, output=formula.output, inputs=formula.inputs, parameters=formula.parameters,
        state=formula.state, hyper=formula.hyper, domain=formula.domain, name=formula.name,
        title=formula.title, kinks=[f"at the threshold: the value is {at_zero}"],
        source=formula.source,
    )  # fmt: skip
