"""Initial variances: by hand, by exact matrices, and by many draws; planted errors are seen."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, stats

from symdl.catalog import activations as act
from symdl.catalog import initializers as ini
from symdl.catalog import layers
from symdl.errors import Impossible, InputError, SymdlError
from symdl.evidence.preservation import (
    initial_moments,
    judge_initial_law,
    judge_norm_kept,
    judge_preserves,
    judge_share_of_normal,
    largest_weight,
    preservation,
    second_moment_share,
    uniform_limit,
)  # fmt: skip
from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.tensors import real

D, K = layers.W.axes
FANS = {ini.fan_in: D, ini.fan_out: K}
PLAIN = preservation(layers.DENSE, layers.W)
HALF = sp.Rational(1, 2)


def test_a_dense_layer_by_hand():
    v, q = PLAIN.weight, PLAIN.given
    assert (PLAIN.forward, PLAIN.backward) == (D * q * v, K * q * v)
    assert (PLAIN.keeps_forward, PLAIN.keeps_backward) == (1 / D, 1 / K)
    assert PLAIN.keeps_mean == 2 / (D + K)


def test_a_dense_layer_over_all_signs():
    """Weights of 1 and -1, evenly: the mean of y squared over all 2^3 kernels of one column."""
    x = [Fraction(1), Fraction(-2), Fraction(1, 3)]
    total = Fraction(0)
    for bits in range(8):
        y = sum(a * (1 if bits >> k & 1 else -1) for k, a in enumerate(x))
        total += y**2 / 8
    mean_square = sum(a**2 for a in x) / 3
    stated = PLAIN.forward.subs({D: 3, PLAIN.weight: 1, PLAIN.given: sp.Rational(mean_square)})
    assert stated == sp.Rational(total)


def test_a_layer_whose_output_has_no_weight_has_no_rule():
    d = layers.DENSE
    e = d.equations[0]
    squared = Formula(
        sp.Eq(e.lhs, Total(layers.x[e.lhs.index[0], layers.i] ** 2, layers.i), evaluate=False),
        output=d.output, inputs=d.inputs, parameters=d.parameters,
    )  # fmt: skip
    with pytest.raises(SymdlError):
        preservation(squared, layers.W)


@pytest.mark.parametrize(
    ("activation", "share"),
    [(act.RELU, HALF), (act.IDENTITY, sp.Integer(1))],
    ids=lambda a: getattr(a, "name", str(a)),
)
def test_the_part_that_an_activation_lets_through(activation, share):
    found = second_moment_share(activation)
    assert found.value == share
    assert found.verdict.level == "proved"
    assert judge_share_of_normal(activation, share).level == "proved"
    assert judge_share_of_normal(activation, share * sp.Rational(1001, 1000)).level == "refuted"


def test_the_leaky_part():
    found = second_moment_share(act.LEAKY_RELU)
    (alpha, usual), *_ = act.LEAKY_RELU.hyper
    assert sp.expand(found.value - (1 + alpha**2) / 2) == 0
    slope = float(usual)

    def squared(z):
        return (z if z > 0 else slope * z) ** 2 * stats.norm.pdf(z)

    measured, _ = integrate.quad(squared, -12, 12, points=[0])
    assert abs(measured - float(found.value.subs(alpha, usual))) < 1e-9


@pytest.mark.parametrize("activation", [act.TANH, act.SIGMOID, act.ELU], ids=lambda a: a.name)
def test_no_single_part_for_what_bends(activation):
    with pytest.raises(Impossible, match="depends on the size"):
        second_moment_share(activation)


VARIANCES = {  # by the papers
    "lecun": 1 / ini.fan_in, "he": 2 / ini.fan_in, "glorot": 2 / (ini.fan_in + ini.fan_out),
}  # fmt: skip


@pytest.mark.parametrize("f", [f for f in ini.ALL if f.random], ids=lambda f: f.name)
def test_initializers_have_their_variance(f):
    assert judge_initial_law(f, ini.variance).level == "proved"
    assert judge_initial_law(f, ini.variance * sp.Rational(1001, 1000)).level == "refuted"
    family = f.name.split("_")[0]
    if family in VARIANCES:
        assert sp.simplify(initial_moments(f)[1] - VARIANCES[family]) == 0


def test_a_shifted_start_is_refuted():
    f = ini.LECUN_UNIFORM
    w = f.equations[-1]
    moved = Formula(
        [*f.equations[:-1], sp.Eq(w.lhs, w.rhs + sp.Rational(1, 100), evaluate=False)],
        output=f.output, inputs=[], random=f.random,
    )  # fmt: skip
    assert judge_initial_law(moved, ini.variance).level == "refuted"


@pytest.mark.parametrize(
    ("f", "way", "share"),
    [
        (ini.LECUN_NORMAL, "forward", 1), (ini.LECUN_UNIFORM, "forward", 1),
        (ini.GLOROT_NORMAL, "mean", 1), (ini.GLOROT_UNIFORM, "mean", 1),
        (ini.HE_NORMAL, "forward", HALF), (ini.HE_UNIFORM, "forward", HALF),
    ],
    ids=lambda a: getattr(a, "name", str(a)),
)  # fmt: skip
def test_what_keeps_the_mean_square(f, way, share):
    found = preservation(layers.DENSE, layers.W, sp.sympify(share))
    assert judge_preserves(f, found, FANS, way).level == "proved"
    assert judge_preserves(f, found, FANS, "backward").level == "refuted"
    other = preservation(layers.DENSE, layers.W, sp.sympify(share) * HALF)
    assert judge_preserves(f, other, FANS, way).level == "refuted"
    with pytest.raises(InputError, match="way must be one of"):
        judge_preserves(f, found, FANS, "sideways")


def test_many_draws_agree():
    """A complement: relu layers of He weights keep the mean square, of LeCun weights halve it."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((400, 300))
    for scale, wanted in ((2, 1.0), (1, 0.5)):
        w = generator.standard_normal((300, 300)) * np.sqrt(scale / 300)
        y = np.maximum(x, 0) @ w
        assert abs(np.mean(y**2) / np.mean(x**2) - wanted) < 0.05


