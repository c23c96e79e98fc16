"""Names and shapes of a network that its optimizer or the code of an epoch uses otherwise."""

import numpy as np
import pytest
import sympy as sp

from symdl.backends import c_train, compiled
from symdl.backends.build_step import build_step
from symdl.backends.compiled import CompiledStep
from symdl.backends.step import Step
from symdl.catalog import optimizers
from symdl.errors import NotSupported
from symdl.formula import Equation, Formula
from symdl.notation.binders import total
from symdl.notation.indices import indices
from symdl.notation.tensors import tensors
from tests.backends.compiled_functions import needs_compiler

n, i = indices("n:N i:D")
w, g, w_new, z, z_new = sp.symbols("w g w_new z z_new", real=True)
rate, decay = sp.symbols("rate decay", positive=True)
X = np.random.default_rng(0).normal(size=(6, 2))
T = np.random.default_rng(1).normal(size=6)


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    needs_compiler()
    monkeypatch.setenv("SYMDL_CACHE", "off")


def regression(kind, update, weight="w", output="y", offset=None):
    """y = x w, half squared error, gradients by hand; with an offset, a number of its own."""
    x, v, y, t, dy, dv, L, ds = tensors(
        f"x[n,i] {weight}[i] {output}[n] t[n] dy[n] dv[i] L ds", n, i
    )
    parameters, gradients = {v: np.arange(1.0, 3.0)}, {v: dv}
    value = total(x[n, i] * v[i], i)
    backward = [Equation(dy[n], y[n] - t[n]), Equation(dv[i], total(dy[n] * x[n, i], n))]
    if offset:
        s = sp.Symbol(offset, real=True)
        parameters[s], gradients[s] = np.array(0.5), ds
        value += s
        backward.append(Equation(ds, total(dy[n], n)))
    forward = [Equation(y[n], value), Equation(L, total((y[n] - t[n]) ** 2, n) / 2)]
    return build_step(
        forward, backward, inputs=[x], targets=[t], parameters=parameters, loss=L, output=y,
        gradients=gradients, batch=n.size, sizes={i.size: 2}, update=update, kind=kind,
    )  # fmt: skip


def compare(update, **words):
    """Two epochs in C, in plain floats where those are used, and on arrays."""
    arrays = regression(Step, update, **words)
    arrays._plain = None
    plain, code = regression(Step, update, **words), regression(CompiledStep, update, **words)
    for _ in range(2):
        losses = code.epoch(X, T, batch=2)
        for k in range(3):
            rows = slice(2 * k, 2 * k + 2)
            right = arrays.step(X[rows], T[rows])
            assert plain.step(X[rows], T[rows]) == pytest.approx(right, rel=1e-12)
            assert losses[k] == pytest.approx(right, rel=1e-12)
    assert code.backend == "compiled"
    for step in (plain, code):
        for name, value in arrays.parameters.items():
            np.testing.assert_allclose(step.parameters[name], value, rtol=1e-11)
        for name, value in arrays.state.items():
            np.testing.assert_allclose(step.state[name], value, rtol=1e-11)
    return code


