"""Gradient vectors, Jacobians and Hessians, against SymPy on written-out expressions."""

import json

import pytest
import sympy as sp

import symdl as sd
from symdl.catalog.activations import SOFTMAX
from symdl.catalog.layers import DENSE
from symdl.derivation.printer import latex
from symdl.errors import InputError, NotSupported
from symdl.evidence.judge import judge_equation
from symdl.evidence.written_out import element_symbol, write_out
from symdl.notation.tensors import TensorSymbol, real
from symdl.notation.text import parse
from symdl.notation.walk import free_indices, inline

x, y = real("x"), real("y")
SCALARS = ["x**2*y + y**3", "exp(x*y) + sin(x)", "log(1 + exp(x - y))", "x/(1 + y**2)"]


@pytest.mark.parametrize("text", SCALARS)
def test_scalars_against_sympy(text):
    e = parse(text)
    slope, second = sd.gradient(text, ["x", "y"]), sd.hessian(text, ["x", "y"])
    for mine, theirs in zip(slope.result, (e.diff(x), e.diff(y)), strict=True):
        assert judge_equation(mine, theirs).level == "proved"
    for mine, theirs in zip(second.result, sp.hessian(e, [x, y]), strict=True):
        assert judge_equation(mine, theirs).level == "proved"
    assert second.checks[0][1].level == "proved"
    assert slope.verify().ok
    assert second.verify().level in ("proved", "instance")


def test_polar_coordinates():
    found = sd.jacobian(["r*cos(phi)", "r*sin(phi)"], ["r", "phi"])
    r, phi = real("r"), real("phi")
    assert found.result == sp.Matrix([[sp.cos(phi), -r * sp.sin(phi)],
                                      [sp.sin(phi), r * sp.cos(phi)]])  # fmt: skip
    assert found.verify().level == "proved"
    assert str(found.entry(0, 1).goal) == "d(f1)/dphi"


def test_what_it_shows():
    found = sd.hessian("x**2*y", ["x", "y"])
    assert found.latex() == r"H = \begin{pmatrix} 2 y & 2 x \\ 2 x & 0 \end{pmatrix}"
    assert "∂/∂y [∂f/∂x] = 2·x" in found.text()
    assert r"\frac{\partial}{\partial y}\left[\frac{\partial f}{\partial x}\right]" in (
        found.markdown("ko")
    )
    kept = json.loads(json.dumps(found.json()))
    assert kept["checks"][0]["level"] == "proved"
    assert len(kept["entries"]) == 2
    assert "pmatrix" in found._repr_latex_()


def test_defaults_names_and_plain_symbols():
    assert sd.gradient("L = a*b").result == sp.Matrix([real("b"), real("a")])
    assert "∂L/∂a" in sd.gradient("L = a*b").text()
    plain = sp.Symbol("x")
    assert sd.hessian(plain**3, plain).result[0].free_symbols == {plain}
    assert sd.jacobian("x*y", "x").result == sp.Matrix([[y]])
    assert "∂f_0/∂x" in sd.gradient("f*x", ["x"]).text() or "f_0" in sd.gradient("f*x", "x").text()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: sd.gradient("x*y", ["w"]), "no variable w"),
        (lambda: sd.gradient("x*y", ["x", "x"]), "named twice"),
        (lambda: sd.gradient("x*y", ["x"]).entry(2), r"there is no element \(2, 0\)"),
        (lambda: sd.jacobian(DENSE, ["x", "W"]), "name one of the variables"),
    ],
)
def test_bad_input(make, says):
    with pytest.raises(InputError, match=says):
        make()


def test_a_tensor_has_no_hessian():
    with pytest.raises(NotSupported, match="scalar output"):
        sd.hessian(DENSE, "W")
    i = sd.indices("i:D")
    v = sd.tensors("v[i]", i)
    with pytest.raises(NotSupported, match="give a Formula"):
        sd.gradient(sd.total(v[i] ** 2, i))