def test_the_limit_of_a_uniform_draw():
    spread, limit = uniform_limit(2 / (ini.fan_in + ini.fan_out))
    assert spread == sp.Symbol("limit", positive=True) ** 2 / 3
    assert sp.simplify(limit - sp.sqrt(6 / (ini.fan_in + ini.fan_out))) == 0
    assert sp.simplify(largest_weight(ini.GLOROT_UNIFORM) - limit) == 0
    for f in (ini.GLOROT_NORMAL, ini.ZEROS):
        with pytest.raises(InputError, match="no rising line in one uniform draw"):
            largest_weight(f)


def test_orthogonal_rows_keep_the_norm():
    assert judge_norm_kept(layers.DENSE_NO_BIAS, layers.W).level == "proved"


def test_other_layers_do_not():
    d = layers.DENSE_NO_BIAS
    e = d.equations[0]
    n, j = e.lhs.index
    doubled = Formula(
        sp.Eq(e.lhs, Total(2 * layers.x[n, layers.i] * layers.W[layers.i, j], layers.i)),
        output=d.output, inputs=d.inputs, parameters=d.parameters,
    )  # fmt: skip
    assert judge_norm_kept(doubled, layers.W).level == "refuted"
    with pytest.raises(Impossible, match="single sum"):
        judge_norm_kept(layers.DENSE, layers.W)


def test_an_unknown_draw_is_refused():
    w, a = real("w"), real("a")
    f = Formula(sp.Eq(w, a), output=w, inputs=[], random=[a], name="own")
    with pytest.raises(InputError, match="own draws a"):
        judge_initial_law(f, sp.Integer(1))
