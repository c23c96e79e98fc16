"""A generated training step: right, quiet, without allocations, and readable."""

import tracemalloc
import warnings

import numpy as np
import pytest
import sympy as sp

from symdl.backends.build_step import build_step
from symdl.errors import InputError, Mismatch, NotSupported
from symdl.formula import Equation, Formula
from symdl.notation.binders import total
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import real, tensors
from tests.backends.nets import complex_step_gradients, dense_step, plain_loss

SIZES = [[5, 3], [4, 8, 8, 3], [6, 5, 4, 3, 2]]
w, g, new = real("w"), real("g"), real("w_new")
rate, t = sp.Symbol("learning_rate", positive=True), sp.Symbol("t", positive=True)
m, m_new, v, v_new = (real(name) for name in ("m", "m_new", "v", "v_new"))
b1, b2, eps = sp.symbols("beta_1 beta_2 epsilon", positive=True)

SGD = Formula(
    sp.Eq(new, w - rate * g, evaluate=False),
    output=new,
    inputs=[w, g],
    hyper=[(rate, sp.Rational(1, 2))],
)
MOMENTUM = Formula(
    [sp.Eq(m_new, b1 * m - rate * g, evaluate=False), sp.Eq(new, w + m_new, evaluate=False)],
    output=new, inputs=[w, g], state=[(m, m_new)],
    hyper=[(rate, sp.Rational(1, 100)), (b1, sp.Rational(9, 10))],
)  # fmt: skip
NESTEROV = Formula(
    [
        sp.Eq(m_new, b1 * m - rate * g, evaluate=False),
        sp.Eq(new, w - b1 * m + (1 + b1) * m_new, evaluate=False),
    ],
    output=new, inputs=[w, g], state=[(m, m_new)],
    hyper=[(rate, sp.Rational(1, 100)), (b1, sp.Rational(9, 10))],
)  # fmt: skip
ADAM = Formula(
    [
        sp.Eq(m_new, b1 * m + (1 - b1) * g, evaluate=False),
        sp.Eq(v_new, b2 * v + (1 - b2) * g**2, evaluate=False),
        sp.Eq(new, w - rate * m_new / (1 - b1**t) / (sp.sqrt(v_new / (1 - b2**t)) + eps),
              evaluate=False),
    ],
    output=new, inputs=[w, g, t], state=[(m, m_new), (v, v_new)],
    hyper=[(rate, sp.Rational(1, 100)), (b1, sp.Rational(9, 10)), (b2, sp.Rational(99, 100)),
           (eps, sp.Rational(1, 10**7))],
)  # fmt: skip
SWAP = Formula(  # each state becomes the other: neither may be overwritten too early
    [
        sp.Eq(m_new, v + g, evaluate=False),
        sp.Eq(v_new, m - g, evaluate=False),
        sp.Eq(new, w - rate * (m + 2 * v_new), evaluate=False),
    ],
    output=new, inputs=[w, g], state=[(m, m_new), (v, v_new)], hyper=[(rate, sp.Rational(1, 10))],
)  # fmt: skip
UPDATES = {"sgd": SGD, "momentum": MOMENTUM, "nesterov": NESTEROV, "adam": ADAM, "swap": SWAP}


