"""Refused with a reason, where a number would have been wrong or missing."""

import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.calculus.compose import chain
from symdl.calculus.joint import joint_adjoint
from symdl.catalog import activations, losses
from symdl.evidence.gradients import judge_adjoint
from symdl.notation.tensors import TensorSymbol
from symdl.verify.gradients import check_gradient

i = sd.indices("i:D")
x, y, ybar = sd.tensors("x[i] y[i] ybar[i]", i)
s = sp.Symbol("s", real=True)


def test_a_variable_called_like_an_adjoint():
    formula = sd.Formula(sp.Eq(y[i], x[i] * ybar[i]), output=y, inputs=[x, ybar])
    with pytest.raises(sd.Mismatch, match="ybar is called like the adjoint of y"):
        sd.vjp(formula)


@pytest.mark.parametrize("body", ["k*B[k]", "B[k-1]"])
def test_a_sum_counted_from_one_that_uses_its_index(body):
    k, n = sp.symbols("k n", integer=True, positive=True)
    B = sp.IndexedBase("B", shape=(n,))
    e = {"k*B[k]": k * B[k], "B[k-1]": B[k - 1]}[body]
    with pytest.raises(sd.NotSupported, match="write it from 0"):
        sd.Formula(sp.Eq(s, sp.Sum(e, (k, 1, n))), output=s)


def test_cases_without_a_rest():
    with pytest.raises(sd.InputError, match="end with"):
        sd.derive(sp.Piecewise((s**2, s > 0)), s)


@pytest.mark.parametrize("text", ["(-1)**x", "0**x"])
def test_a_rule_that_holds_nowhere(text):
    with pytest.raises(sd.Impossible, match="exponent rule does not hold"):
        sd.derive(text, "x")


def test_a_symbol_that_is_not_real():
    z = sp.Symbol("z", complex=True)
    with pytest.raises(sd.NotSupported, match="not real"):
        sd.derive(sp.Abs(z) ** 2, z)


def test_an_input_given_twice_and_a_bare_input():
    with pytest.raises(sd.InputError, match="given twice"):
        sd.Formula(sp.Eq(y[i], x[i]), output=y, inputs=[x, x])
    assert sd.Formula(sp.Eq(y[i], x[i]), output=y, inputs=x).inputs == (x,)


@pytest.mark.parametrize("asked", ["q", "y", [y]])
def test_an_adjoint_that_is_not_there(asked):
    formula = sd.Formula(sp.Eq(y[i], x[i] ** 2), output=y, inputs=x)
    assert sd.vjp(formula, "x") == sd.vjp(formula, [x]) == sd.vjp(formula)
    with pytest.raises(sd.InputError, match="there are: x"):
        sd.vjp(formula, asked)


def test_an_unknown_level():
    formula = sd.Formula(
        sp.Eq(s, sp.Symbol("q", real=True) ** 2), output=s, inputs=[sp.Symbol("q", real=True)]
    )
    with pytest.raises(sd.InputError, match="not one of brief"):
        sd.backprop(formula).derivation("q", level="all")


def test_positive_targets_with_an_assumption_are_not_refuted():
    t = TensorSymbol("t", losses.t.axes, positive=True)
    (loss,) = losses.CATEGORICAL_CROSSENTROPY.equations
    formula = sd.Formula(
        sp.Eq(loss.lhs, -sd.total(t[losses.n, losses.j] * sp.log(losses.p[losses.n, losses.j]),
                                  losses.n, losses.j) / losses.N, evaluate=False),
        output=loss.lhs, inputs=[losses.p, t],
        assumptions=[sp.Eq(sd.total(t[losses.n, losses.j], losses.j), 1, evaluate=False)],
    )  # fmt: skip
    joint = chain(activations.SOFTMAX, formula)
    found = dict(judge_adjoint(joint, (joint.inputs[0],)))
    assert {v.level for v in found.values()} == {"proved"}


def test_a_gradient_on_a_kink_is_left_out_not_refuted():
    def relu(v):
        return float(np.maximum(v, 0).sum())

    check = check_gradient(relu, np.array([0.0, 1.0]), np.array([0.0, 2.0]))
    assert (check.ok, check.kinks, check.compared) == (True, 1, 1)
    wrong = check_gradient(relu, np.array([0.0, 1.001]), np.array([0.0, 2.0]))
    assert not wrong.ok
    with pytest.raises(sd.InputError):
        check_gradient(relu, np.zeros(2), np.zeros(2), elements=0)


@pytest.mark.parametrize(("dtype", "big"), [("float64", 1e308), ("float32", 3e38)])
def test_scores_as_far_apart_as_numbers_go(dtype, big):
    found = sd.compile(activations.SOFTMAX, dtype=dtype)(np.array([[big, -big]], dtype))
    assert found.tolist() == [[1.0, 0.0]]


def test_a_metric_named_twice():
    model = sd.Sequential([sd.Dense(1, input_dim=1)])
    with pytest.raises(sd.InputError, match="named twice"):
        model.compile("sgd", "mse", metrics=["mae", "mae"])


def test_compiling_again_keeps_what_is_left_away():
    model = sd.Sequential([sd.Dense(1, input_dim=1)])
    model.compile("adam", "mse", metrics=["mae"], dtype="float32")
    before = model.setup
    sd.compile(model)
    assert model.setup == before


def test_no_form_divides_by_what_may_be_zero():
    """y = x tanh(c) / (1 + r): at x = 0 the derivative for x is tanh(c) / (1 + r), not 0/0."""
    c, m = sd.tensors("c[i] m[i]", i)
    r = sp.Symbol("r", positive=True)
    formula = sd.Formula(
        [sp.Eq(m[i], sp.tanh(c[i])), sp.Eq(y[i], x[i] * m[i] / (1 + r))],
        output=y, inputs=[x, c], hyper=[(r, sp.Integer(1))],
    )  # fmt: skip
    joint, _ = joint_adjoint(formula)
    zeros = {x[i]: 0, y[i]: 0}
    assert joint.step(x).equation.rhs.xreplace(zeros) == m[i] * ybar[i] / (1 + r)
