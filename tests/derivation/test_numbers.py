import math

import numpy as np
import pytest
import sympy as sp

from symdl.calculus.compose import chain
from symdl.catalog.activations import LEAKY_RELU, SOFTMAX
from symdl.catalog.layers import DENSE
from symdl.catalog.losses import CATEGORICAL_CROSSENTROPY
from symdl.derivation.derive import derive
from symdl.derivation.numbers import decimal, written
from symdl.derivation.table import node_table
from symdl.errors import InputError, Mismatch
from symdl.evidence.evaluate import precise
from symdl.formula import Formula
from symdl.notation.tensors import real
from tests.derivation.examples import VALUES, network, s, written_out


def lines_of(name: str) -> dict[str, list[str]]:
    """Each line of the text as left side and the rest."""
    shown = derive(network(), name).at(VALUES).text(verdicts=False)
    out: dict[str, list[str]] = {}
    left = ""
    for row in shown.splitlines():
        head, sign, rest = row.partition("= ")
        if sign:
            left = head.strip() or left
            out.setdefault(left, []).append(rest)
    return out


def test_the_hand_worked_numbers():
    w5 = derive(network(), "W5").at(VALUES).text(verdicts=False)
    for shown in ("0.60944600", "0.20944600", "0.23802157", "0.02592286"):
        assert shown in w5
    product = "∂E/∂W5 = ∂E/∂o1 · ∂o1/∂z3 · ∂z3/∂W5 = 0.20944600 × 0.23802157 × 0.51998934 ="
    assert product in " ".join(w5.replace("(chain rule)", "").split())
    assert any("0.60944600 - 0.4" in row for row in lines_of("W5")["∂E/∂o1"])
    w1 = lines_of("W1")
    assert any("0.00080888" in row for row in w1["∂E/∂W1"])
    assert w1["∂E/∂h1"][0].startswith("∂E/∂o1 · ∂o1/∂z3 · ∂z3/∂h1 + ∂E/∂o2 · ∂o2/∂z4 · ∂z4/∂h1")
    assert any("0.45 + 0.06384491 × 0.22315485 × 0.7" in row for row in w1["∂E/∂h1"])


@pytest.mark.parametrize("name", [f"W{k}" for k in range(1, 9)] + ["x1", "x2"])
def test_every_gradient_agrees_with_sympys_diff(name):
    d = derive(network(), name)
    values = {s[k]: sp.Rational(str(v)) for k, v in VALUES.items()}
    expected = written_out(network()).diff(s[name]).subs(values)
    whole = written_out_result = d.result
    for equation in reversed(network().equations):
        whole = whole.subs(equation.lhs, equation.rhs)
    assert abs(sp.N(whole.subs(values) - expected, 30)) < 1e-25, written_out_result
    shown = d.at(VALUES, digits=12)
    last = shown.bare_lines[-1]
    assert abs(float(last.value) - float(expected)) < 1e-12
    assert d.verify().ok


def test_rounding_is_half_to_even_on_the_exact_value():
    one = precise().mpf(1)
    assert [decimal(one * k / 8, 2) for k in (1, 3, 5)] == ["0.12", "0.38", "0.62"]
    assert decimal(-one / 1000, 2) == "0.00"
    assert decimal(one * 10**20, 1) == "100000000000000000000.0"


@pytest.mark.parametrize("bad", ["x", "1e999999999", "nan", None, object(), "1/0", "9" * 500])
def test_what_is_no_number_is_an_error(bad):
    with pytest.raises(InputError, match="number"):
        written(bad)


def test_missing_and_unknown_values():
    with pytest.raises(InputError, match="no value was given for W1, W2"):
        derive(network(), "W5").at({k: v for k, v in VALUES.items() if k not in ("W1", "W2")})
    with pytest.raises(InputError, match="there is no variable W9"):
        derive(network(), "W5").at({**VALUES, "W9": 1})


def test_hyper_parameters_have_their_defaults():
    d = derive(LEAKY_RELU, "x").at({"x": -3}, digits=3)
    assert float(d.bare_lines[-1].value) == 0.1
    assert "0.100" in d.text(verdicts=False)


