"""A derivative written with its output is the derivative when the definition is put back."""

import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

from symdl.calculus.differentiate import gradient
from symdl.calculus.elimination import simplest, through_output
from symdl.calculus.forms import cost, tidy
from symdl.errors import SymdlError
from symdl.notation.normal import normal
from symdl.notation.tensors import real
from tests.notation.naive import MP, close, value
from tests.notation.strategies import expressions, many, worlds
from tests.notation.test_fuzz_forms import keeps_its_value

MANY = many(4)
x, y = real("x"), real("y")
numbers = st.sampled_from([sp.Rational(n, m) for n in (-3, -1, 1, 2) for m in (1, 2)])


@st.composite
def activations(draw):
    """Functions built around one exponential: quotients, logarithms, cases."""
    a, b, c, d, rate = (draw(numbers) for _ in range(5))
    g = sp.exp(rate * x)
    quotient = (a + b * g) / (sp.Abs(c) + sp.Abs(d) * g)
    kinds = [
        quotient, a * sp.log(sp.Abs(b) + sp.Abs(c) * g) + d, a * sp.tanh(rate * x) + b,
        g * a + b, sp.exp(-(x**2)) * a, x * quotient, sp.log(1 + g) ** 2, 1 / (1 + g) ** 2,
        sp.sqrt(1 + g), sp.Piecewise((a * x, x > 0), (b * (g - 1), True)),
    ]  # fmt: skip
    return draw(st.sampled_from(kinds))


@MANY
@given(activations(), st.lists(st.integers(-40, 40), min_size=3, max_size=3))
def test_through_output(f, points):
    d = gradient(f, x).after
    found = through_output(d, y, f)
    assert cost(found) <= max(cost(d), cost(simplest(d)))
    for number in points:
        at = {x: MP.mpf(number) / 16 + MP.mpf(1) / 1000}
        expected = value(d, at)
        assert close(value(found, {**at, y: value(f, at)}), expected, digits=30)


@given(expressions(kinks=False), st.integers(0, 99))
def test_tidy_and_simplest_keep_the_value(e, seed):
    keeps_its_value(e, tidy(e), seed)
    keeps_its_value(e, simplest(e), seed)


@given(expressions(kinks=False, depth=2))
def test_simplest_is_not_dearer(e):
    try:
        normal(e)
    except SymdlError:
        assume(False)
    assert cost(simplest(e)) <= cost(e)


def test_worlds_are_at_three_sizes():
    assert len(worlds(0)) == 3
