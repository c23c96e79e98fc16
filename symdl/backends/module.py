"""The one place where generated source becomes code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["load"]


def load(source: str, name: str = "<symdl>") -> dict[str, Callable[..., Any]]:
    """Run generated source in a namespace of its own and return what it defines."""
    names: dict[str, Any] = {"__name__": name}
    code = compile(source, name, "exec")
    exec(code, names)
    return names
