"""Time to the first step: deriving, writing code and compiling, for both backends.

    python -m tests.benchmarks.derive_time [--rounds 5] [--jax] [--json FILE]

Each figure is taken in a process of its own, and leaves out imports, the drawing of the weights,
and what a step itself takes (the second one).  ``empty``: nothing is kept on disk; ``kept``: a
process before it has derived and compiled the same.  ``--jax`` times JAX's jit of the same steps in
turn.  Beside seconds on the clock stand those of the processor, compiler included, which depend
less on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

DEPTHS = (2, 8, 32, 128)
WIDTHS = (8, 64, 4096)
NETWORKS = {
    **{f"{depth} hidden layers of 64": [64, *[64] * depth, 10] for depth in DEPTHS},
    **{f"2 hidden layers of {width}": [64, width, width, 10] for width in WIDTHS},
    "4-8-8-3": [4, 8, 8, 3],
    "784-1024-1024-10": [784, 1024, 1024, 10],
}
KINDS = ("numpy empty", "numpy kept", "compiled empty", "compiled kept")

_CLOCK = """
import os, sys, time

def now():
    used = os.times()
    return time.perf_counter(), used.user + used.system + used.children_user + used.children_system

def timed(first, again):
    start = now()
    first()
    middle = now()
    again()
    end = now()
    print(*(b - a - (c - b) for a, b, c in zip(start, middle, end)))

widths = list(map(int, sys.argv[1].split("-")))
"""

_PROGRAM = (
    _CLOCK
    + """
import numpy as np
import scipy.linalg.cython_blas
import symdl.backends.compiled
from symdl import Sequential, Dense, Input, compile

hidden = [Dense(w, activation="relu") for w in widths[1:-1]]
model = Sequential([Input(widths[0]), *hidden, Dense(widths[-1], activation="softmax")])
model.get_weights()
x = np.zeros((32, widths[0]), np.float32)
t = np.zeros((32, widths[-1]), np.float32)

def first():
    global step
    step = compile(
        model, loss="categorical_crossentropy", optimizer="adam", dtype="float32",
        backend=sys.argv[2],
    )
    step(x, t)

timed(first, lambda: step(x, t))
"""
)

_JAX = (
    _CLOCK
    + """
from tests.benchmarks.peers import jax_jit
from tests.benchmarks.workloads import Workload
import jax.numpy as jnp

w = Workload("", "", tuple(widths), 32, "adam", 0.001, 1)
w.layers, w.data
jnp.ones(3).block_until_ready()  # starting JAX is not compiling

def first():
    global run
    run = jax_jit.prepare(w, 2)
    run(1)

timed(first, lambda: run(1))
"""
)

Seconds = tuple[float, float]  # on the clock, and of the processor


def seconds(widths: Sequence[int], program: str, backend: str = "", folder: str = "") -> Seconds:
    """Run one network in a fresh process; return the seconds until its first step is done."""
    done = subprocess.run(
        [sys.executable, "-c", program, "-".join(map(str, widths)), backend],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYMDL_CACHE": folder},
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    wall, used = map(float, done.stdout.split())
    return wall, used


def one_round(widths: Sequence[int], jax: bool) -> dict[str, Seconds]:
    """Each kind once, one after another."""
    found = {}
    for backend in ("numpy", "compiled"):
        with tempfile.TemporaryDirectory() as folder:
            for kept in ("empty", "kept"):
                found[f"{backend} {kept}"] = seconds(widths, _PROGRAM, backend, folder)
    if jax:
        found["JAX jit"] = seconds(widths, _JAX)
    return found


def shown(medians: Mapping[str, Mapping[str, Seconds]]) -> str:
    """The table, and what a layer more takes."""
    kinds = list(next(iter(medians.values())))
    lines = [
        "seconds on the clock (of the processor)",
        " " * 24 + "".join(f"{k:>18}" for k in kinds),
    ]
    for name, row in medians.items():
        cells = (f"{wall:.3f} ({used:.3f})" for wall, used in row.values())
        lines.append(f"{name:24}" + "".join(f"{cell:>18}" for cell in cells))
    deep = {depth: medians[f"{depth} hidden layers of 64"] for depth in DEPTHS}
    for one, two in pairwise(DEPTHS):
        more = ((deep[two][k][1] - deep[one][k][1]) / (two - one) * 1e3 for k in kinds)
        name = f"ms a layer, {one} to {two}"
        lines.append(f"{name:24}" + "".join(f"{m:>18.1f}" for m in more))
    return "\n".join(lines)


def main() -> None:
    """Print the medians of interleaved rounds."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--jax", action="store_true")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    rounds: dict[str, list[dict[str, Seconds]]] = {name: [] for name in NETWORKS}
    for _ in range(chosen.rounds):
        for name, widths in NETWORKS.items():
            rounds[name].append(one_round(widths, chosen.jax))
    medians = {name: _median(taken) for name, taken in rounds.items()}
    print(shown(medians))
    if chosen.json:
        chosen.json.write_text(json.dumps({"rounds": rounds, "medians": medians}, indent=1))


def _median(taken: Sequence[Mapping[str, Seconds]]) -> dict[str, Seconds]:
    """The median of each kind."""
    found = {}
    for kind in taken[0]:
        wall, used = zip(*(one[kind] for one in taken), strict=True)
        found[kind] = statistics.median(wall), statistics.median(used)
    return found


if __name__ == "__main__":
    main()
