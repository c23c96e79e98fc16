"""Constraints: what the weights are after each update, against NumPy, and what is proved of it."""

import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.catalog import constraints
from symdl.evidence.constrained import judge_columns_bounded

rng = np.random.default_rng(9)
X = rng.normal(size=(12, 4))
Y = 3 * rng.normal(size=(12, 3))
i, j = sd.indices("i:D j:K")
W, V = sd.tensors("W[i,j] V[i,j]", i, j)


def max_norm(W, m):
    norms = np.sqrt((W**2).sum(axis=0))
    return np.where(norms > m, W * m / np.where(norms > 0, norms, 1), W)


def trained(constrained, plain, dtype="float64", optimizer=None, **words):
    """One step of a constrained model, and of one without constraints from the same weights."""
    both = []
    for kind in (constrained, plain):
        model = sd.Sequential([sd.Dense(5, "tanh", **kind), sd.Dense(3)], seed=2)
        model.compile(optimizer or sd.SGD(0.5), "mse", dtype=dtype)
        model.train_on_batch(X, Y)
        both.append(model.get_weights())
    return both


CASES = [
    ({"kernel_constraint": "max_norm(max_value=0.5)"}, lambda W, b: (max_norm(W, 0.5), b)),
    ({"kernel_constraint": sd.MaxNorm(0.5)}, lambda W, b: (max_norm(W, 0.5), b)),
    ({"kernel_constraint": "max_norm"}, lambda W, b: (max_norm(W, 2), b)),
    ({"kernel_constraint": sd.NonNeg()}, lambda W, b: (np.maximum(W, 0), b)),
    (
        {"kernel_constraint": "unit_norm", "bias_constraint": "non_neg"},
        lambda W, b: (W / (1e-7 + np.sqrt((W**2).sum(axis=0))), np.maximum(b, 0)),
    ),
]
each = pytest.mark.parametrize(("words", "expected"), CASES, ids=[str(w) for w, _ in CASES])


