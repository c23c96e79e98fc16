"""Derivatives of random expressions equal central differences at 100 digits."""

from hypothesis import assume, given
from hypothesis import strategies as st

from symdl.calculus.differentiate import differentiate, gradient
from symdl.notation.normal import normal
from symdl.notation.tensors import Elem
from tests.notation.naive import close, free, placements, slope, value
from tests.notation.strategies import derivatives, many, targets, worlds

MANY = many(5)
OUTSIDE = (ZeroDivisionError, ValueError, OverflowError)


def is_inside(wrt, place):
    """An element at fixed numbers may lie outside a small axis, where there is nothing to vary."""
    if not isinstance(wrt, Elem):
        return True
    return tuple(int(value(a, place)) for a in wrt.index) in place[wrt.tensor]


def matches_differences(e, wrt, result, seed):
    assert free(result) <= free(e) | free(wrt)
    seen = 0
    for world in worlds(seed):
        for place in placements([e, wrt, result], world):
            if not is_inside(wrt, place):
                continue
            try:
                expected = slope(lambda at: value(e, at), place, wrt)
            except OUTSIDE:
                continue
            if abs(expected) < 10**20:
                found = value(result, place)
                shown = f"d({e})/d({wrt}) is {expected}, not {found} ({result})"
                assert close(expected, found, digits=25), shown
                seen += 1
    assume(seen)


@MANY
@given(derivatives(), st.integers(0, 99))
def test_differentiate(pair, seed):
    e, wrt = pair
    matches_differences(e, wrt, differentiate(e, wrt).after, seed)


@MANY
@given(derivatives(), st.integers(0, 99))
def test_contracted_gradient(pair, seed):
    e, wrt = pair
    matches_differences(e, wrt, gradient(e, wrt).after, seed)


@given(derivatives(kinks=False), st.integers(0, 99))
def test_normal_form_of_the_gradient(pair, seed):
    e, wrt = pair
    matches_differences(e, wrt, normal(gradient(e, wrt).after), seed)


@given(derivatives(kinks=False, depth=2), st.data(), st.integers(0, 99))
def test_second_derivative(pair, data, seed):
    e, wrt = pair
    once = gradient(e, wrt).after
    second = data.draw(targets(once))
    matches_differences(once, second, gradient(once, second).after, seed)
