"""Random expressions keep their value under contraction and normal form, at every index."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from symdl.calculus.contract import contract
from symdl.evidence.evaluate import World, evaluate, precise
from symdl.notation.normal import normal
from tests.notation.naive import close, free, placements, value
from tests.notation.strategies import A, B, expressions, many, worlds

OUTSIDE = (ZeroDivisionError, ValueError, OverflowError)  # not a point of the domain
LARGE = 10**30


MANY = many(8)


def keeps_its_value(e, form, seed):
    """Compare at sizes (1, 1), (2, 3), (3, 2) and all free indices; at least one point counts.

    Every other seed draws points on kinks, where the value must be the same too.
    """
    assert free(form) <= free(e)
    seen = 0
    for world in worlds(seed, ties=bool(seed % 2)):
        for place in placements([e, form], world):
            try:
                before = value(e, place)
            except OUTSIDE:
                continue
            if abs(before) < LARGE:
                after = value(form, place)
                assert close(before, after), f"{e} is {before}, but {form} is {after}"
                seen += 1
    assume(seen)


@pytest.mark.parametrize("form", [contract, normal])
@MANY
@given(e=expressions(), seed=st.integers(0, 99))
def test_a_form_keeps_the_value(form, e, seed):
    keeps_its_value(e, form(e), seed)


@given(e=expressions(kinks=False, depth=4), seed=st.integers(0, 99))
def test_normal_of_contracted_is_the_same_value(e, seed):
    keeps_its_value(e, normal(contract(e)), seed)


@given(e=expressions(), seed=st.integers(0, 99))
def test_the_interpreter_of_evidence_agrees_with_plain_loops(e, seed):
    ctx = precise(60)
    for values in worlds(seed):
        sizes = {n: int(values[n]) for n in (A, B)}
        world = World(sizes, {s: v for s, v in values.items() if s not in sizes}, ctx)
        for place in placements([e], values):
            try:
                expected = value(e, place)
            except OUTSIDE:
                continue
            index = {i: n for i, n in place.items() if i not in values}
            assume(abs(expected) < LARGE)
            assert close(expected, evaluate(e, world, index), digits=20)
