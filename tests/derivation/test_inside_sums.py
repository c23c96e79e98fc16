"""What stands inside of sums is cancelled too, under the conditions that the steps record."""

import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.calculus.elimination import divisors, simplest_inside
from symdl.calculus.forms import cost
from symdl.derivation.plain_printer import plain_text
from symdl.derivation.printer import latex
from symdl.derivation.shown import Times, plain
from symdl.evidence.evaluate import World, evaluate, precise
from symdl.evidence.judge import judge_equation
from tests.derivation.test_matrices import logistic

n, i = sd.indices("n:N i:D")
x, w, s, y = sd.tensors("x[n,i] w[i] s[n] y[n]", n, i)
N = n.size


@pytest.mark.parametrize("level", ["brief", "normal", "full"])
@pytest.mark.parametrize(
    ("notation", "result"),
    [
        ("index", "1/N·Σ[n] x[n,i]·(s[n] - y[n])"),
        ("matrix", "X^T (s - y)/N"),
    ],
)
def test_logistic_regression_ends_as_textbooks_write_it(level, notation, result):
    d = sd.derive(logistic(), "w", notation=notation, level=level)
    assert d.lines[-1].verdict.level == "proved"
    assert d.verify().level == "proved"
    last = next(row for row in reversed(d.text().splitlines()) if "=" in row)
    assert f"= {result}    (" in last


def test_a_wrong_sign_in_the_last_line_is_refuted():
    d = sd.derive(logistic(), "w")
    k = len(d.lines) - 1
    assert d.with_line(k, "sum[n](x[n,i]*(s[n] - y[n]))/N").lines[k].verdict.level == "proved"
    assert d.with_line(k, "sum[n](x[n,i]*(y[n] - s[n]))/N").lines[k].verdict.level == "refuted"


def test_each_logarithm_has_its_own_condition():
    d = sd.derive(logistic(), "w")
    found = {str(c) for line in d.lines for c in line.conditions}
    assert found == {"s[j] > 0", "1 - s[j] > 0"}
    two = sd.derive("log(1 - x) + log(2 + x)*log(3 - 2*x)", "x")
    assert {str(c) for line in two.lines for c in line.conditions} == {
        "1 - x > 0",
        "x + 2 > 0",
        "3 - 2*x > 0",
    }


@pytest.mark.parametrize(
    ("e", "expected"),
    [
        (sd.total(x[n, i] * (1 - s[n]) / (s[n] - 1), n), -sd.total(x[n, i], n)),
        (sd.total((s[n] ** 2 - y[n] ** 2) / (s[n] + y[n]), n), sd.total(s[n] - y[n], n)),
        (sd.total((s[n] / N - y[n] / N) * N, n), sd.total(s[n] - y[n], n)),
        (sp.exp(sd.total(s[n] * y[n] / s[n], n)), sp.exp(sd.total(y[n], n))),
        (sd.total(s[n] / (1 + s[n] ** 2), n), sd.total(s[n] / (1 + s[n] ** 2), n)),
        (s[n] * (1 - s[n]) / (1 - s[n]), s[n]),
    ],
)
def test_bodies_of_sums_are_simplified(e, expected):
    found = simplest_inside(e)
    assert judge_equation(found, expected).level == "proved"
    assert cost(found) == cost(expected)
    assert divisors(found) <= divisors(e)


@pytest.mark.parametrize("seed", range(40))
def test_nothing_gets_longer_and_the_value_stays(seed):
    rng = np.random.default_rng(seed)

    def atom():
        return [s[n], y[n], x[n, i], sp.Integer(1), w[i]][rng.integers(5)]

    def body(deep):
        if deep == 0:
            return atom()
        a, b = body(deep - 1), body(deep - 1)
        return [a + b, a - b, a * b, a / (1 + b**2), a / (b - 3)][rng.integers(5)]

    e = sd.total(body(3) * body(1), n)
    found = simplest_inside(e)
    assert cost(found) <= cost(e)
    world = World({N: 3, i.size: 2}, {}, precise())
    for v in (x, w, s, y):
        shape = [3 if a == N else 2 for a in v.axes]
        world.values[v] = {at: precise().mpf(float(rng.normal())) for at in np.ndindex(*shape)}
    for k in range(2):
        one, two = (evaluate(plain(f), world, {i: k}) for f in (e, found))
        assert abs(one - two) < precise().mpf(10) ** -30 * max(1, abs(one))


def test_factors_with_a_minus_stand_in_brackets():
    a, b, c = sp.symbols("a b c", real=True)
    terms = Times(a, -b) + Times(-a, c)
    assert plain_text(terms) in ("a · (-b) - a · c", "-a · c + a · (-b)")
    assert r"a \cdot \left(-b\right)" in latex(terms)
    assert "+ -" not in latex(terms)
