"""Signs, convexity, ranges, identities, descent and moments: proved, and planted errors refuted."""

import pytest
import sympy as sp

from symdl.calculus.compose import chain
from symdl.catalog import activations, initializers, layers, losses, optimizers
from symdl.evidence.convexity import judge_convex, judge_convex_formula
from symdl.evidence.descent import descent
from symdl.evidence.identities import (
    judge_affine,
    judge_max_is_negated_min,
    judge_shift,
    judge_sum,
    stacked,
)
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.moments import Law, law, law_from_density, mean, variance
from symdl.evidence.ranges import judge_largest_derivative, judge_range, steepest_output
from symdl.evidence.signs import judge_nonnegative
from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indicators import UnitStep
from symdl.notation.indices import indices
from symdl.notation.tensors import real, tensors

N, K, n, j = losses.N, losses.K, losses.n, losses.j
y, t, p = losses.y, losses.t, losses.p
u = y[n, j] - t[n, j]
x, w, target = real("x"), real("w"), real("t")
delta = sp.Symbol("delta", positive=True)
unit, closed = sp.Interval.open(0, 1), sp.Interval(0, 1)
signs = {t: sp.FiniteSet(-1, 1)}
half = sp.Rational(1, 2)
squashed = 1 / (1 + sp.exp(-w * x))


def averaged(e):
    return Total(e, n, j) / (N * K)


def huber(outside):
    return averaged(sp.Piecewise((u**2 / 2, sp.Abs(u) <= delta), (outside, True)))


