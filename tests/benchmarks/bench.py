"""All workloads, all peers that are installed, side by side: medians, ratios, memory, first step.

    python -m tests.benchmarks.bench [--workloads W1,W3] [--peers ...] [--rounds 15]
                                     [--threads 2] [--json FILE] [--plot FILE.png]

``symdl bench`` does the same in a checkout.  ``contest`` says how the peers are timed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from symdl.book.files import check_folder_of, write_text
from symdl.errors import InputError
from tests.benchmarks.contest import OURS, PEERS, measure
from tests.benchmarks.pictures import bars, digits
from tests.benchmarks.workloads import WORKLOADS


def table(found: Mapping[str, Any]) -> Table:
    """One workload as a table: microseconds a step, and ratios to the best rival and the limit."""
    r = found["ratios"]
    title = f"{found['workload']}: {found['title']} ({found['threads']} threads, {r['label']})"
    shown = Table(title=title, title_justify="left")
    best, limit = (f"to {r.get(what, '?')}" for what in ("best", "limit"))
    for head in ("peer", "us a step", best, limit, "first step s", "peak MiB"):
        left = head == "peer"
        shown.add_column(head, justify="left" if left else "right", no_wrap=left)
    for peer, t in sorted(r["microseconds"].items(), key=lambda item: item[1]):
        record = found["peers"][peer]
        pair = (r.get(what, {}).get(peer) for what in ("to best", "to limit"))
        row = [digits(t), *("" if x is None else f"{x:.2f}" for x in pair)]
        row += [f"{record['first step seconds']:.2f}", f"{record['peak MiB']:.0f}"]
        shown.add_row(f"[bold]{peer}[/]" if peer in OURS else peer, *row)
    return shown


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options, measure, print, and write what was asked for."""
    names = ",".join(w.name for w in WORKLOADS)
    options = argparse.ArgumentParser(
        "symdl bench", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    options.add_argument("--workloads", default=names, metavar="W1,W2", help=f"of {names}")
    options.add_argument("--peers", default=",".join(PEERS), metavar="A,B", help=", ".join(PEERS))
    options.add_argument("--rounds", type=int, default=15, help="blocks of each peer")
    options.add_argument("--threads", type=int, default=2, help="of each peer: 1 or 2")
    options.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    options.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the ratios")
    chosen = options.parse_args(arguments)
    wanted, peers = chosen.workloads.split(","), chosen.peers.split(",")
    unknown = {*wanted} - {*names.split(",")} | {*peers} - {*PEERS}
    if unknown:
        known = f"{names}, and the peers {', '.join(PEERS)}"
        options.error(f"unknown: {', '.join(sorted(unknown))}; there are {known}")
    if chosen.rounds < 1 or chosen.threads < 1:
        options.error("--rounds and --threads start at 1")
    check_files(options, chosen.json, chosen.plot)
    console, results = Console(), []
    for w in WORKLOADS:
        if w.name in wanted:
            found = measure(w, peers, chosen.rounds, chosen.threads)
            results.append(found)
            console.print(table(found))
            for peer, why in found["left out"].items():
                console.print(f"  left out: {peer}: {why}", highlight=False)
    if chosen.json:
        write_text(chosen.json, json.dumps(results, indent=2) + "\n")
    if chosen.plot:
        bars(results, chosen.plot)


def check_files(options: argparse.ArgumentParser, figures: Path | None, plot: Path | None) -> None:
    """End now, and not after minutes, where what was asked for cannot be written."""
    try:
        for path in (figures, plot):
            if path is not None:
                check_folder_of(path)
    except InputError as error:
        options.error(str(error))
    if plot is not None and find_spec("matplotlib") is None:
        options.error("--plot needs matplotlib: pip install 'symdl[plot]'")


if __name__ == "__main__":
    main()
