"""What ``fit`` costs beside the bare steps: with shuffled rows, a metric and a progress bar.

    python -m tests.benchmarks.fit_time [--workloads W1,W3] [--rounds 9] [--backends numpy,compiled]

The metric is the accuracy, and where the targets are no classes the mean squared error.  The bar is
drawn as on a terminal of 80 columns, into the null device.  The bare steps know nothing of metrics:

in order  with NumPy a call of ``step`` for each batch that lies ready, compiled one call of
          ``epoch`` for all of them in the order in which they lie
by hand   shuffled as it must be done without ``fit``: with NumPy ``step(x[rows], t[rows])`` for
          each batch, compiled one call of ``epoch`` with ``order``

So ``fit`` with shuffled rows has two ratios: to the bare steps in order, which holds the shuffle
too, and to those by hand, which is what ``fit`` itself adds.  What copying the rows takes alone is
told beside them.  An epoch of each takes turns, and all start from the same weights in each turn:
after long training numbers get so small that a step takes longer.  Ratios and differences are
taken in each turn, and figures are medians over the turns.

On a machine that is busy with other things, OPENBLAS_NUM_THREADS=1 and --processor-time count the
processor time of the one thread in place of the time that goes by.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from statistics import median
from unittest.mock import patch

import numpy as np
from rich.console import Console

import symdl as sd
from symdl.backends.compiled import CompiledStep
from symdl.backends.step import Step
from symdl.training import progress
from symdl.training.callbacks import Callback
from tests.benchmarks.peers.symdl_numpy import model_of, optimizer_of
from tests.benchmarks.workloads import WORKLOADS, Workload

Work = Callable[[], object]

# the batches of a workload, so many times over: epochs of some tenths of a second
_REPEATED = {"W1": 1024, "W2": 256, "W3": 32, "W4": 1, "W5": 16, "W6": 12}


class Start:
    """Puts a step back to where it was."""

    def __init__(self, step: Step) -> None:
        self.step, self.state = step, step.state
        self.held = [*step.parameters.values(), *step.statistics.values()]
        self.first = [a.copy() for a in self.held]

    def __call__(self) -> None:
        for array, first in zip(self.held, self.first, strict=True):
            array[...] = first
        self.step.set_state(self.state)


class Turns(Callback):
    """Times the epochs of one ``fit``, and after each of them what takes turns with it."""

    def __init__(
        self, others: dict[str, Work], starts: Sequence[Start], clock: Callable[[], float]
    ) -> None:
        self.others, self.starts, self.clock, self.start = others, starts, clock, 0.0
        self.seconds: dict[str, list[float]] = {name: [] for name in ("fit", *others)}

    def on_train_begin(self) -> None:
        self.start = self.clock()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        taken = {"fit": self.clock() - self.start}
        for name, other in self.others.items():
            self.rewind()
            start = self.clock()
            other()
            taken[name] = self.clock() - start
        if epoch:  # buffers are made in the first one
            for name, seconds in taken.items():
                self.seconds[name].append(seconds)
        self.rewind()
        self.start = self.clock()

    def rewind(self) -> None:
        """Put all steps back to their start."""
        for start in self.starts:
            start()


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


def bare_steps(step: Step, rows: np.ndarray, targets: np.ndarray, batch: int) -> tuple[Work, Work]:
    """An epoch without ``fit``: in the order in which the rows lie, and shuffled by hand."""
    places = range(0, len(rows), batch)
    x, t = ([a[k : k + batch] for k in places] for a in (rows, targets))
    generator = np.random.default_rng(0)

    def in_order() -> None:
        if isinstance(step, CompiledStep):
            step.epoch(rows, targets, batch=batch)
            return
        once = step.step
        for k in range(len(x)):
            once(x[k], t[k])

    def by_hand() -> None:
        order = generator.permutation(len(rows))
        if isinstance(step, CompiledStep):
            step.epoch(rows, targets, batch=batch, order=order)
            return
        once = step.step
        for k in places:
            chosen = order[k : k + batch]
            once(rows[chosen], targets[chosen])

    return in_order, by_hand


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
    in_order, by_hand = bare_steps(alone, rows, targets, w.batch)
    copying = Copying(rows, targets, w.batch)
    for shuffle in (True, False):
        whole = model([metric])
        others: dict[str, Work] = {"in order": in_order}
        if shuffle:
            others |= {"by hand": by_hand, "copy": copying}
        turns = Turns(others, [Start(alone), Start(whole.step)], clock)
        whole.fit(rows, targets, batch_size=w.batch, epochs=rounds + 1, shuffle=shuffle,
                  callbacks=[turns])  # fmt: skip
        taken = {k: np.array(v) / len(x) * 1e6 for k, v in turns.seconds.items()}
        head = f"{w.name}  {backend:8}  {'shuffled' if shuffle else 'in order'}"
        line = f"{head}  {median(taken['fit']):9.2f} us a step"
        line += "".join(beside(taken, name) for name in others if name != "copy")
        line += f"; {median(taken['copy']):.2f} to copy the rows" if shuffle else ""
        print(line, flush=True)


def beside(taken: dict[str, np.ndarray], name: str) -> str:
    """How ``fit`` compares with the bare steps of that name."""
    fit, bare = taken["fit"], taken[name]
    return (
        f"; bare {name} {median(bare):9.2f}: {median(fit - bare):6.2f} more, "
        f"{median(fit / bare):.3f}x (minima {min(fit) / min(bare):.3f}x)"
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
