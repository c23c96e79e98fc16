"""What ``fit`` costs beside the bare steps: with shuffled rows, a metric and a progress bar.

    python -m tests.benchmarks.fit_time [--workloads W1,W3] [--rounds 9] [--backends numpy,compiled]

The metric is the accuracy, and where the targets are no classes the mean squared error.  The bar is
drawn as on a terminal of 80 columns, into the null device.  The bare steps know nothing of metrics:
with NumPy a call of ``step`` for each batch that lies ready, compiled one call of ``epoch`` for all
of them in the order in which they lie.  Epochs of the three take turns: ``fit`` as it is called by
default, ``fit`` with shuffle=False, and the bare steps.  Ratios and differences are taken in each
turn, and figures are medians over the turns.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from statistics import median
from unittest.mock import patch

import numpy as np
from rich.console import Console

import symdl as sd
from symdl.training import progress
from symdl.training.callbacks import Callback
from tests.benchmarks.peers.symdl_numpy import model_of, optimizer_of
from tests.benchmarks.workloads import WORKLOADS, Workload

# the batches of a workload, so many times over: epochs of some tenths of a second
_REPEATED = {"W1": 1024, "W2": 256, "W3": 32, "W4": 1, "W5": 16, "W6": 12}


class Turns(Callback):
    """Times the epochs of one ``fit``, and after each of them what takes turns with it."""

    def __init__(self, others: dict[str, Callable[[], object]]) -> None:
        self.others, self.start = others, 0.0
        self.seconds: dict[str, list[float]] = {name: [] for name in ("fit", *others)}

    def on_train_begin(self) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        taken = {"fit": time.perf_counter() - self.start}
        for name, other in self.others.items():
            start = time.perf_counter()
            other()
            taken[name] = time.perf_counter() - start
        if epoch:  # buffers are made in the first one
            for name, seconds in taken.items():
                self.seconds[name].append(seconds)
        self.start = time.perf_counter()


class Ordered:
    """Epochs of ``fit`` without shuffling, one at a time."""

    def __init__(self, model: sd.Sequential, x: np.ndarray, t: np.ndarray, batch: int) -> None:
        self.epoch = self._epochs(model, x, t, batch).__next__

    def _epochs(self, model, x, t, batch):  # type: ignore[no-untyped-def]
        raise NotImplementedError


def measure(w: Workload, backend: str, rounds: int) -> None:
    """Print what a step takes in ``fit``, and what the bare steps take."""
    x, t = (np.concatenate([a] * _REPEATED[w.name]) for a in w.data)
    rows, targets = x.reshape(-1, x.shape[-1]), t.reshape(-1, t.shape[-1])
    metric = "accuracy" if w.loss == "categorical_crossentropy" else "mse"

    def model(metrics: list[str]) -> sd.Sequential:
        made = model_of(w)
        made.compile(loss=w.loss, optimizer=optimizer_of(w), dtype=w.dtype, backend=backend,
                     metrics=metrics)  # fmt: skip
        return made

    alone = model([]).step

    def bare() -> None:
        if hasattr(alone, "epoch"):
            alone.epoch(rows, targets, batch=w.batch)
            return
        once = alone.step
        for k in range(len(x)):
            once(x[k], t[k])

    for name, shuffle in (("shuffled", True), ("in order", False)):
        turns = Turns({"bare": bare})
        model([metric]).fit(rows, targets, batch_size=w.batch, epochs=rounds + 1, shuffle=shuffle,
                            callbacks=[turns])  # fmt: skip
        fit, steps = (np.array(turns.seconds[k]) / len(x) * 1e6 for k in ("fit", "bare"))
        more, ratio = median(fit - steps), median(fit / steps)
        print(f"{w.name}  {backend:8}  {name}  {median(fit):10.2f} us a step in fit, "
              f"{median(steps):10.2f} bare, {more:8.2f} more, {ratio:6.3f}x"
              f"   of minima {min(fit) / min(steps):6.3f}x", flush=True)  # fmt: skip


def main() -> None:
    """Print two lines for each workload and backend."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--workloads", default=",".join(w.name for w in WORKLOADS))
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--backends", default="numpy,compiled")
    chosen = options.parse_args()
    with open(os.devnull, "w") as nothing:
        screen = Console(file=nothing, force_terminal=True, width=80)
        with patch.object(progress, "Console", lambda: screen):
            for w in WORKLOADS:
                for backend in chosen.backends.split(","):
                    if w.name in chosen.workloads.split(","):
                        measure(w, backend, chosen.rounds)


if __name__ == "__main__":
    main()
