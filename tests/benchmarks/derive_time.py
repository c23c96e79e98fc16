"""Time to derive and compile a training step: independent of width, linear in depth.

    python -m tests.benchmarks.derive_time [--rounds 5] [--jax]

Each figure is taken in a process of its own, so that nothing is left over from another one, and
leaves imports out.  ``--jax`` times JAX's jit of the same steps in turn: from the weights to the
end of the first step, since its compiler runs then; symdl's time is from the model to the step.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

DEPTHS = (2, 8, 32)
NETWORKS = {
    "4-8-8-3": [4, 8, 8, 3],
    "784-1024-1024-10": [784, 1024, 1024, 10],
    **{f"{depth} hidden layers of 64": [64, *[64] * depth, 10] for depth in DEPTHS},
}
ROUNDS = 5

_PROGRAM = """
import sys, time
from symdl import Sequential, Dense, compile
widths = list(map(int, sys.argv[1].split("-")))
layers = [Dense(w, activation="relu") for w in widths[1:-1]]
model = Sequential([Dense(widths[1], activation="relu", input_dim=widths[0]), *layers[1:],
                    Dense(widths[-1], activation="softmax")])
model.get_weights()  # drawing the initial weights is not deriving
start = time.perf_counter()
compile(model, loss="categorical_crossentropy", optimizer="adam", dtype="float32")
print(time.perf_counter() - start)
"""


_JAX = """
import sys, time
from tests.benchmarks.peers import jax_jit
from tests.benchmarks.workloads import Workload
import jax.numpy as jnp
w = Workload("", "", tuple(map(int, sys.argv[1].split("-"))), 32, "adam", 0.001, 1)
w.layers, w.data
jnp.ones(3).block_until_ready()  # starting JAX is not compiling
start = time.perf_counter()
jax_jit.prepare(w, 2)(1)
print(time.perf_counter() - start)
"""


def seconds(widths: list[int], program: str = _PROGRAM) -> float:
    """Derive and compile one network in a fresh process; return the seconds it took."""
    text = "-".join(map(str, widths))
    done = subprocess.run(
        [sys.executable, "-c", program, text], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    """Print the median of interleaved rounds for each network, and the ratios that matter."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--jax", action="store_true")
    chosen = options.parse_args()
    taken: dict[str, list[float]] = {name: [] for name in NETWORKS}
    jax: dict[str, list[float]] = {name: [] for name in NETWORKS}
    for _ in range(chosen.rounds):
        for name, widths in NETWORKS.items():
            taken[name].append(seconds(widths))
            if chosen.jax:
                jax[name].append(seconds(widths, _JAX))
    medians = {name: statistics.median(values) for name, values in taken.items()}
    for name, median in medians.items():
        text = f"{name:24} {median:6.3f} s  ({min(taken[name]):.3f} to {max(taken[name]):.3f})"
        if chosen.jax:
            other = statistics.median(jax[name])
            text += f"  JAX jit {other:6.3f} s, ratio {median / other:5.2f}"
        print(text)
    small, wide, *depths = medians.values()
    print(f"wide / small             {wide / small:6.2f}")
    more = (DEPTHS[-1] - DEPTHS[-2], DEPTHS[-2] - DEPTHS[-3])
    last, first = depths[-1] - depths[-2], depths[-2] - depths[-3]
    print(
        f"a layer more             {first / more[1] * 1e3:6.1f} ms, {last / more[0] * 1e3:6.1f} ms"
    )


if __name__ == "__main__":
    main()
