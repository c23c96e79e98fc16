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

from tests.benchmarks.workloads import from_json


def main(peer: str, words: str, threads: int, checked: int) -> None:
    """Answer one line of JSON a command until the input ends."""
    w = from_json(words)
    start = time.perf_counter()
    module = importlib.import_module(f"tests.benchmarks.peers.{peer}")
    module.load()
    imported, before = time.perf_counter(), _peak()
    run = module.prepare(w, threads)
    losses = [run(1)]
    first = time.perf_counter()
    losses += [run(1) for _ in range(checked - 1)]
    _answer({"import": imported - start, "first step": first - imported, "losses": losses,
             "imported KiB": before, "peak KiB": _peak()})  # fmt: skip
    for line in sys.stdin:
        steps = int(line)
        begin = time.perf_counter()
        run(steps)
        _answer({"seconds": time.perf_counter() - begin})


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _answer(what: dict[str, object]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
