"""Logarithms near 0: log S of a shifted sum, and log cosh, to the last digits."""

import mpmath
import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.calculus import stabilise as stabilising
from symdl.calculus.log_sums import with_exact_logs
from symdl.calculus.stabilise import stabilise
from symdl.calculus.tails import log_cosh
from symdl.catalog import losses
from symdl.catalog.activations import LOG_SOFTMAX, SOFTMAX
from symdl.evidence.judge import judge_equation
from symdl.evidence.networks import judge_running_form
from symdl.formula import Equation, Formula
from symdl.notation.binders import Total
from symdl.notation.normal import is_zero
from symdl.notation.tensors import real, tensors

MP = mpmath.mp.clone()
MP.dps = 400
n, j = sd.indices("n:N j:K")
z, u = tensors("z[n,j] u[n,j]", n, j)
x, y = real("x"), real("y")

ROWS = [
    [40.0, 0.0, 0.0],
    [0.0, 300.0, -300.0],
    [700.0, 0.0, -700.0],
    [0.0, 0.0, 0.0],
    [1.0, 1.0, -60.0],
    [5.0, 5.0, 5.0 - 1e-9],
    [-745.0, 0.0, -1.0],
    [1e-17, 0.0, -50.0],
]
LOGITS = (
    losses.CATEGORICAL_CROSSENTROPY_FROM_LOGITS,
    losses.SPARSE_CATEGORICAL_CROSSENTROPY_FROM_LOGITS,
)


def log_softmax(row):
    """The logarithms by the other terms alone: -log1p of their sum."""
    row = [MP.mpf(float(v)) for v in row]
    return [
        -MP.log1p(MP.fsum(MP.exp(w - v) for k, w in enumerate(row) if k != place))
        for place, v in enumerate(row)
    ]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_log_softmax(row, dtype):
    given = np.array([row], dtype)
    right = [float(v) for v in log_softmax(given[0])]
    found = sd.compile(LOG_SOFTMAX, dtype=dtype)(given)
    # the difference of two logits is rounded, by half a unit of the larger one
    slack = float(np.finfo(dtype).eps) * abs(given).max() * (np.array(right) < -1e-3)
    allowed = 8 * float(np.finfo(dtype).eps) * np.abs(right) + slack
    allowed += float(np.finfo(dtype).smallest_subnormal)
    assert (np.abs(found[0] - right) <= allowed).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("formula", LOGITS, ids=lambda f: f.name)
def test_cross_entropy_of_logits_is_exact_near_0(formula, row, dtype):
    given = np.array([row], dtype)
    label = int(given.argmax())
    sparse = formula.inputs[1].labels is not None
    target = np.array([label]) if sparse else np.eye(3, dtype=dtype)[[label]]
    right = -float(log_softmax(given[0])[label])
    found = float(sd.compile(formula, dtype=dtype)(given, target))
    assert found == pytest.approx(right, rel=8 * float(np.finfo(dtype).eps), abs=1e-45)


def test_the_loss_of_a_model_is_exact_near_0():
    net = sd.Sequential([sd.Input(3), sd.Dense(3, "softmax", use_bias=False)])
    net.set_weights([np.eye(3)])
    net.compile(optimizer=None, loss="categorical_crossentropy")
    found = net.step.evaluate(np.array([[40.0, 0, 0]]), np.array([[1.0, 0, 0]]))
    assert found == pytest.approx(2 * float(mpmath.exp(-40)), rel=1e-15)


def test_each_part_is_proved():
    for formula in (LOG_SOFTMAX, *LOGITS):
        assert judge_running_form(formula).level == "proved"
        assert any("near 1" in name for name, _, _ in stabilise(formula).rewrites)


def test_what_reads_no_logarithm_is_left_alone():
    assert not any(e.rhs.has(sp.floor) for e in stabilise(SOFTMAX).formula.equations)


@pytest.mark.parametrize("lost", ["ties", "rest", "largest"])
def test_a_wrong_sum_is_not_taken(monkeypatch, lost):
    """A part of S - 1 is left out or doubled: the plain logarithm stays."""

    def planted(equations, term, total, new_name):
        found = with_exact_logs(equations, term, total, new_name)
        return [
            Equation(e.lhs, 2 * e.rhs if lost == "largest" else e.rhs + 1)
            if e.variable.name == lost
            else e
            for e in found
        ]

    right = stabilise(LOG_SOFTMAX).formula
    stabilise.cache_clear()
    monkeypatch.setattr(stabilising, "with_exact_logs", planted)
    wrong = stabilise(LOG_SOFTMAX).formula
    monkeypatch.undo()
    stabilise.cache_clear()
    exact = lost == "largest"  # whatever is taken out and put back, the sum is the same
    assert (wrong.equation(wrong.output) == right.equation(right.output)) == exact
    assert any(e.rhs.has(sp.log) for e in wrong.equations) != exact


def test_a_formula_of_ones_own():
    k = sd.indices("k:K")
    whole = sd.total(sp.exp(z[n, k]), k)
    own = Formula(sp.Eq(u[n, j], z[n, j] - sp.log(whole)), output=u, inputs=z)
    found = sd.compile(own)(np.array([[40.0, 0, 0]]))
    assert found[0, 0] == pytest.approx(-2 * float(mpmath.exp(-40)), rel=1e-15)


COSH = [0.0, 1e-200, 1e-30, 1e-9, 1e-3, 0.3, 0.999, 1.0, 1.001, 3.0, 18.0, 80.0, 500.0, 1e4, 1e30]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sign", [1, -1])
def test_log_cosh(dtype, sign):
    run = sd.compile(losses.LOG_COSH, dtype=dtype)
    with np.errstate(all="raise", under="ignore"):
        for v in np.array(COSH, dtype) * sign:
            d = MP.mpf(float(v))
            exact = MP.log(MP.cosh(d)) if abs(d) < 600 else abs(d) - MP.log(2)
            found = float(run(np.array([[v]], dtype), np.zeros((1, 1), dtype)))
            with np.errstate(under="ignore"):
                right = np.dtype(dtype).type(float(exact))
            assert abs(found - float(exact)) <= 4 * float(np.spacing(right)), v


def test_log_cosh_is_the_same_function():
    assert is_zero(log_cosh(x) - sp.log(sp.cosh(x)))
    assert judge_equation(Total(log_cosh(z[n, j]), j), Total(sp.log(sp.cosh(z[n, j])), j)).ok
    for wrong in (log_cosh(x).xreplace({sp.log(2): sp.log(3)}), log_cosh(2 * x)):
        assert judge_equation(wrong, sp.log(sp.cosh(x))).level == "refuted"


def test_the_gradient_of_log_cosh_is_tanh():
    assert sd.derive(sp.log(sp.cosh(x)), x).result == sp.tanh(x)
    assert sd.derive(sp.log(sp.cosh(3 * x + y)), x).result == 3 * sp.tanh(3 * x + y)
    (gradient,) = (e for e in sd.vjp(losses.LOG_COSH, "d").equations if e.rhs.has(sp.tanh))
    assert not gradient.rhs.has(sp.exp)