def test_arrays_of_a_dense_layer_against_numpy():
    rng = np.random.default_rng(0)
    values = {"x": rng.normal(size=(4, 3)), "W": rng.normal(size=(3, 2)), "b": np.zeros(2)}
    above = rng.normal(size=(4, 2))
    d = derive(DENSE, "W").at({**values, "ybar": above})
    found = np.array(d.bare_lines[-1].value, dtype=float)
    np.testing.assert_allclose(found, values["x"].T @ above, rtol=1e-12)
    assert r"\begin{bmatrix}" in d.latex(verdicts=False)
    with pytest.raises(InputError, match="ybar"):
        derive(DENSE, "W").at(values)
    with pytest.raises(Mismatch, match="axis 1 of W has size 5, but D is 3 in axis 2 of x"):
        derive(DENSE, "W").at({**values, "W": np.zeros((5, 2)), "ybar": above})


def test_softmax_with_cross_entropy_by_hand():
    f = chain(SOFTMAX, CATEGORICAL_CROSSENTROPY)
    z, t = [[1, 2, 3]], [[0, 0, 1]]
    d = derive(f, "z").at({"z": z, "t": t}, digits=4)
    e = [math.exp(v) for v in z[0]]
    expected = [v / sum(e) - k for v, k in zip(e, t[0], strict=True)]
    for line in d.bare_lines:
        if line.lhs == d.goal:
            assert [float(v) for v in line.value[0]] == pytest.approx(expected)
    assert "[0.0900  0.2447  -0.3348]" in d.text(verdicts=False).replace("   ", "  ").replace(
        "[ ", "["
    )
    with pytest.raises(InputError, match="assumes"):
        derive(f, "z").at({"z": z, "t": [[1, 0, 1]]})


def test_large_arrays_leave_their_middle_out():
    d = derive(DENSE, "b").at(
        {"x": np.ones((9, 1)), "W": np.ones((1, 8)), "b": np.ones(8), "ybar": np.ones((9, 8))},
        digits=1,
    )
    shown = d.text(verdicts=False)
    assert "[2.0  2.0  2.0  ...  2.0]" in shown
    assert shown.count("[...  ...  ...  ...  ...]") == 1


def test_the_table_of_a_graph():
    x, y, z, q, f = (real(n) for n in "xyzqf")
    graph = Formula([sp.Eq(q, x + y), sp.Eq(f, q * z)], output=f, inputs=[x, y, z])
    table = node_table(graph, {"x": -2, y: 5, "z": -4})
    assert [int(table.row(n).gradient) for n in "xyzqf"] == [-4, -4, 3, -4, 1]
    assert [int(table.row(n).value) for n in "qf"] == [3, -12]
    assert table.text("ko").splitlines()[0].split() == ["노드", "값", "기울기"]
    assert "| $q$ | $x + y$ | 3.00000000 | -4.00000000 |" in table.markdown()
    assert r"$q z$ & -12.00000000 & 1.00000000" in table.latex()
    with pytest.raises(InputError, match="no value was given for z"):
        node_table(graph, {x: 1, y: 2})


def test_numbers_of_a_plain_expression():
    d = derive("x*exp(-x**2)", "x").at({"x": "0.5"}, digits=6)
    assert d.text(verdicts=False).endswith(
        "= exp(-0.5²) × (1 - 2 × 0.5²)    (simplification)\n                    = 0.389400\n"
    ) or "0.389400" in d.text(verdicts=False)


@pytest.mark.parametrize(
    ("text", "value", "said"),
    [
        ("log(x)", -1, "holds for x > 0"),
        ("log(x)", 0, "holds for x > 0"),
        ("1/x", 0, "holds for x ≠ 0"),
        ("x**2/(1-x)", 1, "holds for 1 - x ≠ 0"),
        ("sqrt(x)", -1, "has no value at these numbers"),
    ],
)
def test_numbers_outside_of_the_domain_are_an_error(text, value, said):
    with pytest.raises(InputError, match=said):
        derive(text, "x").at({"x": value})


def test_on_a_kink_there_is_the_value_of_the_convention():
    assert "= 0.00" in derive("abs(x)", "x").at({"x": 0}, digits=2).text()
