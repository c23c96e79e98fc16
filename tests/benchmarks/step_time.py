"""The generated training step against the best hand-written NumPy doing the same work.

    python -m tests.benchmarks.step_time

Both start from the same weights and see the same batches; their losses must agree after ten steps
before anything is timed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

import symdl as sd
from tests.benchmarks.handwritten import FlatAdamNet
from tests.benchmarks.interleave import interleaved

WORKLOADS = {"784-128-64-10, batch 64": ([784, 128, 64, 10], 64, 100),
             "4-8-8-3, batch 32": ([4, 8, 8, 3], 32, 2000)}  # fmt: skip
ROUNDS, BATCHES = 41, 16


def contestants(
    sizes: list[int], batch: int
) -> tuple[dict[str, Callable[[], float]], dict[str, Callable[[], float]]]:
    """Two pairs of steps over the same batches: one to compare losses, one to time."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(BATCHES, batch, sizes[0])).astype(np.float32)
    t = np.eye(sizes[-1], dtype=np.float32)[generator.integers(0, sizes[-1], (BATCHES, batch))]

    def pair() -> dict[str, Callable[[], float]]:
        layers = [sd.Dense(w, activation="relu") for w in sizes[1:-1]]
        model = sd.Sequential([sd.Input(sizes[0]), *layers, sd.Dense(sizes[-1], "softmax")])
        step = sd.compile(model, loss="categorical_crossentropy", optimizer="adam", dtype="float32")
        hand = FlatAdamNet(sizes, batch, np.float32, model.get_weights())
        turns = {name: itertools.cycle(range(BATCHES)) for name in ("hand", "symdl")}

        def by_hand() -> float:
            k = next(turns["hand"])
            return float(hand.step(x[k], t[k]))

        def by_symdl() -> float:
            k = next(turns["symdl"])
            return float(step.step(x[k], t[k]))

        return {"hand-written NumPy": by_hand, "symdl": by_symdl}

    return pair(), pair()


def main() -> None:
    """Print medians and the ratio to hand-written NumPy for each workload."""
    for name, (sizes, batch, inner) in WORKLOADS.items():
        check, timed = contestants(sizes, batch)
        for _ in range(10):
            losses = [way() for way in check.values()]
        if abs(losses[0] - losses[1]) > 1e-4:
            raise SystemExit(f"{name}: the two compute different things: losses {losses}")
        found = interleaved(timed, ROUNDS, inner)
        for way, seconds in found.medians.items():
            print(f"{name:26} {way:20} {seconds * 1e6:8.1f} us  {found.ratios[way]:.3f}")


if __name__ == "__main__":
    main()
