"""Activations against PyTorch, in its double precision: values, and gradients by autograd."""

import numpy as np
import pytest

from tests.agreement.close import RELATIVE, SEEDS, close
from tests.agreement.test_activations import EVERY, SCALED, adjoints, drawn, every, value

torch = pytest.importorskip("torch")
F = torch.nn.functional

PYTORCH = {
    "linear": lambda x: x.clone(),
    "step": lambda x: torch.heaviside(x.detach(), torch.ones_like(x)) + 0 * x,
    "step_strict": lambda x: torch.heaviside(x.detach(), torch.zeros_like(x)) + 0 * x,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": lambda x, **words: F.leaky_relu(x, words["alpha"]),
    "prelu": lambda x, slope: torch.where(x > 0, x, slope * x),
    "elu": F.elu,
    "selu": lambda x, alpha, **words: words[SCALED] * F.elu(x, alpha),
    "softplus": F.softplus,
    "softsign": F.softsign,
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "mish": F.mish,
    "hard_sigmoid": F.hardsigmoid,
    "hard_silu": F.hardswish,
    "log_sigmoid": F.logsigmoid,
    "softmax": lambda z: F.softmax(z, -1),
    "log_softmax": lambda z: F.log_softmax(z, -1),
}


# PyTorch itself: x in place of softplus(x) above 20, and 1/6 in single precision in the slope of
# the hard sigmoid; test_activations compares these two to 1e-9
LESS_EXACT = {"softplus": 1e-8, "hard_sigmoid": 1e-7}


def test_every_activation_is_compared():
    assert {f.name for f in EVERY} == PYTORCH.keys()


@every
def test_value_and_gradient(formula):
    for seed in SEEDS:
        chosen, constants, arrays, up = drawn(formula, seed)
        given = [torch.tensor(a, requires_grad=True) for a in arrays]
        wanted = PYTORCH[formula.name](*given, **constants)
        wanted.backward(torch.tensor(up))
        relative = LESS_EXACT.get(formula.name, RELATIVE)
        close(value(chosen, arrays), wanted.detach().numpy(), relative)
        for found, tensor in zip(adjoints(chosen, arrays, up), given, strict=True):
            close(found, tensor.grad.numpy(), relative)


def test_at_the_kinks_the_slopes_are_those_of_pytorch():
    at_zero = ("relu", "leaky_relu", "elu", "selu", "softsign")
    for formula in EVERY:
        ends = [-3.0, 3.0] if formula.name.startswith("hard_") else []
        x = np.array([0.0] if formula.name in at_zero else ends)
        if not x.size or formula.parameters:
            assert not formula.kinks or formula.parameters or formula.name.startswith("step")
            continue
        tensor = torch.tensor(x, requires_grad=True)
        words = {s.name: float(v) for s, v in formula.hyper}
        PYTORCH[formula.name](tensor, **words).sum().backward()
        close(adjoints(formula, [x], np.ones_like(x))[0], tensor.grad.numpy())
