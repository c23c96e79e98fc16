"""The derivative from first principles: every line judged, planted errors seen, gaps said."""

from dataclasses import replace

import mpmath
import pytest
import sympy as sp

from symdl.calculus.limit import (
    ElementaryLimit,
    Lim,
    LimitLaws,
    difference_quotient,
    first_principles,
)
from symdl.calculus.rules import RULES
from symdl.calculus.tree import Node
from symdl.derivation.derive import derive
from symdl.errors import InputError, NotSupported
from symdl.evidence.judge import judge_derivative, judge_node
from symdl.evidence.limits import judge_limit_value
from symdl.notation.tensors import real
from symdl.notation.text import parse

x, a, h = real("x"), real("a"), real("h")

EXPRESSIONS = [
    "x", "x**2", "x**3 - 2*x", "1/x", "1/x**2", "sqrt(x)", "1/sqrt(x)", "exp(x)", "exp(-a*x)",
    "log(x)", "log(2*x + 1)", "sin(x)", "cos(3*x)", "x*exp(x)", "x*log(x)", "sin(x)/x",
    "1/(1 + exp(-x))", "tanh(x)", "cosh(x)", "x/(1 + exp(-x))", "exp(-x**2)", "log(1 + exp(x))",
    "sqrt(1 + x**2)", "sqrt(1 + exp(x))", "exp(sin(x))", "log(sin(x))", "x**5/(1 + x**2)**2",
    "exp(exp(x))", "x*tanh(x)",
]  # fmt: skip


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_the_limit_is_the_derivative_and_every_line_is_proved(text):
    d = derive(text, "x", method="limit")
    f = sp.lambdify([x, a], d.goal.expr, "mpmath")
    found = sp.lambdify([x, a], d.result, "mpmath")
    with mpmath.workdps(50):
        point, other = mpmath.mpf(7) / 5, mpmath.mpf(3) / 4
        slope = mpmath.diff(lambda t: f(t, other), point)  # independent: finite differences
        assert abs(slope - found(point, other)) < mpmath.mpf(10) ** -30
    assert [line.rule for line in d.lines if line.verdict.level != "proved"] == []
    assert d.lines[0].rule == "limit definition"
    assert {"limit laws"} <= {line.rule for line in d.lines}


@pytest.mark.parametrize("text", ["x**3", "1/x", "exp(x)", "sin(x)", "sqrt(x)", "1/(1 + exp(-x))"])
def test_sympys_limit_of_the_quotient_at_a_point_agrees(text):
    e, k = parse(text), sp.Symbol("k", real=True)
    quotient = difference_quotient(e, x, k).subs(x, 2)
    assert sp.simplify(sp.limit(quotient, k, 0) - first_principles(e, x).after.subs(x, 2)) == 0


def test_a_square_line_by_line():
    rows = [
        (line.rule, [str(s) for s in line.sides])
        for line in derive("x**2", "x", method="limit").bare_lines
    ]
    assert rows == [
        ("limit definition", ["lim[h→0] (-x**2 + (h + x)**2)/h"]),
        ("one fraction", ["lim[h→0] (-x**2 + (h + x)**2)/h", "lim[h→0] (h**2 + 2*h*x)/h"]),
        ("cancellation", ["lim[h→0] (h**2 + 2*h*x)/h", "lim[h→0] (h + 2*x)"]),
        ("limit laws", ["lim[h→0] (h + 2*x)", "2*x"]),
    ]


def test_renderings_in_both_languages():
    d = derive("y = 1/(1 + exp(-x))", "x", method="limit")
    assert d.result == real("y") * (1 - real("y"))
    english, korean = d.markdown("en"), d.markdown("ko")
    assert r"\lim_{h \to 0} \frac{\frac{1}{1 + e^{-x - h}} - \frac{1}{1 + e^{-x}}}{h}" in english
    assert "도함수의 정의; 증명됨" in korean
    assert "limit definition" not in korean
    assert "(x + h)² - x²" in derive("x**2", "x", method="limit").text()
    assert "<math" in d.html("ko")
    assert r"\begin{align*}" in d.latex()
    tree = derive("x**2", "x", method="limit").json()
    assert tree["rule"] == "limit laws"
    assert tree["verdict"]["level"] == "proved"
    assert tree["children"][0]["rule"] == "cancellation"


