"""A derivation that was tampered with is not passed by its judges."""

from dataclasses import replace

import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

from symdl.calculus.differentiate import differentiate, gradient
from symdl.calculus.tree import Deriv, Node, Rewrite
from symdl.evidence.judge import judge_derivative, judge_equation, judge_node, judge_tree
from symdl.evidence.recheck import recheck, written_out_agrees
from symdl.notation.binders import Total
from symdl.notation.indicators import Delta
from symdl.notation.normal import is_zero
from symdl.notation.tensors import real
from tests.notation.naive import placements, value
from tests.notation.strategies import A, M, W, derivatives, i, j, k, u, v, worlds

x, y = real("x"), real("y")
a = sp.Symbol("a", positive=True)

DERIVATIONS = [
    (x**3 + sp.exp(x), x), (x * sp.sin(x), x), (sp.exp(x) / (1 + x**2), x), (sp.log(1 + x**2), x),
    (1 / (1 + sp.exp(-x)), x), (sp.tanh(x), x), (sp.sqrt(1 + x**2), x), (sp.erf(2 * x), x),
    (a**x, x), (sp.Max(0, x) ** 2, x), (sp.Abs(x - 3 * y), x),
    (sp.Piecewise((x**2, x > 1), (2 * x - 1, True)), x),
    (Total(u[i] ** 2, i), u[k]), (Total(M[i, k] * u[k], k), u[k]),
    (Total(M[i, k] * u[k] * u[i], i, k), u[0]), (sp.log(Total(sp.exp(u[i]), i)), u[k]),
    (Total(W[i, j] * v[j], j), W[k, j]), (M[i, i] * M[i, k], M[k, i]),
]  # fmt: skip
IDS = [f"d({e})-d({wrt})" for e, wrt in DERIVATIONS]


@pytest.mark.parametrize(("e", "wrt"), DERIVATIONS, ids=IDS)
def test_an_honest_derivation_passes_in_every_step(e, wrt):
    node = gradient(e, wrt)
    assert judge_derivative(node).ok
    assert all(verdict.ok for _, verdict in judge_tree(node))


BELOW_THE_LINE = [
    x / (1 + x**2) ** 2, x**2 / (1 + x**2) ** 3, x * sp.exp(x) / (1 + x**2) ** 2, (1 + x**2) ** -2,
]  # fmt: skip


@pytest.mark.parametrize("e", BELOW_THE_LINE, ids=str)
def test_a_quotient_with_a_power_below_the_line_is_proved(e):
    assert judge_derivative(differentiate(e, x)).level == "proved"


def derivation(e, wrt):
    """The differentiation without the contraction behind it."""
    return differentiate(e, wrt)


AFTERS = {
    "0.1 per cent off": lambda after: after * sp.Rational(1001, 1000),
    "wrong sign": lambda after: -after,
    "a term too many": lambda after: after + 1,
    "nothing": lambda after: sp.S.Zero,
}


@pytest.mark.parametrize("name", AFTERS)
@pytest.mark.parametrize(("e", "wrt"), DERIVATIONS, ids=IDS)
def test_another_conclusion_is_refuted(e, wrt, name):
    node = derivation(e, wrt)
    wrong = replace(node, after=AFTERS[name](node.after))
    assume_changed(node.after, wrong.after)
    assert judge_node(wrong).level == "refuted"
    assert judge_derivative(wrong).level == "refuted"


def assume_changed(one, other):
    if is_zero(one - other):  # the right conclusion is 0
        pytest.skip("the same conclusion")


def test_the_middle_must_lead_to_the_conclusion():
    node = differentiate(x**2 * sp.sin(x), x)
    assert recheck(node, judge_equation).level == "proved"
    assert not recheck(replace(node, middle=2 * node.middle), judge_equation).ok
    assert not recheck(replace(node, middle=node.middle + x), judge_equation).ok


def test_the_premises_must_be_those_of_the_step():
    node = differentiate(x**2 * sp.sin(x), x)
    first, second = node.children
    assert not recheck(replace(node, children=(second, second)), judge_equation).ok
    assert not recheck(replace(node, children=(first,)), judge_equation).ok
    swapped = replace(first, after=second.after)
    assert not recheck(replace(node, children=(swapped, second)), judge_equation).ok


