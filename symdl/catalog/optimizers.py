"""Optimizers as update formulas of one weight w with its gradient g; t counts steps from 1."""

from __future__ import annotations

import sympy as sp

from symdl.formula import Formula
from symdl.notation.tensors import real

__all__ = [
    "ADADELTA",
    "ADAGRAD",
    "ADAM",
    "ADAMAX",
    "ADAMW",
    "ALL",
    "AMSGRAD",
    "MOMENTUM",
    "NADAM",
    "NESTEROV",
    "RMSPROP",
    "SGD",
]

w, g, w_new = real("w"), real("g"), real("w_new")
step = sp.Symbol("t", positive=True)
rate = sp.Symbol("learning_rate", positive=True)
momentum, beta_1, beta_2 = sp.symbols("momentum beta_1 beta_2", positive=True)
epsilon = sp.Symbol("epsilon", positive=True)
rho = sp.Symbol("rho", positive=True)
weight_decay = sp.Symbol("weight_decay", nonnegative=True)
velocity, velocity_new = real("velocity"), real("velocity_new")
m, m_new, m_hat, v_hat = real("m"), real("m_new"), real("m_hat"), real("v_hat")
v, v_new = sp.symbols("v v_new", nonnegative=True)
v_max, v_max_new = sp.symbols("v_max v_max_new", nonnegative=True)
a, a_new, b, b_new = sp.symbols("a a_new b b_new", nonnegative=True)
move = real("move")

_BELOW_ONE = sp.Interval.Ropen(0, 1)
_RANGES = dict.fromkeys((momentum, beta_1, beta_2, rho), _BELOW_ONE) | {
    w: sp.Reals, g: sp.Reals, step: sp.S.Naturals,
}  # fmt: skip


def _ranges(*symbols: sp.Symbol) -> dict[sp.Symbol, sp.Set]:
    return {s: _RANGES[s] for s in symbols}


SGD = Formula(
    sp.Eq(w_new, w - rate * g, evaluate=False),
    output=w_new, inputs=[w, g], domain=_ranges(w, g), hyper=[(rate, sp.Rational(1, 100))],
    name="sgd", title="stochastic gradient descent",
    source="Robbins, Monro (1951), A Stochastic Approximation Method",
)  # fmt: skip

MOMENTUM = Formula(
    [
        sp.Eq(velocity_new, momentum * velocity - rate * g, evaluate=False),
        sp.Eq(w_new, w + velocity_new, evaluate=False),
    ],
    output=w_new, inputs=[w, g], domain=_ranges(w, g, momentum), state=[(velocity, velocity_new)],
    hyper=[(rate, sp.Rational(1, 100)), (momentum, sp.Rational(9, 10))],
    name="momentum", title="gradient descent with momentum",
    source="Polyak (1964), Some methods of speeding up the convergence of iteration methods",
)  # fmt: skip

NESTEROV = Formula(
    [
        sp.Eq(velocity_new, momentum * velocity - rate * g, evaluate=False),
        sp.Eq(w_new, w + momentum * velocity_new - rate * g, evaluate=False),
    ],
    output=w_new, inputs=[w, g],
    domain=_ranges(w, g, momentum), state=[(velocity, velocity_new)], hyper=MOMENTUM.hyper,
    name="nesterov", title="gradient descent with Nesterov momentum",
    source="Nesterov (1983), A method of solving a convex programming problem with convergence "
    "rate O(1/k^2); Bengio, Boulanger-Lewandowski, Pascanu (2013), Advances in Optimizing "
    "Recurrent Networks, eq. 7",
)  # fmt: skip

# epsilon stands outside the root in Adagrad and RMSprop, inside both roots in Adadelta
ADAGRAD = Formula(
    [
        sp.Eq(a_new, a + g**2, evaluate=False),
        sp.Eq(w_new, w - rate * g / (sp.sqrt(a_new) + epsilon), evaluate=False),
    ],
    output=w_new, inputs=[w, g], domain=_ranges(w, g), state=[(a, a_new)],
    hyper=[(rate, sp.Rational(1, 100)), (epsilon, sp.Rational(1, 10**6))],
    name="adagrad", title="Adagrad",
    source="Duchi, Hazan, Singer (2011), Adaptive Subgradient Methods for Online Learning and "
    "Stochastic Optimization",
)  # fmt: skip

RMSPROP = Formula(
    [
        sp.Eq(a_new, rho * a + (1 - rho) * g**2, evaluate=False),
        sp.Eq(w_new, w - rate * g / (sp.sqrt(a_new) + epsilon), evaluate=False),
    ],
    output=w_new, inputs=[w, g], domain=_ranges(w, g, rho), state=[(a, a_new)],
    hyper=[
        (rate, sp.Rational(1, 1000)),
        (rho, sp.Rational(9, 10)),
        (epsilon, sp.Rational(1, 10**6)),
    ],
    name="rmsprop", title="RMSprop",
    source="Tieleman, Hinton (2012), Neural Networks for Machine Learning, lecture 6.5",
)  # fmt: skip

ADADELTA = Formula(
    [
        sp.Eq(a_new, rho * a + (1 - rho) * g**2, evaluate=False),
        sp.Eq(move, sp.sqrt(b + epsilon) / sp.sqrt(a_new + epsilon) * g, evaluate=False),
        sp.Eq(b_new, rho * b + (1 - rho) * move**2, evaluate=False),
        sp.Eq(w_new, w - rate * move, evaluate=False),
    ],
    output=w_new, inputs=[w, g], domain=_ranges(w, g, rho), state=[(a, a_new), (b, b_new)],
    hyper=[
        (rate, sp.Integer(1)),
        (rho, sp.Rational(95, 100)),
        (epsilon, sp.Rational(1, 10**6)),
    ],
    name="adadelta", title="Adadelta",
    source="Zeiler (2012), ADADELTA: An Adaptive Learning Rate Method, algorithm 1",
)  # fmt: skip

