"""Twenty steps of every optimizer against PyTorch, over random constants and gradients."""

import numpy as np
import pytest

import symdl as sd
from symdl.training.optimizers import OPTIMIZERS
from tests.agreement.close import SEEDS, close, numbers, shape
from tests.agreement.compiled import Updater

torch = pytest.importorskip("torch")

STEPS = 20
RELATIVE = 1e-9
LESS_EXACT = {"nadam": 1e-6}  # PyTorch keeps the product of its momenta in single precision


def beyond(low, high):
    return lambda rng: 10 ** rng.uniform(low, high)


def between(low, high):
    return lambda rng: rng.uniform(low, high)


RATE, EPSILON = beyond(-4, -0.5), beyond(-9, -2)
BETAS = {"beta_1": between(0, 0.99), "beta_2": between(0.3, 0.9999)}

# name -> what is drawn, our optimizer, and PyTorch's
CASES = {
    "sgd": ({}, sd.SGD, lambda o, p, lr: o.SGD(p, lr)),
    "momentum": (
        {"momentum": between(0.1, 0.99)},
        sd.SGD,
        lambda o, p, lr, momentum: o.SGD(p, lr, momentum),
    ),
    "momentum, rate outside": (
        {"momentum": between(0.1, 0.99)},
        lambda lr, **words: sd.SGD(lr, rate_in_velocity=False, **words),
        lambda o, p, lr, momentum: o.SGD(p, lr, momentum),
    ),
    "nesterov": (
        {"momentum": between(0.1, 0.99)},
        lambda lr, **words: sd.SGD(lr, nesterov=True, **words),
        lambda o, p, lr, momentum: o.SGD(p, lr, momentum, nesterov=True),
    ),
    "nesterov, rate outside": (
        {"momentum": between(0.1, 0.99)},
        lambda lr, **words: sd.SGD(lr, nesterov=True, rate_in_velocity=False, **words),
        lambda o, p, lr, momentum: o.SGD(p, lr, momentum, nesterov=True),
    ),
    "adagrad": (
        {"epsilon": EPSILON, "initial_accumulator_value": between(0, 1)},
        sd.Adagrad,
        lambda o, p, lr, epsilon, initial_accumulator_value: o.Adagrad(
            p, lr, eps=epsilon, initial_accumulator_value=initial_accumulator_value
        ),
    ),
    "rmsprop": (
        {"rho": between(0, 0.99), "epsilon": EPSILON},
        sd.RMSprop,
        lambda o, p, lr, rho, epsilon: o.RMSprop(p, lr, rho, epsilon),
    ),
    "adadelta": (
        {"rho": between(0, 0.99), "epsilon": EPSILON},
        sd.Adadelta,
        lambda o, p, lr, rho, epsilon: o.Adadelta(p, lr, rho, epsilon),
    ),
    "adam": (
        {**BETAS, "epsilon": EPSILON},
        sd.Adam,
        lambda o, p, lr, beta_1, beta_2, epsilon: o.Adam(p, lr, (beta_1, beta_2), epsilon),
    ),
    "amsgrad": (
        {**BETAS, "epsilon": EPSILON},
        lambda lr, **words: sd.Adam(lr, amsgrad=True, **words),
        lambda o, p, lr, beta_1, beta_2, epsilon: o.Adam(
            p, lr, (beta_1, beta_2), epsilon, amsgrad=True
        ),
    ),
    "adamw": (
        {**BETAS, "epsilon": EPSILON, "weight_decay": between(0, 0.5)},
        sd.AdamW,
        lambda o, p, lr, beta_1, beta_2, epsilon, weight_decay: o.AdamW(
            p, lr, (beta_1, beta_2), epsilon, weight_decay
        ),
    ),
    "adamax": (
        {**BETAS, "epsilon": EPSILON},
        lambda lr, **words: sd.Adamax(lr, epsilon_inside=True, **words),
        lambda o, p, lr, beta_1, beta_2, epsilon: o.Adamax(p, lr, (beta_1, beta_2), epsilon),
    ),
    "nadam": (
        {**BETAS, "epsilon": EPSILON, "schedule_decay": beyond(-4, 0)},
        sd.Nadam,
        lambda o, p, lr, beta_1, beta_2, epsilon, schedule_decay: o.NAdam(
            p, lr, (beta_1, beta_2), epsilon, momentum_decay=schedule_decay
        ),
    ),
}


def test_every_optimizer_is_compared():
    made = {ours(0.1, **dict.fromkeys(drawn, 0.5)).__class__ for drawn, ours, _ in CASES.values()}
    assert made == set(OPTIMIZERS.values())


@pytest.mark.parametrize("case", CASES)
def test_twenty_steps(case):
    drawn, ours, theirs = CASES[case]
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        rate, words = RATE(rng), {name: draw(rng) for name, draw in drawn.items()}
        start = numbers(rng, shape(rng, 1))
        weight = torch.tensor(start, requires_grad=True)
        optimizer = theirs(torch.optim, [weight], rate, **words)
        updater = Updater(ours(rate, **words).formula, start)
        for _ in range(STEPS):
            g = numbers(rng, start.shape)
            weight.grad = torch.tensor(g)
            optimizer.step()
            wanted = weight.detach().numpy()
            close(updater.step(g), wanted, LESS_EXACT.get(case, RELATIVE))


@pytest.mark.parametrize("nesterov", [False, True])
def test_a_changing_rate_is_multiplied_to_the_velocity(nesterov):
    """With a schedule the two forms of momentum differ; PyTorch's is the one asked for."""
    rng = np.random.default_rng(4)
    start = rng.standard_normal(5)
    falling = sd.ExponentialDecay(0.3, 4, 0.5)
    kept, outside = (
        Updater(sd.SGD(falling, 0.8, nesterov, rate_in_velocity=inside).formula, start)
        for inside in (True, False)
    )
    weight = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.SGD([weight], 0.3, 0.8, nesterov=nesterov)
    for t in range(1, STEPS + 1):
        optimizer.param_groups[0]["lr"] = falling(t)
        g = rng.standard_normal(5)
        weight.grad = torch.tensor(g)
        optimizer.step()
        close(outside.step(g), weight.detach().numpy(), RELATIVE)
        other = kept.step(g)
    assert np.abs(other - weight.detach().numpy()).max() > 1e-2
