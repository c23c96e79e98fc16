"""Text files that appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from symdl.errors import InputError
from symdl.training.whole_file import write_whole

__all__ = ["check_folder_of", "made_folder", "write_text"]


def check_folder_of(path: str | os.PathLike[str], what: str = "the file") -> Path:
    """Return the path if a file can be put there, before any work is done for it.

    >>> check_folder_of("page.md").name
    'page.md'
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise InputError(f"{target}: there is no folder {target.parent}; make it first")
    if target.is_dir():
        raise InputError(f"{target} is a folder; give the name of {what} in it")
    if not os.access(target.parent, os.W_OK):
        raise InputError(f"{target}: the folder {target.parent} may not be written to")
    return target


def made_folder(path: str | os.PathLike[str]) -> Path:
    """Return the folder, made if only its last part is missing."""
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give the name of a folder")
    if not folder.parent.is_dir():
        raise InputError(f"{folder}: there is no folder {folder.parent}; make it first")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: the folder cannot be made: {error.strerror}") from error
    return folder


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write UTF-8 text to a temporary file beside ``path`` and rename it; return the path.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_text(Path(folder, "page.md"), "x").read_text()
    'x'
    """
    target = check_folder_of(path)
    write_whole(target, lambda file: file.write(text.encode("utf-8")))
    return target
