"""Monotone, odd, least, the same piece by piece; and rules that are run over examples."""

import itertools

import pytest
import sympy as sp

from symdl.catalog import gates, losses
from symdl.errors import InputError, NotSupported
from symdl.evidence.convexity import judge_convex
from symdl.evidence.identities import judge_affine, judge_same
from symdl.evidence.least import judge_least_at, judge_value_at
from symdl.evidence.monotone import judge_never_falls, judge_odd
from symdl.evidence.online import judge_comes_round, judge_stands_still, run
from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indicators import UnitStep
from symdl.notation.indices import indices
from symdl.notation.tensors import real, tensors

x = real("x")
CORNERS = list(itertools.product((0, 1), repeat=2))
R = sp.S.Reals


@pytest.mark.parametrize(
    "e", [x**3 + x, sp.Max(0, x), UnitStep(x, sp.Rational(1, 2)), sp.sign(x), sp.exp(x)], ids=str
)
def test_what_rises(e):
    assert judge_never_falls(e, x).level == "proved"


@pytest.mark.parametrize(
    "e", [-x, x**3 - x, sp.Abs(x), -UnitStep(x, 0), x * sp.exp(-(x**2))], ids=str
)
def test_what_falls_somewhere(e):
    found = judge_never_falls(e, x)
    assert found.level == "refuted"
    shown = {what: sp.Float(value) for what, value in found.counterexample}
    assert shown["x at the left"] < shown["x at the right"]
    assert shown["value at the left"] > shown["value at the right"]


def test_a_fall_that_the_grid_does_not_see_is_not_proved():
    assert judge_never_falls(x + sp.sin(200 * sp.pi * x) / 100, x).level != "proved"
    assert judge_never_falls(sp.Max(x, x - UnitStep(x - 1000, 0)), x).level != "refuted"
    assert judge_never_falls(x - UnitStep(x - 1000, 0), x).level == "unknown"


def test_odd():
    assert judge_odd(sp.tanh(x) + x**3, x).level == "proved"
    assert judge_odd(sp.tanh(x) + x**2, x).level == "refuted"


def test_the_same_piece_by_piece():
    clip = sp.Max(-1, sp.Min(1, x))
    cases = sp.Piecewise((-1, x < -1), (1, x > 1), (x, True))
    assert judge_same(clip, cases, x).level == "proved"
    off = sp.Piecewise((-1, x < -1), (1, x > 1), (x * sp.Rational(1001, 1000), True))
    assert judge_same(clip, off, x).level == "refuted"
    jump = clip + UnitStep(x - 1, 1) - UnitStep(x - 1, 0)  # another value at x = 1 alone
    assert judge_same(clip, jump, x).level != "proved"


def test_the_least_place():
    f = losses.MSE
    y, t = f.inputs
    assert judge_least_at(f, y, {y: t}, {y: R, t: R}).level == "proved"
    assert judge_least_at(f, y, {y: sp.S.One}, {y: R, t: R}).level == "refuted"
    assert judge_value_at(f, {y: t}, sp.S.Zero).level == "proved"
    assert judge_value_at(f, {y: t}, sp.S.One).level == "refuted"


def test_convex_on_an_open_interval_with_a_kink():
    e = sp.Abs(x - 1) + x**3
    assert judge_convex(e, x, {x: sp.Interval.open(0, sp.oo)}).level == "proved"
    assert judge_convex(e, x, {x: R}).level == "refuted"
    assert judge_convex(e, x).level == "refuted"


def test_affine_or_not():
    n, i = indices("n:N i:D")
    y, v = tensors("y[n,i] v[n,i]", n, i)

    def made(rhs):
        return Formula(sp.Eq(y[n, i], rhs, evaluate=False), output=y, inputs=[v])

    assert not judge_affine(made(v[n, i] ** 2), v)[2].ok
    assert judge_affine(made(sp.Max(0, v[n, i])), v)[2].level == "refuted"
    cubic = judge_affine(made(v[n, i] ** 3), v)[2]  # odd: the values at v and -v say nothing
    assert cubic.level == "unknown"


def by_hand(labels, epochs):
    """The perceptron rule in plain Python."""
    w, b, states = [0, 0], 0, []
    for _ in range(epochs):
        for (p, q), label in zip(CORNERS, labels, strict=True):
            error = label - int(w[0] * p + w[1] * q + b >= 0)
            w, b = [w[0] + error * p, w[1] + error * q], b + error
            states.append((*w, b))
    return states


@pytest.mark.parametrize("labels", list(itertools.product((0, 1), repeat=4)), ids=str)
def test_the_rule_on_every_truth_table(labels):
    examples = list(zip(CORNERS, labels, strict=True))
    found = run(gates.PERCEPTRON_RULE, examples)
    states = [step.after for epoch in found.epochs for step in epoch]
    assert states == by_hand(labels, len(found.epochs))
    impossible = labels in [(0, 1, 1, 0), (1, 0, 0, 1)]
    assert (found.back_to is None) != impossible
    still, circles = judge_stands_still, judge_comes_round
    wanted = ("refuted", "proved") if impossible else ("proved", "refuted")
    assert tuple(j(gates.PERCEPTRON_RULE, examples).level for j in (still, circles)) == wanted


def test_a_run_needs_examples_and_an_end():
    with pytest.raises(InputError, match="no example"):
        run(gates.PERCEPTRON_RULE, [])
    i = gates.i
    grows = Formula(
        [
            sp.Eq(gates.b_new, gates.b + gates.t + Total(gates.inputs[i], i) + 1, evaluate=False),
        ],
        output=gates.b_new, inputs=[gates.inputs, gates.t], state=[(gates.b, gates.b_new)],
        name="grows",
    )  # fmt: skip
    with pytest.raises(NotSupported, match="grows neither stands still nor comes round"):
        run(grows, [((0, 1), 0)])


@pytest.mark.parametrize("gate", [gates.AND, gates.NAND, gates.OR, gates.XOR], ids=lambda g: g.name)
def test_the_convention_of_a_gate_is_chosen(gate):
    for at_zero in (0, 1):
        chosen = gates.with_step(gate, at_zero)
        assert {e.rhs.at_zero for e in chosen.equations} == {at_zero}
        assert str(at_zero) in chosen.kinks[0]
    assert gates.with_step(gate, 0).equations == gate.equations


def test_a_convention_that_is_none_is_refused():
    with pytest.raises(InputError, match="0 or 1 at 0, not 2"):
        gates.with_step(gates.AND, 2)
    with pytest.raises(NotSupported, match="inside"):
        gates.with_step(gates.UNIT_WITH_THRESHOLD, 0)
