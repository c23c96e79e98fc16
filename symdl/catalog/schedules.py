"""Learning rates as formulas of the step t, counted from 1 as in the update formulas."""

from __future__ import annotations

import sympy as sp

from symdl.catalog.optimizers import rate, step
from symdl.formula import Formula

__all__ = [
    "ALL",
    "COSINE_DECAY",
    "EXPONENTIAL_DECAY",
    "INVERSE_TIME_DECAY",
    "STEP_DECAY",
    "WARM_UP",
]

initial, target = sp.symbols("initial_learning_rate target_learning_rate", positive=True)
decay_rate, decay_steps, warmup_steps = sp.symbols(
    "decay_rate decay_steps warmup_steps", positive=True
)
alpha = sp.Symbol("alpha", nonnegative=True)
progress = sp.Symbol("progress", nonnegative=True)

_TENTH = sp.Rational(1, 10)
_USUAL = [(initial, sp.Rational(1, 100)), (decay_steps, sp.Integer(1000))]

STEP_DECAY = Formula(
    sp.Eq(rate, initial * decay_rate ** sp.floor((step - 1) / decay_steps), evaluate=False),
    output=rate, inputs=[step], domain={step: sp.S.Naturals}, hyper=[*_USUAL, (decay_rate, _TENTH)],
    name="step_decay", title="rate that falls in steps",
    source="He, Zhang, Ren, Sun (2016), Deep Residual Learning for Image Recognition, section 3.4",
)  # fmt: skip

EXPONENTIAL_DECAY = Formula(
    sp.Eq(rate, initial * decay_rate ** ((step - 1) / decay_steps), evaluate=False),
    output=rate, inputs=[step], domain={step: sp.S.Naturals}, hyper=[*_USUAL, (decay_rate, _TENTH)],
    name="exponential_decay", title="rate that falls exponentially",
    source="Senior, Heigold, Ranzato, Yang (2013), An Empirical Study of Learning Rates in Deep "
    "Neural Networks for Speech Recognition",
)  # fmt: skip

INVERSE_TIME_DECAY = Formula(
    sp.Eq(rate, initial / (1 + decay_rate * (step - 1) / decay_steps), evaluate=False),
    output=rate, inputs=[step], domain={step: sp.S.Naturals},
    hyper=[(initial, sp.Rational(1, 100)), (decay_steps, sp.Integer(1)), (decay_rate, _TENTH)],
    name="inverse_time_decay", title="rate that falls like 1/t",
    source="Robbins, Monro (1951), A Stochastic Approximation Method",
)  # fmt: skip

COSINE_DECAY = Formula(
    [
        sp.Eq(progress, sp.Min(step - 1, decay_steps) / decay_steps, evaluate=False),
        sp.Eq(
            rate,
            initial * (alpha + (1 - alpha) * (1 + sp.cos(sp.pi * progress)) / 2),
            evaluate=False,
        ),
    ],
    output=rate, inputs=[step],
    domain={step: sp.S.Naturals, alpha: sp.Interval(0, 1)},
    hyper=[*_USUAL, (alpha, sp.Integer(0))],
    name="cosine_decay", title="rate that falls along half a cosine",
    source="Loshchilov, Hutter (2017), SGDR: Stochastic Gradient Descent with Warm Restarts, eq. 5",
)  # fmt: skip

WARM_UP = Formula(
    sp.Eq(rate, target * sp.Min(1, step / warmup_steps), evaluate=False),
    output=rate, inputs=[step], domain={step: sp.S.Naturals},
    hyper=[(target, sp.Rational(1, 100)), (warmup_steps, sp.Integer(100))],
    name="warm_up", title="rate that rises in a line",
    source="Goyal et al. (2017), Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, "
    "section 2.2",
)  # fmt: skip

ALL = (STEP_DECAY, EXPONENTIAL_DECAY, INVERSE_TIME_DECAY, COSINE_DECAY, WARM_UP)
