"""The folder in which compiled objects, and what was derived for them, are kept.

SYMDL_CACHE names another folder than ``symdl`` in the user's cache folder; ``SYMDL_CACHE=off``
keeps nothing from one process to the next.
"""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

__all__ = ["cache_folder", "make_room", "writable_folder", "write_whole"]

_MOST = 1000  # files that are kept


def cache_folder() -> Path | None:
    """Return the folder, which need not be there; None where nothing is kept."""
    named = os.environ.get("SYMDL_CACHE")
    if named == "off":
        return None
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "symdl"


def writable_folder() -> Path:
    """Return the folder if it can be written to, or else one of this process alone."""
    folder = cache_folder()
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if os.access(folder, os.W_OK):
                return folder
        except OSError:
            pass
    return Path(_own_folder().name)


@cache
def _own_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="symdl-")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all; raise OSError where it cannot be written."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def make_room(folder: Path) -> None:
    """Remove the files that were written longest ago, where there are very many."""
    try:
        files = [entry for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False)]
        if len(files) <= _MOST:
            return
        for entry in sorted(files, key=lambda e: e.stat().st_mtime)[: len(files) - _MOST // 2]:
            os.unlink(entry)
    except OSError:
        return  # another process is doing the same
