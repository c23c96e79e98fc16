"""Computational graphs: the value and the adjoint of every node, judged independently."""

import json

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import symdl as sd
from symdl.derivation.graph import as_graph
from symdl.errors import InputError, NotSupported
from symdl.formula import Formula
from symdl.notation.tensors import real
from symdl.notation.walk import variables

x, y, z = (real(n) for n in "xyz")


def numbers(table):
    return {r.variable.name: (r.value, r.gradient) for r in table.rows}


def test_the_hand_worked_graph():
    table = sd.graph("(x + y)*z", at={"x": -2, "y": 5, "z": -4})
    assert numbers(table) == {
        "x": (-2, -4), "y": (5, -4), "z": (-4, 3), "q1": (3, -4), "f": (-12, 1),
    }  # fmt: skip
    assert table.exact
    shown = [row.split() for row in table.text().splitlines()]
    assert shown[-2:] == [["q1", "x", "+", "y", "3", "-4"], ["f", "q1·z", "-12", "1"]]
    assert "| $q_{1}$ | $x + y$ | 3 | -4 |" in table.markdown()
    assert table.markdown("ko").startswith("| 노드 |")
    nodes = json.loads(json.dumps(table.json()))["nodes"]
    assert nodes[3] == {"node": "q1", "operation": "x + y", "value": "3", "gradient": "-4"}


def test_a_neuron_in_single_steps():
    """By hand: s = 0.7310586, s (1 - s) = 0.1966119, times the other factor of each product."""
    at = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}
    table = sd.graph("1/(1 + exp(-(w0*x0 + w1*x1 + w2)))", at=at)
    found = numbers(table)
    s = 0.19661193324148185
    by_hand = {"w0": -s, "x0": 2 * s, "w1": -2 * s, "x1": -3 * s, "w2": s}
    assert all(abs(float(found[k][1]) - v) < 1e-15 for k, v in by_hand.items())
    assert abs(float(found["f"][0]) - 0.7310585786300049) < 1e-15
    assert not table.exact
    assert "0.73105858" in table.text()
    assert "0.731" in sd.graph("1/(1 + exp(-x))", at={"x": 1}, digits=3).text()


def test_a_shared_part_is_one_node_and_its_uses_add_up():
    table = sd.graph("(x*y + z)*x*y", at={"x": "1/2", "y": 3, "z": "-1/4"})
    assert [str(e.rhs) for e in table.formula.equations].count("x*y") == 1
    assert table.row("q1").gradient == sp.Rational(11, 4)  # q1 (q1 + z): 2 q1 + z
    assert table.row("x").gradient == 3 * sp.Rational(11, 4)
    assert "33/4" in table.text()


def test_every_equation_is_one_operation():
    texts = ["(x + y)*z", "exp(-x**2)*sin(x*y)/(1 + z)", "max(x, y, z) - abs(x)", "x**(y + 1)"]
    for text in texts:
        for e in as_graph(text).equations:
            assert len(variables(e.rhs)) <= 2
            assert sp.count_ops(e.rhs) == 1, e


def test_a_sum_that_sympy_multiplied_out_is_one_sum_again():
    shown = [str(e.rhs) for e in as_graph("exp(-(x + y + z))").equations]
    assert shown == ["x + y", "q1 + z", "-q2", "exp(q3)"]


def test_formulas_and_names():
    formula = Formula(sp.Eq(y, (x - 1) ** 2), output=y, inputs=[x])
    assert sd.graph(formula, at={x: 3}).row("y").value == 4
    assert sd.graph("q1*f", at={"q1": 2, "f": 3}).json()["output"] == "g"
    assert "q1" not in {e.variable.name for e in as_graph("(q1 + x)*q1").equations}


def test_cases():
    e = sp.Piecewise((x**2, x + y > 0), (-x, True))
    assert numbers(sd.graph(e, at={"x": 3, "y": 1}))["x"] == (3, 6)
    assert numbers(sd.graph(e, at={"x": 3, "y": -5}))["x"] == (3, -1)


@pytest.mark.parametrize(
    ("what", "at", "says"),
    [
        ("x*y", {"x": 1}, "no value was given for y"),
        ("x*y", {"x": 1, "y": 2, "w": 3}, "no variable w"),
        ("1/x", {"x": 0}, "divides by zero"),
        ("2 + 3", {}, "reads no variable"),
        ("x*y", {"x": 1, "y": "two"}, "not a number"),
    ],
)
def test_bad_input(what, at, says):
    with pytest.raises(InputError, match=says):
        sd.graph(what, at=at)


def test_tensors_are_refused():
    i = sd.indices("i:D")
    v = sd.tensors("v[i]", i)
    with pytest.raises(NotSupported, match="scalar symbols"):
        sd.graph(sd.total(v[i] ** 2, i), at={})


SMOOTH = (sp.sin, sp.cos, sp.exp, sp.tanh)
leaves = st.sampled_from([x, y, z, sp.Integer(2), sp.Rational(1, 3), sp.Integer(-1)])


def grown(inner):
    return st.one_of(
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, b: a * b, inner, inner),
        st.builds(lambda a: a**2, inner),
        st.builds(lambda a: 1 / (2 + a**2), inner),
        st.builds(lambda f, a: f(a / 4), st.sampled_from(SMOOTH), inner),
    )


expressions = st.recursive(leaves, grown, max_leaves=8).filter(lambda e: e.free_symbols)


@given(expressions)
@settings(max_examples=40, deadline=None)
def test_every_adjoint_against_complex_step_and_sympys_diff(e):
    """Each node is made an input of its own; the rest of the graph is evaluated above it."""
    at = {v.name: sp.Rational(k, 3) for v, k in ((x, 2), (y, -1), (z, 4)) if v in e.free_symbols}
    table = sd.graph(e, at=at)
    whole = table.formula.output
    values = {r.variable: r.value for r in table.rows}
    for row in table.rows:
        above, started = whole, row.rhs is None
        later = []
        for q in table.formula.equations:
            if started or row.rhs is None:
                later.append(q)
            started = started or q.variable == row.variable
        for q in reversed(later):
            if q.variable != row.variable:
                above = above.subs(q.variable, q.rhs)
        others = {v: k for v, k in values.items() if v != row.variable}
        f = sp.lambdify(
            row.variable, above.subs({v: _exact(k) for v, k in others.items()}), "mpmath"
        )
        with mpmath.workdps(40):
            point = mpmath.mpf(str(sp.N(_exact(row.value), 40)))
            step = mpmath.mpf(10) ** -18
            slope = mpmath.im(f(point + 1j * step)) / step  # a complex step
            mine = mpmath.mpf(str(sp.N(_exact(row.gradient), 40)))
            assert abs(slope - mine) <= mpmath.mpf(10) ** -25 * max(1, abs(mine))
        if row.rhs is None:
            theirs = e.diff(row.variable).subs({real(k): v for k, v in at.items()})
            assert abs(sp.N(theirs, 40) - sp.N(_exact(row.gradient), 40)) < 1e-25 * (1 + abs(mine))


def _exact(value):
    return value if isinstance(value, sp.Basic) else sp.Float(str(value), 50)
