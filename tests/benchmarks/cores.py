"""How far apart two cores are at the moment: the round trip of a flag between two threads.

The two cores of a virtual machine are sometimes near and sometimes far from each other, for minutes
at a time; times of two threads are compared within one label only.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

__all__ = ["Cores"]

_SOURCE = r"""
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
static _Atomic int flag;
static int rounds;
static void *other(void *unused) {
    for (int k = 0; k < rounds; k++) {
        while (atomic_load_explicit(&flag, memory_order_acquire) != 1) { }
        atomic_store_explicit(&flag, 0, memory_order_release);
    }
    return unused;
}
double round_trip(int count) {
    pthread_t thread;
    struct timespec a, b;
    rounds = count;
    atomic_store(&flag, 0);
    if (pthread_create(&thread, 0, other, 0)) return -1.0;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int k = 0; k < count; k++) {
        atomic_store_explicit(&flag, 1, memory_order_release);
        while (atomic_load_explicit(&flag, memory_order_acquire) != 0) { }
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    pthread_join(thread, 0);
    return ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / count;
}
"""
_NEAR = 150.0  # nanoseconds
_ROUNDS = 20_000


class Cores:
    """Labels a moment as near or far; unknown where there is no C compiler."""

    def __init__(self) -> None:
        self._call = None
        compiler = shutil.which("cc")
        if compiler is None:
            return
        folder = Path(tempfile.mkdtemp(prefix="cores-"))
        source, made = folder / "cores.c", folder / "cores.so"
        source.write_text(_SOURCE)
        command = [compiler, "-O2", "-shared", "-fPIC", "-pthread", str(source), "-o", str(made)]
        subprocess.run(command, check=True, capture_output=True)
        self._call = ctypes.CDLL(str(made)).round_trip
        self._call.restype = ctypes.c_double
        shutil.rmtree(folder)

    def nanoseconds(self) -> float | None:
        """The round trip now, or None where it cannot be measured."""
        return None if self._call is None else float(self._call(_ROUNDS))

    def label(self) -> str:
        """Near, far or unknown."""
        found = self.nanoseconds()
        if found is None:
            return "unknown"
        return "near" if found < _NEAR else "far"
