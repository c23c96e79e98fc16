"""What the pages of a gallery were made from, so that only what changed is made again."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from symdl.book.files import write_text

__all__ = ["Written", "digest", "fingerprint", "is_as_written", "load", "save"]

_DEPENDENCIES = ("sympy", "mpmath", "numpy", "latex2mathml", "markdown-it-py", "Pygments")
_SKIPPED = ("__pycache__", ".mypy_cache")


@dataclass(frozen=True)
class Written:
    """A page that was written: what it was made from, what the file held, and its title."""

    made_from: str
    file: str
    title: str


def digest(parts: Iterable[bytes | str]) -> str:
    """One hash of several things in their order.

    >>> digest(["a", "b"]) == digest(["ab"])
    False
    """
    found = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        found.update(len(data).to_bytes(8, "big") + data)
    return found.hexdigest()


@cache
def fingerprint() -> str:
    """The hash of symdl's own files, of Python, and of the libraries that shape a page."""
    root = Path(__file__).parents[1]
    own = sorted(
        p for p in root.rglob("*") if p.is_file() and not set(p.parts).intersection(_SKIPPED)
    )
    parts = [part for p in own for part in (p.relative_to(root).as_posix(), p.read_bytes())]
    libraries = [f"{name} {version(name)}" for name in _DEPENDENCIES]
    return digest([sys.version, *libraries, *parts])


def is_as_written(path: Path, known: Written | None, made_from: str) -> bool:
    """True if the page is there, whole, and made from the same."""
    if known is None or known.made_from != made_from or not path.is_file():
        return False
    return digest([path.read_bytes()]) == known.file


def load(path: Path) -> dict[str, Written]:
    """The pages that a manifest names; none where there is no manifest that can be read."""
    try:
        return {k: Written(**v) for k, v in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def save(path: Path, pages: Mapping[str, Written]) -> None:
    """Write the manifest."""
    found = {name: asdict(written) for name, written in pages.items()}
    write_text(path, json.dumps(found, ensure_ascii=False, indent=1) + "\n")
