"""The error function: derivative, normal form, interpreter, text, print, and its tails."""

import math
from dataclasses import replace

import mpmath
import pytest
import sympy as sp

import symdl as sd
from symdl.calculus import tails
from symdl.calculus.differentiate import differentiate
from symdl.calculus.rules import RULES
from symdl.calculus.rules.functions import Definition, ErrorFunction
from symdl.calculus.stabilise import stabilise
from symdl.calculus.tails import with_erf_tails
from symdl.errors import NotSupported
from symdl.evidence.evaluate import World, evaluate, precise
from symdl.evidence.judge import judge_derivative, judge_equation, judge_node
from symdl.evidence.networks import judge_running_form
from symdl.formula import Formula
from symdl.notation.functions import erfc
from symdl.notation.normal import is_zero
from symdl.notation.tensors import real

x, y, a = real("x"), real("y"), real("a")

DERIVED = [
    (sp.erf(x), 2 * sp.exp(-(x**2)) / sp.sqrt(sp.pi)),
    (sp.erfc(x), -2 * sp.exp(-(x**2)) / sp.sqrt(sp.pi)),
    (sp.erf(3 * x), 6 * sp.exp(-9 * x**2) / sp.sqrt(sp.pi)),
    (x * sp.erfc(x**2), sp.erfc(x**2) - 4 * x**2 * sp.exp(-(x**4)) / sp.sqrt(sp.pi)),
    (sp.erf(x) * sp.erfc(x), 2 * sp.exp(-(x**2)) * (1 - 2 * sp.erf(x)) / sp.sqrt(sp.pi)),
]


@pytest.mark.parametrize(("f", "right"), DERIVED, ids=str)
def test_derivative(f, right):
    node = differentiate(f, x)
    assert is_zero(node.after - right)
    assert judge_derivative(node).level == "proved"


@pytest.mark.parametrize("f", [sp.erf(x), sp.erfc(x)], ids=str)
@pytest.mark.parametrize(
    "wrong",
    [
        lambda e: e * sp.Rational(1001, 1000),
        lambda e: -e,
        lambda e: e * sp.sqrt(sp.pi) / 2,
        lambda e: e.subs(sp.exp(-(x**2)), sp.exp(-(x**2) / 2)),
        lambda e: sp.S.Zero,
    ],
)
def test_a_wrong_derivative_is_refuted(f, wrong):
    node = differentiate(f, x)
    assert judge_node(replace(node, after=wrong(node.after))).level == "refuted"


@pytest.mark.parametrize(
    ("f", "rule"), [(sp.erf(x), ErrorFunction), (sp.erfc(x), Definition), (erfc(x), Definition)]
)
def test_without_its_rule_there_is_no_derivative(f, rule):
    fewer = [r for r in RULES if type(r) is not rule]
    with pytest.raises(NotSupported):
        differentiate(f, x, fewer)


EQUAL = [
    (sp.erf(-x), -sp.erf(x)),
    (sp.erf(x - y), -sp.erf(y - x)),
    (sp.erfc(x), 1 - sp.erf(x)),
    (erfc(-x), 1 + sp.erf(x)),
    (erfc(x) + erfc(-x), sp.Integer(2)),
    (sp.erf((x + 1) ** 2 - x**2), sp.erf(2 * x + 1)),
    (sp.erf(x) ** 2, (1 - sp.erfc(-x)) ** 2),
]


@pytest.mark.parametrize(("left", "right"), EQUAL, ids=str)
def test_the_normal_form_knows_the_symmetry(left, right):
    assert is_zero(left - right)
    assert judge_equation(left, right).level == "proved"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (sp.erf(2 * x), 2 * sp.erf(x)),
        (sp.erf(x), sp.tanh(2 * x / sp.sqrt(sp.pi))),
        (sp.erfc(x), 1 + sp.erf(x)),
        (erfc(x), sp.erf(x)),
        (sp.erf(x + y), sp.erf(x) + sp.erf(y)),
    ],
    ids=str,
)
def test_what_is_not_equal_is_not_called_so(left, right):
    assert is_zero(left - right) is None
    assert judge_equation(left, right).level == "refuted"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (sp.erf(sp.Abs(x)), sp.sign(x) * sp.erf(x)),
        (sp.erf(sp.Max(0, x)) + sp.erf(sp.Min(0, x)), sp.erf(x)),
        (sp.erf(sp.log(1 + sp.exp(-x))), sp.erf(sp.log(1 + sp.exp(x)) - x)),
        (sp.erf(sp.sinh(2 * x)), sp.erf(2 * sp.sinh(x) * sp.cosh(x))),
    ],
    ids=str,
)
def test_erf_of_equal_arguments_is_equal(left, right):
    assert judge_equation(left, right).level == "proved"


