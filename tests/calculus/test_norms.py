"""Norms in a form that does not overflow: which are rewritten, and that they are the same."""

import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.calculus.stabilise import stabilise
from symdl.evidence.networks import judge_running_form
from symdl.notation.binders import Total

i, j = sd.indices("i:D j:K")
W, r, y = sd.tensors("W[i,j] r[j] y[i,j]", i, j)
LENGTH = sp.Symbol("length", nonnegative=True)


def whole(rhs):
    return sd.Formula(sp.Eq(LENGTH, rhs, evaluate=False), output=LENGTH, inputs=[W], name="whole")


COLUMNS = sd.Formula(
    sp.Eq(r[j], sp.sqrt(Total(W[i, j] ** 2, i)), evaluate=False), output=r, inputs=[W]
)
WHOLE = whole(sp.sqrt(Total(W[i, j] ** 2, i, j)))
MEAN = whole(sp.sqrt(Total(W[i, j] ** 2, i, j) / i.size))
SHIFTED = whole(3 * sp.sqrt(Total((2 * W[i, j] - 1) ** 2, i, j)) + 1)


@pytest.mark.parametrize("formula", [COLUMNS, WHOLE, MEAN, SHIFTED])
def test_a_norm_is_scaled_and_proved_to_be_the_same(formula):
    names = [e.variable.name for e in stabilise(formula).formula.equations]
    assert names == ["scale", "scaled", formula.output.name]
    assert judge_running_form(formula).level == "proved"


@pytest.mark.parametrize(
    "rhs",
    [
        Total(W[i, j] ** 2, i, j),
        sp.sqrt(Total(W[i, j] ** 2, i, j) + 1),
        sp.sqrt(Total(W[i, j] ** 2, i, j) / i.size + 1),
        sp.sqrt(Total(sp.Abs(W[i, j]), i, j)),
    ],
)
def test_anything_else_stays(rhs):
    assert stabilise(whole(rhs)).formula == whole(rhs)


@pytest.mark.parametrize("size", [0.0, 1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_numbers_of_all_sizes(size):
    given = size * np.array([[3.0, 0.0], [4.0, -2.0]])
    tiny = 1e-170  # squares of smaller numbers vanish, and add nothing that counts
    np.testing.assert_allclose(
        sd.compile(COLUMNS)(given), size * np.array([5.0, 2.0]), rtol=1e-14, atol=tiny
    )
    found = float(sd.compile(WHOLE)(given))
    assert found == pytest.approx(size * 29**0.5, rel=1e-14, abs=tiny)


def test_a_norm_that_is_read_by_its_own_name():
    """Names that the formula has already are not taken twice."""
    scale, scaled = sp.Symbol("scale", positive=True), sd.tensors("scaled[i,j]", i, j)
    formula = sd.Formula(
        [
            sp.Eq(scale, sp.exp(W[sp.Integer(0), sp.Integer(0)]), evaluate=False),
            sp.Eq(scaled[i, j], scale * W[i, j], evaluate=False),
            sp.Eq(LENGTH, sp.sqrt(Total(scaled[i, j] ** 2, i, j)), evaluate=False),
        ],
        output=LENGTH, inputs=[W],
    )  # fmt: skip
    given = np.array([[0.5, 1.0]])
    expected = np.exp(0.5) * np.sqrt(1.25)
    assert float(sd.compile(formula)(given)) == pytest.approx(expected, rel=1e-14)
