"""``is_zero`` never says True of what is not zero, and knows what was only rewritten."""

import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from symdl.errors import SymdlError
from symdl.notation.indicators import Delta
from symdl.notation.normal import equal, is_zero, normal
from tests.notation.naive import placements, value
from tests.notation.rewrites import SAME, mistaken
from tests.notation.strategies import expressions, many, worlds

MANY = many(5)
OUTSIDE = (ZeroDivisionError, ValueError, OverflowError)


def zero_everywhere(e):
    for world in worlds(5):
        for place in placements([e], world):
            try:
                found = value(e, place)
            except OUTSIDE:
                continue
            if abs(found) > 10**-30:
                return False
    return True


@MANY
@given(st.data())
def test_a_mistake_is_never_called_equal(data):
    e = data.draw(expressions(), label="right")
    wrong = data.draw(mistaken(e), label="wrong")
    try:
        verdict = is_zero(e - wrong)
    except SymdlError:
        return
    assert verdict is None or zero_everywhere(e - wrong)


@MANY
@given(expressions(), expressions())
def test_two_expressions_called_equal_are_equal(a, b):
    try:
        verdict = equal(a * b, b * b)
    except SymdlError:
        return
    assert verdict is None or zero_everywhere(a * b - b * b)


@MANY
@given(expressions(kinks=False), st.sampled_from(SAME))
def test_a_rewritten_expression_is_known_to_be_equal(e, rewrite):
    known = equal(e, rewrite(e))
    # beyond it: some deltas of labels, and the logarithm of a product that was multiplied out
    assert known is True or (known is None and e.has(Delta, sp.log))


@given(expressions(), st.fractions(min_value=-9, max_value=9, max_denominator=999))
def test_a_small_number_is_not_zero(e, number):
    assert is_zero(e - e + number) is (True if number == 0 else None)


@given(expressions())
def test_the_normal_form_is_a_fixed_point(e):
    once = normal(e)
    assert normal(once) == once