LOSSES = {
    "mae": (averaged(sp.Abs(u)), {}),
    "huber": (huber(delta * (sp.Abs(u) - delta / 2)), {}),
    "log-cosh": (averaged(sp.log(sp.cosh(u))), {}),
    "hinge": (averaged(sp.Max(0, 1 - t[n, j] * y[n, j])), signs),
    "squared hinge": (averaged(sp.Max(0, 1 - t[n, j] * y[n, j]) ** 2), signs),
}
NOT_CONVEX = {
    "a jump at the kink": huber(delta * sp.Abs(u)),
    "a capped error": averaged(sp.Min(1, sp.Abs(u))),
    "a wrong sign": -averaged(sp.log(sp.cosh(u))),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_convex_in_the_prediction(name):
    e, domain = LOSSES[name]
    assert judge_convex(e, y, domain).level == "proved"


@pytest.mark.parametrize("name", NOT_CONVEX)
def test_what_is_not_convex_is_refuted_with_a_chord(name):
    verdict = judge_convex(NOT_CONVEX[name], y)
    assert verdict.level == "refuted"
    point = dict(verdict.counterexample)
    assert float(point["formula in the middle"]) > float(point["chord in the middle"])


def test_losses_of_the_catalogue():
    for f in (losses.HALF_SQUARED_ERROR, losses.MSE):
        assert judge_convex_formula(f, f.inputs[0]).level == "proved"
    domain = {p: unit, t: closed}
    assert judge_convex_formula(losses.BINARY_CROSSENTROPY, p, domain).level == "proved"
    assert judge_convex_formula(losses.BINARY_CROSSENTROPY, p, {p: unit}).level == "refuted"
    joint = chain(activations.SOFTMAX, losses.CATEGORICAL_CROSSENTROPY)
    assert judge_convex_formula(joint, activations.z, {t: closed}).level == "proved"


def test_squared_error_after_a_sigmoid_is_not_convex_and_cross_entropy_is():
    squared = judge_convex((target - squashed) ** 2, w, {target: sp.FiniteSet(0, 1)})
    assert squared.level == "refuted"
    entropy = -target * sp.log(squashed) - (1 - target) * sp.log(1 - squashed)
    assert judge_convex(entropy, w, {target: closed}).level == "proved"


def test_signs():
    assert judge_nonnegative(x**2 + x + 1, strict=True).level == "proved"
    assert judge_nonnegative(x**2 + 2 * x + 1).level == "proved"
    assert judge_nonnegative(x**2 + 2 * x + 1, strict=True).level != "proved"
    assert judge_nonnegative(x**2 - x, {x: unit}).level == "refuted"
    assert judge_nonnegative(x - x**2, {x: closed}).level == "proved"


SLOPES = {  # by hand: range, largest derivative, where (None: only approached, or everywhere)
    "sigmoid": (unit, sp.Rational(1, 4), 0),
    "tanh": (sp.Interval.open(-1, 1), 1, 0),
    "relu": (sp.Interval(0, sp.oo), 1, None),
    "softplus": (sp.Interval.open(0, sp.oo), 1, None),
    "softsign": (sp.Interval.open(-1, 1), 1, None),
    "hard_sigmoid": (closed, sp.Rational(1, 6), None),
    "hard_silu": (sp.Interval(-sp.Rational(3, 8), sp.oo), sp.Rational(3, 2), None),
    "log_sigmoid": (sp.Interval.open(-sp.oo, 0), 1, None),
}


@pytest.mark.parametrize("name", SLOPES)
def test_ranges_and_largest_derivatives(name):
    f = next(a for a in activations.ALL if a.name == name)
    e = inlined(f.output, f.equations)
    values, slope, at = SLOPES[name]
    assert judge_range(e, x, values).level == "proved"
    assert judge_range(e, x, sp.Interval(values.start - 1, values.end + 1)).level == "refuted"
    assert judge_largest_derivative(e, x, slope, at).level == "proved"
    assert judge_largest_derivative(e, x, slope * sp.Rational(1001, 1000)).level == "refuted"


def test_a_range_that_is_not_found_is_unknown():
    f = activations.SILU
    e = inlined(f.output, f.equations)
    assert judge_range(e, x, sp.Interval(-1, sp.oo)).level == "unknown"
    assert judge_range(e, x, sp.Interval(0, sp.oo)).level == "refuted"


@pytest.mark.parametrize("e", [1 / x, UnitStep(x, 0), sp.log(x)], ids=str)
def test_a_pole_or_a_jump_has_no_proved_range(e):
    for claim in (sp.Interval(0, 1), sp.Interval.open(-sp.oo, sp.oo), sp.Interval(0, 0)):
        assert judge_range(e, x, claim).level != "proved"


def test_the_steepest_output():
    out = activations.y
    assert steepest_output(activations.SIGMOID) == (out * (1 - out), (half,))
    assert steepest_output(activations.TANH) == (1 - out**2, (0,))


def test_tanh_is_a_sigmoid():
    sigmoid = inlined(activations.SIGMOID.output, activations.SIGMOID.equations)
    assert judge_equation(sp.tanh(x), 2 * sigmoid.subs(x, 2 * x) - 1).level == "proved"
    assert judge_equation(sp.tanh(x), 2 * sigmoid - 1).level == "refuted"


def test_softmax_sums_to_one_and_ignores_a_shift():
    f, z = activations.SOFTMAX, activations.z
    assert judge_sum(f, 1, sp.S.One).level == "proved"
    assert judge_sum(f, 0, sp.S.One).level == "refuted"
    assert judge_shift(f, z, 1).level == "proved"
    assert judge_shift(f, z, 0).level == "refuted"


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_stack_of_linear_layers_is_one(depth):
    _, _, verdict = judge_affine(stacked(layers.DENSE, depth), layers.x)
    assert verdict.level == "proved"


def test_a_layer_with_a_square_is_not_linear():
    d = layers.DENSE
    e = d.equations[0]
    bent = Formula(
        sp.Eq(e.lhs, e.rhs**2, evaluate=False),
        output=d.output, inputs=d.inputs, parameters=d.parameters,
    )  # fmt: skip
    assert not judge_affine(bent, layers.x)[2].ok


def test_the_largest_is_the_least_of_the_negated():
    assert judge_max_is_negated_min(sp.symbols("a b c", real=True)).level == "proved"


def test_descent_on_a_square():
    o = optimizers
    d = descent(w**2, w, o.SGD, (o.w, o.g, o.rate))
    assert d.verdict.level == "proved"
    assert (d.fastest, d.limit) == (half, 1)
    known = {"0.4": ("0.2", "converges"), "0.6": ("-0.2", "zigzags"), "1.2": ("-1.4", "diverges")}
    for rate, (factor, what) in known.items():
        r = sp.Rational(rate)
        assert d.factor.subs(d.rate, r) == sp.Rational(factor)
        assert d.behaviour(r) == what
        wanted = "refuted" if what == "diverges" else "proved"
        assert d.judge_converges(r).level == wanted


def test_moments():
    m, i, k = indices("m:M i:D k:K")
    g, v, W, mask = tensors("g[m] v[i] W[i,k] mask[i]", m, i, k)
    mu, s, q, rate = sp.symbols("mu s q rate", positive=True)
    batch = Total(g[m], m) / m.size
    assert mean(batch, {g: law(mu, s)}) == mu
    assert variance(batch, {g: law(mu, s)}) == s / m.size
    forward = Total(W[i, k] * v[i], i)
    draws = {W: law(sp.S.Zero, s), v: law(sp.S.Zero, q)}
    assert variance(forward, draws) == i.size * s * q
    kept = {mask: Law((1 - rate, 1 - rate))}
    dropped = mask[i] * v[i] / (1 - rate)
    assert mean(dropped, kept) == v[i]
    assert judge_equation(variance(dropped, kept), v[i] ** 2 * rate / (1 - rate)).level == "proved"
    assert judge_equation(variance(dropped, kept), v[i] ** 2 * rate).level == "refuted"


def test_the_limit_of_the_uniform_draw():
    a, draw = sp.Symbol("a", positive=True), real("s")
    uniform = law_from_density(1 / (2 * a), draw, -a, a)
    fan_in, fan_out = initializers.fan_in, initializers.fan_out
    (limit,) = sp.solve(uniform.cumulant(2) - 2 / (fan_in + fan_out), a)
    assert limit.equals(sp.sqrt(6 / (fan_in + fan_out)))


def test_a_number_may_be_written_in_another_way():
    e = (1 + x) / (2 + x**2)  # between (1 - sqrt 3)/4 and (1 + sqrt 3)/4
    low, high = -1 / (2 * (sp.sqrt(3) + 1)), 1 / (2 * (sp.sqrt(3) - 1))
    assert judge_range(e, x, sp.Interval(low, high)).level == "proved"
    assert judge_range(e, x, sp.Interval.open(low, high)).level == "refuted"
    bent = sp.log(1 + x**2) + x
    assert judge_largest_derivative(bent, x, sp.sqrt(4)).level == "proved"
