"""The precision of compiled forms, and the checker that measures it: planted errors are caught."""

import mpmath
import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.backends import c_math
from symdl.catalog import activations, losses
from symdl.notation.tensors import TensorSymbol
from symdl.training.gradient import compile_gradient
from symdl.verify.points import point_of
from symdl.verify.precision_points import kinks_of, numbers
from symdl.verify.precision_run import compiled, over_a_vector
from symdl.verify.precision_truth import truth_of
from tests.backends.compiled_functions import needs_compiler

BACKENDS, DTYPES = ["numpy", "compiled"], ["float32", "float64"]
SCALAR = [f for f in activations.ALL if not isinstance(f.inputs[0], TensorSymbol)]
ROWS = ["softmax", "log_softmax"]
OF_LOGITS = [
    "categorical_crossentropy_from_logits", "sparse_categorical_crossentropy_from_logits",
]  # fmt: skip
# t log t - t log p cancels where p is near t: the logarithms are large, their difference is not
CANCELS = {"kl_divergence"}
# d^2 is infinite for the largest d^2/2
OVERFLOWS = {"half_squared_error"}


def measured(formula, dtype, backend, points):
    if backend == "compiled":
        needs_compiler()
    wrt = [formula.inputs[0].name]
    return sd.verify.precision(formula, dtype=dtype, backend=backend, points=points, wrt=wrt)


def assert_within(found, name):
    for m, bound in zip(found.measured, (4, 8), strict=True):
        assert m.points > 8
        spared = m.what == "value" and (name in CANCELS or (name in OVERFLOWS and m.not_finite < 4))
        assert m.not_finite == 0 or spared, m
        assert m.worst <= bound or spared, m
        for text in m.wrong:
            unsigned = found.backend == "numpy" and "x = -0.0 it is 0.0, not -0.0" in text
            jump = name.startswith("step") and "nan" in text
            assert unsigned or jump, text


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("formula", SCALAR, ids=lambda f: f.name)
def test_activations(formula, dtype, backend):
    assert_within(measured(formula, dtype, backend, 8), formula.name)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "formula", [f for f in losses.ALL if f.name not in OF_LOGITS], ids=lambda f: f.name
)
def test_losses(formula, dtype, backend):
    assert_within(measured(formula, dtype, backend, 8), formula.name)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("formula", [*SCALAR, *losses.ALL], ids=lambda f: f.name)
def test_the_whole_sweep(formula, dtype, backend):
    if formula.name not in OF_LOGITS:
        assert_within(measured(formula, dtype, backend, 800), formula.name)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", [*ROWS, *OF_LOGITS])
def test_values_of_rows(name, backend):
    (formula,) = (f for f in (*activations.ALL, *losses.ALL) if f.name == name)
    value = measured(formula, "float64", backend, 8).value
    assert value.worst <= 4, value
    assert value.not_finite == 0


# -- the truth

TRUTHS = [
    (activations.SIGMOID, lambda x: mpmath.exp(-x) / (1 + mpmath.exp(-x)) ** 2),
    (activations.TANH, lambda x: mpmath.sech(x) ** 2),
    (activations.SOFTPLUS, lambda x: 1 / (1 + mpmath.exp(-x))),
    (activations.GELU, lambda x: mpmath.ncdf(x) + x * mpmath.npdf(x)),
    (activations.ELU, lambda x: mpmath.mpf(1) if x > 0 else mpmath.exp(x)),
]


@pytest.mark.parametrize(("formula", "slope"), TRUTHS, ids=lambda a: getattr(a, "name", ""))
@pytest.mark.parametrize("x", [-30.0, -5.0, -1e-300, 0.5, 20.0, 300.0])
def test_the_truth_is_that_of_mpmath(formula, slope, x):
    (v,) = formula.inputs
    found = truth_of(formula, (v,)).at({v: x}, {}, np.dtype("float64"))
    here = next(e for (bar, _), e in found.items() if bar.name == "xbar")
    with mpmath.workdps(400):
        exact = slope(mpmath.mpf(x))
        width = mpmath.mpf(10) ** -120
        moved = slope(mpmath.mpf(x) * (1 + width))
        condition = abs(moved - exact) / width / abs(exact)
        assert abs(here.value - exact) <= abs(exact) * mpmath.mpf(10) ** -25
    assert here.condition == pytest.approx(float(condition), rel=1e-9, abs=1e-12)


def test_the_numbers_span_the_type():
    for dtype in (np.dtype("float32"), np.dtype("float64")):
        info, x = np.finfo(dtype), numbers(sp.Reals, dtype, 40)
        assert x.dtype == dtype
        assert {0.0, float(info.smallest_subnormal), float(info.tiny)} <= set(np.abs(x).tolist())
        assert x.max() == info.max == -x.min()
    inside = numbers(sp.Interval.open(0, 1), np.dtype("float64"), 40)
    assert 0 < inside.min() < 1e-300
    assert inside.max() == 1 - 2.0**-53 or inside.max() > 1 - 1e-15


def test_kinks_and_their_neighbours():
    found = kinks_of(activations.HARD_SIGMOID, activations.HARD_SIGMOID.inputs[0], np.dtype("f8"))
    assert {-3.0, 3.0, np.nextafter(3.0, 4), np.nextafter(-3.0, 0)} <= set(found.tolist())


