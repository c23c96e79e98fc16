"""A premise is changed, and the result, the LaTeX and the code change with it."""

import pytest
import sympy as sp

import symdl as sd
from symdl.calculus.adjoint import adjoint
from symdl.calculus.joint import joint_adjoint
from symdl.calculus.rules.functions import Exponential
from symdl.calculus.tree import Expansion
from symdl.evidence.gradients import judge_adjoint

x, y = sp.symbols("x y", real=True)


def logistic(one):
    return sd.Formula(sp.Eq(y, 1 / (one + sp.exp(-x))), output=y, inputs=[x], name="logistic")


def seen():
    """The derivative of the sigmoid, its LaTeX, and the source of a network that uses it."""
    (equation,) = sd.vjp(logistic(1)).equations
    model = sd.Sequential([sd.Dense(2, activation="sigmoid", input_dim=2), sd.Dense(1)])
    source = sd.compile(model, loss="mse", optimizer="sgd").source
    return equation.rhs, sd.derive(logistic(1), "x").latex(), source


def forget():
    for cached in (adjoint, joint_adjoint, judge_adjoint):
        cached.cache_clear()


def twice_the_exponential(self, d):
    """A wrong conclusion: (e^x)' = 2 e^x."""
    right = isinstance(d.expr, sp.exp) and d.expr.args == (d.wrt,)
    return Expansion((), lambda: 2 * d.expr) if right else None


@pytest.fixture
def wrong_rule(monkeypatch):
    """Put the wrong rule in place when called; all is as before after the test."""

    def put():
        monkeypatch.setattr(Exponential, "expand", twice_the_exponential)
        forget()

    forget()
    yield put
    monkeypatch.undo()
    forget()


def test_another_formula_has_another_derivative():
    first, second = (sd.vjp(logistic(one)).equations[0].rhs for one in (1, 2))
    assert first == y * (1 - y)
    assert sp.expand(second - y * (1 - 2 * y)) == 0
    shown = [sd.derive(logistic(one), "x").latex() for one in (1, 2)]
    assert shown[0] != shown[1]
    runs = [sd.compile(logistic(one)) for one in (1, 2)]
    assert runs[0].source != runs[1].source
    assert [float(run(0.0)) for run in runs] == [1 / 2, 1 / 3]


def test_another_rule_changes_result_latex_and_code_and_is_refuted(wrong_rule):
    right = seen()
    wrong_rule()
    wrong = seen()
    for before, after in zip(right, wrong, strict=True):
        assert before != after
    assert wrong[0] == 2 * y * (1 - y)
    assert "refuted" in {verdict.level for _, verdict in judge_adjoint(logistic(1))}
