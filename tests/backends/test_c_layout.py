"""Where buffers of C functions lie: none on top of another one that is still read."""

import json
from dataclasses import asdict, replace

import pytest

import symdl as sd
from symdl.backends.c_layout import layout_from
from symdl.backends.c_library import Library
from symdl.backends.sizes import size_number
from symdl.program.nests import reads_of, writes_of

NETS = {
    "deep": lambda: [sd.Dense(8, "tanh"), sd.Dense(7, "relu"), sd.Dense(6, "tanh"), sd.Dense(3)],
    "normalized": lambda: [sd.Dense(8), sd.BatchNormalization(), sd.Dense(3, "softmax")],
    "layer": lambda: [sd.Dense(8, "tanh"), sd.LayerNormalization(), sd.Dense(3, "sigmoid")],
}


def library(net, threads):
    model = sd.Sequential([sd.Input(5), *NETS[net]()])
    step = sd.compile(model, loss="mse", optimizer="adam")
    likely = {**step.sizes, step.build.batch: 11}
    return Library(step.build, step.sizes, step.dtype, threads=threads, likely=likely)


def lives(written, groups):
    """For each array the groups of nodes of its first write and of its last use."""
    found = {}
    for moment, group in enumerate(groups):
        for node in group:
            for slot in (*reads_of(node), *writes_of(node)):
                whole = written.function.mine.get(slot, slot)
                first, _ = found.get(whole, (moment, moment))
                found[whole] = first, moment
    return found


def in_place(written, groups):
    """Pairs of arrays where the second may lie on the first, which its own node reads last."""
    nodes = [[n] for group in groups for n in group]
    last = {slot: end for slot, (_, end) in lives(written, nodes).items()}
    pairs = {
        (old, new)
        for k, (node,) in enumerate(nodes)
        for old in reads_of(node)
        for new in writes_of(node)
        if last.get(old) == k
    }
    while True:
        longer = pairs | {(a, d) for a, b in pairs for c, d in pairs if b == c}
        if longer == pairs:
            return pairs
        pairs = longer


def clashes(written, layout, threads):
    """Pairs of buffers that share bytes while both are in use."""
    groups = written.function.phases if threads else [[n] for n in written.nodes]
    used, allowed = lives(written, groups), in_place(written, groups)
    numbers = {"N": 11}
    at, total = layout.offsets(numbers, 8)
    spans = []
    for slot, buffer, start in zip(written.function.buffers, layout.buffers, at, strict=True):
        end = start + 8 * size_number(buffer.count, numbers)
        assert 0 <= start < end <= total
        spans.append((slot, start, end, *used[slot]))
    return [
        (one.name, two.name)
        for k, (one, start, end, first, last) in enumerate(spans)
        for two, begin, stop, early, late in spans[:k]
        if start < stop and begin < end and first <= late and early <= last
        if (one, two) not in allowed and (two, one) not in allowed
    ]


@pytest.mark.parametrize("threads", [False, True])
@pytest.mark.parametrize("net", NETS)
def test_no_buffer_lies_on_one_that_is_in_use(net, threads):
    made = library(net, threads)
    buffers = 0
    for name, written in made.written.items():
        assert clashes(written, made.layouts[name], threads) == []
        buffers += len(written.function.buffers)
    assert buffers > 10


@pytest.mark.parametrize("threads", [False, True])
def test_memory_that_is_given_back_too_early_is_seen(threads):
    made = library("deep", threads)
    written, layout = made.written["gradients"], made.layouts["gradients"]
    gives = [m for m in layout.moves if m.what == "give"]
    takes = [m for m in layout.moves if m.what != "give"]
    early = [
        move for take in takes for move in (take, *(g for g in gives if g.buffer == take.buffer))
    ]
    assert clashes(written, replace(layout, moves=tuple(early)), threads)


@pytest.mark.parametrize("net", NETS)
def test_memory_is_used_again(net):
    made = library(net, threads=False)
    layout = made.layouts["gradients"]
    every = sum(b.bytes({"N": 100}, 8) for b in layout.buffers)
    assert layout.offsets({"N": 100}, 8)[1] < every


def test_a_layout_is_read_as_it_was_written():
    for name, layout in library("normalized", threads=True).layouts.items():
        assert layout_from(json.loads(json.dumps(asdict(layout)))) == layout, name