@each
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_weights_are_brought_back_after_the_update(words, expected, dtype):
    ours, plain = trained(words, {}, dtype)
    tolerance = 1e-14 if dtype == "float64" else 1e-6
    for a, b in zip(ours[:2], expected(*plain[:2]), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    for a, b in zip(ours[2:], plain[2:], strict=True):
        np.testing.assert_array_equal(a, b)


@each
def test_it_is_part_of_the_code_and_of_the_file(words, expected, tmp_path):
    model = sd.Sequential([sd.Input(4), sd.Dense(5, **words), sd.Dense(3)])
    model.compile("adam", "mse")
    assert "def make_constrain(parameters, *, D0, D1, D2):" in model.step.source
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m.npz")
    loaded = sd.Sequential.load(tmp_path / "m.npz")
    assert loaded.layers[1].constraints == model.layers[1].constraints
    assert "make_constrain" in loaded.step.source


def test_columns_within_the_norm_are_left_alone_to_the_last_bit():
    for _ in range(50):
        bound = float(rng.uniform(0.1, 60))
        run = sd.compile(sd.Formula(
            constraints.MAX_NORM.equations, output=constraints.V, inputs=[constraints.W],
            hyper={constraints.max_value: bound},
        ))  # fmt: skip
        kernel = rng.normal(size=(3, 4))
        kernel *= 0.999 * bound / np.sqrt((kernel**2).sum(axis=0))
        kernel[:, 2] = 0
        np.testing.assert_array_equal(run(kernel), kernel)


def test_columns_of_zeros_stay_zero_and_nothing_is_divided_by_zero():
    for formula in (constraints.MAX_NORM, constraints.UNIT_NORM):
        found = sd.compile(formula)(np.zeros((3, 2)))
        np.testing.assert_array_equal(found, np.zeros((3, 2)))


def test_training_never_leaves_the_bound():
    model = sd.Sequential([sd.Dense(6, "relu", kernel_constraint=sd.MaxNorm(0.7)), sd.Dense(3)])
    model.compile(sd.SGD(0.3, momentum=0.9), "mse")
    for _ in range(20):
        model.train_on_batch(X, Y)
        norms = np.sqrt((model.get_weights()[0] ** 2).sum(axis=0))
        assert (norms <= 0.7 * (1 + 1e-15 * 4)).all()
    assert (norms > 0.69).any()


def test_a_step_beside_another_constrains_too():
    model = sd.Sequential([sd.Dense(6, kernel_constraint="non_neg"), sd.Dense(3)])
    model.compile(sd.SGD(0.3), "mse")
    model.train_on_batch(X, Y, sample_weight=np.ones(12))
    assert model.get_weights()[0].min() >= 0


def test_a_constraint_of_ones_own():
    square = sd.Formula(
        sp.Eq(V[i, j], W[i, j] - sd.total(W[i, j], i) / i.size),
        output=V, inputs=[W], name="centred",
    )  # fmt: skip
    ours, plain = trained({"kernel_constraint": square}, {})
    np.testing.assert_allclose(ours[0], plain[0] - plain[0].mean(axis=0), atol=1e-15)
    w, v = sp.symbols("w v")
    half = sd.Formula(sp.Eq(v, sp.Max(-0.5, sp.Min(w, 0.5))), output=v, inputs=[w], name="half")
    ours, plain = trained({"bias_constraint": half, "kernel_constraint": half}, {})
    for a, b in zip(ours[:2], plain[:2], strict=True):
        np.testing.assert_array_equal(a, np.clip(b, -0.5, 0.5))


def test_the_constrained_norm_is_proved_to_be_at_most_the_bound():
    assert judge_columns_bounded(constraints.MAX_NORM, constraints.max_value).level == "proved"
    assert judge_columns_bounded(constraints.UNIT_NORM, sp.Integer(1)).level == "proved"


@pytest.mark.parametrize(
    "factor",
    [
        sp.Max(1, constraints.r[j] / (2 * constraints.max_value)),  # a bound twice as large
        sp.Max(1, constraints.r[j] ** 2 / constraints.max_value) / 2,
        sp.Min(1, constraints.r[j] / constraints.max_value),  # the wrong way round
        sp.S.One,  # nothing is done
    ],
)
def test_a_wrong_constraint_is_not_proved(factor):
    k, m = constraints.j, constraints.max_value
    norm = constraints.MAX_NORM.equations[0]
    factor = factor.xreplace({j: k})
    wrong = sd.Formula(
        [norm, sp.Eq(constraints.V[constraints.i, k], constraints.W[constraints.i, k] / factor)],
        output=constraints.V, inputs=[constraints.W], hyper={m: 2},
    )  # fmt: skip
    assert judge_columns_bounded(wrong, m).level == "refuted"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: sd.MaxNorm(0), sd.InputError, "max_value of max_norm must be a finite number > 0"),
        (lambda: sd.MaxNorm(2, axis=1), sd.NotSupported, "norms are of columns, axis=0"),
        (lambda: sd.Dense(2, kernel_constraint="maxnorm"), sd.InputError, "mean 'max_norm'"),
        (lambda: sd.Dense(2, kernel_constraint=sd.NonNeg), sd.InputError, r"write NonNeg\(\)"),
        (
            lambda: sd.Dense(2, bias_constraint="non_neg", use_bias=False),
            sd.InputError,
            "there is no bias",
        ),
        (
            lambda: sd.Sequential([sd.Dense(2, bias_constraint="max_norm")]).compile("sgd", "mse"),
            sd.NotSupported,
            r"reads W\[D, K\], but dense_1.b has 1 axes; 'non_neg' reads any",
        ),
        (
            lambda: sd.Dense(2, kernel_constraint=sd.Formula(
                sp.Eq(sp.Symbol("R"), sd.total(W[i, j], i, j)), output=sp.Symbol("R"), inputs=[W])),
            sd.InputError,
            "must have the shape of W",
        ),
    ],
)  # fmt: skip
def test_what_is_no_constraint_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