def test_numbers_stand_beside_the_result():
    shown = derive("x**2", "x", method="limit").at({"x": 3}).text(verdicts=False)
    assert shown.splitlines()[-1].strip().endswith("2 × 3 = 6.00000000    (limit laws)")


def test_conditions_are_carried():
    assert [str(c) for c in derive("1/x", "x", method="limit").lines[-1].conditions] == ["Ne(x, 0)"]
    assert sp.Gt(x, 0) in derive("log(x)", "x", method="limit").lines[-1].conditions


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("x**a", r"\(\(1 \+ t\)\^\(a\) - 1\)/t"),
        ("x**(1/3)", "not among the elementary limits"),
        ("abs(x)", "no elementary limit is known for Abs"),
        ("erf(x)", "method='rules'"),
        ("max(0, x)", "Max"),
    ],
)
def test_what_is_out_of_reach_says_what_is_missing(text, missing):
    with pytest.raises(NotSupported, match=missing):
        derive(text, "x", method="limit")


def test_bad_arguments():
    with pytest.raises(InputError, match="rules, limit"):
        derive("x", "x", method="series")
    with pytest.raises(InputError, match="leave rules out"):
        derive("x", "x", method="limit", rules=RULES[:-1])
    from symdl.catalog.layers import DENSE

    with pytest.raises(NotSupported, match="one scalar equation"):
        derive(DENSE, "W", method="limit")


def test_a_variable_called_h_is_kept_apart():
    d = derive("h*x**2", "x", method="limit")
    assert d.result == 2 * x * h
    assert "lim[k→0]" in d.text()


# ------------------------------------------------------------------------------ planted errors


def chain_of(text: str) -> list[Node]:
    """The lines of a tree from the last to the first."""
    out = [first_principles(parse(text), x)]
    while out[-1].children:
        out.append(out[-1].children[0])
    return out


@pytest.mark.parametrize("text", ["x**2", "1/x", "exp(x)", "sin(x)", "1/(1 + exp(-x))", "log(x)"])
@pytest.mark.parametrize("wrong", [sp.Rational(1001, 1000), sp.S.NegativeOne])
def test_a_wrong_line_is_refuted(text, wrong):
    for node in chain_of(text):
        after = node.after
        bad = Lim(after.expr * wrong, after.h) if isinstance(after, Lim) else after * wrong
        assert judge_node(replace(node, after=bad, middle=bad)).level == "refuted", node.name


def test_a_wrong_result_is_refuted_with_both_values():
    last = chain_of("x**3")[0]
    found = judge_node(replace(last, after=last.after * 2, middle=last.middle * 2))
    assert found.level == "refuted"
    assert {"x", "limit", "claimed"} <= dict(found.counterexample).keys()
    assert judge_derivative(replace(last, after=last.after * 2)).level == "refuted"


def test_a_line_that_starts_elsewhere_is_refuted():
    last = chain_of("x**3")[0]
    other = chain_of("x**4")[1]
    assert judge_node(replace(last, children=(other, *last.children[1:]))).level == "refuted"


def test_a_wrong_elementary_limit_is_refuted():
    t = real("t")
    right = Lim((sp.exp(t) - 1) / t, t)
    assert judge_node(Node(ElementaryLimit(), right, sp.S.One, sp.S.One)).level == "proved"
    assert judge_node(Node(ElementaryLimit(), right, sp.S.Zero, sp.S.Zero)).level == "refuted"


def test_what_is_not_continuous_is_not_put_in():
    """|h|/h has no limit at 0; its value at h = 0 is not one either."""
    quotient = Lim(sp.Abs(h) / h, h)
    assert judge_limit_value(quotient, sp.S.One).level == "refuted"
    assert judge_limit_value(quotient, sp.S.Zero).level == "refuted"
    start = Node(ElementaryLimit(), quotient, quotient, quotient)
    for value in (sp.S.One, sp.S.Zero):
        node = Node(LimitLaws("limit laws", quotient.expr), quotient, value, value, (start,))
        assert judge_node(node).level == "refuted"


def test_a_form_that_is_not_under_the_limit_is_refuted():
    last = chain_of("x**2")[0]
    rule = LimitLaws("limit laws", last.rule.form + h**2 * sp.sin(h))
    verdict = judge_node(replace(last, rule=rule))
    assert not verdict.ok or verdict.level != "proved"
