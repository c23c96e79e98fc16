"""What has no value at an infinite argument gets its limit, and nothing else changes."""

import math

import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.calculus import stabilise as stabilising
from symdl.calculus.far_out import held_far_out
from symdl.calculus.stabilise import stabilise
from symdl.calculus.stable_adjoints import stable_adjoint
from symdl.catalog import activations
from symdl.evidence import networks
from symdl.formula import Equation, Formula
from symdl.notation.functions import FAR, held
from symdl.notation.indicators import UnitStep
from symdl.training.compile import compile_formula
from symdl.training.gradient import compile_gradient
from tests.backends.compiled_functions import needs_compiler

x, y, s, t = sp.symbols("x y s t", real=True)
LOGISTIC = 1 / (1 + sp.exp(-x))
GATED = [activations.SILU, activations.GELU, activations.GELU_TANH, activations.MISH,
         activations.HARD_SILU]  # fmt: skip


def of(rhs, **more):
    return Formula(sp.Eq(y, rhs), output=y, inputs=[x], **more)


def rewritten(rhs):
    return held_far_out(rhs, of(rhs))


def in_floats(e, at):
    """``e`` in double precision, with IEEE 754's own inf and nan."""
    plain = e.replace(held, lambda z, end: held(z, end).as_run()).replace(
        UnitStep, lambda z, zero: sp.Piecewise((1, z > 0), (0, True))
    )
    with np.errstate(all="ignore"):
        return float(sp.lambdify(x, plain, "numpy")(np.float64(at)))


HELD = [
    # form, its limits at -inf and inf
    (x * sp.exp(-sp.Abs(x)), 0, 0),
    (x * LOGISTIC, 0, math.inf),
    (-3 * x**2 * sp.exp(-sp.Abs(x)), 0, 0),
    (x * UnitStep(x), 0, math.inf),
    (x / (1 + sp.Abs(x)), -1, 1),
    ((1 + 2 * x) / (3 + sp.Abs(x)), -2, 2),
    (x * sp.exp(-sp.Abs(x)) + x / (2 + sp.Abs(x)), -1, 1),
    (LOGISTIC * (1 + x * sp.exp(-sp.Abs(x)) + x), 0, math.inf),
]


@pytest.mark.parametrize(("form", "low", "high"), HELD, ids=str)
def test_limits(form, low, high):
    found = rewritten(form)
    assert math.isnan(in_floats(form, -math.inf))
    assert in_floats(found, -math.inf) == low
    assert in_floats(found, math.inf) == high
    assert math.isnan(in_floats(found, math.nan))
    for at in (-1e150, -1e30, -7.25, -0.0, 5e-324, 3.5, 1e29):
        assert in_floats(found, at) == pytest.approx(in_floats(form, at), rel=1e-14)
    assert rewritten(found) == found


ALONE = [
    sp.exp(x) * LOGISTIC,  # grows faster than it falls: no limit is lost to 0 inf
    x * sp.tanh(x),
    x * sp.log(1 + 1 / (1 + sp.Abs(x))),  # 1 far beyond, but 0 inf where x is held
    x * sp.exp(-sp.Abs(x) / FAR**2),  # not yet 0 where x would be held
    x * UnitStep(FAR**2 - x),
    x / (1 + sp.log(1 + sp.Abs(x))),  # infinite
    x * sp.exp(-t * x),  # either, by t
    sp.sin(x) * sp.exp(-sp.Abs(x)),
    x * sp.exp(-sp.exp(x)),  # too large for SymPy where x is large
    x * sp.Max(1, sp.log(x)),  # not real where x is negative
]


@pytest.mark.parametrize("form", ALONE, ids=str)
def test_others_are_left_alone(form):
    f = Formula(sp.Eq(y, form), output=y, inputs=[x], parameters=[t] if form.has(t) else [])
    assert held_far_out(form, f) == form


def test_only_ends_of_the_domain_count():
    form = x * LOGISTIC
    above = sp.Interval(-5, sp.oo)
    assert held_far_out(form, of(form, domain={x: sp.Reals})) != form
    assert held_far_out(form, of(form, domain={x: above})) == form


def test_what_the_formula_defines_is_read():
    f = Formula([sp.Eq(s, LOGISTIC), sp.Eq(y, s * x)], output=y, inputs=[x])
    assert held_far_out(s * x, f) == s * held(x, -1)
    assert held_far_out(s + x, f) == s + x


# -- proved like every other rewrite


@pytest.mark.parametrize("wrong", [held(x + 1, -1), held(-x, -1), sp.Max(x, -FAR), held(x, 0) * s])
def test_a_wrong_rewrite_is_not_taken(wrong, monkeypatch):
    f = Formula([sp.Eq(s, LOGISTIC), sp.Eq(y, s * x)], output=y, inputs=[x], name=str(wrong))
    right = stabilise(f).formula.equations[-1]
    assert right.rhs == s * held(x, -1)
    monkeypatch.setattr(stabilising, "held_far_out", lambda e, _: s * wrong if e == s * x else e)
    assert stabilise.__wrapped__(f).formula.equations[-1].rhs == s * x


@pytest.mark.parametrize("formula", [*GATED, activations.SOFTSIGN], ids=lambda f: f.name)
def test_the_running_form_is_proved(formula):
    assert any(e.rhs.has(held) for e in stabilise(formula).formula.equations)
    assert networks.judge_running_form(formula).level == "proved"


def test_a_wrong_held_form_is_refuted(monkeypatch):
    def tampered(formula):
        good = stabilise(formula)
        *rest, last = good.formula.equations
        bad = last.rhs.replace(held, lambda z, end: held(z * sp.Rational(1001, 1000), end))
        assert bad != last.rhs
        wrong = (*rest, Equation(last.lhs, bad))
        return stabilising.Stabilised(sd.Formula(wrong, output=y, inputs=[x]), good.rewrites)

    monkeypatch.setattr(networks, "stabilise", tampered)
    assert networks.judge_running_form(activations.SILU).level == "refuted"


def test_derivatives_pass_through():
    assert sd.derive(held(x**2, 0), x).result == 2 * x


# -- where it runs


@pytest.mark.parametrize("formula", GATED, ids=lambda f: f.name)
def test_training_on_numpy_keeps_its_forms(formula):
    assert not any(e.rhs.has(held) for e in stabilise(formula, exact=False).formula.equations)
    assert "2**100" not in compile_gradient(formula, exact=False).source
    assert "2**100" in compile_gradient(formula).source
    adjoint = Equation(sp.Symbol("xbar", real=True), formula.equations[-1].rhs)
    assert not stable_adjoint(adjoint, formula, exact=False).rhs.has(held)


@pytest.mark.parametrize("backend", ["numpy", "compiled"])
@pytest.mark.parametrize("formula", GATED, ids=lambda f: f.name)
def test_single_numbers(formula, backend):
    if backend == "compiled":
        needs_compiler()
    run = compile_gradient(formula, backend=backend)
    assert run(-math.inf) == (0, 0)
    assert run(math.inf) == (math.inf, 1)
    assert all(map(math.isnan, run(math.nan)))
    assert compile_formula(formula, backend)(-math.inf) == 0
