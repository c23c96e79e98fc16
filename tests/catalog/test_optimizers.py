"""Twenty steps of every optimizer against its paper in plain NumPy, and against PyTorch."""

import math

import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.calculus.compose import Renaming
from symdl.catalog import optimizers as formulas
from symdl.catalog import schedules as rates
from symdl.errors import InputError
from symdl.evidence.judge import inlined, judge_equation
from symdl.training.optimizers import (
    OPTIMIZERS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Nadam,
    RMSprop,
    optimizer_of,
)
from symdl.training.schedules import (
    SCHEDULES,
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    StepDecay,
    WarmUp,
)
from tests.catalog import references as paper

STEPS = 20
RNG = np.random.default_rng(2)
X, T = RNG.normal(size=(16, 4)), RNG.normal(size=(16, 2))
START = RNG.normal(size=(4, 2))


def constant(rate):
    return lambda t: rate


CASES = {
    "sgd": (SGD(0.3), paper.sgd(constant(0.3))),
    "momentum": (SGD(0.2, momentum=0.7), paper.momentum(constant(0.2), 0.7)),
    "nesterov": (
        SGD(0.2, momentum=0.7, nesterov=True),
        paper.momentum(constant(0.2), 0.7, nesterov=True),
    ),
    "adagrad": (Adagrad(), paper.adagrad(constant(0.01))),
    "adagrad, other": (Adagrad(0.5, epsilon=1e-2), paper.adagrad(constant(0.5), 1e-2)),
    "rmsprop": (RMSprop(), paper.rmsprop(constant(0.001))),
    "rmsprop, other": (RMSprop(0.1, 0.5, 1e-3), paper.rmsprop(constant(0.1), 0.5, 1e-3)),
    "adadelta": (Adadelta(), paper.adadelta(constant(1.0))),
    "adadelta, other": (Adadelta(0.5, 0.8, 1e-4), paper.adadelta(constant(0.5), 0.8, 1e-4)),
    "adam": (Adam(), paper.adam(constant(0.001))),
    "adam, other": (Adam(0.1, 0.6, 0.7, 1e-3), paper.adam(constant(0.1), 0.6, 0.7, 1e-3)),
    "adam, no moments": (Adam(0.1, 0.0, 0.0), paper.adam(constant(0.1), 0.0, 0.0)),
    "adam, decay": (Adam(0.1, decay=0.2), paper.adam(lambda t: 0.1 / (1 + 0.2 * (t - 1)))),
    "amsgrad": (
        Adam(0.5, 0.5, 0.5, amsgrad=True),
        paper.adam(constant(0.5), 0.5, 0.5, amsgrad=True),
    ),
    "adamw": (AdamW(0.1, weight_decay=0.3), paper.adam(constant(0.1), decay=0.3)),
    "adamw, no decay": (AdamW(0.1, weight_decay=0), paper.adam(constant(0.1))),
    "adamax": (Adamax(0.1, 0.8, 0.6), paper.adamax(constant(0.1), 0.8, 0.6)),
    "adamax, small epsilon": (
        Adamax(0.1, 0.8, 0.6, 1e-12),
        paper.adamax(constant(0.1), 0.8, 0.6, 1e-12),
    ),
    "nadam": (Nadam(), paper.nadam(constant(0.001))),
    "nadam, other": (
        Nadam(0.1, 0.8, 0.9, 1e-3, 0.5),
        paper.nadam(constant(0.1), 0.8, 0.9, 1e-3, 0.5),
    ),
    "step decay": (
        SGD(StepDecay(0.3, 6, 0.5), momentum=0.5),
        paper.momentum(lambda t: 0.3 * 0.5 ** ((t - 1) // 6), 0.5),
    ),
    "exponential decay": (
        RMSprop(ExponentialDecay(0.1, 5, 0.5)),
        paper.rmsprop(lambda t: 0.1 * 0.5 ** ((t - 1) / 5)),
    ),
    "cosine": (
        Adam(CosineDecay(0.1, 12, alpha=0.2)),
        paper.adam(
            lambda t: 0.1 * (0.2 + 0.4 * (1 + math.cos(math.pi * min(t - 1, 12) / 12)))
        ),
    ),
    "warm-up": (SGD(WarmUp(0.3, 8)), paper.sgd(lambda t: 0.3 * min(1, t / 8))),
    "warm-up, then 1/t": (
        Nadam(WarmUp(InverseTimeDecay(0.3, 2, 0.5), 8)),
        paper.nadam(lambda t: 0.3 / (1 + 0.5 * (t - 1) / 2) * min(1, t / 8)),
    ),
}  # fmt: skip


def ours(optimizer, dtype="float64"):
    model = sd.Sequential([sd.Input(4), sd.Dense(2, use_bias=False)])
    model.set_weights([START])
    model.compile(optimizer=optimizer, loss="half_squared_error", dtype=dtype)
    for _ in range(STEPS):
        model.train_on_batch(X, T)
        yield model.get_weights()[0]


@pytest.mark.parametrize("case", CASES)
def test_twenty_steps_are_those_of_the_paper(case):
    optimizer, update = CASES[case]
    w, state = START, {}
    for t, found in enumerate(ours(optimizer), start=1):
        w = update(w, X.T @ (X @ w - T) / len(X), t, state)
        np.testing.assert_allclose(found, w, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", ["adamax", "nadam", "adadelta", "amsgrad", "cosine"])
def test_single_precision(case):
    for found, exact in zip(ours(CASES[case][0], "float32"), ours(CASES[case][0]), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-4)


PYTORCH = {
    "sgd": lambda o, p: o.SGD(p, lr=0.3),
    "momentum": lambda o, p: o.SGD(p, lr=0.2, momentum=0.7),
    "nesterov": lambda o, p: o.SGD(p, lr=0.2, momentum=0.7, nesterov=True),
    "adagrad, other": lambda o, p: o.Adagrad(p, lr=0.5, eps=1e-2),
    "rmsprop, other": lambda o, p: o.RMSprop(p, lr=0.1, alpha=0.5, eps=1e-3),
    "adadelta, other": lambda o, p: o.Adadelta(p, lr=0.5, rho=0.8, eps=1e-4),
    "adam, other": lambda o, p: o.Adam(p, lr=0.1, betas=(0.6, 0.7), eps=1e-3),
    "amsgrad": lambda o, p: o.Adam(p, lr=0.5, betas=(0.5, 0.5), eps=1e-7, amsgrad=True),
    "adamw": lambda o, p: o.AdamW(p, lr=0.1, eps=1e-7, weight_decay=0.3),
    # PyTorch adds epsilon within the maximum, Keras and this package to the maximum
    "adamax, small epsilon": lambda o, p: o.Adamax(p, lr=0.1, betas=(0.8, 0.6), eps=1e-12),
    "nadam": lambda o, p: o.NAdam(p, lr=0.001, eps=1e-7, momentum_decay=0.004),
}


@pytest.mark.parametrize("case", PYTORCH)
def test_twenty_steps_are_those_of_pytorch(case):
    torch = pytest.importorskip("torch")
    w = torch.tensor(START, requires_grad=True)
    optimizer = PYTORCH[case](torch.optim, [w])
    x, t = torch.tensor(X), torch.tensor(T)
    for found in ours(CASES[case][0]):
        optimizer.zero_grad()
        (((x @ w - t) ** 2).sum() / (2 * len(X))).backward()
        optimizer.step()
        np.testing.assert_allclose(found, w.detach().numpy(), rtol=1e-6, atol=1e-6)


# ------------------------------------------------------------------------------- what is derived


def first_step(variable, formula, case):
    return inlined(variable, formula.equations).subs(case)


def test_the_first_step_of_each():
    f = formulas
    start = {f.m: 0, f.v: 0, f.a: 0, f.v_max: 0, f.spread: 0, f.step: 1}
    zero = {f.epsilon: 0}
    plain = inlined(f.SGD.output, f.SGD.equations)
    signed = f.w - f.rate * f.g / sp.Abs(f.g)
    rms = {f.rho: sp.Rational(3, 4)}
    for formula, case, expected in (
        (f.NESTEROV, {f.momentum: 0}, plain),
        (f.ADAGRAD, start | zero, signed),
        (f.RMSPROP, start | zero | rms, f.w - 2 * f.rate * f.g / sp.Abs(f.g)),
        (f.ADAM, start | zero, signed),
        (f.AMSGRAD, start | zero, signed),
        (f.ADAMAX, start | zero, signed),
        (f.ADAMW, start | zero, signed - f.rate * f.weight_decay * f.w),
    ):
        verdict = judge_equation(first_step(f.w_new, formula, case), expected)
        assert verdict.ok, (formula.name, verdict)


def test_weight_decay_is_l2_for_descent_and_not_for_adam():
    f = formulas
    with_penalty = {f.g: f.g + f.weight_decay * f.w}
    shrunk = (1 - f.rate * f.weight_decay) * f.w - f.rate * f.g
    descent = inlined(f.w_new, f.SGD.equations).xreplace(with_penalty)
    assert judge_equation(descent, shrunk).level == "proved"
    penalised = inlined(f.w_new, f.ADAM.equations).xreplace(with_penalty)
    decoupled = inlined(f.w_new, f.ADAMW.equations)
    assert judge_equation(penalised, decoupled).level == "refuted"


def test_every_formula_has_a_source_and_its_usual_constants():
    for formula in (*formulas.ALL, *rates.ALL):
        assert formula.source
        assert formula.title
        assert all(value >= 0 for _, value in formula.hyper)
    usual = {f.name: {s.name: v for s, v in f.hyper} for f in formulas.ALL}
    for name, cls in OPTIMIZERS.items():
        made = cls()
        chosen = {s.name: float(v) for s, v in made.formula.hyper}
        expected = {k: float(v) for k, v in usual[name].items()}
        assert chosen == pytest.approx(expected), name


# ------------------------------------------------------------------------------------- schedules


def test_schedules_at_some_steps():
    assert [StepDecay(1.0, 3, 0.1)(t) for t in (1, 3, 4, 7)] == pytest.approx([1, 1, 0.1, 0.01])
    assert ExponentialDecay(1.0, 2, 0.25)(2) == pytest.approx(0.5)
    assert InverseTimeDecay(1.0, 1, 1.0)(10) == pytest.approx(0.1)
    cosine = CosineDecay(2.0, 10, alpha=0.1)
    assert [cosine(t) for t in (1, 6, 11, 99)] == pytest.approx([2.0, 1.1, 0.2, 0.2])
    assert [WarmUp(1.0, 4)(t) for t in (1, 2, 4, 9)] == pytest.approx([0.25, 0.5, 1, 1])
    assert WarmUp(cosine, 4)(2) == pytest.approx(cosine(2) / 2)


def test_the_rate_does_not_rise_except_in_the_warm_up():
    for schedule in (StepDecay(1, 3, 0.5), ExponentialDecay(1, 3, 0.5), CosineDecay(1, 9)):
        found = [schedule(t) for t in range(1, 15)]
        assert found == sorted(found, reverse=True)


@pytest.mark.parametrize(
    "optimizer",
    [Nadam(WarmUp(CosineDecay(0.1, 9), 3)), Adam(StepDecay(0.1, 5, 0.5)), AdamW(), Adadelta()],
)
def test_a_saved_model_gets_the_same_optimizer(optimizer, tmp_path):
    model = sd.Sequential([sd.Input(4), sd.Dense(2)])
    model.compile(optimizer=optimizer, loss="mse")
    model.save(tmp_path / "model.npz")
    again = sd.Sequential.load(tmp_path / "model.npz")
    assert again.setup.optimizer == optimizer
    assert again.train_on_batch(X, T) == model.train_on_batch(X, T)


def test_a_schedule_changes_nothing_but_the_rate():
    scheduled = SGD(StepDecay(0.1, 5, 0.5)).formula
    kept = [e for e in scheduled.equations if e.variable != formulas.rate]
    assert tuple(kept) == formulas.SGD.equations
    constants = Renaming(dict(scheduled.hyper), {})
    assert constants(scheduled.equation(formulas.rate).rhs).subs(formulas.step, 6) == sp.Rational(
        1, 20
    )


# ------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(-0.1), "learning_rate of SGD must be .* > 0, not -0.1: the weights must"),
        (lambda: SGD(0.1, nesterov=True), "give momentum=0.9"),
        (lambda: SGD(0.1, 0.9, nesterov="yes"), "nesterov of SGD must be True or False"),
        (lambda: SGD(momentum=1.0), r"in \[0, 1\), not 1.0: from 1 on the velocity"),
        (lambda: Adam(beta_1=1), "beta_1 of Adam.*no gradient is taken in"),
        (lambda: Adam(beta_2=-0.1), r"beta_2 of Adam must be in \[0, 1\)"),
        (lambda: Adam(epsilon=0), "epsilon of Adam must be .* > 0.*divisor"),
        (lambda: Adam(decay=-1), "decay of Adam.*changes its sign"),
        (lambda: Adam(ExponentialDecay(0.1, 5, 0.5), decay=0.1), "give one of them"),
        (lambda: RMSprop(rho=1.0), "rho of RMSprop must be in"),
        (lambda: Adadelta(rho=2), "rho of Adadelta"),
        (lambda: Adagrad(math.nan), "learning_rate of Adagrad"),
        (lambda: AdamW(weight_decay=-1), "makes weights grow"),
        (lambda: Nadam(learning_rate="0.1"), "learning_rate of Nadam"),
        (lambda: StepDecay(0.1, 0, 0.5), "decay_steps of StepDecay must be a whole number"),
        (lambda: ExponentialDecay(0.1, 5, -1), "decay_rate of ExponentialDecay"),
        (lambda: CosineDecay(0.1, 5, alpha=1.5), r"alpha of CosineDecay must be in \[0, 1\]"),
        (lambda: WarmUp(-0.1, 5), "target_learning_rate of WarmUp"),
        (lambda: WarmUp(WarmUp(0.1, 5), 5), "one rise is enough"),
        (lambda: optimizer_of("nadem"), "did you mean 'nadam'"),
        (lambda: optimizer_of("rmsporp"), "did you mean 'rmsprop'"),
        (lambda: optimizer_of(AdamW), r"write AdamW\(\)"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_all_schedules_can_be_named():
    assert set(SCHEDULES) == {f.name for f in rates.ALL}
