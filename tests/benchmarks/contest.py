"""Timing several programs that do the same work, each in a process of its own.

Idle processes are stopped, since BLAS threads spin after a call.  A round times every peer once,
in another order each time, and is labelled by how far the two cores are apart before and after it;
figures are medians within one label.  Losses of the first steps are compared to 1e-4 first: a peer
that computes something else is not timed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.cores import Cores
from tests.benchmarks.workloads import BATCHES, Workload

__all__ = ["LIMITS", "OURS", "PEERS", "Contestant", "compared", "main_label", "measure", "ratios"]

PEERS = ("products", "hand_c", "hand", "hand_flat", "symdl_inner", "symdl_numpy", "symdl_compiled",
         "jax_jit", "jax_scan", "torch_eager")  # fmt: skip
LIMITS = ("hand_c", "products")  # what no step can be faster than: the first one that runs
LOSSLESS = ("products",)
OURS = ("symdl_inner", "symdl_numpy", "symdl_compiled")
SETTLE = 0.12  # seconds for the BLAS threads of whoever ran before to go to sleep
SHORTEST = 0.1  # seconds of a block
TOP = Path(__file__).parents[2]


@dataclass
class Contestant:
    """A running process, what it said at the start, and its times by label."""

    peer: str
    process: subprocess.Popen[str]
    start: Mapping[str, Any]
    times: dict[str, list[float]] = field(default_factory=dict)

    def seconds(self, steps: int) -> float:
        """Wake the process up, have it take some steps, and stop it again."""
        self.process.send_signal(signal.SIGCONT)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        answer: dict[str, float] = json.loads(self.process.stdout.readline())
        self.process.send_signal(signal.SIGSTOP)
        return answer["seconds"]

    def end(self) -> None:
        """End the process."""
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


def start(peer: str, w: Workload, threads: int, checked: int) -> Contestant | str:
    """Start a peer; the reason as a text where it cannot run this workload here."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    words = [peer, json.dumps(asdict(w)), str(threads), str(checked)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.peer_process", *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=TOP,
        env={**os.environ, **dict.fromkeys(names, str(threads))},
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        _, said = process.communicate()
        return said.strip().splitlines()[-1] if said.strip() else "it ended at once"
    process.send_signal(signal.SIGSTOP)
    return Contestant(peer, process, json.loads(line))


def compared(contestants: Sequence[Contestant]) -> dict[str, str]:
    """Why a peer is left out: its first losses are not those of the others."""
    losses = {c.peer: c.start["losses"] for c in contestants if c.peer not in LOSSLESS}
    middle = [median(values) for values in zip(*losses.values(), strict=True)]
    out = {}
    for peer, found in losses.items():
        off = max(abs(a - b) for a, b in zip(found, middle, strict=True))
        if not off <= 1e-4:
            out[peer] = f"its losses are off by {off:.2g}: it computes something else"
    return out


def measure(
    w: Workload,
    peers: Sequence[str],
    rounds: int,
    threads: int,
    *,
    checked: int = 10,
    budget: float = float("inf"),
) -> dict[str, Any]:
    """Time one workload; what is returned is what reports show.

    checked  the steps whose losses are compared
    budget   seconds after which no further round begins
    """
    left_out: dict[str, str] = {}
    running: list[Contestant] = []
    try:
        for peer in peers:
            found = start(peer, w, threads, checked)
            if isinstance(found, str):
                left_out[peer] = found
            else:
                running.append(found)
        left_out |= compared(running)
        timed = [c for c in running if c.peer not in left_out]
        done = _rounds(timed, w, rounds, budget)
        made = {"workload": w.name, "title": w.title, "threads": threads, "rounds": done,
                "peers": {c.peer: _record(c) for c in timed}, "left out": left_out}  # fmt: skip
        return made | {"ratios": ratios(made)}
    finally:
        for c in running:
            c.end()


def _rounds(timed: Sequence[Contestant], w: Workload, rounds: int, budget: float) -> int:
    """Time the contestants in turn; return how many rounds there were time for."""
    cores, begin = Cores(), time.monotonic()
    steps = {c.peer: _steps(c, w) for c in timed}
    for number in range(rounds):
        first = number % len(timed)
        for c in (*timed[first:], *timed[:first]):
            time.sleep(SETTLE)
            before = cores.label()
            seconds = c.seconds(steps[c.peer])
            label = before if cores.label() == before else "mixed"
            c.times.setdefault(label, []).append(seconds / steps[c.peer])
        if time.monotonic() - begin > budget:
            return number + 1
    return rounds


def _steps(c: Contestant, w: Workload) -> int:
    """How many steps a block takes: waking a stopped process up must not count in it.

    Each number of steps is run once before it is timed, since some compile for it.
    """
    steps = w.inner
    for _ in range(2):
        c.seconds(steps)
        rate = steps / c.seconds(steps)
        steps = max(w.inner, BATCHES * round(SHORTEST * rate / BATCHES))
    c.seconds(steps)
    return steps


def _record(c: Contestant) -> dict[str, Any]:
    return {
        "microseconds": {label: median(t) * 1e6 for label, t in c.times.items()},
        "blocks": {label: len(t) for label, t in c.times.items()},
        "import seconds": c.start["import"],
        "first step seconds": c.start["first step"],
        "peak MiB": c.start["peak KiB"] / 1024,
        "own MiB": (c.start["peak KiB"] - c.start["imported KiB"]) / 1024,
    }


def main_label(found: Mapping[str, Any]) -> str:
    """The label under which all peers have blocks, and most of them."""
    counts: dict[str, int] = {}
    for record in found["peers"].values():
        for label, n in record["blocks"].items():
            counts[label] = counts.get(label, 0) + n
    everywhere = [x for x in counts if all(x in r["blocks"] for r in found["peers"].values())]
    return max(everywhere or counts, key=lambda x: counts[x])


def ratios(found: Mapping[str, Any]) -> dict[str, Any]:
    """The times of the commonest label, beside the best rival and the limit.

    ``best`` and ``limit`` name the peers that are meant, or are missing.
    """
    label = main_label(found)
    us = {p: r["microseconds"][label] for p, r in found["peers"].items()
          if label in r["microseconds"]}  # fmt: skip
    rivals = [p for p in us if p not in (*LIMITS, *OURS)]
    made: dict[str, Any] = {"label": label, "microseconds": us}
    if rivals:
        best = made["best"] = min(rivals, key=us.__getitem__)
        made["to best"] = {p: t / us[best] for p, t in us.items()}
    limit = next((p for p in LIMITS if p in us), None)
    if limit is not None:
        made["limit"] = limit
        made["to limit"] = {p: t / us[limit] for p, t in us.items()}
    return made
