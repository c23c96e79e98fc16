"""Normalizations against NumPy and SciPy: values, statistics, and gradients by complex steps."""

import numpy as np
import pytest
from scipy import stats

from symdl.catalog import normalization
from symdl.training.normalization import unbiased_statistics
from tests.agreement import complex_step
from tests.agreement.close import SEEDS, close, numbers, shape
from tests.agreement.compiled import function, gradient, with_values

NAMES = {f.name: f for f in normalization.ALL}


def standard(x, axes, epsilon):
    centred = x - x.mean(axes, keepdims=True)
    return centred / np.sqrt((centred * centred).mean(axes, keepdims=True) + epsilon)


def batch_inference(x, mean, var, gamma, beta, *, epsilon):
    return gamma * (x - mean) / np.sqrt(var + epsilon) + beta


BY_HAND = {
    "layer_normalization": lambda x, gamma, beta, epsilon: gamma * standard(x, 1, epsilon) + beta,
    "rms_normalization": lambda x, gamma, epsilon: (
        gamma * x / np.sqrt((x * x).mean(1, keepdims=True) + epsilon)
    ),
    "batch_normalization": lambda x, gamma, beta, epsilon, **_: (
        gamma * standard(x, 0, epsilon) + beta
    ),
    "batch_normalization_inference": batch_inference,
    "group_normalization": lambda x, gamma, beta, epsilon: (
        gamma[..., None] * standard(x, (2, 3), epsilon) + beta[..., None]
    ),
}
each = pytest.mark.parametrize("name", NAMES)


def drawn(name, seed):
    """The formula with random constants, its inputs and parameters, its states, and an adjoint."""
    rng = np.random.default_rng(seed)
    formula = NAMES[name]
    constants = {s.name: 10 ** rng.uniform(-8, -1) for s, _ in formula.hyper}
    if "momentum" in constants:
        constants["momentum"] = rng.uniform(0, 1)
    axes = 4 if name == "group_normalization" else 2
    size = tuple(n + 1 for n in shape(rng, axes))
    x = numbers(rng, size) + rng.standard_normal()
    own = size[1:3] if axes == 4 else size[1:]
    others = [rng.standard_normal(own) for _ in formula.parameters]
    statistics = [rng.standard_normal(own), rng.uniform(0.1, 3, own)]
    if name == "batch_normalization_inference":
        others = [*statistics, *others]
    states = statistics if formula.state else []
    return with_values(formula, **constants), constants, [x, *others], states, numbers(rng, size)


def run(formula, arrays, states):
    found = function(formula)(*arrays, *states)
    return found if states else (found,)


def test_every_normalization_is_compared():
    assert NAMES.keys() == BY_HAND.keys()


@each
def test_value_and_gradient(name):
    for seed in SEEDS:
        formula, constants, arrays, states, up = drawn(name, seed)
        close(run(formula, arrays, states)[0], BY_HAND[name](*arrays, **constants))
        found = gradient(formula)(*arrays, *states, up)[1:]
        wanted = complex_step.gradients(BY_HAND[name], arrays, up, **constants)
        for ours, exact in zip(found, wanted, strict=True):
            close(ours, exact)


@pytest.mark.parametrize("unbiased", [False, True])
def test_running_statistics(unbiased):
    for seed in SEEDS:
        formula, constants, arrays, (mean, var), _ = drawn("batch_normalization", seed)
        if unbiased:
            formula = with_values(unbiased_statistics(), **constants)
        y, new_mean, new_var = function(formula)(*arrays, mean, var)
        x, kept = arrays[0], constants["momentum"]
        close(y, BY_HAND["batch_normalization"](*arrays, **constants))
        close(new_mean, kept * mean + (1 - kept) * x.mean(0))
        close(new_var, kept * var + (1 - kept) * x.var(0, ddof=int(unbiased)))


def test_without_epsilon_they_are_scores_of_scipy():
    for seed in SEEDS:
        _, _, (x, gamma, beta), states, _ = drawn("batch_normalization", seed)
        none = {"epsilon": 1e-300}
        ones, zeros = np.ones_like(gamma), np.zeros_like(beta)
        batch = with_values(NAMES["batch_normalization"], **none)
        close(run(batch, [x, ones, zeros], states)[0], stats.zscore(x, axis=0))
        layer = with_values(NAMES["layer_normalization"], **none)
        close(run(layer, [x, ones, zeros], [])[0], stats.zscore(x, axis=1))


def test_epsilon_outside_the_root_is_seen():
    _, _, (x, gamma, beta), _, _ = drawn("layer_normalization", 0)
    formula = with_values(NAMES["layer_normalization"], epsilon=0.1)
    outside = gamma * (x - x.mean(1, keepdims=True)) / (x.std(1, keepdims=True) + 0.1) + beta
    with pytest.raises(AssertionError):
        close(run(formula, [x, gamma, beta], [])[0], outside)