@pytest.mark.parametrize(
    ("update", "name"),
    [
        (optimizers.MOMENTUM, "velocity"), (optimizers.MOMENTUM, "w_new"),
        (optimizers.MOMENTUM, "unit"), (optimizers.MOMENTUM, "hyper"),
        (optimizers.ADAM, "m"), (optimizers.ADAM, "v"), (optimizers.ADAM, "beta"),
        (optimizers.ADAM, "m_hat"), (optimizers.SGD, "learning_rate"), (optimizers.SGD, "losses"),
        (optimizers.SGD, "exp"), (optimizers.SGD, "order"),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("place", ["weight", "output", "offset"])
@pytest.mark.parametrize("absorb", [False, True])
def test_names(update, name, place, absorb, monkeypatch):
    if absorb:
        monkeypatch.setattr(c_train, "LARGE", 1)
        monkeypatch.setattr(compiled, "_SMALL", 0)
    compare(update, **{place: name})


def test_a_number_among_the_parameters_is_trained(monkeypatch):
    monkeypatch.setattr(c_train, "LARGE", 1)
    monkeypatch.setattr(compiled, "_SMALL", 0)
    step = compare(optimizers.SGD, offset="s")
    assert step.parameters["s"] != 0.5


@pytest.mark.parametrize(
    "last",
    [
        sp.Piecewise((w - rate * z_new, z_new > 0), (w - 2 * rate * z_new, True)),
        w - rate * z_new / (1 + sp.Abs(w)),
        w - rate * sp.sign(z_new),
    ],
)
def test_what_follows_from_a_state(last, monkeypatch):
    monkeypatch.setattr(c_train, "LARGE", 1)
    monkeypatch.setattr(compiled, "_SMALL", 0)
    equations = [sp.Eq(z_new, decay * z + g, evaluate=False), sp.Eq(w_new, last, evaluate=False)]
    update = Formula(equations, output=w_new, inputs=[w, g], state=[(z, z_new)],
                     hyper={rate: sp.Rational(1, 10), decay: sp.Rational(9, 10)})  # fmt: skip
    compare(update)


def test_an_update_that_does_not_read_the_weight_is_refused():
    equations = [sp.Eq(w_new, -rate * g, evaluate=False)]
    update = Formula(equations, output=w_new, inputs=[w, g], hyper={rate: 1})
    with pytest.raises(NotSupported, match="does not read the weight"):
        regression(Step, update).step(X, T)


def test_a_product_that_reads_what_it_changes(monkeypatch):
    """The gradient of W here is S W itself."""
    monkeypatch.setattr(c_train, "LARGE", 1)
    monkeypatch.setattr(compiled, "_SMALL", 0)
    j, k = indices("j:J k:D")
    x, W, S, y, L, dW = tensors("x[n,i] W[i,j] S[i,k] y[n,j] L dW[i,j]", n, i, j, k)
    forward = [
        Equation(y[n, j], total(x[n, i] * W[i, j], i)),
        Equation(L, total(y[n, j] ** 2, n, j) / 2),
        Equation(S[i, k], total(x[n, i] * x[n, k], n)),
    ]
    backward = [Equation(dW[i, j], total(S[i, k] * W[k, j], k))]
    rng = np.random.default_rng(5)
    start, data = rng.normal(size=(12, 14)) / 4, rng.normal(size=(8, 12))
    made = [
        build_step(
            forward, backward, inputs=[x], targets=[], parameters={W: start}, loss=L, output=y,
            gradients={W: dW}, batch=n.size, sizes={i.size: 12, j.size: 14},
            update=optimizers.SGD, kind=kind,
        )
        for kind in (CompiledStep, Step)
    ]  # fmt: skip
    losses = made[0].epoch(data, batch=4)
    right = [made[1].step(data[:4]), made[1].step(data[4:])]
    np.testing.assert_allclose(losses, right, rtol=1e-12)
    np.testing.assert_allclose(made[0].parameters["W"], made[1].parameters["W"], rtol=1e-11)


def test_an_input_that_is_no_row():
    x, v, c, y, t, dy, dv, L = tensors("x[n,i] v[i] c[i] y[n] t[n] dy[n] dv[i] L", n, i)
    forward = [
        Equation(y[n], total(x[n, i] * v[i] * c[i], i)),
        Equation(L, total((y[n] - t[n]) ** 2, n) / 2),
    ]
    backward = [Equation(dy[n], y[n] - t[n]), Equation(dv[i], total(dy[n] * x[n, i] * c[i], n))]
    losses = [
        build_step(
            forward, backward, inputs=[x, c], targets=[t], parameters={v: np.ones(2)}, loss=L,
            output=y, gradients={v: dv}, batch=n.size, sizes={i.size: 2},
            update=optimizers.SGD, kind=kind,
        ).step(X, np.array([2.0, 3.0]), T)
        for kind in (CompiledStep, Step)
    ]  # fmt: skip
    assert losses[0] == pytest.approx(losses[1], rel=1e-13)


def test_one_row_without_a_stride():
    step = regression(CompiledStep, optimizers.SGD)
    row = np.broadcast_to(np.array([1.0, 2.0]), (1, 2))
    right = regression(Step, optimizers.SGD).step(np.repeat(row, 2, axis=0), np.repeat(T[:1], 2))
    assert step.epoch(row, T[:1], batch=2, order=[0, 0])[0] == pytest.approx(right, rel=1e-13)
