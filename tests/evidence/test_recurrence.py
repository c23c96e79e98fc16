"""Recurrences unrolled, against loops in exact numbers; planted errors are seen."""

from dataclasses import replace
from fractions import Fraction

import pytest
import sympy as sp

from symdl.catalog import normalization, optimizers
from symdl.errors import Impossible, InputError
from symdl.evidence import recurrence
from symdl.evidence.moments import Law
from symdl.evidence.recurrence import geometric, judge_induction, mean_after, unroll
from symdl.evidence.written_out import write_out
from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import real

o = optimizers
T = size_of("t")
GRADIENTS = [Fraction(3), Fraction(-1, 2), Fraction(5, 7), Fraction(2)]
DECAYS = {"beta_1": Fraction(9, 10), "beta_2": Fraction(3, 4), "rho": Fraction(2, 5),
          "momentum": Fraction(1, 3), "learning_rate": Fraction(1, 8)}  # fmt: skip


def by_hand(kind, old):
    """The states of the papers, in a loop over exact fractions."""
    state = Fraction(0)
    for g in GRADIENTS:
        if kind == "momentum":
            state = DECAYS["momentum"] * state - DECAYS["learning_rate"] * g
        elif kind == "adagrad":
            state += g**2
        else:
            decay = DECAYS[{"m": "beta_1", "v": "beta_2", "a": "rho"}[old]]
            state = decay * state + (1 - decay) * (g if old == "m" else g**2)
    return state


@pytest.mark.parametrize(
    ("kind", "old"),
    [("adam", "m"), ("adam", "v"), ("momentum", "velocity"), ("adagrad", "a"), ("rmsprop", "a")],
)
def test_the_sum_is_what_a_loop_gives(kind, old):
    formula = next(f for f in o.ALL if f.name == kind)
    state = next(s for s, _ in formula.state if s.name == old)
    found = unroll(formula, state)
    assert found.verdict.level == "proved"
    plain = write_out(found.from_zero, {found.steps: len(GRADIENTS)})
    values = {f"g_{k}": g for k, g in enumerate(GRADIENTS)} | DECAYS
    number = plain.xreplace({s: sp.Rational(values[s.name]) for s in plain.free_symbols})
    assert number == sp.Rational(by_hand(kind, old))


def test_every_linear_state_of_the_catalogue():
    unrolled, refused = [], []
    for f in o.ALL:
        for old, _ in f.state:
            try:
                assert unroll(f, old).verdict.level == "proved"
                unrolled.append((f.name, old.name))
            except Impossible:
                refused.append((f.name, old.name))
    assert set(refused) == {("amsgrad", "v_max"), ("adamax", "a"), ("nadam", "spread")}
    assert len(unrolled) == 15


@pytest.mark.parametrize("n", range(1, 6))
def test_the_running_mean_keeps_a_share_of_its_start(n):
    found = unroll(normalization.BATCH_NORMALIZATION, normalization.running_mean)
    (i,) = found.old.index
    plain = write_out(found.value, {found.steps: n, i.size: 2}, {i: 1})
    start = real("running_mean_0_1")
    momentum = normalization.momentum
    assert sp.expand(plain.coeff(start) - momentum**n) == 0


def planted(change):
    """Adam's first moment, unrolled with a mistake."""
    good = unroll(o.ADAM, o.m)
    bad = replace(good, value=change(good), parts=())
    return dict(recurrence._judged(bad))


@pytest.mark.parametrize(
    "change",
    [
        lambda u: u.value * sp.Rational(1001, 1000),
        lambda u: u.from_zero,
        lambda u: u.value.xreplace({u.decay: o.beta_2}),
        lambda u: u.value + u.start,
        lambda u: u.decay**u.steps * u.start + Total(
            u.decay**Index("k", T) * (1 - u.decay) * u.varying[0][1][Index("k", T)], Index("k", T)
        ),
    ],
    ids=["0.1 %", "no start", "the other decay", "start twice", "order of the steps reversed"],
)  # fmt: skip
def test_a_wrong_sum_is_seen(change):
    parts = planted(change)
    assert parts["one step more, by induction"].level == "refuted" or (
        parts["the first step"].level == "refuted"
    )
    written_out = [v.level for what, v in parts.items() if "written out" in what]
    assert "refuted" in written_out


def test_what_is_no_linear_state_is_refused():
    with pytest.raises(InputError, match="no state of adam"):
        unroll(o.ADAM, o.g)
    with pytest.raises(Impossible, match="not linear"):
        unroll(o.AMSGRAD, o.v_max)
    with pytest.raises(Impossible, match="changes from step to step"):
        unroll(o.NADAM, o.spread)


def test_a_recurrence_of_ones_own():
    s, new, f = real("s"), real("new"), real("f")
    half = Formula(sp.Eq(new, s / 2 + 3 * f), output=new, inputs=[f], state=[(s, new)])
    found = unroll(half, s)
    assert found.verdict.level == "proved"
    plain = write_out(found.value, {found.steps: 3})
    by_hand = real("s_0") / 8 + sp.Rational(3, 4) * real("f_0") + sp.Rational(3, 2) * real("f_1")
    assert sp.expand(plain - by_hand - 3 * real("f_2")) == 0


def test_the_geometric_sum():
    b = sp.Symbol("b", positive=True)
    found = geometric(b, T)
    assert found.verdict.level == "proved"
    for n in (1, 2, 3, 7):
        value = found.value.subs({T: n, b: sp.Rational(2, 3)})
        assert value == sum(sp.Rational(2, 3) ** k for k in range(n))


def test_a_wrong_closed_form_is_refuted():
    b = sp.Symbol("b", positive=True)
    found = geometric(b, T)
    for wrong in ((1 - b ** (T + 1)) / (1 - b), found.value + b - 1, found.value * (1 + b) / 2):
        verdict = judge_induction(found.total, wrong, T, lambda e: b * e + 1)
        assert verdict.level == "refuted"
    assert not judge_induction(found.total, found.value, T, lambda e: b * e + 2).ok


def test_the_mean_of_a_moment():
    mu, square = real("mu"), sp.Symbol("square", positive=True)
    m, v = unroll(o.ADAM, o.m), unroll(o.ADAM, o.v)
    first, verdict = mean_after(m, {o.g: Law((mu, square))}, from_zero=True)
    assert verdict.level == "proved"
    assert sp.expand(first - mu * (1 - o.beta_1**m.steps)) == 0
    second, verdict = mean_after(v, {o.g: Law((mu, square))}, from_zero=True)
    assert verdict.level == "proved"
    assert sp.expand(second - square * (1 - o.beta_2**v.steps)) == 0
    with pytest.raises(InputError, match="no law was given for g"):
        mean_after(m, {})


def test_the_mean_against_every_sequence_of_coins():
    """Gradients 1 or 4, evenly: the mean over all 2^3 sequences, in exact numbers."""
    beta = Fraction(9, 10)
    total = Fraction(0)
    for bits in range(8):
        m = Fraction(0)
        for k in range(3):
            m = beta * m + (1 - beta) * (4 if bits >> k & 1 else 1)
        total += m / 8
    u = unroll(o.ADAM, o.m)
    law = Law((sp.Rational(5, 2), sp.Rational(17, 2)))
    found, _ = mean_after(u, {o.g: law}, from_zero=True)
    assert found.subs({u.steps: 3, o.beta_1: sp.Rational(9, 10)}) == sp.Rational(total)
