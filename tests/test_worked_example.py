"""The 2-2-2 example worked out by hand, reached in three ways.

The figures are those of the hand-worked notes, each to half a unit of its last digit; the two
that the notes print wrongly (o1 cut off, o2 a slip) are the right ones here.
"""

import mpmath
import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.evidence.evaluate import World, define, precise

X = (0.1, 0.2)
W = (0.3, 0.25, 0.4, 0.35, 0.45, 0.4, 0.7, 0.6)
TARGETS = (0.4, 0.6)
RATE = 0.5

FORWARD = {"z3": "0.44498", "o1": "0.60945", "o2": "0.66384", "E": "0.02397190"}
BACKWARD = {"o1": "0.20944600", "W5": "0.02592286", "W1": "0.00080888"}
LOCAL = "0.23802157"  # do1/dz3
UPDATED = (
    "0.29959556", "0.24919112", "0.39964496", "0.34928991",
    "0.43703857", "0.38685205", "0.69629578", "0.59624247",
)  # fmt: skip
AFTER = "0.02323634"


def agrees(value, printed):
    """Within half a unit of the last printed digit."""
    digits = len(printed.split(".")[1])
    return abs(float(value) - float(printed)) <= 0.5 * 10**-digits + 1e-15


def scalar_formula():
    x1, x2, t1, t2, E = sp.symbols("x1 x2 target_o1 target_o2 E", real=True)
    z = sp.symbols("z1:5", real=True)
    h1, h2, o1, o2 = sp.symbols("h1 h2 o1 o2", real=True)
    w = sp.symbols("W1:9", real=True)

    def sigmoid(a):
        return 1 / (1 + sp.exp(-a))

    return sd.Formula(
        [
            sp.Eq(z[0], w[0] * x1 + w[1] * x2),
            sp.Eq(z[1], w[2] * x1 + w[3] * x2),
            sp.Eq(h1, sigmoid(z[0])),
            sp.Eq(h2, sigmoid(z[1])),
            sp.Eq(z[2], w[4] * h1 + w[5] * h2),
            sp.Eq(z[3], w[6] * h1 + w[7] * h2),
            sp.Eq(o1, sigmoid(z[2])),
            sp.Eq(o2, sigmoid(z[3])),
            sp.Eq(E, (t1 - o1) ** 2 / 2 + (t2 - o2) ** 2 / 2),
        ],
        output=E,
        inputs=[x1, x2, t1, t2],
        parameters=w,
        name="2-2-2 network",
    )


def exact(x):
    return precise(30).mpf(str(x))


def scalar_world(weights):
    names = {sp.Symbol(f"W{k}", real=True): exact(v) for k, v in enumerate(weights, 1)}
    given = dict(zip(["x1", "x2", "target_o1", "target_o2"], [*X, *TARGETS], strict=True))
    names |= {sp.Symbol(n, real=True): exact(v) for n, v in given.items()}
    return World({}, names, precise(30))


def named(world):
    return {v.name: value for v, value in world.values.items()}


def test_scalar_formula_with_the_names_of_the_notes():
    back = sd.backprop(scalar_formula())
    world = named(define(back.equations, scalar_world(W)))
    for name, printed in FORWARD.items():
        assert agrees(world[name], printed), name
    for name, printed in BACKWARD.items():
        assert agrees(world[f"{name}bar"], printed), name
    updated = [exact(w) - exact(RATE) * world[f"W{k}bar"] for k, w in enumerate(W, 1)]
    assert all(map(agrees, updated, UPDATED))
    after = named(define(back.formula.equations, scalar_world(updated)))
    assert agrees(after["E"], AFTER)


def test_local_derivative_of_the_output_unit():
    """do1/dz3 = o1 (1 - o1), derived and evaluated."""
    formula = scalar_formula()
    step = sd.vjp(formula).step(sp.Symbol("z3", real=True))
    o1 = sp.Symbol("o1", real=True)
    assert step.uses[0].local.after == o1 * (1 - o1)
    values = named(define(formula.equations, scalar_world(W)))
    assert agrees(values["o1"] * (1 - values["o1"]), LOCAL)


