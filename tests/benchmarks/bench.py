"""All workloads, all peers that are installed, side by side: medians, ratios, memory, first step.

    python -m tests.benchmarks.bench [--workloads W1,W3] [--peers ...] [--rounds 15]
                                     [--threads 2] [--json FILE] [--plot FILE.png]

Each peer runs in a process of its own; idle ones are stopped, since BLAS threads spin after a
call.  A round times every peer once, in another order each time, and is labelled by how far the
two cores are apart before and after it; ratios are medians within one label.  Losses of ten steps
are compared to 1e-4 first: a peer that computes something else is not timed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.cores import Cores
from tests.benchmarks.workloads import BATCHES, WORKLOADS, Workload

PEERS = ("products", "hand", "symdl_inner", "symdl_numpy", "symdl_compiled", "jax_jit", "jax_scan",
         "torch_eager")  # fmt: skip
LIMITS = ("products",)  # no contestants: they compute no loss
OURS = ("symdl_inner", "symdl_numpy", "symdl_compiled")
SETTLE = 0.12  # seconds for the BLAS threads of whoever ran before to go to sleep
SHORTEST = 0.05  # seconds of a block
TOP = Path(__file__).parents[2]


@dataclass
class Contestant:
    """A running process, what it said at the start, and its times by label."""

    peer: str
    process: subprocess.Popen[str]
    start: dict[str, float]
    times: dict[str, list[float]] = field(default_factory=dict)
    peak: int = 0

    def ask(self, command: str) -> dict[str, Any]:
        """Wake the process up, have it do something, and stop it again."""
        self.process.send_signal(signal.SIGCONT)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.process.send_signal(signal.SIGSTOP)
        return answer

    def end(self) -> None:
        """End the process."""
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


def start(peer: str, w: Workload, threads: int) -> Contestant | str:
    """Start a peer; the reason as a text where it cannot run this workload here."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.peer_process", peer, w.name, str(threads)],
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
    """Why a peer is left out: its first ten losses are not those of the others."""
    losses = {c.peer: c.ask("losses 10")["losses"] for c in contestants if c.peer not in LIMITS}
    middle = [median(values) for values in zip(*losses.values(), strict=True)]
    out = {}
    for peer, found in losses.items():
        off = max(abs(a - b) for a, b in zip(found, middle, strict=True))
        if not off <= 1e-4:
            out[peer] = f"its losses are off by {off:.2g}: it computes something else"
    return out


def measure(w: Workload, peers: Sequence[str], rounds: int, threads: int) -> dict[str, Any]:
    """Time one workload; what is returned is what the report and the JSON show."""
    left_out: dict[str, str] = {}
    running: list[Contestant] = []
    for peer in peers:
        found = start(peer, w, threads)
        if isinstance(found, str):
            left_out[peer] = found
        else:
            running.append(found)
    try:
        wrong = compared(running)
        left_out |= wrong
        timed = [c for c in running if c.peer not in wrong]
        cores = Cores()
        steps = {c.peer: _steps(c, w) for c in timed}
        for number in range(rounds):
            first = number % len(timed)
            for c in timed[first:] + timed[:first]:
                time.sleep(SETTLE)
                before = cores.label()
                answer = c.ask(f"run {steps[c.peer]}")
                c.peak = answer["peak KiB"]
                label = before if cores.label() == before else "mixed"
                c.times.setdefault(label, []).append(answer["seconds"] / steps[c.peer])
        return {"workload": w.name, "title": w.title, "threads": threads,
                "peers": {c.peer: _record(c) for c in timed}, "left out": left_out}  # fmt: skip
    finally:
        for c in running:
            c.end()


def _steps(c: Contestant, w: Workload) -> int:
    """How many steps a block takes: waking a stopped process up must not count in it."""
    seconds = c.ask(f"run {w.inner}")["seconds"]
    return max(w.inner, BATCHES * round(SHORTEST / seconds * w.inner / BATCHES))


