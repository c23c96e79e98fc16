"""The formulas of normalization, noise, maxout and PReLU: proved, compact, and right in code."""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from symdl.backends.function import compile_function
from symdl.calculus.adjoint import bar
from symdl.calculus.compose import Renaming
from symdl.calculus.differentiate import differentiate
from symdl.calculus.joint import joint_adjoint
from symdl.catalog import layers, noise, normalization
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.judge import judge_equation
from symdl.evidence.networks import judge_running_form
from symdl.evidence.recheck import recheck
from symdl.notation.binders import Total
from symdl.notation.indicators import UnitStep
from symdl.notation.indices import Index
from symdl.notation.normal import equal
from symdl.notation.tensors import Elem
from symdl.training.compile import compile as compiled
from symdl.training.rectifiers import prelu_by_column
from symdl.verify.gradients import check_gradient
from tests.layers import numpy_layers as by_hand

NORM = normalization
ALL = (*NORM.ALL, *noise.ALL, layers.MAXOUT, prelu_by_column())
IDS = [f.name for f in ALL]
EPS = 1e-3

rng = np.random.default_rng(5)
X = rng.normal(1.0, 2.0, (5, 4))
GAMMA, BETA = rng.normal(1, 0.5, 4), rng.normal(size=4)
MEAN, VAR = rng.normal(size=4), rng.uniform(0.5, 2, 4)
X4 = rng.normal(1.0, 2.0, (3, 2, 3, 4))
G2, B2 = rng.normal(1, 0.5, (2, 3)), rng.normal(size=(2, 3))
W, B = rng.normal(size=(4, 3, 2)), rng.normal(size=(3, 2))
ALPHA = np.array([0.25, 0.0, 1.5, -0.5])
U = rng.random((5, 4))

# the arrays in the order of inputs, parameters, draws and old states; the output by hand
CASES = {
    "layer_normalization": ((X, GAMMA, BETA), by_hand.layer_norm),
    "rms_normalization": ((X, GAMMA), by_hand.rms_norm),
    "batch_normalization": (
        (X, GAMMA, BETA, MEAN, VAR), lambda x, g, b, *_: by_hand.batch_norm(x, g, b)
    ),
    "batch_normalization_inference": (
        (X, MEAN, VAR, GAMMA, BETA), by_hand.batch_norm_inference
    ),
    "group_normalization": ((X4, G2, B2), by_hand.group_norm),
    "dropout": ((X, U), lambda x, u: np.where(u >= 0.5, 2 * x, 0)),
    "gaussian_noise": ((X, U), lambda x, z: x + z / 10),
    "maxout": ((X, W, B), by_hand.maxout),
    "prelu": ((X, ALPHA), by_hand.prelu),
}  # fmt: skip
BACKWARD = {
    "layer_normalization": by_hand.layer_norm_backward,
    "rms_normalization": by_hand.rms_norm_backward,
    "batch_normalization": lambda x, g, b, m, v, up: by_hand.batch_norm_backward(x, g, up),
    "maxout": by_hand.maxout_backward,
    "prelu": by_hand.prelu_backward,
}
TAKES_BETA = ("layer_normalization",)


def test_every_formula_has_a_case():
    assert set(CASES) == set(IDS)
    assert all(f.source for f in ALL)


@pytest.mark.parametrize("formula", ALL, ids=IDS)
def test_every_gradient_is_proved(formula):
    levels = {what: verdict.level for what, verdict in judge_adjoint(formula)}
    assert set(levels.values()) == {"proved"}, levels
    assert judge_running_form(formula).level == "proved"


@pytest.mark.parametrize("formula", ALL, ids=IDS)
def test_the_code_computes_what_a_hand_written_layer_does(formula):
    arrays, wanted = CASES[formula.name]
    found = compiled(formula)(*arrays)
    found = found[0] if formula.state else found
    np.testing.assert_allclose(found, wanted(*arrays), rtol=1e-12, atol=1e-12)


def gradients_of(formula):
    """A function of the arrays and of ybar that gives the gradients, as they were simplified."""
    adjoints = joint_adjoint(formula)[0]
    plain = Renaming(dict(formula.hyper), {})
    equations = [plain.equation(e) for e in (*formula.equations, *adjoints.equations)]
    old = (v for v, _ in formula.state)
    given = (*formula.inputs, *formula.parameters, *formula.random, *old, bar(formula.output))
    return compile_function(equations, given, [bar(v) for v in adjoints.wrt]), adjoints.wrt


@pytest.mark.parametrize("formula", ALL, ids=IDS)
def test_compiled_gradients_agree_with_differences(formula):
    arrays, forward = CASES[formula.name]
    up = rng.normal(size=forward(*arrays).shape)
    function, wrt = gradients_of(formula)
    found = function(*arrays, up)
    found = found if len(wrt) > 1 else (found,)
    for k, ours in enumerate(found):

        def loss(value, k=k):
            return float((forward(*arrays[:k], value, *arrays[k + 1 :]) * up).sum())

        assert check_gradient(loss, ours, arrays[k], tolerance=1e-8).ok, wrt[k]


