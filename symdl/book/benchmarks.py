"""The benchmarks of a checkout, started from the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from symdl.errors import InputError

__all__ = ["bench"]

_MODULE = "tests.benchmarks.bench"
TOP = Path(__file__).parents[2]


def bench(arguments: Sequence[str], top: Path = TOP) -> int:
    """Run the benchmarks with these options and return their exit status.

    Raises InputError where this is no checkout: the other libraries' training steps stand beside
    the tests.

    >>> bench([], Path("/"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    symdl.errors.InputError: symdl bench needs the project's source, and there is none in /; ...
    """
    script = Path(top, *_MODULE.split(".")).with_suffix(".py")
    if not (script.is_file() and Path(top, "pyproject.toml").is_file()):
        raise InputError(
            f"symdl bench needs the project's source, and there is none in {top}; the other "
            "libraries' training steps stand in its tests/benchmarks. Get the source and, in it: "
            "pip install -e '.[bench,fast,plot]'"
        )
    paths = [str(top), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, "-P", "-m", _MODULE, *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(command, env=environment, check=False).returncode
