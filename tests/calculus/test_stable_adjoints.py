"""Adjoints as they run: equal to the derivative, without sums that cancel; proved or not taken."""

import mpmath
import pytest
import sympy as sp

from symdl.calculus.compose import Piece, Renaming
from symdl.calculus.exponentials import without_cancelling
from symdl.calculus.network import backpropagate
from symdl.calculus.stable_adjoints import stable_adjoint
from symdl.catalog import activations, losses
from symdl.evidence.evaluate import World, define, precise
from symdl.formula import Equation, Formula
from symdl.notation.tensors import TensorSymbol

x, y, t, bar = sp.symbols("x y t xbar", real=True)
alpha = sp.Symbol("alpha", positive=True)
SCALAR = [
    f for f in activations.ALL if not isinstance(f.inputs[0], TensorSymbol) and "step" not in f.name
]


def running(formula, exact=True):
    """The equations of a formula and its gradients as they run, constants as numbers."""
    derived = backpropagate([Piece(formula, Renaming({}, {}))], formula.inputs[:1], exact)
    constants = Renaming(dict(formula.hyper), {})
    return [constants.equation(e) for e in (*derived.forward, *derived.running)]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("at", ["-31.4", "-3.1", "-0.2", "0.3", "2.9", "27.1"])
@pytest.mark.parametrize("formula", SCALAR, ids=lambda f: f.name)
def test_running_gradients_are_the_derivative(formula, at, exact):
    ctx, (v,) = precise(200), formula.inputs
    values = {v: ctx.mpf(at)} | {p: ctx.mpf("0.7") for p in formula.parameters}
    world = define(running(formula, exact), World({}, values, ctx))
    whole = formula.equations[-1].rhs
    for e in reversed(formula.equations[:-1]):
        whole = whole.xreplace({e.lhs: e.rhs})
    whole = whole.xreplace(dict(formula.hyper)).xreplace(
        {p: sp.Rational(7, 10) for p in formula.parameters}
    )
    with mpmath.workdps(200):
        slope = mpmath.diff(sp.lambdify(v, whole, "mpmath"), mpmath.mpf(at), h=mpmath.mpf("1e-60"))
        found = next(value for s, value in world.values.items() if s.name == "xbar")
        assert abs(found - slope) <= mpmath.mpf("1e-40") * max(abs(slope), mpmath.mpf("1e-20"))


@pytest.mark.parametrize(
    ("total", "definition", "expected"),
    [
        (1 - y, 1 / (1 + sp.exp(-x)), 1 / (1 + sp.exp(x))),
        (1 - y**2, sp.tanh(x), 1 / sp.cosh(x) ** 2),
        (1 + y, sp.tanh(x), 2 / (1 + sp.exp(-2 * x))),
        (1 - y, sp.tanh(x), 2 / (1 + sp.exp(2 * x))),
        (alpha + y, alpha * (sp.exp(x) - 1), alpha * sp.exp(x)),
        (3 - 3 * y, 1 / (1 + sp.exp(-2 * x)), 3 / (1 + sp.exp(2 * x))),
    ],
)
def test_sums_that_cancel(total, definition, expected):
    for by_output in (True, False):
        found = without_cancelling(total, {y: definition}, by_output=by_output)
        assert found != total
        for at in ("-50", "-1", "2", "50"):
            with mpmath.workdps(30):
                values = {x: mpmath.mpf(at), alpha: mpmath.mpf("1.5")}
                with_y = found.subs(y, definition)
                ours, theirs = (
                    sp.lambdify((x, alpha), e, "mpmath")(values[x], values[alpha])
                    for e in (with_y, expected)
                )
                # 30 digits are not enough for the sum as it stands
                assert abs(ours - theirs) <= mpmath.mpf("1e-27") * abs(theirs)


@pytest.mark.parametrize(
    ("total", "definition"),
    [(2 - y, sp.tanh(x)), (1 - y, sp.sin(x)), (y - 1, sp.exp(x)), (1 + y, 1 / (1 + sp.exp(-x))),
     (1 - x * y, sp.tanh(x)), (1 - y, sp.exp(x) * x)],
)  # fmt: skip
def test_other_sums_are_left_alone(total, definition):
    assert without_cancelling(total, {y: definition}) == total


def test_a_difference_from_a_share_is_taken_apart_for_shares_alone():
    logistic = {y: 1 / (1 + sp.exp(-x))}
    found = without_cancelling(y - t, logistic, {t})
    assert found != y - t
    for at in (-40, -1, 2, 40):
        for share in (0, sp.Rational(1, 4), 1):
            values = {y: logistic[y].subs(x, at), x: at, t: share}
            assert abs(sp.N((found - y + t).subs(values), 50)) < sp.Float("1e-40")
    assert without_cancelling(y - t, logistic) == y - t


def test_without_exact_no_exponential_is_added():
    for formula in SCALAR:
        exact, stored = running(formula), running(formula, exact=False)
        powers = [sum(len(e.rhs.atoms(sp.exp)) for e in side) for side in (exact, stored)]
        assert powers[1] <= powers[0], formula.name
    (slope,) = (e for e in running(activations.TANH, exact=False) if e.variable.name == "xbar")
    assert slope.rhs == 1 - activations.TANH.output**2


def test_a_rewrite_that_is_not_proved_is_not_taken(monkeypatch):
    from symdl.calculus import stable_adjoints

    f = Formula(sp.Eq(y, sp.tanh(x)), output=y, inputs=[x], name="unproved")
    e = Equation(bar, 1 - y**2)
    wrong = sp.exp(-2 * sp.Abs(x))
    monkeypatch.setattr(stable_adjoints, "without_cancelling", lambda *_: wrong)
    assert stable_adjoint(e, f) == e


def test_cross_entropy_of_a_sure_and_right_logit_keeps_its_gradient():
    formula = losses.BINARY_CROSSENTROPY_FROM_LOGITS
    z, given = formula.inputs
    ctx = precise(20)
    values = {z: {(0, 0): ctx.mpf(60)}, given: {(0, 0): ctx.mpf(1)}}
    sizes = dict.fromkeys(z.axes, 1)
    world = define(running(formula), World(sizes, values, ctx))
    (found,) = next(v for s, v in world.values.items() if s.name == "zbar").values()
    exact = -ctx.exp(-60) / (1 + ctx.exp(-60))  # 20 digits of 1 - p are all 0
    assert abs(found - exact) < abs(exact) * ctx.mpf("1e-15")