@pytest.mark.parametrize("name", BACKWARD)
def test_compiled_gradients_agree_with_a_hand_written_backward_pass(name):
    formula = ALL[IDS.index(name)]
    arrays, forward = CASES[name]
    up = rng.normal(size=forward(*arrays).shape)
    given = arrays[:-1] if name in TAKES_BETA else arrays
    wanted = BACKWARD[name](*given, up)
    for ours, theirs in zip(gradients_of(formula)[0](*arrays, up), wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


n, i = NORM.n, NORM.i
m, k = Index("m", n.size), Index("k", i.size)
h, gamma = NORM.h, NORM.gamma
up = bar(NORM.y)
N, D = n.size, i.size


def mean(e, over):
    return Total(e, over) / over.size


COMPACT = {
    "layer_normalization": (
        gamma[i] * up[n, i]
        - mean(gamma[k] * up[n, k], k)
        - h[n, i] * mean(gamma[k] * up[n, k] * h[n, k], k)
    ) / NORM.row_scale[n],
    "rms_normalization": (
        gamma[i] * up[n, i] - h[n, i] * mean(gamma[k] * up[n, k] * h[n, k], k)
    ) / NORM.row_scale[n],
    "batch_normalization": gamma[i] / NORM.scale[i] * (
        up[n, i] - mean(up[m, i], m) - h[n, i] * mean(up[m, i] * h[m, i], m)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPACT)
def test_the_compact_backward_pass_is_found(name):
    """Three terms (two without centring) that read nothing but h, s, gamma and ybar."""
    formula = ALL[IDS.index(name)]
    adjoints = joint_adjoint(formula)[0]
    found = adjoints.step(formula.inputs[0]).equation.rhs
    read = {a.tensor for a in found.atoms(Elem)}
    assert read == {a.tensor for a in COMPACT[name].atoms(Elem)}
    assert equal(found, COMPACT[name])
    assert not equal(found, COMPACT[name] * sp.Rational(1001, 1000))
    assert {s.variable for s in adjoints.steps} == {*formula.inputs, *formula.parameters}


def test_the_running_statistics_follow_the_batch():
    _, new_mean, new_var = compiled(NORM.BATCH_NORMALIZATION)(X, GAMMA, BETA, MEAN, VAR)
    np.testing.assert_allclose(new_mean, 0.99 * MEAN + 0.01 * X.mean(0), rtol=1e-13)
    np.testing.assert_allclose(new_var, 0.99 * VAR + 0.01 * X.var(0), rtol=1e-13)


def test_a_batch_of_one_gives_beta_and_no_gradient():
    found = compiled(NORM.BATCH_NORMALIZATION)(X[:1], GAMMA, BETA, MEAN, VAR)[0]
    np.testing.assert_array_equal(found, BETA[None])
    down, scale, shift = gradients_of(NORM.BATCH_NORMALIZATION)[0](
        X[:1], GAMMA, BETA, MEAN, VAR, np.ones((1, 4))
    )
    np.testing.assert_array_equal(down, np.zeros((1, 4)))
    np.testing.assert_array_equal(scale, np.zeros(4))
    np.testing.assert_array_equal(shift, np.ones(4))


def test_equal_pieces_pass_the_gradient_to_the_first():
    x, w, b = np.ones((1, 1)), np.ones((1, 3, 1)), np.array([[0.0], [1.0], [1.0]])
    _, _, shift = gradients_of(layers.MAXOUT)[0](x, w, b, np.ones((1, 1)))
    np.testing.assert_array_equal(shift[:, 0], [0, 1, 0])


def test_prelu_at_zero_takes_the_slope():
    down, slope = gradients_of(prelu_by_column())[0](np.zeros((1, 4)), ALPHA, np.ones((1, 4)))
    np.testing.assert_array_equal(down[0], ALPHA)
    np.testing.assert_array_equal(slope, np.zeros(4))


def test_the_mean_of_dropout_is_its_input():
    """E[y] = x and Var[y] = x^2 rate / (1 - rate), integrated over the draw."""
    formula = noise.DROPOUT
    u, x = sp.symbols("u x", real=True)
    r = sp.Rational(3, 10)
    rhs = formula.equations[0].rhs
    at = {e: u if e.tensor == noise.uniform else x for e in rhs.atoms(Elem)}
    y = rhs.xreplace({**at, noise.rate: r})
    assert y.has(UnitStep)
    kept = y.replace(UnitStep, lambda z, _: sp.Piecewise((1, z >= 0), (0, True)))
    first, second = (sp.integrate(sp.expand(kept**p), (u, 0, 1)) for p in (1, 2))
    assert sp.simplify(first - x) == 0
    assert sp.simplify(second - first**2 - x**2 * r / (1 - r)) == 0


def test_dropout_has_its_derivative_at_zero_too():
    """Nothing is divided by x: at x = 0 the gradient is the mask over 1 - rate."""
    found = gradients_of(noise.DROPOUT)[0](np.zeros((5, 4)), U, np.ones((5, 4)))
    np.testing.assert_array_equal(found, np.where(U >= 0.5, 2.0, 0.0))


def test_the_derivative_of_a_maximum_is_proved_and_a_wrong_one_refuted():
    z = layers.z
    at = Elem(z, *(Index(name, size) for name, size in zip("ars", z.axes, strict=True)))
    node = differentiate(layers.MAXOUT.equations[1].rhs, at)
    assert recheck(node, judge_equation).level == "proved"
    for wrong in (node.after * sp.Rational(1001, 1000), -node.after, sp.S.Zero, node.after + 1):
        assert recheck(replace(node, after=wrong), judge_equation).level == "refuted"
