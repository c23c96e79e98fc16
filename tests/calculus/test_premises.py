"""Change a premise, and what follows from it changes: nothing is looked up."""

import pytest
import sympy as sp

from symdl.calculus.adjoint import adjoint
from symdl.calculus.compose import chain
from symdl.calculus.differentiate import differentiate, gradient
from symdl.calculus.elimination import through_output
from symdl.calculus.joint import joint_adjoint
from symdl.calculus.rules import RULES
from symdl.calculus.rules.basic import Linearity
from symdl.calculus.rules.functions import (
    Arctangent,
    Arsinh,
    Cosine,
    Exponential,
    Logarithm,
    Sine,
)
from symdl.calculus.rules.products import Power, Product, Quotient, Reciprocal
from symdl.calculus.tree import Deriv, Expansion, Rule
from symdl.catalog.activations import SOFTMAX
from symdl.catalog.losses import CATEGORICAL_CROSSENTROPY
from symdl.errors import NotSupported
from symdl.evidence.judge import judge_derivative, judge_tree
from symdl.formula import Equation, Formula
from symdl.notation.binders import Total
from symdl.notation.indices import indices
from symdl.notation.normal import equal
from symdl.notation.tensors import real

x, y = real("x"), real("y")


def derived(f):
    return through_output(gradient(f, x).after, y, f)


def test_another_sigmoid_has_its_own_derivative():
    """y = 1/(2 + e^-x): e^-x = 1/y - 2, so y' = y^2 (1/y - 2) = y (1 - 2y)."""
    assert equal(derived(1 / (1 + sp.exp(-x))), y * (1 - y))
    assert equal(derived(1 / (2 + sp.exp(-x))), y * (1 - 2 * y))
    assert equal(derived(1 / (2 + sp.exp(-x))), y * (1 - y)) is None


def test_another_tanh_has_its_own_derivative():
    """y = (e^x - 2e^-x)/(e^x + e^-x) = 1 - 3/(e^2x + 1): y' = 6/(e^x + e^-x)^2, not 1 - y^2."""
    f = (sp.exp(x) - 2 * sp.exp(-x)) / (sp.exp(x) + sp.exp(-x))
    found = derived(f)
    assert equal(found.subs(y, f), 6 / (sp.exp(x) + sp.exp(-x)) ** 2)
    assert equal(found, 2 * (1 - y) * (2 + y) / 3)
    assert equal(found, 1 - y**2) is None


def test_another_softmax_has_no_simple_gradient():
    """With e = exp(2z) the gradient of the loss is 2 (p - t)/N."""
    z, p = SOFTMAX.inputs[0], SOFTMAX.output
    (first, *others) = SOFTMAX.equations
    steeper = Formula(
        [Equation(first.lhs, first.rhs**2), *others], output=p, inputs=[z], name="steeper"
    )
    found = joint_adjoint(chain(steeper, CATEGORICAL_CROSSENTROPY), (z,))[0].step(z).equation
    n, j = found.index
    t = CATEGORICAL_CROSSENTROPY.inputs[1]
    assert equal(found.rhs, 2 * (p[n, j] - t[n, j]) / n.size)


def test_another_loss_has_its_own_gradient():
    loss = CATEGORICAL_CROSSENTROPY
    p = loss.inputs[0]
    (equation,) = loss.equations
    doubled = Formula(
        [Equation(equation.lhs, 2 * equation.rhs)], output=loss.output, inputs=loss.inputs
    )
    right = adjoint(loss).step(p).equation.rhs
    assert equal(adjoint(doubled).step(p).equation.rhs, 2 * right)


def wrong(rule, after):
    """A rule of the same kind with another conclusion."""

    class Wrong(Rule):
        name = rule.name

        def expand(self, d: Deriv) -> Expansion | None:
            found = rule.expand(d)
            if found is None:
                return None
            return Expansion(
                found.premises, lambda *parts: after(found.build(*parts)), found.conditions
            )

    return tuple(Wrong() if type(r) is type(rule) else r for r in RULES)


CHANGED = [
    (Exponential(), sp.exp(x), lambda e: 2 * e),
    (Logarithm(), sp.log(1 + x**2), lambda e: -e),
    (Sine(), sp.sin(x), lambda e: -e),
    (Arctangent(), sp.atan(x), lambda e: -e),
    (Arsinh(), sp.asinh(x), lambda e: 2 * e),
    (Cosine(), sp.cos(x) * x, lambda e: e * sp.Rational(1001, 1000)),
    (Power(), x**3, lambda e: e + 1),
    (Product(), x * sp.exp(x), lambda e: e - sp.exp(x)),
    (Quotient(), sp.sin(x) / (1 + x**2), lambda e: -e),
    (Reciprocal(), 1 / (1 + x**2), lambda e: -e),
    (Linearity(), x**2 + sp.exp(x), lambda e: e + x / 1000),
]


@pytest.mark.parametrize(("rule", "f", "after"), CHANGED, ids=lambda r: getattr(r, "name", None))
def test_a_wrong_rule_changes_the_result_and_is_refuted(rule, f, after):
    right, changed = differentiate(f, x), differentiate(f, x, wrong(rule, after))
    assert equal(right.after, changed.after) is None
    assert judge_derivative(right).level == "proved"
    verdict = judge_derivative(changed)
    assert verdict.level == "refuted"
    assert not verdict.ok
    refuted = [node for node, v in judge_tree(changed) if v.level == "refuted"]
    assert refuted[0].name == rule.name  # children come first: what rests on it may fall with it


def test_a_rule_left_out_is_missed_and_not_replaced_by_zero():
    for rule in RULES:
        fewer = tuple(r for r in RULES if r is not rule)
        for f in (sp.exp(x), sp.log(x), sp.sin(x), x**2, x + sp.exp(x), sp.erf(x), sp.Max(0, x)):
            try:
                found = differentiate(f, x, fewer).after
            except NotSupported:
                continue
            assert equal(found, differentiate(f, x).after)


def test_without_rules_there_is_no_derivative():
    for f in (x, sp.S.One, Total(x, indices("i:D"))):
        with pytest.raises(NotSupported):
            differentiate(f, x, ())
