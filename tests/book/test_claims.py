"""The claims on the catalogue's entries hold, and planted errors are refuted."""

import itertools

import mpmath
import pytest
import sympy as sp

from symdl.book.claims import claims
from symdl.book.claims.parts import interval_text
from symdl.catalog import activations, gates, layers, losses
from symdl.errors import NotSupported
from symdl.evidence.verdict import Verdict, negated
from symdl.formula import Formula

ENTRIES = (*activations.ALL, layers.MAXOUT, *losses.ALL, *gates.ALL)
CLAIMS = [(f, what, judge) for f in ENTRIES for what, judge in claims(f)]
x, y = activations.x, activations.y


IDS = [f"{f.name}: {what}" for f, what, _ in CLAIMS]


@pytest.mark.parametrize(("formula", "what", "judge"), CLAIMS, ids=IDS)
def test_a_claim_of_the_catalogue_is_proved(formula, what, judge):
    assert judge().level == "proved"


def test_every_entry_of_these_kinds_claims_something():
    assert all(claims(f) for f in ENTRIES)
    assert claims(layers.DENSE) == ()
    assert all(len({what for what, _ in claims(f)}) == len(claims(f)) for f in ENTRIES)


def test_every_loss_is_judged_for_convexity():
    for f in losses.ALL:
        assert any("convex in" in what for what, _ in claims(f)), f.name


def changed(formula, rhs):
    """The formula under its old name with another right side."""
    return Formula(
        sp.Eq(formula.output, rhs, evaluate=False), output=formula.output, inputs=formula.inputs,
        parameters=formula.parameters, hyper=formula.hyper, domain=dict(formula.domain),
        name=formula.name,
    )  # fmt: skip


def levels(formula):
    return {what: judge().level for what, judge in claims(formula)}


PLANTED = {
    "sigmoid": (1 / (1 + sp.exp(-x)) * sp.Rational(1001, 1000), "values in (0, 1)"),
    "tanh": (sp.tanh(2 * x), "largest derivative 1, at x = 0"),
    "softplus": (sp.log(1 + sp.exp(2 * x)), "its derivative is the sigmoid"),
    "softsign": (x / (2 + sp.Abs(x)), "largest derivative 1"),
    "silu": (x / (1 + sp.exp(-x / 2)), "least value -0.278465 (rounded), and no greatest"),
    "mish": (-x * sp.exp(-(x**2)), "least value -0.308843 (rounded), and no greatest"),
    "relu": (sp.Abs(x), "never falls"),
    "hard_silu": (sp.Max(0, x), "it falls somewhere"),
    "log_sigmoid": (-sp.log(1 + sp.exp(x)), "-softplus(-x)"),
    "hard_sigmoid": (
        sp.Max(0, sp.Min(1, x / 5 + sp.Rational(1, 2))),
        "largest derivative 1/6",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_refuted(name):
    rhs, what = PLANTED[name]
    formula = next(f for f in activations.ALL if f.name == name)
    assert levels(changed(formula, rhs))[what] != "proved"
    if name != "hard_silu":  # a claim that something fails somewhere is then without an example
        assert levels(changed(formula, rhs))[what] == "refuted"


def test_a_step_with_the_other_value_at_0_is_refuted():
    other = changed(activations.STEP, activations.STEP_STRICT.equations[0].rhs)
    assert levels(other)["the value at 0 is 1"] == "refuted"


def test_a_softmax_that_does_not_sum_to_one_is_refuted():
    f = activations.SOFTMAX
    *before, last = (e.to_sympy() for e in f.equations)
    double = sp.Eq(last.lhs, 2 * last.rhs, evaluate=False)
    other = Formula([*before, double], output=f.output, inputs=f.inputs, name=f.name)
    found = levels(other)
    assert found["the outputs of a row sum to 1"] == "refuted"
    assert found["the same if one number is added to all z of a row"] == "proved"


def test_a_loss_that_is_not_convex_is_refuted():
    f = losses.MSE
    minus = sp.Eq(f.output, -f.equations[0].rhs, evaluate=False)
    other = Formula(minus, output=f.output, inputs=f.inputs, domain=dict(f.domain), name=f.name)
    found = levels(other)
    assert found["convex in y"] == "refuted"
    assert found["never negative"] == "refuted"
    assert found["0 where y = t"] == "proved"


def test_a_divergence_with_a_wrong_factor_is_refuted():
    f = losses.KL_DIVERGENCE
    wrong = sp.Eq(f.output, 2 * f.equations[0].rhs - 1, evaluate=False)
    other = Formula(wrong, output=f.output, inputs=f.inputs, domain=dict(f.domain), name=f.name)
    assert "proved" not in {v for k, v in levels(other).items() if "p = t" in k or "never" in k}


@pytest.mark.parametrize("name", ["and", "nand", "or"])
def test_a_gate_with_another_bias_is_refuted(name):
    f = next(g for g in gates.ALL if g.name == name)
    (equation,) = f.equations
    z, at_zero = equation.rhs.args
    off = equation.rhs.func(z + (1 if name == "and" else -1), at_zero)
    assert set(levels(changed(f, off)).values()) == {"refuted"}


def test_a_gate_on_the_border_depends_on_the_convention():
    f = gates.OR
    (equation,) = f.equations
    z, at_zero = equation.rhs.args
    border = changed(f, equation.rhs.func(z - sp.Rational(1, 10), at_zero))
    found = levels(border)
    assert found["outputs 0, 1, 1, 1 at 00, 01, 10, 11"] == "refuted"
    assert found["the same table in both conventions of the step at 0"] == "refuted"


def test_a_rule_that_steps_the_wrong_way_is_not_proved():
    f = gates.PERCEPTRON_RULE
    wrong = [
        sp.Eq(e.lhs, e.rhs.xreplace({gates.rate: -gates.rate}), evaluate=False) for e in f.equations
    ]
    other = Formula(
        wrong, output=f.output, inputs=f.inputs, state=f.state, hyper=f.hyper, name=f.name
    )
    with pytest.raises(NotSupported, match="neither stands still nor comes round"):
        levels(other)


# with mpmath alone: the derivative by differences, its zero by the secant method
LEAST = {
    "silu": lambda t: t / (1 + mpmath.exp(-t)),
    "mish": lambda t: t * mpmath.tanh(mpmath.log1p(mpmath.exp(t))),
    "gelu": lambda t: t * mpmath.ncdf(t),
    "gelu_tanh": lambda t: (
        t / 2 * (1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (t + mpmath.mpf("0.044715") * t**3)))
    ),
}


@pytest.mark.parametrize("name", LEAST)
def test_the_least_values_by_another_way(name):
    f = LEAST[name]
    at = mpmath.findroot(lambda t: mpmath.diff(f, t), -1)
    formula = next(a for a in activations.ALL if a.name == name)
    (what,) = (w for w, _ in claims(formula) if w.startswith("least value"))
    assert what.split()[2] == mpmath.nstr(f(at), 6)


def test_negated_verdicts():
    assert negated(Verdict("refuted", "no", (("x", "1"),))).level == "proved"
    assert negated(Verdict("proved")).level == "refuted"
    for level in ("numeric", "float", "unknown"):
        assert negated(Verdict(level)).level == "unknown"


def test_intervals_as_text():
    sides = itertools.product((False, True), repeat=2)
    ends = [interval_text(sp.Interval(0, 1, *opened)) for opened in sides]
    assert ends == ["[0, 1]", "[0, 1)", "(0, 1]", "(0, 1)"]
