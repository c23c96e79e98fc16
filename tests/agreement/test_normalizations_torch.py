"""Normalizations against PyTorch, in its double precision: values, statistics and gradients."""

import pytest

from symdl.training.normalization import unbiased_statistics
from tests.agreement.close import SEEDS, close
from tests.agreement.compiled import gradient, with_values
from tests.agreement.test_normalizations import NAMES, drawn, each, run

torch = pytest.importorskip("torch")
F = torch.nn.functional


def grouped(x, gamma, beta, epsilon):
    """Channels in one axis, as PyTorch has them."""
    flat = x.flatten(1, 2)
    return F.group_norm(flat, x.shape[1], gamma.flatten(), beta.flatten(), epsilon).reshape(x.shape)


PYTORCH = {
    "layer_normalization": lambda x, gamma, beta, epsilon: F.layer_norm(
        x, x.shape[1:], gamma, beta, epsilon
    ),
    "rms_normalization": lambda x, gamma, epsilon: F.rms_norm(x, x.shape[1:], gamma, epsilon),
    "batch_normalization": lambda x, gamma, beta, epsilon, **_: F.batch_norm(
        x, None, None, gamma, beta, training=True, eps=epsilon
    ),
    "batch_normalization_inference": lambda x, mean, var, gamma, beta, epsilon: F.batch_norm(
        x, mean, var, gamma, beta, training=False, eps=epsilon
    ),
    "group_normalization": grouped,
}
WITHOUT_GRADIENT = {"batch_normalization_inference": (1, 2)}  # the running statistics


def test_every_normalization_is_compared():
    assert NAMES.keys() == PYTORCH.keys()


@each
def test_value_and_gradient(name):
    for seed in SEEDS:
        formula, constants, arrays, states, up = drawn(name, seed)
        given = [torch.tensor(a) for a in arrays]
        none = WITHOUT_GRADIENT.get(name, ())
        for place, tensor in enumerate(given):
            tensor.requires_grad_(place not in none)
        wanted = PYTORCH[name](*given, **constants)
        wanted.backward(torch.tensor(up))
        close(run(formula, arrays, states)[0], wanted.detach().numpy())
        found = gradient(formula)(*arrays, *states, up)[1:]
        for place, ours in enumerate(found):
            if place not in none:
                close(ours, given[place].grad.numpy())


def test_the_running_statistics_are_those_of_pytorch():
    """Its momentum is one less ours, and its running variance is unbiased."""
    for seed in SEEDS:
        _, constants, arrays, states, _ = drawn("batch_normalization", seed)
        formula = with_values(unbiased_statistics(), **constants)
        _, new_mean, new_var = run(formula, arrays, states)
        mean, var = (torch.tensor(s) for s in states)
        x, gamma, beta = (torch.tensor(a) for a in arrays)
        momentum = 1 - constants["momentum"]
        F.batch_norm(x, mean, var, gamma, beta, True, momentum, constants["epsilon"])
        close(new_mean, mean.numpy())
        close(new_var, var.numpy())
