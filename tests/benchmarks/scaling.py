"""How the cost of a training step grows with width, depth and batch: time, memory, compile time.

    python -m tests.benchmarks.scaling [--quick] [--series width,batch] [--threads 2]
                                       [--json FILE] [--plot FILE.png]

Width: three square layers, relu; depth: layers of 64, tanh; batch: two layers of 256, relu; all
with gradient descent.  ``contest`` says how the peers are timed; ``products`` is the matrix
products alone.  Memory is what a process took beyond its imports; compile time is the first step
without imports.  A peer whose start or step takes too long is left out of the larger sizes, and the
table says so.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from symdl.book.files import write_text
from tests.benchmarks.bench import check_files
from tests.benchmarks.contest import measure
from tests.benchmarks.pictures import curves, digits
from tests.benchmarks.workloads import Workload

PEERS = ("products", "hand", "symdl_numpy", "symdl_compiled", "jax_jit", "jax_scan", "torch_eager")
ROUNDS, CHECKED = 3, 3
SLOWEST = 25.0  # seconds that a peer may take to start before it is left out of larger sizes
BUDGET = 450.0  # seconds for everything

Point = tuple[int, Mapping[str, Any]]


@dataclass(frozen=True)
class Series:
    """Workloads of growing size."""

    name: str
    sizes: tuple[int, ...]

    def workload(self, size: int) -> Workload:
        """The training step of that size."""
        words: dict[str, Any] = {"optimizer": "sgd", "rate": 0.01, "inner": 1}
        name, title = f"{self.name} {size}", f"{self.name} {size}"
        if self.name == "width":
            return Workload(name, title, (size, size, size, 10), 128, **words)
        if self.name == "batch":
            return Workload(name, title, (256, 256, 256, 10), size, **words)
        words |= {"hidden": "tanh", "last": "linear", "loss": "mean_squared_error"}
        return Workload(name, title, (64, *[64] * size, 10), 128, **words)


SERIES = (
    Series("width", (64, 256, 1024, 4096)),
    Series("depth", (2, 8, 32, 128)),
    Series("batch", (32, 128, 512, 2048, 8192)),
)
QUICK = (Series("width", (64, 256)), Series("depth", (2, 8)), Series("batch", (32, 128)))


def run(series: Series, threads: int, end: float, rounds: int = ROUNDS) -> Iterator[Point]:
    """Measure the sizes in turn, until the time is over at ``end``."""
    left_out: dict[str, str] = {}
    for place, size in enumerate(series.sizes):
        left = end - time.monotonic()
        if left <= 0:
            return
        peers = [p for p in PEERS if p not in left_out]
        share = left / (len(series.sizes) - place)
        found = measure(series.workload(size), peers, rounds, threads, checked=CHECKED,
                        budget=share / 2)  # fmt: skip
        found["left out"] |= left_out
        yield size, found
        for peer, record in found["peers"].items():
            taken = record["first step seconds"]
            if taken > SLOWEST:
                left_out[peer] = f"its start took {taken:.0f} s at {series.name} {size}"


def microseconds(found: Mapping[str, Any]) -> dict[str, float]:
    """The time of a step under the commonest label."""
    times: dict[str, float] = found["ratios"]["microseconds"]
    return times


def memory(found: Mapping[str, Any]) -> dict[str, float]:
    """The memory that each took beyond its imports, with data and weights."""
    return {p: r["own MiB"] for p, r in found["peers"].items() if p != "products"}


def compiling(found: Mapping[str, Any]) -> dict[str, float]:
    """The time to the end of the first step without imports."""
    return {p: r["first step seconds"] for p, r in found["peers"].items() if p != "products"}


def to_products(found: Mapping[str, Any]) -> dict[str, float]:
    """The time of a step beside that of its matrix products alone."""
    times: dict[str, float] = found["ratios"].get("to limit", {})
    return times


FIGURES = {
    "us a step": microseconds,
    "time / matrix products": to_products,
    "MiB": memory,
    "seconds to the first step": compiling,
}


def table(series: Series, label: str, points: Sequence[Point]) -> Table:
    """One figure of one series: a row a peer, a column a size."""
    labels = sorted({found["ratios"]["label"] for _, found in points})
    shown = Table(title=f"{series.name}: {label} ({', '.join(labels)})", title_justify="left")
    shown.add_column("peer", no_wrap=True)
    values = [FIGURES[label](found) for _, found in points]
    for size, _ in points:
        shown.add_column(str(size), justify="right")
    for peer in PEERS:
        if any(peer in v for v in values):
            shown.add_row(peer, *(digits(v[peer]) if peer in v else "-" for v in values))
    return shown


def report(console: Console, series: Series, points: Sequence[Point]) -> None:
    """Print the tables of a series, and what was not measured and why."""
    for label in FIGURES if points else ():
        console.print(table(series, label, points))
    for size, found in points:
        for peer, why in found["left out"].items():
            console.print(f"  {series.name} {size}: without {peer}: {why}", highlight=False)
        if found["rounds"] < ROUNDS:
            console.print(f"  {series.name} {size}: {found['rounds']} rounds", highlight=False)
    missing = series.sizes[len(points) :]
    if missing:
        sizes = ", ".join(map(str, missing))
        console.print(f"  {series.name} {sizes}: not measured, the time was over", highlight=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options, measure, print, and write what was asked for."""
    names = ",".join(s.name for s in SERIES)
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--quick", action="store_true", help="small sizes alone")
    options.add_argument("--series", default=names, metavar="A,B", help=f"of {names}")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--json", type=Path, metavar="FILE")
    options.add_argument("--plot", type=Path, metavar="FILE.png")
    chosen = options.parse_args(arguments)
    wanted = chosen.series.split(",")
    unknown = {*wanted} - {*names.split(",")}
    if unknown or chosen.threads < 1:
        options.error(f"there is no series {', '.join(sorted(unknown))}; there are {names}")
    check_files(options, chosen.json, chosen.plot)
    every = [s for s in (QUICK if chosen.quick else SERIES) if s.name in wanted]
    console, results = Console(), {}
    begin = time.monotonic()
    for number, series in enumerate(every, 1):
        end = begin + BUDGET * number / len(every)
        results[series.name] = list(run(series, chosen.threads, end))
        report(console, series, results[series.name])
    if chosen.json:
        write_text(chosen.json, json.dumps(results, indent=2) + "\n")
    if chosen.plot:
        curves(results, FIGURES, chosen.plot)


if __name__ == "__main__":
    main()