def model():
    layers = [sd.Dense(2, activation="sigmoid", use_bias=False) for _ in range(2)]
    out = sd.Sequential([sd.Input(2), *layers])
    # a row of W1..W4 is a unit of the notes, so the kernels (in, out) are transposed
    out.set_weights([np.reshape(W[:4], (2, 2)).T, np.reshape(W[4:], (2, 2)).T])
    return out


def test_index_notation_network_at_these_sizes():
    back = sd.backprop(model(), "half_squared_error")
    weights = dict(zip(("dense_1.W", "dense_2.W"), model().get_weights(), strict=True))
    sizes = {sp.Symbol(s, integer=True, positive=True): 2 for s in ("D0", "D1", "D2")}
    sizes[sp.Symbol("N", integer=True, positive=True)] = 1
    given = {"x": [X], "t": [TARGETS], **weights}
    values = {}
    for v in (*back.formula.inputs, *back.formula.parameters):
        array = np.asarray(given[v.name])
        values[v] = {at: exact(array[at]) for at in np.ndindex(array.shape)}
    world = named(define(back.equations, World(sizes, values, precise(30))))
    assert agrees(world["L"], FORWARD["E"])
    assert agrees(world["dense_2.z"][0, 0], FORWARD["z3"])
    assert agrees(world["dense_2.h"][0, 0], FORWARD["o1"])
    assert agrees(world["dense_2.h"][0, 1], FORWARD["o2"])
    assert agrees(world["dense_1.Wbar"][0, 0], BACKWARD["W1"])
    assert agrees(world["dense_2.Wbar"][0, 0], BACKWARD["W5"])
    updated = [
        values[v][i, j] - exact(RATE) * world[f"{v.name}bar"][i, j]
        for v in back.formula.parameters
        for j in range(2)
        for i in range(2)
    ]
    assert all(map(agrees, updated, UPDATED))


def test_compiled_step():
    trained = model()
    step = sd.compile(trained, loss="half_squared_error", optimizer=sd.SGD(learning_rate=RATE))
    x, t = np.array([X]), np.array([TARGETS])
    _, gradients = step.gradients(x, t)
    assert agrees(gradients["dense_1.W"][0, 0], BACKWARD["W1"])
    assert agrees(gradients["dense_2.W"][0, 0], BACKWARD["W5"])
    assert all(map(agrees, step.forward(x)[0], (FORWARD["o1"], FORWARD["o2"])))
    assert agrees(step.step(x, t), FORWARD["E"])
    first, second = (w.T.ravel() for w in trained.get_weights())
    assert all(map(agrees, [*first, *second], UPDATED))
    assert agrees(step.evaluate(x, t), AFTER)


def test_everything_about_the_example_is_proved():
    for what, verdict in sd.backprop(scalar_formula()).verify():
        assert verdict.level == "proved", (what, verdict)


@pytest.mark.parametrize("wrong", ["0.60944", "0.60946"])
def test_the_tolerance_is_half_a_digit(wrong):
    value = named(define(scalar_formula().equations, scalar_world(W)))["o1"]
    assert mpmath.nstr(value, 5) == "0.60945"
    assert not agrees(value, wrong)


def test_graph_of_a_product():
    """f = (x + y) z at (-2, 5, -4): gradients -4, -4, 3, and every node's value and adjoint."""
    x, y, z, q, f = sp.symbols("x y z q f", real=True)
    formula = sd.Formula([sp.Eq(q, x + y), sp.Eq(f, q * z)], inputs=[x, y, z], output=f)
    back = sd.backprop(formula)
    values = {x: exact(-2), y: exact(5), z: exact(-4)}
    world = named(define(back.equations, World({}, values, precise(30))))
    assert {n: int(v) for n, v in world.items()} == {
        "x": -2, "y": 5, "z": -4, "q": 3, "f": -12, "qbar": -4, "xbar": -4, "ybar": -4, "zbar": 3,
    }  # fmt: skip