def entries_against_sympy(found, formula, sizes):
    """Every element of the instance, against SymPy's diff of the written-out output."""
    goal, result = found.entry(0).goal, found.result
    out = formula.equation(formula.output)
    whole, result = out.rhs, put_in(result, out)
    for q in reversed(formula.equations[:-1]):
        whole, result = put_in(whole, q), put_in(result, q)
    index = sorted(free_indices(goal), key=lambda i: i.sort_key())
    for at in sp.cartes(*(range(sizes[i.size]) for i in index)):
        here = dict(zip(index, at, strict=True))
        there = {o: here[g] for o, g in zip(out.index, goal.expr.index, strict=True)}
        e = write_out(whole, sizes, there)
        v = element_symbol(goal.wrt.tensor, tuple(here[i] for i in goal.wrt.index))
        mine = write_out(result, sizes, here)
        point = {s: sp.Rational(k + 1, 7) for k, s in enumerate(sorted(e.free_symbols, key=str))}
        assert abs(sp.N((e.diff(v) - mine).subs(point), 30)) < 1e-25


def put_in(e, q):
    return inline(e, {q.lhs: q.rhs})


@pytest.mark.parametrize(("formula", "name"), [(SOFTMAX, "z"), (DENSE, "x"), (DENSE, "W")])
def test_jacobians_in_index_notation(formula, name):
    found = sd.jacobian(formula, name)
    sizes = {s: 2 for e in formula.equations for v in (e.variable, *formula.given) for s in v.axes}
    entries_against_sympy(found, formula, sizes)
    assert found.verify().level == "proved"


def logistic():
    n, i = sd.indices("n:N i:D")
    u, w, z, t = sd.tensors("u[n,i] w[i] z[n] t[n]", n, i)
    s = TensorSymbol("s", (n.size,), positive=True)
    loss = -sd.total(t[n] * sp.log(s[n]) + (1 - t[n]) * sp.log(1 - s[n]), n) / n.size
    return sd.Formula(
        [
            sp.Eq(z[n], sd.total(u[n, i] * w[i], i), evaluate=False),
            sp.Eq(s[n], 1 / (1 + sp.exp(-z[n])), evaluate=False),
            sp.Eq(real("L"), loss, evaluate=False),
        ],
        output=real("L"), inputs=[u, t], parameters=[w],
    )  # fmt: skip


def test_the_hessian_of_logistic_regression():
    found = sd.hessian(logistic(), "w")
    assert str(found.result) == "sum[n]((1 - s[n])*s[n]*u[n, i]*u[n, j])/N"
    assert found.verify().level == "proved"
    assert dict(found.checks)["the Hessian is symmetric"].level == "proved"
    assert latex(found.entry(0).goal) in found.latex()


def test_the_hessian_of_least_squares():
    n, i = sd.indices("n:N i:D")
    u, w, t = sd.tensors("u[n,i] w[i] t[n]", n, i)
    miss = sd.total(u[n, i] * w[i], i) - t[n]
    loss = sd.Formula(
        sp.Eq(real("L"), sd.total(miss**2, n) / n.size, evaluate=False),
        output=real("L"), inputs=[u, t], parameters=[w],
    )  # fmt: skip
    found = sd.hessian(loss, "w")
    assert str(found.result) == "2*sum[n](u[n, i]*u[n, j])/N"
    assert found.verify().ok


def test_a_planted_error_in_a_hessian_is_seen():
    from dataclasses import replace

    found = sd.hessian("x**2*y", ["x", "y"])
    d = found.entry(0, 1)
    (step,) = d.steps
    wrong = step.claims[-1].node
    bad = replace(wrong, after=wrong.after * 2)
    claims = tuple(replace(c, node=bad) if c.node == wrong else c for c in step.claims)
    planted = replace(d, steps=(replace(step, claims=claims),))
    assert planted.verify().level == "refuted"
    matrix = replace(found, entries=((found.entry(0, 0), planted), found.entries[1]))
    assert matrix.verify().level == "refuted"


def test_a_whole_coefficient_before_a_bracket_is_printed():
    assert latex(2 * x * (y * x - 1)) == r"2 x \left(x y - 1\right)"
    assert latex((x - y) ** 2 / 2) == r"\frac{1}{2} \left(x - y\right)^{2}"