def test_a_wrong_leaf_is_found_below_a_right_result():
    """Two errors that cancel: the conclusion is right, the derivation is not."""
    node = differentiate(x**2 + sp.sin(x), x)
    children = tuple(
        replace(c, after=c.after + shift) for c, shift in zip(node.children, (1, -1), strict=True)
    )
    wrong = replace(node, children=children)
    assert is_zero(sp.Add(*(c.after for c in children)) - node.after)
    assert judge_derivative(wrong).level == "refuted"
    assert judge_derivative(node).level == "proved"


def test_a_silent_zero_is_refuted():
    for e, wrt in DERIVATIONS:
        zero = Node(differentiate(sp.S.One, x).rule, Deriv(e, wrt), sp.S.Zero, sp.S.Zero)
        assert judge_node(zero).level == "refuted"
        assert judge_derivative(zero).level == "refuted"


def test_a_contraction_is_judged_too():
    node = differentiate(Total(M[i, k] * u[k], k), u[k])
    right = node.rewritten("contraction", M[i, k])
    assert judge_derivative(right).level == "proved"
    for wrong in (M[k, i], 2 * M[i, k], Total(M[i, k], k), M[i, k] / A, M[i, i]):
        other = node.rewritten("contraction", wrong)
        assert isinstance(other.rule, Rewrite)
        assert judge_node(other).level == "refuted"
        assert judge_derivative(other).level == "refuted"


def test_a_rewrite_of_something_else_is_refuted():
    """x = x is true, and still not what the derivation below it concluded."""
    node = gradient(Total(M[i, k] * u[k], k), u[k])
    assert isinstance(node.rule, Rewrite)
    wrong = replace(node, before=M[k, i], after=M[k, i])
    assert judge_derivative(wrong).level == "refuted"


def test_a_condition_that_never_holds_is_no_pass():
    node = differentiate(sp.log(x), x)
    assert judge_node(node).ok
    assert not judge_node(replace(node, conditions=(sp.false,))).ok
    assert not judge_node(replace(node, conditions=(sp.Lt(a, 0),))).ok


INSTANCES = [
    (Total(u[i] ** 2, i), u[k], 2 * u[k], 2 * u[0]),
    (Total(M[i, k] * u[k], k), u[k], M[i, k], M[k, i]),
    (u[i] * u[k], u[0], Delta(i) * u[k] + Delta(k) * u[i], u[k] + u[i]),
    (Total(W[i, j], i, j) / A, W[i, j], 1 / A, sp.S.One),
    (sp.Max(0, x) * y, x, y * sp.Heaviside(x, 0), y),
]


@pytest.mark.parametrize(("e", "wrt", "right", "wrong"), INSTANCES, ids=str)
def test_the_written_out_instance(e, wrt, right, wrong):
    assert written_out_agrees(e, wrt, right).level == "instance"
    verdict = written_out_agrees(e, wrt, wrong)
    assert verdict.level == "refuted"
    assert verdict.counterexample
    off = written_out_agrees(e, wrt, right * sp.Rational(1001, 1000))
    assert off.level == "refuted"


def test_no_instance_is_unknown():
    f = sp.Function("f")(x)
    assert written_out_agrees(f, x, f).level == "unknown"
    root = sp.sqrt(-1 - x**2)
    assert written_out_agrees(root, x, -x / root).level == "unknown"


@given(derivatives(depth=2))
def test_a_right_derivative_is_never_refuted(pair):
    e, wrt = pair
    assert judge_derivative(gradient(e, wrt)).level != "refuted"


@given(derivatives(depth=2), st.sampled_from(sorted(AFTERS)))
def test_a_wrong_derivative_never_passes(pair, name):
    e, wrt = pair
    node = differentiate(e, wrt)
    wrong = replace(node, after=AFTERS[name](node.after))
    assume(is_zero(node.after - wrong.after) is None)
    assume(not vanishes(node.after))
    assert not judge_derivative(wrong).ok


def vanishes(e):
    """Zero at the small sizes that are tried: then a factor changes nothing."""
    return all(value(e, p) == 0 for w in worlds(2)[1:] for p in placements([e], w))
