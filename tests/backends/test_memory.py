"""After the first step nothing grows, and buffers are at most those of a hand-written step."""

import tracemalloc

import numpy as np
import pytest

import symdl as sd
from symdl.backends import c_program
from symdl.backends.explain import all_sizes
from symdl.program.liveness import memory_of_plan
from symdl.training import initialize
from tests.benchmarks.hand_deep import FlatDeepNet
from tests.benchmarks.handwritten import FlatAdamNet
from tests.benchmarks.peers.symdl_numpy import model_of, optimizer_of
from tests.benchmarks.workloads import WORKLOADS, workload

STEPS = 20
WEIGHTS = 4 * (784 * 1024 + 1024 + 1024 * 1024 + 1024 + 1024 * 10 + 10)  # bytes in ``trained``


def stepper(name):
    w = workload(name)
    step = sd.compile(model_of(w), loss=w.loss, optimizer=optimizer_of(w), dtype=w.dtype)
    x, t = w.data
    return step, x, t


@pytest.mark.parametrize("name", [w.name for w in WORKLOADS if w.name != "W4"])
def test_a_step_leaves_less_than_1_kib_behind(name):
    step, x, t = stepper(name)
    for k in range(3):
        step.step(x[k], t[k])
    tracemalloc.start()
    try:
        step.step(x[3], t[3])
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for k in range(STEPS):
            step.step(x[k % 16], t[k % 16])
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / STEPS < 1024
    broadcasting = 8192 * step.dtype.itemsize  # the buffer of NumPy's iterators, for a moment
    assert peak - before < broadcasting + 4096


def array_bytes(work):
    """The bytes of arrays that ``work`` makes and keeps, and what it returns."""
    tracemalloc.start()
    try:
        kept = work()
        snapshot = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    arrays = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
    return sum(t.size for t in snapshot.filter_traces([arrays]).traces), kept


@pytest.mark.parametrize("name", ["W3", "W5", "W6"])
def test_arrays_take_no_more_memory_than_by_hand(name):
    w = workload(name)
    x, t = w.data

    def by_hand():
        if w.optimizer == "adam" and not w.normalized:
            arrays = [a for layer in w.layers for a in (layer.kernel, layer.bias)]
            return FlatAdamNet(w.sizes, w.batch, w.dtype, arrays)
        return FlatDeepNet(w)

    def step_by_hand():
        net = by_hand()
        return net, net.step(x[0], t[0])

    def first_step():
        step, _, _ = stepper(name)
        return step, step.step(x[0], t[0])

    hand, _ = array_bytes(step_by_hand)
    own = sum(a.nbytes for a in model_of(w).get_weights())
    ours, _ = array_bytes(first_step)
    assert ours - own <= hand, (ours, own, hand)  # besides the arrays of the model


def trained(width, optimizer, backend, rows=32):
    """Make a model and take a step."""
    hidden = [sd.Dense(width, activation="relu") for _ in range(2)]
    model = sd.Sequential([sd.Input(784), *hidden, sd.Dense(10, activation="softmax")])
    model.compile(optimizer, "categorical_crossentropy", dtype="float32", backend=backend)
    model.fit(np.ones((rows, 784), "f4"), np.eye(10, dtype="f4")[np.arange(rows) % 10], verbose=0)
    return model


def peak_beside(vectors, optimizer, backend):
    """The most memory that a model and its first step take, beside what training needs."""
    trained(8, optimizer, backend)  # modules, and what is derived, which knows no width
    tracemalloc.start()
    try:
        model = trained(1024, optimizer, backend)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(a.nbytes for a in model.get_weights()) == WEIGHTS
    activations = 4 * 32 * (2 * 784 + 4 * 1024)  # the rows, also shuffled; a value and a gradient
    return peak - vectors * WEIGHTS - activations


@pytest.mark.parametrize("backend", ["numpy", "compiled"])
@pytest.mark.parametrize(
    ("optimizer", "vectors"), [("sgd", 2), (sd.SGD(0.1, momentum=0.9), 3), ("adam", 4)]
)
def test_a_model_is_made_in_the_memory_that_its_training_takes(optimizer, vectors, backend):
    # by hand: the weights, their gradient, the state of the optimizer; no tensor of them twice
    assert peak_beside(vectors, optimizer, backend) < WEIGHTS / 4


def whole(draw_into):
    """The planted error: a tensor is drawn on its own, and then put where it belongs."""

    def draw(out, *given):
        own = np.empty(out.shape)
        draw_into(own, *given)
        out[...] = own

    return draw


def test_a_tensor_that_is_there_twice_would_be_seen(monkeypatch):
    monkeypatch.setattr(initialize, "_draw_into", whole(initialize._draw_into))
    assert peak_beside(2, "sgd", "numpy") > 8 * 1024**2


def test_an_update_with_an_array_of_its_own_would_be_seen(monkeypatch):
    monkeypatch.setattr(c_program, "_heirs", lambda *given: [])
    assert peak_beside(4, "adam", "compiled") > WEIGHTS


@pytest.mark.parametrize("name", ["W5", "W6"])
def test_buffers_of_a_step_take_little_more_than_what_is_alive_at_once(name):
    step, x, _ = stepper(name)
    sizes = {**step.sizes, step.build.batch: len(x[0])}
    known = all_sizes(step.build, sizes)
    found = memory_of_plan(step.build.plans["gradients"], known, step.dtype.itemsize)
    assert found.bound <= found.used <= 1.05 * found.aligned
