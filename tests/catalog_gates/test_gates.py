"""Gates compute their truth tables, and no single unit computes XOR."""

import itertools
from fractions import Fraction

import pytest
import sympy as sp

from symdl.catalog import activations, gates
from symdl.evidence.evaluate import World, define
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.threshold import (
    Contradiction,
    Separator,
    judge_separable,
    judge_truth_table,
    separate,
)

CORNERS = [(0, 0), (0, 1), (1, 0), (1, 1)]
TABLES = {"and": (0, 0, 0, 1), "nand": (1, 1, 1, 0), "or": (0, 1, 1, 1), "xor": (0, 1, 1, 0)}
GATES = {g.name: g for g in gates.ALL if g.name in TABLES}


@pytest.mark.parametrize("name", TABLES)
def test_the_truth_table(name):
    assert judge_truth_table(GATES[name], TABLES[name]).level == "proved"


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("place", range(4))
def test_a_wrong_table_is_refuted_at_its_place(name, place):
    wrong = list(TABLES[name])
    wrong[place] = 1 - wrong[place]
    verdict = judge_truth_table(GATES[name], wrong)
    assert verdict.level == "refuted"
    bits = dict(zip(("x1", "x2"), map(str, CORNERS[place]), strict=True))
    assert bits.items() <= dict(verdict.counterexample).items()


@pytest.mark.parametrize("labels", list(itertools.product((0, 1), repeat=4)), ids=str)
def test_every_table_of_two_inputs_is_decided(labels):
    found = separate(CORNERS, labels)
    assert found.holds(CORNERS, labels)
    impossible = labels in [(0, 1, 1, 0), (1, 0, 0, 1)]
    assert isinstance(found, Contradiction if impossible else Separator)
    assert judge_separable(CORNERS, labels).level == ("refuted" if impossible else "proved")


def test_a_certificate_or_a_unit_for_other_labels_does_not_hold():
    xor, conjunction = TABLES["xor"], TABLES["and"]
    assert not separate(CORNERS, xor).holds(CORNERS, conjunction)
    assert not separate(CORNERS, conjunction).holds(CORNERS, xor)
    one, zero = Fraction(1), Fraction(0)
    assert not Contradiction((one, one, one, zero)).holds(CORNERS, xor)
    assert not Contradiction((-one, -one, -one, -one)).holds(CORNERS, xor)
    assert not Contradiction((zero,) * 4).holds(CORNERS, xor)


def test_three_inputs():
    points = list(itertools.product((0, 1), repeat=3))
    majority = [int(sum(p) >= 2) for p in points]
    assert judge_separable(points, majority).level == "proved"
    parity = [sum(p) % 2 for p in points]
    assert judge_separable(points, parity).level == "refuted"


@pytest.mark.parametrize(
    ("formula", "at_zero"), [(activations.STEP, 1), (activations.STEP_STRICT, 0)]
)
def test_the_convention_at_zero(formula, at_zero):
    step = formula.equation(formula.output).rhs
    values = [step.subs(formula.inputs[0], k) for k in (-1, 0, 1)]
    assert values == [0, at_zero, 1]


def test_the_bias_is_the_threshold_moved_across():
    moved = gates.UNIT_WITH_THRESHOLD
    left = inlined(moved.output, moved.equations).xreplace({gates.theta: -gates.b})
    for unit, level in ((gates.THRESHOLD_UNIT, "proved"), (gates.UNIT_WITH_THRESHOLD, "refuted")):
        right = inlined(unit.equation(unit.output).rhs, unit.equations)
        right = right.xreplace({gates.theta: gates.b + 1})  # a planted wrong threshold
        assert judge_equation(left, right).level == level


def test_the_learning_rule_finds_the_and_gate():
    rule, ctx = gates.PERCEPTRON_RULE, World({}, {}).ctx
    sizes = {gates.i.size: 2}
    w, b = {(0,): ctx.mpf(0), (1,): ctx.mpf(0)}, ctx.mpf(0)
    seen = list(zip(CORNERS, TABLES["and"], strict=True))
    for _ in range(20):
        mistakes = 0
        for point, label in seen:
            x = {(k,): ctx.mpf(v) for k, v in enumerate(point)}
            given = {gates.inputs: x, gates.t: ctx.mpf(label), gates.w: w, gates.b: b}
            world = define(rule.equations, World(sizes, {**given, gates.rate: ctx.mpf(1)}, ctx))
            mistakes += world.values[gates.y] != label
            w, b = world.values[gates.w_new], world.values[gates.b_new]
        if mistakes == 0:
            break
    assert mistakes == 0
    assert [int(w[0,] * p + w[1,] * q + b >= 0) for p, q in CORNERS] == list(TABLES["and"])


def test_every_gate_has_a_source_and_a_convention():
    assert all(g.source and g.kinks and g.title for g in gates.ALL)
    assert len({g.name for g in gates.ALL}) == len(gates.ALL)
    assert all(isinstance(g.output, sp.Symbol) for g in gates.ALL)
