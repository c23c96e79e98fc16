"""Optimizers as update formulas of one weight w with its gradient g; t counts steps from 1."""

from __future__ import annotations

import sympy as sp

from symdl.formula import Formula
from symdl.notation.tensors import real

__all__ = ["ADAM", "ALL", "MOMENTUM", "SGD"]

w, g, w_new = real("w"), real("g"), real("w_new")
step = sp.Symbol("t", positive=True)
rate = sp.Symbol("learning_rate", positive=True)
momentum, beta_1, beta_2 = sp.symbols("momentum beta_1 beta_2", positive=True)
epsilon = sp.Symbol("epsilon", positive=True)
velocity, velocity_new = real("velocity"), real("velocity_new")
m, m_new, m_hat, v_hat = real("m"), real("m_new"), real("m_hat"), real("v_hat")
v, v_new = sp.symbols("v v_new", nonnegative=True)

SGD = Formula(
    sp.Eq(w_new, w - rate * g, evaluate=False),
    output=w_new, inputs=[w, g], hyper=[(rate, sp.Rational(1, 100))],
    name="sgd", title="stochastic gradient descent",
    source="Robbins, Monro (1951), A Stochastic Approximation Method",
)  # fmt: skip

MOMENTUM = Formula(
    [
        sp.Eq(velocity_new, momentum * velocity - rate * g, evaluate=False),
        sp.Eq(w_new, w + velocity_new, evaluate=False),
    ],
    output=w_new, inputs=[w, g], state=[(velocity, velocity_new)],
    hyper=[(rate, sp.Rational(1, 100)), (momentum, sp.Rational(9, 10))],
    name="momentum", title="gradient descent with momentum",
    source="Polyak (1964), Some methods of speeding up the convergence of iteration methods",
)  # fmt: skip

ADAM = Formula(
    [
        sp.Eq(m_new, beta_1 * m + (1 - beta_1) * g, evaluate=False),
        sp.Eq(v_new, beta_2 * v + (1 - beta_2) * g**2, evaluate=False),
        sp.Eq(m_hat, m_new / (1 - beta_1**step), evaluate=False),
        sp.Eq(v_hat, v_new / (1 - beta_2**step), evaluate=False),
        sp.Eq(w_new, w - rate * m_hat / (sp.sqrt(v_hat) + epsilon), evaluate=False),
    ],
    output=w_new, inputs=[w, g, step], state=[(m, m_new), (v, v_new)],
    hyper=[
        (rate, sp.Rational(1, 1000)),
        (beta_1, sp.Rational(9, 10)),
        (beta_2, sp.Rational(999, 1000)),
        (epsilon, sp.Rational(1, 10**7)),
    ],
    name="adam", title="Adam",
    source="Kingma, Ba (2015), Adam: A Method for Stochastic Optimization, algorithm 1",
)  # fmt: skip

ALL = (SGD, MOMENTUM, ADAM)
