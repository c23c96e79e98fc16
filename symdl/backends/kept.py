"""What was derived, kept on disk: data that is checked when it is read, and never run.

An entry lies under the hash of all that it was made from.  Its first line is the hash of the rest;
an entry that is cut, changed or put under another name counts as none, and is made again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from symdl.backends.folder import cache_folder, make_room, writable_folder, write_whole

__all__ = ["NOTHING", "Kept", "typed"]

T = TypeVar("T")


@dataclass(frozen=True)
class Kept:
    """The parts that are kept under a key; without a key nothing is."""

    key: str | None

    def read(self, part: str, reader: Callable[[Any], T]) -> T | None:
        """Return what ``reader`` makes of a part; None where it is not there, or not sound."""
        path = self._path(part)
        if path is None:
            return None
        try:
            note, _, body = path.read_bytes().partition(b"\n")
            if note.decode() != _hash(body):
                return None
            found = json.loads(body)
            return reader(found["data"]) if found["of"] == [self.key, part] else None
        except (OSError, ValueError, TypeError, LookupError):
            return None

    def write(self, part: str, data: Any) -> None:
        """Keep plain data as a part, where the folder can be written to."""
        path = self._path(part)
        if path is None or path.parent != writable_folder():
            return
        body = json.dumps({"of": [self.key, part], "data": data}).encode()
        try:
            write_whole(path, _hash(body).encode() + b"\n" + body)
        except OSError:
            return
        make_room(path.parent)

    def _path(self, part: str) -> Path | None:
        folder = cache_folder()
        if folder is None or self.key is None:
            return None
        return folder / f"{_hash(f'{self.key} {part}'.encode())}.json"


NOTHING = Kept(None)


def typed(kind: type[T], value: object) -> T:
    """Return a value that was read if it is of that type; raise ValueError for any other.

    >>> typed(str, "text"), typed(int, 3)
    ('text', 3)
    """
    if type(value) is not kind:
        raise ValueError(f"{value!r} is no {kind.__name__}")
    return value


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