# -- planted errors


def spoiled(formula, change, dtype="float64"):
    """What is measured of a formula whose compiled (x, value, gradient) were changed."""
    run = compiled(formula, formula.inputs, dtype, "numpy")

    def changed(x, *seed):
        value, gradient = run(x, *seed)
        return change(x, value, gradient)

    return sd.verify.precision(formula, dtype=dtype, points=60, run=changed)


def nowhere(x, y, g):
    return y, g


def some_ulp(x, y, g):
    return y + 6 * np.spacing(y) * (np.abs(x - 1) < 0.3), g


def from_the_output(x, y, g):
    return y, 1 - y * y


def clamped(x, y, g):
    return np.clip(y, -1 + 1e-5, 1 - 1e-5), g


def without_subnormals(x, y, g):
    return np.where(np.abs(y) < np.finfo(y.dtype).tiny, 0 * y, y), g


def of_exponentials(x, y, g):
    with np.errstate(all="ignore"):
        return (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)), g


def without_the_sign_of_zero(x, y, g):
    return y + 0.0, g


def without_nan(x, y, g):
    return np.nan_to_num(y), g


def wrong_at_infinity(x, y, g):
    return np.where(np.isinf(x), np.nan, y), g


CAUGHT = {
    nowhere: "", some_ulp: "value", from_the_output: "gradient", clamped: "value",
    without_subnormals: "value", of_exponentials: "value", without_the_sign_of_zero: "special",
    without_nan: "special", wrong_at_infinity: "special",
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("change", CAUGHT, ids=lambda c: c.__name__)
def test_planted_errors_are_caught(change, dtype):
    found = spoiled(activations.TANH, change, dtype)
    (gradient,) = found.gradients
    caught = set()
    if not found.value.worst <= 4 or found.value.not_finite:
        caught.add("value")
    if not gradient.worst <= 8 or gradient.not_finite:
        caught.add("gradient")
    if found.value.wrong:
        caught.add("special")
    assert (CAUGHT[change] in caught) if CAUGHT[change] else not caught, str(found)
    assert found.ok == (not caught)


@pytest.mark.parametrize("place", range(3))
def test_a_perturbed_coefficient_is_caught(place, monkeypatch):
    needs_compiler()
    right = c_math.exp_coefficients("float")

    def wrong(real):
        return tuple(c * (1 + 1e-2 * (k == len(right) - 1 - place)) for k, c in enumerate(right))

    monkeypatch.setattr(c_math, "exp_coefficients", wrong)
    assert not measured(activations.SIGMOID, "float32", "compiled", 60).ok


def test_a_dropped_special_value_is_caught(monkeypatch):
    needs_compiler()
    text = c_math._FUNCTIONS["tanh"].replace(
        "F(copysign)(-e / (2 + e), x)", "x < 0 ? e / (2 + e) : -e / (2 + e)"
    )
    assert text != c_math._FUNCTIONS["tanh"]
    monkeypatch.setitem(c_math._FUNCTIONS, "tanh", text)
    found = measured(activations.TANH, "float64", "compiled", 60)
    assert found.value.worst <= 4
    assert found.value.wrong


@pytest.mark.parametrize(
    "formula",
    [activations.SILU, activations.HARD_SILU, activations.SOFTSIGN],
    ids=lambda f: f.name,
)
def test_a_form_that_has_no_limit_is_caught(formula):
    right = sd.verify.precision(formula, points=8)
    assert right.ok, right
    assert not right.warned
    run = compile_gradient(over_a_vector(formula), ["x"], exact=False)
    found = sd.verify.precision(formula, points=8, run=run)
    assert any("inf it is nan" in text for text in found.value.wrong)
    assert found.warned


# -- bad input, and formulas on the compiled backend


def test_bad_input():
    with pytest.raises(sd.InputError, match="judges a Formula"):
        sd.verify.precision("tanh(x)")
    with pytest.raises(sd.InputError, match="8 or more"):
        sd.verify.precision(activations.TANH, points=1)
    with pytest.raises(sd.InputError, match="float16"):
        sd.verify.precision(activations.TANH, dtype="float16")
    with pytest.raises(sd.NotSupported, match="cuda"):
        sd.verify.precision(activations.TANH, backend="cuda")
    with pytest.raises(sd.InputError, match="does not move freely"):
        sd.verify.precision(losses.HINGE, wrt=["t"])


@pytest.mark.parametrize("formula", [*activations.ALL, *losses.ALL], ids=lambda f: f.name)
def test_gradients_agree_between_backends(formula):
    needs_compiler()
    lifted, generator = over_a_vector(formula) or formula, np.random.default_rng(3)
    point = point_of(lifted, generator)
    runs = [compile_gradient(lifted, backend=b) for b in BACKENDS]
    given = list(point.values)
    if len(runs[0].inputs) > len(given):
        shape = [point.sizes[a] for a in lifted.output.axes]
        given.append(generator.standard_normal(shape))
    assert runs[1].backend == "compiled"
    for ours, theirs in zip(*(run(*given) for run in runs), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)
