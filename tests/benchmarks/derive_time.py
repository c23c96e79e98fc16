"""Time to derive and compile a training step: independent of width, linear in depth.

    python -m tests.benchmarks.derive_time

Each figure is taken in a process of its own, so that nothing is left over from another one.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

NETWORKS = {
    "4-8-8-3": [4, 8, 8, 3],
    "784-1024-1024-10": [784, 1024, 1024, 10],
    "4 hidden layers of 64": [64, *[64] * 4, 10],
    "32 hidden layers of 64": [64, *[64] * 32, 10],
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


def seconds(widths: list[int]) -> float:
    """Derive and compile one network in a fresh process; return the seconds it took."""
    text = "-".join(map(str, widths))
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, text], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    """Print the median of interleaved rounds for each network, and the two ratios that matter."""
    taken: dict[str, list[float]] = {name: [] for name in NETWORKS}
    for _ in range(ROUNDS):
        for name, widths in NETWORKS.items():
            taken[name].append(seconds(widths))
    medians = {name: statistics.median(values) for name, values in taken.items()}
    for name, median in medians.items():
        print(f"{name:24} {median:6.3f} s  ({min(taken[name]):.3f} to {max(taken[name]):.3f})")
    small, wide, shallow, deep = medians.values()
    print(f"wide / small             {wide / small:6.2f}")
    print(f"32 layers / 4 layers     {deep / shallow:6.2f}")


if __name__ == "__main__":
    main()
