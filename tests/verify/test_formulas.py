"""The property test of a formula passes what is right, and sees what is planted."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings

import symdl as sd
from symdl.catalog import activations, losses, normalization
from symdl.evidence.evaluate import define
from symdl.training.compile import compile_formula
from symdl.training.gradient import compile_gradient
from symdl.verify.formulas import gradient_checks, value_verdict
from symdl.verify.points import as_stated, point_of
from symdl.verify.strategies import points
from tests.training import own

x, y = sp.symbols("x y", real=True)
OWN = (own.SWISH, own.WAVE, own.SLOPED, own.SOFT, own.PINBALL, own.FOCAL, own.LOW_RANK)


@pytest.mark.parametrize("formula", OWN, ids=lambda f: f.name)
def test_formulas_of_a_user_pass(formula):
    check = sd.verify.check_formula(formula)
    assert check.ok, str(check)
    said = {what: verdict.level for what, verdict in check.verdicts}
    assert said["compiled value"] == "float"
    first = (*formula.inputs, *formula.parameters)[0]
    assert said[f"gradient of {first}"] == "proved"
    assert said[f"compiled gradient of {first}"] == "float"


@pytest.mark.parametrize(
    "formula",
    [
        losses.SPARSE_CATEGORICAL_CROSSENTROPY,
        losses.HINGE,
        losses.KL_DIVERGENCE,
        normalization.RMS_NORMALIZATION,
        activations.PRELU,
    ],
    ids=lambda f: f.name,
)
def test_labels_signs_and_probabilities_are_drawn_as_the_domain_says(formula):
    check = sd.verify.check_formula(formula, points=3)
    assert check.ok, str(check)


def test_the_same_seed_gives_the_same_points():
    first, second = (point_of(own.LOW_RANK, np.random.default_rng(3)) for _ in range(2))
    assert repr(first) == repr(second)
    assert first.sizes == second.sizes


@settings(max_examples=25, deadline=None)
@given(point=points(losses.CATEGORICAL_CROSSENTROPY))
def test_points_meet_the_assumptions(point):
    p, t = point.values
    assert ((p > 0) & (p < 1)).all()
    np.testing.assert_allclose(t.sum(axis=1), 1, rtol=1e-14)
    loss = -(t * np.log(p)).sum() / len(p)
    assert compile_formula(point.formula)(p, t) == pytest.approx(loss, rel=1e-13)


@settings(max_examples=25, deadline=None)
@given(point=points(own.SLOPED))
def test_compiled_values_are_those_of_the_interpreter(point):
    exact = define(point.equations, point.world).values[point.formula.output]
    assert compile_formula(point.formula)(*point.values) == float(exact)


# ------------------------------------------------------------------ planted errors

RNG = np.random.default_rng(0)


def tried(formula, count=4):
    return [point_of(formula, np.random.default_rng(k)) for k in range(count)]


@pytest.mark.parametrize("factor", [1.001, -1.0, 0.0, np.nan])
@pytest.mark.parametrize("formula", [own.SWISH, own.SOFT, own.PINBALL], ids=lambda f: f.name)
def test_a_wrong_gradient_is_refuted(formula, factor):
    (v, *_) = formula.inputs
    right = compile_gradient(formula, (v,))

    def wrong(*given):
        value, gradient = right(*given)
        return value, gradient * factor

    good = gradient_checks(right, (v,), tried(formula), RNG)[v]
    bad = gradient_checks(wrong, (v,), tried(formula), RNG)[v]
    assert good.verdict.level == "float"
    assert bad.verdict.level == "refuted"


def test_a_transposed_gradient_is_refuted():
    A = own.A
    right = compile_gradient(own.LOW_RANK, (A,))

    def wrong(*given):
        value, gradient = right(*given)
        return value, gradient.reshape(gradient.shape[::-1]).T

    assert gradient_checks(wrong, (A,), tried(own.LOW_RANK), RNG)[A].verdict.level == "refuted"


@pytest.mark.parametrize("change", [lambda v: v * (1 + 1e-9), lambda v: -v, lambda v: v + np.nan])
def test_a_wrong_value_is_refuted_with_the_point(change):
    right = compile_formula(own.SOFT)
    assert value_verdict(right, tried(own.SOFT)).level == "float"
    verdict = value_verdict(lambda *given: change(right(*given)), tried(own.SOFT))
    assert verdict.level == "refuted"
    assert dict(verdict.counterexample)["point"].startswith("Point({")


def test_kinks_are_counted_and_left_out():
    """A staircase of kinks, one every 1/64: the points of the differences straddle them."""
    point = point_of(activations.RELU, np.random.default_rng(0))
    on_kink = type(point)(point.formula, point.sizes, (np.asarray(0.0),))
    run = compile_gradient(activations.RELU)
    check = gradient_checks(run, activations.RELU.inputs, [on_kink, point], RNG)[activations.x]
    assert (check.kinks, check.compared) == (1, 1)
    alone = gradient_checks(run, activations.RELU.inputs, [on_kink], RNG)[activations.x]
    assert alone.verdict.level == "unknown"


# ------------------------------------------------------------------ domains and refusals


def test_a_stated_domain_is_drawn_from_and_judged_on():
    root = sd.Formula(sp.Eq(y, sp.log(x)), output=y, inputs=[x], domain={x: sp.Interval(1, 3)})
    check = sd.verify.check_formula(root, points=20)
    assert check.ok, str(check)
    drawn = [float(point_of(root, np.random.default_rng(k)).values[0]) for k in range(50)]
    assert 1 < min(drawn) < 1.5
    assert 2.5 < max(drawn) < 3
    assert as_stated(root).inputs[0].is_positive
    assert as_stated(own.SWISH) is own.SWISH


def test_a_domain_without_a_measure_is_refused():
    odd = sd.Formula(
        sp.Eq(y, x**2), output=y, inputs=[x],
        domain={x: sp.Union(sp.Interval(0, 1), sp.Interval(2, 3))},
    )  # fmt: skip
    with pytest.raises(sd.NotSupported, match="drawing x"):
        sd.verify.check_formula(odd)


@pytest.mark.parametrize("what", [x**2, "relu", None])
def test_what_is_no_formula_is_refused(what):
    with pytest.raises(sd.InputError, match="judges a Formula"):
        sd.verify.check_formula(what)
    with pytest.raises(sd.InputError, match="points must be 1 or more"):
        sd.verify.check_formula(own.SWISH, points=0)
