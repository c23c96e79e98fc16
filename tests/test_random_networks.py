"""Whole networks drawn at random: compiled gradients against differences and SymPy's diff."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given, settings

import symdl as sd
from symdl.backends.build_step import build_step
from symdl.calculus.compose import Renaming
from symdl.calculus.network import backpropagate
from symdl.evidence.judge import inlined
from symdl.evidence.written_out import element_symbol, write_out
from symdl.formula import Equation
from symdl.notation.tensors import Elem
from symdl.training.network import network, sizes_of
from symdl.verify.gradients import check_gradient, check_model, complex_step
from symdl.verify.strategies import networks
from tests.backends.compiled_functions import needs_compiler


def on_each_backend(**words):
    """Run a property on NumPy, and on fewer networks compiled, since each takes a compiler."""

    def decorated(check):
        @pytest.mark.parametrize("backend", ["numpy", "compiled"])
        def test(backend):
            examples = settings.default.max_examples
            if backend == "compiled":
                needs_compiler()
                examples = max(4, examples // 5)
            drawn = given(networks(backend=backend, **words))
            settings(max_examples=examples)(drawn(check))()

        return test

    return decorated


@on_each_backend()
def test_compiled_gradients_agree_with_richardson_differences(problem):
    for name, check in check_model(problem.model, problem.x, problem.y, elements=12).items():
        assert check.verdict.level in ("float", "unknown"), (name, check)
        assert check.compared + check.kinks > 0
        if problem.smooth:
            assert check.kinks == 0


def loss_in_numpy(problem, weights):
    """The loss of a smooth network by plain NumPy that accepts complex numbers."""
    h, weights = problem.x, list(weights)
    for layer in problem.model.layers:
        z = h @ weights.pop(0) + (weights.pop(0) if layer.use_bias else 0)
        h = {
            "linear": lambda z: z,
            "tanh": np.tanh,
            "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
            "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
        }[layer.activation](z)
    t, loss = problem.y, problem.model.setup.loss
    if loss == "sparse_categorical_crossentropy":
        t, loss = np.eye(h.shape[1])[t], "categorical_crossentropy"
    per_row = {
        "mean_squared_error": lambda: ((h - t) ** 2).mean(axis=1),
        "half_squared_error": lambda: ((h - t) ** 2).sum(axis=1) / 2,
        "binary_crossentropy": lambda: -(t * np.log(h) + (1 - t) * np.log(1 - h)).mean(axis=1),
        "categorical_crossentropy": lambda: -(t * np.log(h)).sum(axis=1),
    }[loss]()
    return per_row.mean()


@on_each_backend(dtypes=("float64",))
def test_smooth_networks_agree_with_complex_steps(problem):
    assume(problem.smooth)
    problem.model.predict(problem.x)
    weights = problem.model.get_weights()
    loss, gradients = problem.model.step.gradients(problem.x, problem.y)
    assert loss == pytest.approx(loss_in_numpy(problem, weights), rel=1e-12)
    for k, found in enumerate(gradients.values()):

        def moved(w, k=k, shape=found.shape):
            return loss_in_numpy(problem, [*weights[:k], w.reshape(shape), *weights[k + 1 :]])

        flat = weights[k].ravel()
        exact = [complex_step(moved, flat, i) for i in range(flat.size)]
        np.testing.assert_allclose(found.ravel(), exact, rtol=1e-9, atol=1e-13)


@on_each_backend(max_depth=2, max_width=2, max_rows=2, dtypes=("float64",))
def test_compiled_gradients_agree_with_sympy_on_the_written_out_instance(problem):
    model, labels = problem.model, {}
    model.predict(problem.x)
    net = network(model.layers, model.setup.loss)
    written = [e for p in net.pieces for e in p.equations]
    sizes = {**sizes_of(model.layers, problem.x.shape[1]), net.batch: problem.x.shape[0]}
    values = {}
    for v, array in [(net.input, problem.x), (net.target, problem.y)]:
        if v.labels is None:
            values |= {element_symbol(v, at): array[at] for at in np.ndindex(array.shape)}
        else:
            labels[v] = {at: int(array[at]) for at in np.ndindex(array.shape)}
    weights = dict(zip(net.parameters, model.get_weights(), strict=True))
    for p, array in weights.items():
        values |= {element_symbol(p.variable, at): array[at] for at in np.ndindex(array.shape)}
    loss = write_out(inlined(written[-1].rhs, written[:-1]), sizes, labels=labels)
    _, gradients = model.step.gradients(problem.x, problem.y)
    for p, array in weights.items():
        at = tuple(n - 1 for n in array.shape)
        theirs = loss.diff(element_symbol(p.variable, at)).subs(values).evalf(20)
        assume(theirs.is_number)
        assert gradients[p.name][at] == pytest.approx(float(theirs), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_fit_agrees_between_backends(dtype):
    needs_compiler()

    @settings(max_examples=max(4, settings.default.max_examples // 5))
    @given(networks(dtypes=(dtype,)))
    def check(problem):
        weights = []
        for backend in ("numpy", "compiled"):
            model = sd.Sequential(problem.model.layers, seed=1)
            setup = problem.model.setup
            model.compile(optimizer="sgd", loss=setup.loss, dtype=dtype, backend=backend)
            model.fit(problem.x, problem.y, epochs=3, batch_size=2, verbose=0, seed=2)
            assert getattr(model.step, "backend", "numpy") == backend
            weights.append(model.get_weights())
        tolerance = 1e-11 if dtype == "float64" else 3e-4
        for ours, theirs in zip(*weights, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)

    check()


def planted(name, equations):
    """The adjoint equations of a 3-3-3 tanh network with one error in dense_2.zbar or hbar."""
    out = []
    for e in equations:
        rhs = e.rhs
        if e.variable.name == "dense_2.zbar":
            if name == "0.1 per cent off":
                rhs = rhs * sp.Rational(1001, 1000)
            if name == "dropped 1/N":
                rhs = rhs * sp.Symbol("N", integer=True, positive=True)
            if name == "wrong sign":
                rhs = -rhs
        if e.variable.name == "dense_1.hbar" and name == "transposed weight":
            (w,) = (a for a in rhs.atoms(Elem) if a.tensor.name == "dense_2.W")
            rhs = transposed(rhs, w)
        out.append(Equation(e.lhs, rhs))
    return out


def transposed(total, w):
    body, index = total.open()
    (w,) = (a for a in body.atoms(Elem) if a.tensor == w.tensor)
    return total.func(body.xreplace({w: w.tensor[w.index[1], w.index[0]]}), *index)


@pytest.mark.parametrize(
    "error",
    ["none", "0.1 per cent off", "dropped 1/N", "wrong sign", "transposed weight"],
)
def test_planted_errors_are_caught(error):
    # all sizes are one symbol, so that a transposed kernel still fits
    layers = [sd.Dense(3, "tanh"), sd.Dense(3, "linear")]
    net = network(layers, "mse")
    derived = backpropagate(net.pieces, [p.variable for p in net.parameters])
    one = sp.Symbol("D0", integer=True, positive=True)
    same = Renaming({}, dict.fromkeys(sizes_of(layers, 3), one))
    generator = np.random.default_rng(1)
    forward = [same.equation(e) for e in derived.forward]
    backward = planted(error, [same.equation(e) for e in derived.backward])
    parameters = {
        same.variable(p.variable): generator.normal(size=(3,) * len(p.variable.axes))
        for p in net.parameters
    }
    step = build_step(
        forward,
        backward,
        inputs=[same.variable(net.input)],
        targets=[same.variable(net.target)],
        parameters=parameters,
        loss=net.loss,
        output=same.variable(net.output),
        gradients={same.variable(v): same.variable(g) for v, g in derived.gradients.items()},
        update=None,
        batch=net.batch,
        sizes={one: 3},
        dtype="float64",
    )
    x, t = generator.normal(size=(5, 3)), generator.normal(size=(5, 3))
    _, gradients = step.gradients(x, t)
    weights = step.parameters["dense_1.W"]

    def loss(value):
        before = weights.copy()
        weights[...] = value
        result = step.evaluate(x, t)
        weights[...] = before
        return result

    check = check_gradient(loss, gradients["dense_1.W"], weights.copy())
    assert check.kinks == 0
    assert check.ok == (error == "none"), check
