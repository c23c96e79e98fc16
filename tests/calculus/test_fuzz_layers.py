"""Layers put together at random: their simplified gradients are right, and stay right when run."""

import random

from hypothesis import given
from hypothesis import strategies as st

from symdl.calculus.adjoint import adjoint, bar
from symdl.calculus.joint import joint_adjoint
from symdl.calculus.stabilise import stabilise
from symdl.notation.tensors import Elem
from tests.calculus.formulas import loss_of, with_bars
from tests.calculus.pipelines import gain, mask, pipelines, target, x
from tests.notation.naive import close, defined, random_world, slope
from tests.notation.strategies import SIZES, q


def worlds(formula, seed):
    rng = random.Random(seed)
    for sizes in SIZES:
        world = random_world(rng, sizes, (x, mask, target, gain, q))
        yield with_bars(formula, defined(formula.equations, world), rng)


def inputs_of(formula, world):
    return {v: value for v, value in world.items() if v not in formula.defined}


@given(pipelines(most=2), st.integers(0, 99))
def test_simplified_gradients(formula, seed):
    found, _ = joint_adjoint(formula, (x, gain))
    for world in worlds(formula, seed):
        gradients, given_values = defined(found.equations, world), inputs_of(formula, world)
        for v in (x, gain):
            at = random.Random(seed).choice(sorted(world[v]))
            expected = slope(lambda w: loss_of(formula, w), given_values, Elem(v, *at))
            assert close(expected, gradients[bar(v)][at], digits=20)


@given(pipelines(most=3), st.integers(0, 99))
def test_stabilised_values_and_gradients(formula, seed):
    stable = stabilise(formula).formula
    found = adjoint(formula, (x,))
    for world in worlds(formula, seed):
        there = {**world, **defined(stable.equations, inputs_of(formula, world))}
        assert close(loss_of(formula, world), loss_of(stable, inputs_of(formula, world)), digits=20)
        one, two = (defined(found.equations, w)[bar(x)] for w in (world, there))
        assert all(close(one[at], two[at], digits=20) for at in one)
