"""A compiled step: right, quiet, one call an epoch, and never lost where none can be compiled."""

import os
import stat
import tracemalloc

import numpy as np
import pytest

from symdl.backends import blas, c_build, c_library, compiled
from symdl.backends.compiled import CompiledStep
from symdl.errors import InputError, Mismatch, NotSupported
from tests.backends import nets
from tests.backends.compiled_functions import needs_compiler
from tests.backends.nets import complex_step_gradients, dense_step, plain_loss
from tests.backends.test_step import ADAM, SGD, UPDATES


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Objects of this run lie in a folder of their own."""
    needs_compiler()
    folder = tmp_path_factory.getbasetemp() / "compiled"
    monkeypatch.setenv("SYMDL_CACHE", str(folder))
    return folder


@pytest.fixture
def compiled_step(monkeypatch):
    """``dense_step`` on the compiled backend."""
    plain = nets.build_step

    def make(*args, **words):
        with monkeypatch.context() as patch:
            patch.setattr(nets, "build_step", lambda *a, **k: plain(*a, kind=CompiledStep, **k))
            return dense_step(*args, **words)

    return make


@pytest.fixture(params=["one thread", "two threads"])
def threads(request, monkeypatch):
    if request.param == "two threads":
        monkeypatch.setattr(compiled, "_MUCH", 0)
        monkeypatch.setattr(compiled, "two_threads", lambda: True)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("sizes", [[5, 3], [4, 8, 8, 3], [6, 5, 4, 3, 2]])
def test_loss_and_gradients(compiled_step, sizes, sparse):
    step, weights, x, target = compiled_step(sizes, sparse=sparse)
    hot = np.eye(sizes[-1])[target] if sparse else target
    loss, gradients = step.gradients(x, target)
    assert step.backend == "compiled"
    assert loss == pytest.approx(plain_loss(weights, x, hot), rel=1e-13)
    assert step.evaluate(x, target) == pytest.approx(loss, rel=1e-14)
    expected = complex_step_gradients(weights, x, hot)
    for found, right in zip(gradients.values(), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(step.forward(x).sum(axis=1), 1)
    with pytest.raises(InputError, match="no optimizer"):
        step(x, target)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", UPDATES)
def test_updates_are_those_of_numpy(compiled_step, name, dtype):
    one, _, x, target = dense_step([4, 6, 3], update=UPDATES[name], dtype=dtype)
    two, *_ = compiled_step([4, 6, 3], update=UPDATES[name], dtype=dtype)
    tolerance = 1e-11 if dtype == "float64" else 1e-4
    for _ in range(12):
        assert two(x, target) == pytest.approx(one(x, target), rel=tolerance)
    for key, value in one.parameters.items():
        np.testing.assert_allclose(two.parameters[key], value, rtol=tolerance, atol=tolerance)
    for key, value in one.state.items():
        np.testing.assert_allclose(two.state[key], value, rtol=tolerance, atol=tolerance)
    two.hyper["learning_rate"] = one.hyper["learning_rate"] = 0.2
    assert two(x, target) == pytest.approx(one(x, target), rel=tolerance)


@pytest.mark.usefixtures("threads")
def test_an_epoch_is_its_steps(compiled_step):
    one, _, x, target = compiled_step([4, 6, 3], batch=23, update=ADAM)
    two, *_ = compiled_step([4, 6, 3], batch=23, update=ADAM)
    order = np.random.default_rng(0).permutation(23)
    for rows in (order, None):
        seen = np.arange(23) if rows is None else rows
        steps = [one(x[seen[k : k + 5]], target[seen[k : k + 5]]) for k in range(0, 23, 5)]
        np.testing.assert_allclose(two.epoch(x, target, batch=5, order=rows), steps, rtol=1e-12)
    assert two.state["step"] == 10
    with pytest.raises(Mismatch, match="rows"):
        two.epoch(x, target, batch=5, order=[0, 23])
    with pytest.raises(InputError, match="row numbers"):
        two.epoch(x, target, batch=5, order=[0.5])


def test_steps_allocate_nothing(compiled_step):
    step, _, x, target = compiled_step([300, 200, 10], batch=100, dtype="float32", update=ADAM)
    step(x, target)
    tracemalloc.start()
    try:
        for _ in range(3):
            step(x, target)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(50):
            step(x, target)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - before < 16_000  # Python's own numbers and texts; an array of the net has 80,000


def test_special_values(compiled_step):
    step, _, x, target = compiled_step([4, 3], update=ADAM, dtype="float32")
    assert np.isfinite(step(x * np.float32(1e4), target))
    step, _, x, target = compiled_step([4, 6, 3])
    x[0, 0] = np.nan
    assert np.isnan(step.evaluate(x, target))


def test_the_source_carries_the_formulas_and_explain_the_passes(compiled_step):
    step, *_ = compiled_step([4, 6, 3], update=ADAM)
    assert "/* h1[n, i1] = Max(0, z1[n, i1]) */" in step.source
    for one_pass in ("lower", "split", "memory", "nests"):
        assert f"  {one_pass} " in step.explain(), one_pass


# -- what may go wrong with compilers and files


def test_no_compiler_falls_back_to_numpy_and_says_so(compiled_step, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.warns(RuntimeWarning, match="NumPy backend runs instead.*no-such-compiler"):
        step, weights, x, target = compiled_step([4, 3], update=SGD)
    assert step.backend == "numpy"
    assert step.evaluate(x, target) == pytest.approx(plain_loss(weights, x, target), rel=1e-12)
    assert step.epoch(x, target, batch=3).shape == (3,)


def test_no_blas_falls_back_to_numpy_and_says_so(compiled_step, monkeypatch):
    def absent(real):
        raise NotSupported("SciPy is not installed")

    monkeypatch.setattr(c_library, "product_address", absent)
    step, _, x, target = compiled_step([40, 30], update=SGD)
    with pytest.warns(RuntimeWarning, match="SciPy is not installed"):
        step(x, target)
    assert step.backend == "numpy"


def test_a_compiler_that_fails_loses_no_run(compiled_step, monkeypatch, tmp_path):
    wrong = tmp_path / "cc"
    wrong.write_text('#!/bin/sh\n[ "$1" = --version ] && exit 0\necho broken >&2\nexit 1\n')
    wrong.chmod(wrong.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CC", str(wrong))
    step, weights, x, target = compiled_step([4, 3], update=SGD)
    with pytest.warns(RuntimeWarning, match="failed: broken"):
        loss = step(x, target)
    assert loss == pytest.approx(plain_loss(weights, x, target), rel=1e-12)
    assert step.backend == "numpy"
    assert step(x, target) < loss


SOURCE = 'int answer(void) { return 42; }\n__attribute__((visibility("default"))) int x;\n'


@pytest.mark.parametrize("damage", ["cut", "other", "no note", "wrong note"])
def test_a_damaged_object_is_made_again(damage, own_cache, monkeypatch, tmp_path):
    monkeypatch.setenv("SYMDL_CACHE", str(tmp_path))
    assert c_build.compile_c(SOURCE).answer() == 42
    (path,) = tmp_path.glob("*.so")
    note, whole = path.with_suffix(".sha256"), path.read_bytes()
    path.unlink()  # the library that is loaded keeps its own file
    path.write_bytes({"cut": whole[:100], "other": b"\0" * len(whole)}.get(damage, whole))
    if damage == "no note":
        note.unlink()
    if damage == "wrong note":
        note.write_text("0" * 64)
    assert c_build.compile_c(SOURCE).answer() == 42
    assert c_build._sound(path)
    assert path.read_bytes()[:4] == b"\x7fELF" or os.name != "posix"


def test_planted_errors_in_the_code_are_caught(compiled_step, monkeypatch):
    """The comparison with complex steps sees a wrong sign, and a factor 0.1 per cent off."""
    plain = c_library.compile_c
    for right, wrong in {" += ": " -= ", "* constant": "* (real)1.001 * constant"}.items():

        def planted(source, right=right, wrong=wrong):
            assert right in source
            return plain(source.replace(right, wrong))

        monkeypatch.setattr(c_library, "compile_c", planted)
        step, weights, x, target = compiled_step([4, 8, 3])
        gradients = step.gradients(x, target)[1].values()
        expected = complex_step_gradients(weights, x, target)
        pairs = zip(gradients, expected, strict=True)
        assert not all(np.allclose(a, b, rtol=1e-6, atol=1e-12) for a, b in pairs)


def test_the_number_of_blas_threads_is_put_back():
    before = [get() for get, _ in blas._threads()]
    with blas.one_thread():
        assert all(get() == 1 for get, _ in blas._threads())
    assert [get() for get, _ in blas._threads()] == before