# the moments that Adam and its relatives share
_MOMENTS = [
    sp.Eq(m_new, beta_1 * m + (1 - beta_1) * g, evaluate=False),
    sp.Eq(v_new, beta_2 * v + (1 - beta_2) * g**2, evaluate=False),
]
_M_HAT = sp.Eq(m_hat, m_new / (1 - beta_1**step), evaluate=False)
_V_HAT = sp.Eq(v_hat, v_new / (1 - beta_2**step), evaluate=False)
_CONSTANTS = [
    (rate, sp.Rational(1, 1000)),
    (beta_1, sp.Rational(9, 10)),
    (beta_2, sp.Rational(999, 1000)),
    (epsilon, sp.Rational(1, 10**7)),
]

ADAM = Formula(
    [
        *_MOMENTS,
        _M_HAT,
        _V_HAT,
        sp.Eq(w_new, w - rate * m_hat / (sp.sqrt(v_hat) + epsilon), evaluate=False),
    ],
    output=w_new, inputs=[w, g, step],
    domain=_ranges(w, g, step, beta_1, beta_2), state=[(m, m_new), (v, v_new)], hyper=_CONSTANTS,
    name="adam", title="Adam",
    source="Kingma, Ba (2015), Adam: A Method for Stochastic Optimization, algorithm 1",
)  # fmt: skip

# the largest v so far takes the place of v; the corrections of the bias are Adam's
AMSGRAD = Formula(
    [
        *_MOMENTS,
        sp.Eq(v_max_new, sp.Max(v_max, v_new), evaluate=False),
        _M_HAT,
        sp.Eq(v_hat, v_max_new / (1 - beta_2**step), evaluate=False),
        sp.Eq(w_new, w - rate * m_hat / (sp.sqrt(v_hat) + epsilon), evaluate=False),
    ],
    output=w_new, inputs=[w, g, step],
    domain=_ranges(w, g, step, beta_1, beta_2), state=[(m, m_new), (v, v_new), (v_max, v_max_new)],
    hyper=_CONSTANTS, name="amsgrad", title="Adam with AMSGrad",
    source="Reddi, Kale, Kumar (2018), On the Convergence of Adam and Beyond, algorithm 2",
)  # fmt: skip

# the decay is multiplied by the rate, as Keras and PyTorch do
ADAMW = Formula(
    [
        *_MOMENTS,
        _M_HAT,
        _V_HAT,
        sp.Eq(
            w_new,
            w - rate * (m_hat / (sp.sqrt(v_hat) + epsilon) + weight_decay * w),
            evaluate=False,
        ),
    ],
    output=w_new, inputs=[w, g, step],
    domain=_ranges(w, g, step, beta_1, beta_2), state=[(m, m_new), (v, v_new)],
    hyper=[*_CONSTANTS, (weight_decay, sp.Rational(4, 1000))],
    name="adamw", title="Adam with decoupled weight decay",
    source="Loshchilov, Hutter (2019), Decoupled Weight Decay Regularization, algorithm 2",
)  # fmt: skip

ADAMAX = Formula(
    [
        _MOMENTS[0],
        sp.Eq(a_new, sp.Max(beta_2 * a, sp.Abs(g)), evaluate=False),
        _M_HAT,
        sp.Eq(w_new, w - rate * m_hat / (a_new + epsilon), evaluate=False),
    ],
    output=w_new, inputs=[w, g, step],
    domain=_ranges(w, g, step, beta_1, beta_2), state=[(m, m_new), (a, a_new)], hyper=_CONSTANTS,
    name="adamax", title="AdaMax",
    source="Kingma, Ba (2015), Adam: A Method for Stochastic Optimization, algorithm 2",
)  # fmt: skip

# mu_t, its value a step later, and 1 minus the product of those so far: it starts at 0
mu, mu_next = sp.symbols("mu mu_next", positive=True)
spread, spread_new = sp.symbols("spread spread_new", nonnegative=True)
schedule_decay = sp.Symbol("schedule_decay", nonnegative=True)
_BASE = sp.Rational(96, 100)

NADAM = Formula(
    [
        *_MOMENTS,
        _V_HAT,
        sp.Eq(mu, beta_1 * (1 - _BASE ** (schedule_decay * step) / 2), evaluate=False),
        sp.Eq(mu_next, beta_1 * (1 - _BASE ** (schedule_decay * (step + 1)) / 2), evaluate=False),
        sp.Eq(spread_new, 1 - (1 - spread) * mu, evaluate=False),
        sp.Eq(
            m_hat,
            mu_next * m_new / (1 - (1 - spread_new) * mu_next) + (1 - mu) * g / spread_new,
            evaluate=False,
        ),
        sp.Eq(w_new, w - rate * m_hat / (sp.sqrt(v_hat) + epsilon), evaluate=False),
    ],
    output=w_new, inputs=[w, g, step],
    domain=_ranges(w, g, step, beta_1, beta_2),
    state=[(m, m_new), (v, v_new), (spread, spread_new)],
    hyper=[*_CONSTANTS, (schedule_decay, sp.Rational(4, 1000))],
    name="nadam", title="Adam with Nesterov momentum",
    source="Dozat (2016), Incorporating Nesterov Momentum into Adam, algorithm 2",
)  # fmt: skip

ALL = (
    SGD,
    MOMENTUM,
    NESTEROV,
    ADAGRAD,
    RMSPROP,
    ADADELTA,
    ADAM,
    AMSGRAD,
    ADAMW,
    ADAMAX,
    NADAM,
)
