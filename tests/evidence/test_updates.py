"""Weight decay and penalties, Nesterov's look ahead: against steps in plain numbers."""

import pytest
import sympy as sp

from symdl.catalog import optimizers as o
from symdl.errors import InputError
from symdl.evidence.updates import (
    decay_and_penalty,
    judge_decay_is_not_penalty,
    judge_decay_is_penalty,
    judge_decouples,
    judge_differ,
    judge_look_ahead,
)  # fmt: skip

DECAY = sp.Symbol("decay", positive=True)
NAMES = (o.w, o.g, o.rate)
OTHERS = [f for f in o.ALL if f is not o.SGD]
HALF = sp.Rational(1, 2)


def test_for_gradient_descent_decay_is_a_penalty():
    assert judge_decay_is_penalty(o.SGD, NAMES, DECAY).level == "proved"
    assert judge_decay_is_not_penalty(o.SGD, NAMES, DECAY).level == "unknown"


@pytest.mark.parametrize("formula", OTHERS, ids=lambda f: f.name)
def test_for_all_others_it_is_not(formula):
    assert judge_decay_is_penalty(formula, NAMES, DECAY).level == "refuted"
    verdict = judge_decay_is_not_penalty(formula, NAMES, DECAY)
    assert verdict.level == "proved"
    assert "counterexample" in verdict.reason


def test_adam_by_hand():
    """Step 1 from 0: m_hat = g, v_hat = g^2, so the move is rate g / (|g| + epsilon)."""
    at = {o.w: 1, o.g: 1, o.rate: HALF, DECAY: 1, o.m: 0, o.v: 0, o.step: 1,
          o.beta_1: HALF, o.beta_2: HALF, o.epsilon: HALF}  # fmt: skip
    decayed, penalised = (e.subs(at) for e in decay_and_penalty(o.ADAM, NAMES, DECAY)[0])
    assert penalised == 1 - HALF * 2 / (2 + HALF)
    assert decayed == 1 - HALF * 1 / (1 + HALF) - HALF * 1 * 1


def test_adamw_is_adam_with_decay():
    names = (o.w, o.rate, o.weight_decay)
    assert judge_decouples(o.ADAMW, o.ADAM, names).level == "proved"
    assert judge_decouples(o.ADAM, o.ADAM, names).level == "refuted"
    assert judge_decouples(o.ADAMW, o.ADAM, (o.w, o.rate, 2 * o.weight_decay)).level == "refuted"
    assert judge_decouples(o.ADAMW, o.AMSGRAD, names).level == "unknown"


def test_nesterov_looks_ahead():
    names = (o.w, o.velocity, o.momentum)
    assert judge_look_ahead(o.NESTEROV, o.MOMENTUM, names).level == "proved"
    assert judge_look_ahead(o.MOMENTUM, o.MOMENTUM, names).level == "refuted"


def test_nesterov_on_a_parabola_by_hand():
    """Both forms on f = u^2 / 2 from u = 1, in exact numbers: w = u + momentum * velocity."""
    rate, mu = sp.Rational(1, 4), HALF
    u, v_u = sp.Integer(1), sp.Integer(0)
    w, v_w = sp.Integer(1), sp.Integer(0)
    new_w, new_v = (e.rhs for e in reversed(o.NESTEROV.equations))
    for _ in range(4):
        v_u = mu * v_u - rate * (u + mu * v_u)
        u += v_u
        given = {o.w: w, o.g: w, o.velocity: v_w, o.rate: rate, o.momentum: mu}
        v_w = new_v.subs(given)
        w = new_w.subs({**given, o.velocity_new: v_w})
        assert w == u + mu * v_u
        assert v_w == v_u


def test_a_difference_needs_two_rational_values():
    x = sp.Symbol("x", real=True)
    assert judge_differ(x, x**2, {x: sp.Integer(3)}).level == "proved"
    assert judge_differ(x, x**2, {x: sp.Integer(1)}).level == "refuted"
    assert judge_differ(x, sp.sqrt(x), {x: sp.Integer(2)}).level == "unknown"
    with pytest.raises(InputError, match="no value to x"):
        judge_differ(x, x**2, {})
