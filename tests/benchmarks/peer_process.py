"""One contestant in a process of its own, told over its standard input how many steps to take.

It answers with what the start took and the losses of the first steps, then, for each number that
it is given, with the seconds that so many steps took.  Started by ``contest``:
python -m tests.benchmarks.peer_process PEER WORKLOAD THREADS CHECKED
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from pathlib import Path

from tests.benchmarks.workloads import BATCHES, from_json


def main(peer: str, words: str, threads: int, checked: int) -> None:
    """Answer one line of JSON a command until the input ends."""
    w = from_json(words)
    _ = w.layers, w.data  # drawing them is nobody's work
    start = time.perf_counter()
    module = importlib.import_module(f"tests.benchmarks.peers.{peer}")
    if hasattr(module, "load"):
        module.load(threads)
    imported = time.perf_counter()
    before = _forget_peak()
    begun = time.perf_counter()
    run = module.prepare(w, threads)
    losses = [run(1)]
    first = time.perf_counter()
    losses += [run(1) for _ in range(checked - 1)]
    _answer({"import": imported - start, "first step": first - begun, "losses": losses,
             "imported KiB": before, "peak KiB": _peak()})  # fmt: skip
    for line in sys.stdin:
        steps = int(line)
        # processor and caches come back from what ran before; whole rounds through the data, so
        # that each block takes the same batches
        run(BATCHES * -(-steps // (8 * BATCHES)))
        begin = time.perf_counter()
        run(steps)
        _answer({"seconds": time.perf_counter() - begin})


def _peak() -> int:
    """The most memory so far in KiB; since the peak was forgotten, where the system can do that."""
    return _status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _forget_peak() -> int:
    """Let the peak begin at the memory in use, which is returned: drawing data took more."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _peak()
    return _status("VmRSS")


def _status(name: str) -> int:
    """A number of KiB from what Linux says of this process; 0 elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def _answer(what: dict[str, object]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