def plain_update(formula, values, count):
    """One update of one parameter by the formula, through SymPy's own lambdify."""
    known = {**{s: float(x) for s, x in formula.hyper}, **values, t: count}
    for e in formula.equations:
        used = sorted(e.rhs.free_symbols, key=str)
        known[e.lhs] = sp.lambdify(used, e.rhs, "numpy")(*(known[s] for s in used))
    return known


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("sizes", SIZES)
def test_loss_and_gradients(sizes, sparse):
    step, weights, x, target = dense_step(sizes, sparse=sparse)
    hot = np.eye(sizes[-1])[target] if sparse else target
    loss, gradients = step.gradients(x, target)
    assert loss == pytest.approx(plain_loss(weights, x, hot), rel=1e-13)
    assert step.evaluate(x, target) == loss
    expected = complex_step_gradients(weights, x, hot)
    assert list(gradients) == list(step.parameters)
    for found, right in zip(gradients.values(), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(step.forward(x).sum(axis=1), 1)
    with pytest.raises(InputError, match="no optimizer"):
        step(x, target)


@pytest.mark.parametrize("name", UPDATES)
def test_updates(name):
    formula = UPDATES[name]
    step, weights, x, target = dense_step([4, 6, 3], update=formula)
    oracle, *_ = dense_step([4, 6, 3])
    old = {s: [np.zeros_like(a) for a in weights] for s, _ in formula.state}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for count in range(1, 12):
            for array, value in zip(oracle.parameters.values(), weights, strict=True):
                array[...] = value
            loss, gradients = oracle.gradients(x, target)
            assert step(x, target) == pytest.approx(loss, rel=1e-12)
            for k, gradient in enumerate(gradients.values()):
                values = {w: weights[k], g: gradient, **{s: a[k] for s, a in old.items()}}
                known = plain_update(formula, values, count)
                weights[k] = known[formula.output]
                for s, after in formula.state:
                    old[s][k] = known[after]
    for found, right in zip(step.parameters.values(), weights, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-10, atol=1e-13)
    for s, parts in old.items():
        whole = np.concatenate([p.ravel() for p in parts])
        np.testing.assert_allclose(step.state[s.name], whole, rtol=1e-10, atol=1e-13)


def test_hyper_parameters_change_while_training():
    one, _, x, target = dense_step([4, 3], update=ADAM)
    two, *_ = dense_step([4, 3], update=ADAM)
    for _ in range(3):
        one(x, target)
        two(x, target)
    before = one.state
    one.hyper["beta_1"] = two.hyper["beta_1"] = 0.5
    one.hyper["learning_rate"] = two.hyper["learning_rate"] = 0.3
    three, *_ = dense_step([4, 3], update=ADAM)
    three.hyper.update(one.hyper)
    three.set_state(before)
    for array, value in zip(three.parameters.values(), one.parameters.values(), strict=True):
        array[...] = value
    losses = [(one(x, target), two(x, target), three(x, target)) for _ in range(3)]
    np.testing.assert_allclose(losses, np.array(losses)[:, :1] + np.zeros(3), rtol=1e-9)
    assert one.state["step"] == three.state["step"] == 6
    one.hyper["beta_1"] = 1.0
    with pytest.raises(ValueError, match="forget"):
        one(x, target)
    with pytest.raises(Mismatch, match="state has"):
        three.set_state({"m": 0})


def test_batches_of_any_size():
    step, weights, x, target = dense_step([4, 6, 3], batch=20, update=SGD)
    for size in (20, 7, 1, 3, 2, 5, 20, 7):
        part = x[:size], target[:size]
        assert step.evaluate(*part) == pytest.approx(plain_loss(weights, *part), rel=1e-12)
        assert step.forward(x[:size]).shape == (size, 3)
    first = step.forward(x)
    step.forward(x + 1)
    np.testing.assert_array_equal(first, step.forward(x))


def test_what_a_caller_may_give():
    step, _, x, target = dense_step([4, 6, 3], dtype="float32", update=SGD)
    expected = step.evaluate(x, target)
    lists = step.evaluate(x.tolist(), target.astype(int).tolist())
    assert lists == expected
    assert step.evaluate(np.asfortranarray(x), target.astype(np.float64)) == expected
    wrong = {
        r"x\[N, D0\] has 2 axes": (x[0], target),
        r"D0 = 4 was given, but x\[N, D0\] has shape \(7, 3\), so D0 = 3": (x[:, :3], target),
        r"N = 7, but t\[N, D2\] has shape \(6, 3\), so N = 6": (x, target[:6]),
        "2 arrays are needed": (x,),
    }
    for message, given in wrong.items():
        with pytest.raises(Mismatch, match=message):
            step(*given)
    sparse, _, x, labels = dense_step([4, 6, 3], sparse=True)
    with pytest.raises(Mismatch, match="labels of an axis of size 3: 0 to 2"):
        sparse.evaluate(x, labels + 1)


def test_parameters_are_views_and_shapes_are_checked():
    step, _, x, target = dense_step([4, 3])
    before = step.evaluate(x, target)
    step.parameters["dense_1.W"][...] = 0
    assert step.evaluate(x, target) != before
    with pytest.raises(NotSupported, match="float16"):
        dense_step([4, 3], dtype="float16")


@pytest.mark.parametrize("update", [None, SGD, ADAM], ids=["none", "sgd", "adam"])
def test_a_step_allocates_no_array_and_stays_in_float32(update):
    step, _, x, target = dense_step([300, 200, 10], batch=100, dtype="float32", update=update)
    run = step.gradients if update is None else step
    run(x, target)
    tracemalloc.start()
    try:
        for _ in range(3):
            step.evaluate(x, target) if update is None else step(x, target)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(20):
            step.evaluate(x, target) if update is None else step(x, target)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - before < 40_000  # 8,192 entries pass through NumPy's own buffer; h1 has 20,000
    assert {a.dtype.name for a in step.parameters.values()} == {"float32"}
    assert "float64" not in step.source


def test_float32_follows_float64():
    one, _, x, target = dense_step([4, 8, 8, 3], batch=32, update=ADAM)
    two, *_ = dense_step([4, 8, 8, 3], batch=32, update=ADAM, dtype="float32")
    small = x.astype("float32"), target.astype("float32")
    losses = [(one(x, target), two(*small)) for _ in range(100)]
    np.testing.assert_allclose(*zip(*losses, strict=True), rtol=2e-3)
    assert losses[-1][0] < losses[0][0] / 2


def test_large_logits_stay_finite():
    step, _, x, target = dense_step([4, 3], update=ADAM, dtype="float32")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(step(x * np.float32(1e4), target))


def test_nan_is_not_hidden():
    step, _, x, target = dense_step([4, 6, 3])
    x[0, 0] = np.nan
    with np.errstate(all="ignore"):
        assert np.isnan(step.evaluate(x, target))


def test_scalar_parameters():
    n, N = Index("n", size_of("N")), size_of("N")
    x, y = tensors("x[n] y[n]", n)
    a, b, L, da, db = (real(s) for s in ("a", "b", "L", "da", "db"))
    target = tensors("q[n]", n)
    forward = [
        Equation(y[n], a * x[n] + b),
        Equation(L, total((y[n] - target[n]) ** 2, n) / (2 * N) + a**2 / 2),
    ]
    error = y[n] - target[n]
    backward = [
        Equation(da, total(error * x[n], n) / N + a),
        Equation(db, total(error, n) / N),
    ]
    step = build_step(
        forward, backward, inputs=[x], targets=[target], parameters={a: 1.0, b: 0.5}, loss=L,
        output=y, gradients={a: da, b: db}, update=SGD, batch=N, sizes={},
    )  # fmt: skip
    loss, gradients = step.gradients([1.0, 3.0], [0.0, 0.0])
    assert loss == pytest.approx((1.5**2 + 3.5**2) / 4 + 0.5)
    assert gradients["a"] == pytest.approx((1.5 + 3.5 * 3) / 2 + 1)
    assert step([1.0, 3.0], [0.0, 0.0]) == loss
    assert step.parameters["b"] == pytest.approx(0.5 - 2.5 / 2)
    assert step.forward([0.0]).tolist() == [step.parameters["b"]]


def test_the_source_is_a_module_and_explain_lists_each_pass():
    step, weights, x, target = dense_step([4, 6, 3], update=ADAM)
    names: dict = {}
    exec(compile(step.source, "<generated>", "exec"), names)
    sizes = {"N": 7, "D0": 4, "D1": 6, "D2": 3}
    flat = np.concatenate([a.ravel() for a in weights])
    gradient = np.zeros_like(flat)
    state = {"m": np.zeros_like(flat), "v": np.zeros_like(flat), "step": 0, "units": (1.0, 1.0)}
    gradients = names["make_gradients"](flat, gradient, **sizes)
    update = names["make_update"](flat, gradient, state, dict(step.hyper))
    for _ in range(3):
        loss = gradients(x, target)
        update()
        assert step(x, target) == loss
    assert "# h1[n, i1] = Max(0, z1[n, i1])" in step.source
    for one_pass in ("lower", "dead", "simplify", "fuse", "scale", "split", "layout", "plan"):
        assert f"  {one_pass} " in step.explain(), one_pass
    assert max(len(line) for line in step.source.splitlines() if "#" not in line) < 120


def test_updates_that_are_not_understood():
    x = sp.Symbol("x", real=True)
    bad = Formula(sp.Eq(new, w - g * x, evaluate=False), output=new, inputs=[w, g, t, x])
    with pytest.raises(NotSupported, match="inputs weight, gradient"):
        dense_step([4, 3], update=bad)
    constant = Formula(
        sp.Eq(new, rate, evaluate=False), output=new, inputs=[w, g], hyper=[(rate, 1)]
    )
    with pytest.raises(NotSupported, match="does not depend"):
        dense_step([4, 3], update=constant)
