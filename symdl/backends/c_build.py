"""From C source to a loaded library: a system compiler, and objects kept on disk by content.

An object lies in the cache folder (see ``folder``) under the hash of all that it was made of: the
source, the options, the compiler's version and the processor.  Beside it lies the hash of the
object itself: a file that was damaged is made again.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, PIPE

from symdl.backends.blas import processors
from symdl.backends.folder import cache_folder, make_room, writable_folder
from symdl.errors import NotSupported

__all__ = ["compile_c", "compiler"]

# no flag may change a value: NaN, signed zeros and the order of operations are kept
OPTIONS = (
    "-std=gnu11", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math",
    "-fopenmp-simd", "-fno-semantic-interposition", "-fPIC", "-shared", "-pthread", "-w",
)  # fmt: skip
# what of -O3 the loops gain from, where GCC compiles them one by one: two thirds of its time
_QUICK = (
    "-O1", "-fexpensive-optimizations", "-ftree-loop-vectorize", "-fvect-cost-model=dynamic",
    "-ftree-pre", "-fgcse", "-fschedule-insns2",
)  # fmt: skip
_PART = "\n#if HERE("  # before each of the parts of a source that may be compiled on their own
_LIMIT = 120  # seconds


def compiler() -> str:
    """Return the path of the C compiler: what CC names, else cc, gcc or clang.

    Raises NotSupported where there is none.
    """
    named = os.environ.get("CC")
    for name in (named,) if named else ("cc", "gcc", "clang"):
        found = shutil.which(name)
        if found:
            return found
    wish = f"CC={named} names no program" if named else "neither cc, gcc nor clang is installed"
    raise NotSupported(f"there is no C compiler: {wish}")


def compile_c(source: str) -> ctypes.CDLL:
    """Compile C source, or find it compiled already, and load it.

    Raises NotSupported where there is no compiler or it fails.
    """
    program = compiler()
    options = _options(source, program)
    key = _hash("\0".join([source, *options, _version(program), _processor()]).encode())
    path = _found(f"{key}.so")
    if path is None:
        path = writable_folder() / f"{key}.so"
        _make(source, [program, *options], path)
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise NotSupported(f"the compiled object cannot be loaded: {error}") from error


def _found(name: str) -> Path | None:
    """The object of that name, where one lies that is as it was written."""
    folders = {cache_folder(), writable_folder()} - {None}
    return next((f / name for f in folders if f is not None and _sound(f / name)), None)


def _sound(path: Path) -> bool:
    """Whether the object is there, and as it was written."""
    try:
        return path.with_suffix(".sha256").read_text() == _hash(path.read_bytes())
    except (OSError, UnicodeDecodeError):
        return False


def _options(source: str, program: str) -> Sequence[str]:
    apart = _PART in source and "Free Software Foundation" in _version(program)
    return (*OPTIONS, *_QUICK) if apart else OPTIONS


def _make(source: str, start: Sequence[str], path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as work:
        text, made = Path(work) / "step.c", Path(work) / "step.so"
        text.write_text(source)
        units = min(source.count(_PART), processors())
        inputs = [str(text)]
        if units > 1:
            inputs = [f"{work}/{unit}.o" for unit in range(units)]
            part = [*start, "-c", str(text), f"-DUNITS={units}"]
            _run([[*part, f"-DUNIT={k}", "-o", name] for k, name in enumerate(inputs)])
        _run([[*start, "-o", str(made), *inputs, "-lm"]])
        if not made.exists():
            raise NotSupported(f"the C compiler {start[0]} made nothing")
        note = Path(work) / "step.sha256"
        note.write_text(_hash(made.read_bytes()))
        path.with_suffix(".sha256").unlink(missing_ok=True)
        os.replace(made, path)
        os.replace(note, path.with_suffix(".sha256"))
    make_room(path.parent)


def _run(commands: Sequence[Sequence[str]]) -> None:
    """Run a compiler with each of the options at the same time; NotSupported where one fails."""
    program, jobs = commands[0][0], list[subprocess.Popen[str]]()
    end = time.monotonic() + _LIMIT
    try:
        for command in commands:
            job = subprocess.Popen(
                command, stdout=DEVNULL, stderr=PIPE, text=True, start_new_session=True
            )
            jobs.append(job)
        for job in jobs:
            _, said = job.communicate(timeout=end - time.monotonic())
            if job.returncode != 0:
                first = (said.strip() or "no message").splitlines()[0]
                raise NotSupported(f"the C compiler {program} failed: {first}")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotSupported(f"the C compiler {program} did not run: {error}") from error
    finally:
        for job in jobs:
            with job, suppress(ProcessLookupError):  # waits for it, and for what it started
                os.killpg(job.pid, signal.SIGKILL)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@cache
def _version(program: str) -> str:
    """The compiler and its version; the file's own date tells two builds of one version apart."""
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_LIMIT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotSupported(f"the C compiler {program} did not run: {error}") from error
    if done.returncode != 0:
        raise NotSupported(f"the C compiler {program} does not tell its version")
    return f"{program} {done.stdout}"


@cache
def _processor() -> str:
    """The processor's name and abilities: code for one may not run on another."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    wanted = ("model name", "flags", "Features", "CPU part")
    kept = dict(line.split(":", 1) for line in lines if line.startswith(wanted) and ":" in line)
    return platform.machine() + str(sorted(kept.items()))
