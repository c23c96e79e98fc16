"""Updates that ride in products: what is recognised, and that the parameters are the same."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symdl as sd
from symdl.backends import c_library, c_train, compiled
from symdl.catalog import optimizers
from symdl.formula import Formula
from symdl.program.absorb import linear_update
from symdl.training.conventions import rate_outside_velocity
from tests.backends.compiled_functions import needs_compiler

w, g, w_new, v, v_new = sp.symbols("w g w_new v v_new", real=True)
rate, decay = sp.symbols("rate decay", positive=True)


def formula(*equations, state=()):
    pairs = [sp.Eq(lhs, rhs, evaluate=False) for lhs, rhs in equations]
    return Formula(pairs, output=w_new, inputs=[w, g], state=state, hyper={rate: 1, decay: 2})


def test_a_name_of_its_own_is_not_taken_twice():
    unit = sp.Symbol("unit", real=True)
    taken = Formula([sp.Eq(w_new, w - unit * g, evaluate=False)], output=w_new, inputs=[w, g],
                    hyper={unit: 1})  # fmt: skip
    assert linear_update(taken) is None


def test_what_is_linear():
    plain = linear_update(optimizers.SGD)
    assert (str(plain.alpha), plain.beta, plain.stateful) == ("-learning_rate", 1, False)
    moving = linear_update(optimizers.MOMENTUM)
    assert (str(moving.alpha), str(moving.beta)) == ("-learning_rate", "momentum")
    assert str(moving.rest.equations[0].rhs) == "unit*velocity_new + w"
    other = linear_update(rate_outside_velocity(optimizers.MOMENTUM))
    assert (other.alpha, str(other.beta)) == (1, "momentum")
    assert str(other.rest.equations[0].rhs) == "-learning_rate*unit*velocity_new + w"
    decaying = linear_update(formula((w_new, w - rate * (g + decay * w))))
    assert decaying.alpha == -rate
    assert sp.expand(decaying.beta - (1 - rate * decay)) == 0


@pytest.mark.parametrize(
    "update",
    [
        optimizers.NESTEROV, optimizers.ADAM, optimizers.ADAGRAD, optimizers.RMSPROP,
        formula((w_new, w - rate * g**2)),
        formula((w_new, w - rate * g * w)),
        formula((w_new, w - rate * g + 1)),
        formula((w_new, w - rate * sp.Max(g, 0))),
        formula((v_new, decay * v + g), (w_new, w - v_new * v), state=[(v, v_new)]),
        formula((v_new, decay * v + g + w), (w_new, w - v_new), state=[(v, v_new)]),
    ],
    ids=lambda f: f.name or str(f.equations[0]),
)  # fmt: skip
def test_what_is_not(update):
    assert linear_update(update) is None


@pytest.fixture
def absorbing(monkeypatch):
    """Every product is large enough."""
    needs_compiler()
    monkeypatch.setenv("SYMDL_CACHE", "off")
    monkeypatch.setattr(c_train, "LARGE", 200)
    monkeypatch.setattr(compiled, "_SMALL", 0)


RULES = {
    "sgd": lambda: sd.SGD(0.1),
    "momentum": lambda: sd.SGD(0.1, momentum=0.9),
    "short memory": lambda: sd.SGD(0.1, momentum=0.3),
    "unit small": lambda: sd.SGD(0.1, momentum=0.55),
    "torch": lambda: sd.SGD(0.1, momentum=0.9, rate_in_velocity=False),
}
EXTRA = {
    "plain": list,
    "normalized": lambda: [sd.BatchNormalization()],
    "dropped": lambda: [sd.Dropout(0.3)],
}


def net(backend, rule, widths, *, activation="tanh", extra="plain", penalty=None):
    layers = [sd.Input(widths[0])]
    for n in widths[1:-1]:
        layers.append(sd.Dense(n, activation=activation, kernel_regularizer=penalty))
        layers += EXTRA[extra]()
    model = sd.Sequential([*layers, sd.Dense(widths[-1])])
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=a.shape) / 2 for a in model.get_weights()])
    model.compile(loss="mse", optimizer=RULES[rule](), backend=backend)
    model.step.generator = np.random.default_rng(2)
    return model.step


def compare(widths, rule, *, batch=6, **words):
    rng = np.random.default_rng(3)
    x, t = (rng.normal(size=(24, n)) for n in (widths[0], widths[-1]))
    order = rng.permutation(24)
    a, b = (net(backend, rule, widths, **words) for backend in ("compiled", "numpy"))
    found = a.epoch(x, t, batch=batch, order=order)
    parts = np.split(order, 24 // batch)
    np.testing.assert_allclose(found, [b.step(x[k], t[k]) for k in parts], rtol=1e-10)
    held = [(a.parameters, b.parameters), (a.state, b.state)]
    for one, other in held:
        assert one.keys() == other.keys()
        for name, value in one.items():
            np.testing.assert_allclose(value, other[name], rtol=1e-9, atol=1e-12)
    # single steps go on from there
    assert a.step(x[:batch], t[:batch]) == pytest.approx(b.step(x[:batch], t[:batch]), rel=1e-9)
    return a


@pytest.mark.usefixtures("absorbing")
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("extra", EXTRA)
def test_epochs_are_those_of_numpy(rule, extra):
    step = compare([20, 24, 18, 5], rule, extra=extra, batch=2 if rule == "unit small" else 6)
    assert "double train(" in step.source
    assert "the update of 2 parameters rides in" in step.explain(batch=6)


@pytest.mark.usefixtures("absorbing")
@settings(max_examples=12, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(
    widths=st.lists(st.integers(9, 30), min_size=2, max_size=5),
    rule=st.sampled_from(sorted(RULES)),
    activation=st.sampled_from(["tanh", "relu", "softplus", "linear"]),
    extra=st.sampled_from(sorted(EXTRA)),
    penalty=st.sampled_from([None, "l2"]),
)
def test_random_nets(widths, rule, activation, extra, penalty):
    compare(widths, rule, activation=activation, extra=extra, penalty=penalty)


@pytest.mark.usefixtures("absorbing")
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("(factor), ", "-(factor), "),
        ("(kept), velocity_dense_2", "(0.999*kept), velocity_dense_2"),
        ("alpha / (unit *= by)", "alpha / unit"),
        ("held[k] *= (real)unit", "held[k] *= 1"),
        ("velocity_dense_2_W, 18", "velocity_dense_1_W, 18"),
    ],
)
def test_planted_errors_are_seen(right, wrong, monkeypatch):
    plain = c_library.compile_c

    def planted(source):
        place = source.index("double train(") if "double train(" in source else len(source)
        assert right in source[place:] or place == len(source)
        return plain(source[:place] + source[place:].replace(right, wrong))

    monkeypatch.setattr(c_library, "compile_c", planted)
    with pytest.raises(AssertionError):
        compare([20, 24, 18, 5], "momentum")


@pytest.mark.usefixtures("absorbing")
def test_a_product_before_the_last_read_is_not_absorbed(monkeypatch):
    """A parameter must not change while the step still reads it."""
    plain = c_train.overwritten_early
    seen = []

    def turned(nodes, into):
        places = [k for k, n in enumerate(nodes) if getattr(n, "beta", 0) != 0]
        found = list(nodes)
        found.insert(0, found.pop(places[0]))
        seen.append(plain(found, into))
        return seen[-1]

    monkeypatch.setattr(c_train, "overwritten_early", turned)
    step = compare([20, 24, 18, 5], "sgd")
    assert seen[-1]
    assert "double train(" not in step.source
