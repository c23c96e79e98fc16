"""Activations against NumPy and SciPy: values, and gradients by complex steps."""

import numpy as np
import pytest
from scipy import special, stats

from symdl.catalog import activations
from symdl.notation.tensors import TensorSymbol
from tests.agreement import complex_step
from tests.agreement.close import SEEDS, close, numbers, shape
from tests.agreement.compiled import each, function, gradient, over_a_vector, with_values


def logistic(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.log1p(np.exp(x))


def leaky(x, alpha):
    return np.where(np.real(x) > 0, x, alpha * x)


def gate(x):
    return np.where(np.abs(np.real(x)) < 3, x / 6 + 0.5, np.real(x) > 0)


def softmax(z):
    e = np.exp(z)
    return e / e.sum(-1, keepdims=True)


SCALED = "lambda"
BY_HAND = {
    "linear": lambda x: 1 * x,
    "step": lambda x: np.heaviside(np.real(x), 1),
    "step_strict": lambda x: np.heaviside(np.real(x), 0),
    "sigmoid": logistic,
    "tanh": np.tanh,
    "relu": lambda x: complex_step.larger(x, 0),
    "leaky_relu": leaky,
    "prelu": leaky,
    "elu": lambda x, alpha: np.where(np.real(x) > 0, x, alpha * np.expm1(x)),
    "selu": lambda x, alpha, **words: (
        words[SCALED] * np.where(np.real(x) > 0, x, alpha * np.expm1(x))
    ),
    "softplus": softplus,
    "softsign": lambda x: x / (1 + complex_step.magnitude(x)),
    "silu": lambda x: x * logistic(x),
    "gelu_tanh": lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "hard_sigmoid": gate,
    "hard_silu": lambda x: x * gate(x),
    "log_sigmoid": lambda x: -np.log1p(np.exp(-x)),
    "softmax": softmax,
    "log_softmax": lambda z: np.log(softmax(z)),
}  # fmt: skip
SCIPY = {
    "sigmoid": special.expit,
    "log_sigmoid": special.log_expit,
    "softplus": lambda x: np.logaddexp(0, x),
    "gelu": lambda x: x * special.ndtr(x),
    "softmax": lambda z: special.softmax(z, axis=-1),
    "log_softmax": lambda z: special.log_softmax(z, axis=-1),
}
# no complex step: the error function of a complex number loses its small imaginary part
SLOPES = {"gelu": lambda x: special.ndtr(x) + x * stats.norm.pdf(x)}

EVERY = (*activations.ALL, activations.PRELU)
every = pytest.mark.parametrize("formula", EVERY, ids=lambda f: f.name)


def drawn(formula, seed):
    """The formula with random constants, and random arrays for its input and its slopes."""
    rng = np.random.default_rng(seed)
    constants = {s.name: rng.uniform(0.05, 2) for s, _ in formula.hyper}
    rows = isinstance(formula.output, TensorSymbol)
    x = numbers(rng, shape(rng, 2 if rows else seed % 3 + 1))
    slopes = [rng.uniform(-1, 1, x.shape) for _ in formula.parameters]
    return with_values(formula, **constants), constants, [x, *slopes], rng.standard_normal(x.shape)


def value(formula, arrays):
    rows = isinstance(formula.output, TensorSymbol)
    return function(formula)(*arrays) if rows else each(formula, *arrays)


def adjoints(formula, arrays, up):
    """The gradient of the input, and of the slopes."""
    if isinstance(formula.output, TensorSymbol):
        return gradient(formula)(*arrays, up)[1:]
    flat = (a.ravel() for a in (*arrays, up))
    found = gradient(over_a_vector(formula))(*flat)[1:]
    return [g.reshape(up.shape) for g in found]


def test_every_activation_is_compared():
    assert {f.name for f in EVERY} == BY_HAND.keys() | SLOPES.keys()


@every
def test_value(formula):
    for seed in SEEDS:
        chosen, constants, arrays, _ = drawn(formula, seed)
        references = [table[formula.name] for table in (BY_HAND, SCIPY) if formula.name in table]
        assert references
        for reference in references:
            close(value(chosen, arrays), reference(*arrays, **constants))


@every
def test_gradient(formula):
    for seed in SEEDS:
        chosen, constants, arrays, up = drawn(formula, seed)
        if formula.name in SLOPES:
            wanted = [up * SLOPES[formula.name](*arrays)]
        else:
            wanted = complex_step.gradients(BY_HAND[formula.name], arrays, up, **constants)
        for found, exact in zip(adjoints(chosen, arrays, up), wanted, strict=True):
            close(found, exact)


def test_the_steps_at_the_jump_are_the_two_of_numpy():
    x = np.array([-1e-300, 0.0, 1e-300])
    for name, formula in (("step", activations.STEP), ("step_strict", activations.STEP_STRICT)):
        assert formula.name == name
        close(value(formula, [x]), BY_HAND[name](x))


def test_a_wrong_constant_and_a_wrong_slope_are_seen():
    x = np.linspace(-2, 2, 7)
    with pytest.raises(AssertionError):
        close(each(with_values(activations.ELU, alpha=1 + 1e-8), x), BY_HAND["elu"](x, 1))
    (wrong,) = complex_step.gradients(lambda z: z / 2 * (1 + np.tanh(0.79788 * z)), [x])
    with pytest.raises(AssertionError):
        close(adjoints(activations.GELU_TANH, [x], np.ones(7))[0], wrong)
