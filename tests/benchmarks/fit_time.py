"""What ``fit`` costs beside the bare steps: with shuffled rows, a metric and a progress bar.

    python -m tests.benchmarks.fit_time [--workloads W1,W3] [--rounds 9] [--backends numpy,compiled]

The metric is the accuracy, and where the targets are no classes the mean squared error.  The bar is
drawn as on a terminal of 80 columns, into the null device.  The bare steps know nothing of metrics:
with NumPy a call of ``step`` for each batch that lies ready, compiled one call of ``epoch`` for all
of them in the order in which they lie.  An epoch of ``fit`` and one of bare steps take turns;
ratios and differences are taken in each turn, and figures are medians over the turns.  Shuffled
rows have to be brought together, which the bare steps are spared: what copying them takes alone is
told, and ``fit`` is timed without shuffling too.

On a machine that is busy with other things, OPENBLAS_NUM_THREADS=1 and --processor-time count the
processor time of the one thread in place of the time that goes by.
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

    def __init__(self, others: dict[str, Callable[[], object]], clock: Callable[[], float]) -> None:
        self.others, self.clock, self.start = others, clock, 0.0
        self.seconds: dict[str, list[float]] = {name: [] for name in ("fit", *others)}

    def on_train_begin(self) -> None:
        self.start = self.clock()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        taken = {"fit": self.clock() - self.start}
        for name, other in self.others.items():
            start = self.clock()
            other()
            taken[name] = self.clock() - start
        if epoch:  # buffers are made in the first one
            for name, seconds in taken.items():
                self.seconds[name].append(seconds)
        self.start = self.clock()


class Copying:
    """Brings the rows of each batch together in a shuffled order."""

    def __init__(self, x: np.ndarray, t: np.ndarray, batch: int) -> None:
        self.arrays, self.batch, self.generator = (x, t), batch, np.random.default_rng(0)
        self.near = [np.empty((batch, a.shape[1]), a.dtype) for a in self.arrays]

    def __call__(self) -> None:
        order = self.generator.permutation(len(self.arrays[0]))
        for start in range(0, len(order), self.batch):
            places = order[start : start + self.batch]
            for old, new in zip(self.arrays, self.near, strict=True):
                np.take(old, places, axis=0, out=new, mode="clip")


def measure(w: Workload, backend: str, rounds: int, clock: Callable[[], float]) -> None:
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
        turns = Turns({"bare": bare, "copying": Copying(rows, targets, w.batch)}, clock)
        model([metric]).fit(rows, targets, batch_size=w.batch, epochs=rounds + 1, shuffle=shuffle,
                            callbacks=[turns])  # fmt: skip
        taken = {k: np.array(v) / len(x) * 1e6 for k, v in turns.seconds.items()}
        fit, steps = taken["fit"], taken["bare"]
        copying = f", {median(taken['copying']):6.2f} to copy the rows" if shuffle else ""
        print(
            f"{w.name}  {backend:8}  {name}  {median(fit):9.2f} us a step, bare "
            f"{median(steps):9.2f}: {median(fit - steps):7.2f} more, {median(fit / steps):.3f}x "
            f"(minima {min(fit) / min(steps):.3f}x){copying}",
            flush=True,
        )


def main() -> None:
    """Print two lines for each workload and backend."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--workloads", default=",".join(w.name for w in WORKLOADS))
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--backends", default="numpy,compiled")
    options.add_argument("--processor-time", action="store_true")
    chosen = options.parse_args()
    clock = time.thread_time if chosen.processor_time else time.perf_counter
    with open(os.devnull, "w") as nothing:
        screen = Console(file=nothing, force_terminal=True, width=80)
        with patch.object(progress, "Console", lambda: screen):
            for w in WORKLOADS:
                for backend in chosen.backends.split(","):
                    if w.name in chosen.workloads.split(","):
                        measure(w, backend, chosen.rounds, clock)


if __name__ == "__main__":
    main()
