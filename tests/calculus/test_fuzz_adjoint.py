"""Adjoints of random formulas equal central differences of sum ybar y."""

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from symdl.calculus.adjoint import adjoint, bar
from symdl.calculus.joint import joint_adjoint
from symdl.calculus.stabilise import stabilise
from symdl.notation.tensors import TensorSymbol
from tests.calculus.formulas import formulas, loss_of, one_element, with_bars
from tests.notation.naive import close, defined, slope
from tests.notation.strategies import worlds

OUTSIDE = (ZeroDivisionError, ValueError, OverflowError)


def matches_differences(formula, found, seed):
    rng, seen = random.Random(seed), 0
    for world in worlds(seed):
        try:
            there = with_bars(formula, defined(formula.equations, world), rng)
            given_bars = {v: x for v, x in there.items() if v not in formula.defined}
            assume(abs(loss_of(formula, given_bars)) < 10**20)
        except OUTSIDE:
            continue
        gradients = defined(found.equations, there)
        for v in found.wrt:
            at = one_element(v, world, rng)
            expected = slope(lambda w: loss_of(formula, w), given_bars, at)
            values = gradients[bar(v)]
            got = values[tuple(map(int, at.index))] if isinstance(v, TensorSymbol) else values
            assert close(expected, got, digits=20), f"d/d{at} is {expected}, not {got}"
            seen += 1
    assume(seen)


@given(formulas(), st.integers(0, 99))
def test_adjoint(formula, seed):
    matches_differences(formula, adjoint(formula), seed)


@given(formulas(kinks=False, most=4), st.integers(0, 99))
def test_joint_adjoint(formula, seed):
    matches_differences(formula, joint_adjoint(formula)[0], seed)


@given(formulas(output=(), most=3), st.integers(0, 99))
def test_joint_adjoint_of_a_scalar(formula, seed):
    matches_differences(formula, joint_adjoint(formula)[0], seed)


@given(formulas(), st.integers(0, 99))
def test_adjoint_inlined(formula, seed):
    found = adjoint(formula)
    for world in worlds(seed):
        try:
            there = with_bars(formula, defined(formula.equations, world), random.Random(seed))
            step_by_step = defined(found.equations, there)
        except OUTSIDE:
            continue
        for v in found.wrt:
            at_once = defined([found.inlined(v)], there)[bar(v)]
            assert same_values(step_by_step[bar(v)], at_once)


@given(formulas(), st.integers(0, 99))
def test_stabilise_keeps_the_output(formula, seed):
    stable = stabilise(formula).formula
    for world in worlds(seed):
        try:
            expected = defined(formula.equations, world)[formula.output]
        except OUTSIDE:
            continue
        assert same_values(expected, defined(stable.equations, world)[formula.output])


def same_values(a, b):
    if not isinstance(a, dict):
        return close(a, b, digits=20)
    return all(close(a[at], b[at], digits=20) for at in a)


def test_the_values_compared_can_differ():
    assert not same_values({(0,): 1, (1,): 2}, {(0,): 1, (1,): 2.0001})
    with pytest.raises(KeyError):
        same_values({(0,): 1, (1,): 2}, {(0,): 1})
