"""Judging equations: what is proved, only numeric, refuted, unknown."""

import pytest
import sympy as sp

from symdl.evidence.judge import judge_equation
from symdl.formula import Equation
from symdl.notation.binders import Peak, Total
from symdl.notation.indicators import Delta, UnitStep
from symdl.notation.indices import indices
from symdl.notation.tensors import TensorSymbol, real, tensors

i, k, j, n = indices("i:D k:D j:K n:N")
D, K, N = i.size, j.size, n.size
x, s = real("x"), real("s")
q = sp.Symbol("q", positive=True)
u, v, M, W, p, t = tensors("u[i] v[j] M[i,k] W[i,j] p[n,j] t[n,j]", i, k, j, n)

PROVED = [
    (sp.tanh(x), 2 / (1 + sp.exp(-2 * x)) - 1),
    (Total(u[i], i) ** 2, Total(u[i] * u[k], i, k)),
    (Total(Delta(i - k) * u[i], i), u[k]),
    (sp.log(1 + sp.exp(x)), x + sp.log(1 + sp.exp(-x))),
    (Total(s, i), D * s),
    (sp.Max(0, x), x * UnitStep(x)),
]


@pytest.mark.parametrize(("a", "b"), PROVED, ids=str)
def test_proved(a, b):
    assert judge_equation(a, b).level == "proved"


PLANTED = {
    "0.1 per cent off": (2 * W[i, j] * s, 2 * W[i, j] * s * sp.Rational(1001, 1000)),
    "0.1 per cent off in a float": (2 * x, 2.002 * x),
    "1/N dropped": ((p[n, j] - t[n, j]) / N, p[n, j] - t[n, j]),
    "1/N for 1/K": (p[n, j] / N, p[n, j] / K),
    "matrix transposed": (Total(M[i, k] * u[k], k), Total(M[k, i] * u[k], k)),
    "wrong sign": (p[n, j] - t[n, j], t[n, j] - p[n, j]),
    "wrong sign of one term": (p[n, j] - t[n, j], p[n, j] + t[n, j]),
    "wrong index": (M[i, k] * u[k], M[i, k] * u[i]),
    "wrong summed index": (Total(M[i, k], i), Total(M[i, k], k)),
    "sum of squares": (Total(u[i] ** 2, i), Total(u[i], i) ** 2),
    "lost term": (x**2 + 2 * x + 1, x**2 + 1),
    "wrong side of a kink": (UnitStep(x), UnitStep(-x)),
    "one off in a shift": (Total(u[i] * u[i + 1], i), Total(u[i] * u[i - 1] + u[0], i)),
    "maximum for a sum": (Peak(u[i], i), Total(u[i], i)),
    "a small constant": (sp.exp(x), sp.exp(x) + sp.Rational(1, 10**30)),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_refuted_with_a_point(name):
    right, wrong = PLANTED[name]
    for a, b in ((right, wrong), (wrong, right)):
        verdict = judge_equation(a, b)
        assert verdict.level == "refuted"
        point = dict(verdict.counterexample)
        assert {"left", "right"} <= set(point)
    assert judge_equation(right, right).level == "proved"
    assert judge_equation(wrong, wrong).level == "proved"


BEYOND = [
    (sp.sin(x) ** 2 + sp.cos(x) ** 2, sp.S.One),
    (Peak(q * u[i], i), q * Peak(u[i], i)),
    (Total(u[i + 1], i), Total(u[i], i) - u[0]),
    (sp.asinh(x), sp.log(x + sp.sqrt(x**2 + 1))),
]


@pytest.mark.parametrize(("a", "b"), BEYOND, ids=str)
def test_what_the_normal_form_does_not_know_is_only_numeric(a, b):
    verdict = judge_equation(a, b)
    assert verdict.level == "numeric"
    assert verdict.ok


UNKNOWN = {
    "the logarithm of a negative number": (sp.log(-(x**2) - 1), sp.log(-1 - x**2) + 0 * x),
    "a root of a negative number": (sp.sqrt(-q), 2 * sp.sqrt(-q)),
    "a function without a meaning": (sp.Function("f")(x), sp.Function("f")(x) + 1),
    "no evaluation": (sp.gamma(x), sp.gamma(x) + 1),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_where_nothing_can_be_evaluated_nothing_is_said(name):
    verdict = judge_equation(*UNKNOWN[name])
    assert verdict.level == "unknown"
    assert not verdict.ok
    assert verdict.reason


def test_the_same_normal_form_is_not_proof_where_no_point_exists():
    a = sp.sqrt(-1 - x**2)
    verdict = judge_equation(a + a * x, a * (1 + x))
    assert verdict.level == "unknown"


SUM_TO_ONE = Equation(Total(t[n, j], j), sp.S.One)
WITH_SUM = (p[n, j] * Total(t[n, j], j) - t[n, j], p[n, j] - t[n, j])


def test_an_assumption_is_used_and_needed():
    assert judge_equation(*WITH_SUM, assumptions=[SUM_TO_ONE]).level == "proved"
    assert judge_equation(*WITH_SUM).level == "refuted"


def test_an_assumption_that_is_another_one_does_not_help():
    two = Equation(Total(t[n, j], j), sp.Integer(2))
    assert judge_equation(*WITH_SUM, assumptions=[two]).level == "refuted"


def test_an_assumption_that_no_point_satisfies_proves_nothing():
    positive = TensorSymbol("r", (D,), positive=True)
    never = Equation(Total(positive[i], i), sp.Integer(-1))
    verdict = judge_equation(Total(positive[i], i) + 1, sp.S.Zero, assumptions=[never])
    assert verdict.level in ("unknown", "refuted")
    odd = Equation(Total(u[i] ** 2, i), sp.Integer(-1))
    assert judge_equation(Total(u[i] ** 2, i), sp.Integer(-1), assumptions=[odd]).level == "unknown"


def test_definitions_are_put_in():
    y = real("y")
    definition = Equation(y, 1 / (1 + sp.exp(-x)))
    slope = sp.exp(-x) / (1 + sp.exp(-x)) ** 2
    assert judge_equation(y * (1 - y), slope, [definition]).level == "proved"
    assert judge_equation(y * (1 + y), slope, [definition]).level == "refuted"
    other = Equation(y, 1 / (2 + sp.exp(-x)))
    assert judge_equation(y * (1 - y), slope, [other]).level == "refuted"


def test_the_lemma_of_softmax_is_proved_and_a_false_one_is_refuted():
    z = tensors("z[n,j]", n, j)
    soft = sp.exp(z[n, j]) / Total(sp.exp(z[n, j]), j)
    assert judge_equation(Total(soft, j), sp.S.One).level == "proved"
    assert judge_equation(Total(soft, n), sp.S.One).level == "refuted"
    assert judge_equation(Total(soft**2, j), sp.S.One).level == "refuted"
