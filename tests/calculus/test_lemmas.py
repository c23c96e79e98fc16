"""Lemmas rewrite the sums that they speak of, and no others."""

import pytest
import sympy as sp

from symdl.calculus.lemmas import apply_lemmas, lemma_of
from symdl.formula import Equation
from symdl.notation.binders import Total
from symdl.notation.indices import indices
from symdl.notation.normal import normal
from symdl.notation.tensors import real, tensors

n, m, j, k, r = indices("n:N m:N j:K k:K r:K")
t, a, b, S = tensors("t[n,j] a[n,j] b[n,j] S[n]", n, j)
s = real("s")

SUM_TO_ONE = lemma_of(Equation(Total(t[n, j], j), sp.S.One))
INNER = lemma_of(Equation(Total(a[n, j] * b[n, j], j), S[n]))

REWRITTEN = [
    (SUM_TO_ONE, Total(t[n, k], k), sp.S.One),
    (SUM_TO_ONE, Total(t[m, j], j) * s + t[n, j], s + t[n, j]),
    (SUM_TO_ONE, Total(t[n, j], j) ** 2, sp.S.One),
    (SUM_TO_ONE, Total(t[n, j] * t[n, k], j, k), sp.S.One),
    (INNER, Total(a[m, k] * b[m, k], k), S[m]),
    (INNER, Total(a[n, k] * b[n, k], k) * a[n, j], S[n] * a[n, j]),
]


@pytest.mark.parametrize(("lemma", "e", "expected"), REWRITTEN, ids=str)
def test_rewritten(lemma, e, expected):
    assert apply_lemmas(e, [lemma]) == normal(expected)


KEPT = [
    (SUM_TO_ONE, Total(t[n, j], n)),  # over the other axis
    (SUM_TO_ONE, Total(t[n, j] ** 2, j)),
    (SUM_TO_ONE, Total(a[n, j], j)),
    (SUM_TO_ONE, Total(t[n, j] * a[n, j], j)),
    (SUM_TO_ONE, Total(t[n + 1, j], j)),  # 0 behind the last row
    (INNER, Total(a[n, j] * b[m, j], j)),  # one index of the lemma stands for one index
    (INNER, Total(a[m, j] * b[n, j], j)),
]


@pytest.mark.parametrize(("lemma", "e"), KEPT, ids=str)
def test_kept(lemma, e):
    assert apply_lemmas(e, [lemma]) == normal(e)


def test_a_lemma_is_solved_for_its_sum():
    lemma = lemma_of(Equation(S[n], 2 * s * Total(a[n, j], j) / 2 + s))
    assert lemma is None or apply_lemmas(lemma.total, [lemma]) == normal(lemma.value)
    halved = lemma_of(Equation(S[n], Total(a[n, j], j) / 2 + s))
    assert halved is not None
    assert halved.total == Total(a[n, j], j)
    assert normal(halved.value - (2 * S[n] - 2 * s)) == 0


def test_an_equation_without_a_sum_is_no_lemma():
    assert lemma_of(Equation(S[n], s)) is None
    assert lemma_of(Equation(Total(a[n, j], j) ** 2, sp.S.One)) is None
