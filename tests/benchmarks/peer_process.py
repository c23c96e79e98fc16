"""One contestant in a process of its own, told over its standard input what to run.

``losses k`` answers with the losses of the first k steps; ``run k`` with the seconds that k steps
took.  Started by ``bench``: python -m tests.benchmarks.peer_process PEER WORKLOAD THREADS
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time

from tests.benchmarks.workloads import workload


def main(peer: str, name: str, threads: int) -> None:
    """Answer one line of JSON a command until the input ends."""
    start = time.perf_counter()
    module = importlib.import_module(f"tests.benchmarks.peers.{peer}")
    imported = time.perf_counter()
    run = module.prepare(workload(name), threads)
    run(1)
    first = time.perf_counter()
    _answer({"import": imported - start, "first step": first - imported})
    fresh = module.prepare(workload(name), threads)
    for line in sys.stdin:
        command, count = line.split()
        steps = int(count)
        if command == "losses":
            _answer({"losses": [fresh(1) for _ in range(steps)]})
            continue
        begin = time.perf_counter()
        run(steps)
        seconds = time.perf_counter() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        _answer({"seconds": seconds, "peak KiB": peak})


def _answer(what: dict[str, object]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