def _record(c: Contestant) -> dict[str, Any]:
    return {
        "microseconds": {label: median(t) * 1e6 for label, t in c.times.items()},
        "blocks": {label: len(t) for label, t in c.times.items()},
        "import seconds": c.start["import"],
        "first step seconds": c.start["first step"],
        "peak MiB": c.peak / 1024,
    }


def main_label(found: dict[str, Any]) -> str:
    """The label under which all peers have blocks, and most of them."""
    counts: dict[str, int] = {}
    for record in found["peers"].values():
        for label, n in record["blocks"].items():
            counts[label] = counts.get(label, 0) + n
    everywhere = [x for x in counts if all(x in r["blocks"] for r in found["peers"].values())]
    return max(everywhere or counts, key=lambda x: counts[x])


def table(found: dict[str, Any]) -> Table:
    """One workload as a table: microseconds a step, and ratios to the peers and the limit."""
    label = main_label(found)
    us = {p: r["microseconds"].get(label) for p, r in found["peers"].items()}
    rivals = [t for p, t in us.items() if t and p not in (*LIMITS, *OURS)]
    best = min(rivals) if rivals else None
    limit = us.get("products")
    title = f"{found['workload']}: {found['title']} ({found['threads']} threads, {label})"
    shown = Table(title=title, title_justify="left")
    heads = ("peer", "us a step", "to best peer", "to products", "first step s", "peak MiB")
    for head in heads:
        shown.add_column(head, justify="left" if head == "peer" else "right")
    for peer, t in sorted(us.items(), key=lambda item: item[1] or float("inf")):
        record = found["peers"][peer]
        ratios = (f"{t / x:.2f}" if t and x else "" for x in (best, limit))
        row = (f"{t:.2f}" if t else "", *ratios, f"{record['first step seconds']:.2f}")
        shown.add_row(peer, *row, f"{record['peak MiB']:.0f}")
    return shown


def plot(results: Sequence[dict[str, Any]], path: Path) -> None:
    """Bars of the time a step, relative to the best rival, a group a workload."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(10, 5))
    for k, found in enumerate(results):
        label = main_label(found)
        us = {p: r["microseconds"].get(label) for p, r in found["peers"].items()}
        best = min(t for p, t in us.items() if t and p not in (*LIMITS, *OURS))
        for m, peer in enumerate(PEERS):
            t = us.get(peer)
            if t:
                axes.bar(k + 0.11 * m, t / best, 0.1, color=f"C{m}", label="" if k else peer)
    axes.set_xticks([k + 0.33 for k in range(len(results))], [r["workload"] for r in results])
    axes.set_ylabel("time a step / best other peer")
    axes.set_yscale("log")
    axes.axhline(1.0, color="black", linewidth=0.5)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=120, bbox_inches="tight")


def main() -> None:
    """Read the options, measure, print, and write what was asked for."""
    names = ",".join(w.name for w in WORKLOADS)
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--workloads", default=names)
    options.add_argument("--peers", default=",".join(PEERS))
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--json", type=Path)
    options.add_argument("--plot", type=Path)
    chosen = options.parse_args()
    wanted, peers = chosen.workloads.split(","), chosen.peers.split(",")
    unknown = {*wanted} - {*names.split(",")} | {*peers} - {*PEERS}
    if unknown or chosen.rounds < 1 or chosen.threads < 1:
        options.error(f"unknown: {', '.join(sorted(unknown))}; there are {names} and {PEERS}")
    console, results = Console(), []
    for w in WORKLOADS:
        if w.name in wanted:
            found = measure(w, peers, chosen.rounds, chosen.threads)
            results.append(found)
            console.print(table(found))
            for peer, why in found["left out"].items():
                console.print(f"  left out: {peer}: {why}", highlight=False)
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2), encoding="utf-8")
    if chosen.plot:
        plot(results, chosen.plot)


if __name__ == "__main__":
    main()
