"""Two threads of compiled code never touch what the other one writes between two barriers."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given

import symdl as sd
from symdl.backends.c_library import Library
from symdl.program.nests import Nest
from symdl.program.products import Product
from symdl.verify.strategies import networks
from tests.benchmarks.peers.symdl_numpy import model_of, optimizer_of
from tests.benchmarks.workloads import WORKLOADS
from tests.program.races import WIDTH, Threaded, lost, races
from tests.program.sanitized import driver, run


def functions(step, rows, likely=None):
    """The C functions of a step for two threads, as they run on so many rows.

    ``likely`` are the sizes by which it is judged what is shared out along which axis.
    """
    sizes = step.sizes
    batch = step.build.batch
    full = {**sizes, batch: rows}
    library = Library(step.build, sizes, np.dtype("float32"), threads=True, likely=likely or full)
    every = dict(library.written)
    if library.update is not None:
        every["update"] = library.update
        full[step.build.update.weight.axes[0]] = step.build.count(step.build.parameters, sizes)
    return {name: threaded(library, w, full, batch) for name, w in every.items()}


def threaded(library, written, sizes, batch):
    f, orders = written.function, dict(written.orders)
    made = Threaded(f.phases, orders, sizes, {}, dict(f.mine), f.own, batch, {})

    def size(slot):
        return int(np.prod([made.number(a) for a in slot.axes], dtype=int)) * WIDTH[slot.kind]

    start, _ = library.offsets(f, written.nodes, orders, size)
    update = getattr(written, "update", None)
    same = {}
    if update is not None:
        same = {update.weight_new: update.weight, **{new: old for old, new in update.state}}
    return replace(made, start=start, same=same)


def small(w):
    """A workload with the same layers and few units."""
    sizes = tuple(min(s, 3 + k % 3) for k, s in enumerate(w.sizes))
    return replace(w, sizes=sizes, batch=min(w.batch, 5))


def workload_step(w):
    model = model_of(w)
    return sd.compile(model, loss=w.loss, optimizer=optimizer_of(w), dtype=w.dtype)


@pytest.mark.parametrize("w", WORKLOADS, ids=lambda w: w.name)
@pytest.mark.parametrize("judged", ["by the sizes that run", "by the workload's own sizes"])
def test_workloads(w, judged):
    step = workload_step(small(w))
    likely = None
    if judged == "by the workload's own sizes":
        sized = {f"D{k}": size for k, size in enumerate(w.sizes)}
        likely = {s: sized.get(s.name, n) for s, n in step.sizes.items()}
        likely[step.build.batch] = w.batch
    found = functions(step, small(w).batch, likely)
    assert {*found} == {"gradients", "evaluate", "forward", "update"}
    for name, f in found.items():
        assert races(f) == [], name
        assert lost(f) == [], name


@given(networks(max_depth=3))
def test_random_networks(problem):
    problem.model.predict(problem.x)
    for name, f in functions(problem.model.step, len(problem.x)).items():
        assert races(f) == [], name
        assert lost(f) == [], name


@pytest.fixture(scope="module")
def deep():
    """A network with several barriers: normalization needs sums over all rows."""
    layers = [sd.Input(3), sd.Dense(4), sd.BatchNormalization(), sd.Activation("relu"),
              sd.Dense(4, "tanh"), sd.Dense(3, "softmax")]  # fmt: skip
    step = sd.compile(sd.Sequential(layers), loss="categorical_crossentropy", optimizer="adam")
    return functions(step, 5)["gradients"]


def test_a_missing_barrier_is_caught(deep):
    assert len(deep.phases) > 2
    for k, (a, b) in enumerate(pairwise(deep.phases)):
        joined = (*deep.phases[:k], (*a, *b), *deep.phases[k + 2 :])
        assert races(replace(deep, phases=joined)), k


def test_memory_given_away_too_early_is_caught(deep):
    """Two buffers that are both alive lie at one place."""
    starts = sorted(deep.start, key=lambda slot: slot.name)
    caught = [
        a for a, b in pairwise(starts)
        if (f := replace(deep, start={**deep.start, a: deep.start[b]})) and (races(f) or lost(f))
    ]  # fmt: skip
    assert len(caught) > len(starts) / 2


def split_otherwise(node):
    """The same node, shared out along another axis."""
    if isinstance(node, Nest):
        other = next((n for n in node.loops if n != node.split), None)
        return None if node.split is None or other is None else replace(node, split=other)
    if isinstance(node, Product) and node.split is not None:
        groups = (node.row_labels, node.column_labels, node.summed_labels)
        other = next(g[0] for g in groups if len(g) == 1 and g != (node.split,))
        return replace(node, split=other)
    return None


def test_another_axis_than_the_others_is_caught(deep):
    deep = replace(deep, own=frozenset())
    caught = tried = 0
    for p, phase in enumerate(deep.phases):
        for k, node in enumerate(phase):
            changed = split_otherwise(node)
            if changed is None or len(phase) == 1:
                continue
            tried += 1
            new = (*phase[:k], changed, *phase[k + 1 :])
            f = replace(deep, phases=(*deep.phases[:p], new, *deep.phases[p + 1 :]))
            caught += bool(races(f))
    assert tried > 5
    assert caught > tried / 2


def test_the_halves_of_an_axis_are_those_of_the_generated_code():
    f = Threaded((), {}, {}, {}, {}, frozenset(), None, {})
    assert [len(f.part(n, 0)) for n in (1, 5, 63, 64, 100, 128)] == [0, 2, 31, 32, 64, 64]
    assert all(len(f.part(n, 0)) + len(f.part(n, 1)) == n for n in range(1, 200))


def test_a_number_read_before_its_parts_are_added_up_is_caught(deep):
    numbers = [s for phase in deep.phases for n in phase if isinstance(n, Nest)
               for s in n.body if not s.target.rank]  # fmt: skip
    assert numbers
    joined = (tuple(n for phase in deep.phases for n in phase),)
    assert any("parts" in line for line in races(replace(deep, phases=joined)))


# -- the generated C itself, under ThreadSanitizer


@pytest.fixture(scope="module")
def sanitizer(tmp_path_factory):
    """Skip where gcc has no thread sanitizer; it must find a race, and none where there is none."""
    folder = tmp_path_factory.mktemp("sanitizer")
    racing = """
        #include <pthread.h>
        int x;
        void *other(void *unused) { x++; return unused; }
        int main(void) {
            pthread_t t;
            pthread_create(&t, 0, other, 0);
            EXTRA
            pthread_join(t, 0);
            return 0;
        }"""
    status, said = run(racing.replace("EXTRA", ""), folder)
    if status != 0:
        pytest.skip(f"gcc's thread sanitizer does not run here: {said[:200]}")
    assert run(racing.replace("EXTRA", "x++;"), folder)[0] == 66
    return folder


def sanitized(w, folder, change=lambda source: source):
    step = workload_step(w)
    full = {**step.sizes, step.build.batch: w.batch}
    library = Library(step.build, step.sizes, np.dtype("float32"), threads=True, likely=full)
    full[step.build.update.weight.axes[0]] = step.build.count(step.build.parameters, step.sizes)
    return run(change(library.source) + driver(library, full), folder)


@pytest.mark.slow
@pytest.mark.parametrize("w", WORKLOADS, ids=lambda w: w.name)
def test_the_generated_c_has_no_race(w, sanitizer):
    w = replace(small(w), batch=70 if w.name == "W2" else 9, dtype="float32")
    status, said = sanitized(w, sanitizer)
    assert status == 0, said[:3000]


@pytest.mark.slow
def test_the_sanitizer_sees_a_removed_barrier(sanitizer):
    w = replace(small(WORKLOADS[5]), batch=9)

    def first_barrier_gone(source):
        before, _, rest = source.partition("gradients_part(")
        return before + "gradients_part(" + rest.replace("    barrier();\n", "", 1)

    status, said = sanitized(w, sanitizer, first_barrier_gone)
    assert status == 66, said[:3000]
    assert "data race" in said
