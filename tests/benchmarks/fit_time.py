"""What ``fit`` costs beside the bare steps: with a progress bar, and with a metric too.

    python -m tests.benchmarks.fit_time [--workloads W1,W3] [--rounds 9] [--backend numpy]

The epochs of three runs of ``fit`` (no metric; accuracy; both with a bar) and the bare steps of an
epoch take turns.  An epoch is a few thousand steps on the small networks, so that what is done once
an epoch hardly counts there; figures are medians.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
from rich.console import Console

import symdl as sd
from symdl.training import progress
from symdl.training.callbacks import Callback
from tests.benchmarks.peers.symdl_numpy import model_of, optimizer_of
from tests.benchmarks.workloads import WORKLOADS, Workload

_REPEATED = {"W1": 128, "W2": 128, "W3": 8, "W5": 4, "W6": 4}  # the 16 batches, so many times over


class Epochs(Callback):
    """Times the epochs of one ``fit``, and after each of them runs something else, and times it."""

    def __init__(self, between: Callable[[], Any]) -> None:
        self.between, self.start = between, 0.0
        self.epochs: list[float] = []
        self.others: list[float] = []

    def on_train_begin(self) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        end = time.perf_counter()
        self.between()
        now = time.perf_counter()
        if epoch:  # buffers are made in the first one
            self.epochs.append(end - self.start)
            self.others.append(now - end)
        self.start = time.perf_counter()


def measure(w: Workload, backend: str, rounds: int) -> None:
    """Print what an epoch takes a step, beside the bare steps."""
    x, t = (np.concatenate([a] * _REPEATED.get(w.name, 1)) for a in w.data)
    rows, targets = x.reshape(-1, x.shape[-1]), t.reshape(-1, t.shape[-1])

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

    for name, metrics in (("no metric", []), ("accuracy", ["accuracy"])):
        clock = Epochs(bare)
        model(metrics).fit(rows, targets, batch_size=w.batch, epochs=rounds + 1, callbacks=[clock])
        fit, steps = (median(taken) / len(x) * 1e6 for taken in (clock.epochs, clock.others))
        ratio = median(a / b for a, b in zip(clock.epochs, clock.others, strict=True))
        print(
            f"{w.name}  {name:10} {fit:10.1f} us a step in fit, {steps:10.1f} bare, {ratio:5.2f}x"
        )


def main() -> None:
    """Print two lines for each workload."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--workloads", default=",".join(w.name for w in WORKLOADS))
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--backend", default="numpy")
    chosen = options.parse_args()
    screen = Console(file=io.StringIO(), force_terminal=True, width=80)
    with patch.object(progress, "Console", lambda: screen):
        for w in WORKLOADS:
            if w.name in chosen.workloads.split(","):
                measure(w, chosen.backend, chosen.rounds)


if __name__ == "__main__":
    main()