@pytest.mark.parametrize("f", [sp.erf, sp.erfc, erfc], ids=str)
@pytest.mark.parametrize("at", ["-30", "-0.5", "0", "1e-40", "3", "26"])
def test_the_interpreter_agrees_with_mpmath(f, at):
    ctx = precise()
    v = ctx.mpf(at)
    right = ctx.erf(v) if f is sp.erf else ctx.erfc(v)
    e = f(x, evaluate=False)
    assert abs(evaluate(e, World({}, {x: v}, ctx)) - right) <= abs(right) * ctx.mpf(10) ** -45


def test_text_and_print():
    shown = sd.derive("x*erfc(2*x) + erf(x)", "x")
    assert shown.verify().level == "proved"
    assert is_zero(
        shown.result
        - (sp.erfc(2 * x) - 4 * x * sp.exp(-4 * x**2) / sp.sqrt(sp.pi))
        - 2 * sp.exp(-(x**2)) / sp.sqrt(sp.pi)
    )
    assert "erfc(2·x)" in shown.text()
    assert r"\operatorname{erfc}" in shown.latex()
    assert r"\operatorname{erf}" in shown.latex()


TAILS = [
    (1 + sp.erf(x), erfc(-x)),
    (1 - sp.erf(x), erfc(x)),
    (sp.erf(x) - 1, -erfc(x)),
    ((1 + sp.erf(x / sp.sqrt(2))) / 2, erfc(-x / sp.sqrt(2)) / 2),
    (a + a * sp.erf(x), a * erfc(-x)),
    (x / 2 - x * sp.erf(y) / 2, x * erfc(y) / 2),
    (2 - sp.erfc(x), erfc(-x)),
    (sp.erfc(x) - 1, -sp.erf(x)),
    (erfc(x) - 1, -sp.erf(x)),
    (y + 1 + sp.erf(x), y + erfc(-x)),
]


@pytest.mark.parametrize(("before", "after"), TAILS, ids=str)
def test_a_sum_that_cancels_becomes_a_tail(before, after):
    assert with_erf_tails(before) == after
    assert is_zero(before - after)


@pytest.mark.parametrize(
    "e", [1 + 2 * sp.erf(x), 3 + sp.erf(x), y + sp.erf(x), 1 + sp.erf(x) ** 2, 1 + sp.tanh(x)]
)
def test_other_sums_stay(e):
    assert with_erf_tails(e) == e


def formula(f):
    return Formula(sp.Eq(y, f, evaluate=False), output=y, inputs=[x], name=str(f))


@pytest.mark.parametrize("at", [-5.0, -20.0, -37.0, 8.0])
def test_the_tail_has_all_its_digits(at):
    f = formula((1 + sp.erf(x / sp.sqrt(2))) / 2)
    assert judge_running_form(f).level == "proved"
    right = float(mpmath.ncdf(at))
    condition = at * at  # |x f'/f|: what a rounding of x / sqrt 2 does
    assert sd.compile(f)(at) == pytest.approx(right, rel=condition * 1e-15)


def test_a_wrong_rewrite_is_not_taken(monkeypatch):
    f = formula(1 + sp.erf(x))
    stabilise.cache_clear()
    monkeypatch.setattr(
        tails, "_joined", lambda f, a: ((a, a * erfc(f.args[0])), (-a, -a * erfc(f.args[0])))
    )
    assert stabilise(f).formula == f
    assert stabilise(f).rewrites == ()
    monkeypatch.undo()
    stabilise.cache_clear()
    assert stabilise(f).formula != f


def test_a_number_inside_is_a_number():
    """A tail of a constant is left to SymPy; one that becomes a constant has a value."""
    assert with_erf_tails(1 + sp.erf(sp.Integer(2))) == 1 + sp.erf(2)
    value = float(sp.N(erfc(sp.Integer(-3)), 20))
    assert value == pytest.approx(math.erfc(-3.0), rel=1e-15)
