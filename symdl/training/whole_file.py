"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from symdl.errors import InputError

__all__ = ["write_whole"]


def write_whole(target: Path, write: Callable[[IO[bytes]], object], what: str = "the file") -> None:
    """Let ``write`` fill a temporary file beside ``target``, and rename it.

    Raises InputError where the folder is missing or may not be written to.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder, "page.md"), lambda file: file.write(b"x"))
    ...     Path(folder, "page.md").read_text()
    'x'
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                write(file)
            os.chmod(name, _usual_mode(target))
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise InputError(f"{target}: {what} cannot be written: {error.strerror}") from error


def _usual_mode(target: Path) -> int:
    """The mode of the file that is replaced, or what a new file would get."""
    try:
        return target.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
