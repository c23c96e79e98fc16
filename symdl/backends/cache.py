"""Functions made for the shapes of their arrays, the last few of which are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symdl.errors import InputError

__all__ = ["Cache"]

_KEPT = 4  # sizes of batches for each function: full, last and validation batches, and one more

Shapes = tuple[tuple[int, ...], ...]


class Cache:
    """Makes a function on first use, and forgets the one that was made longest ago.

    >>> made = []
    >>> cache = Cache(lambda name, shapes: made.append(shapes) or name.upper)
    >>> [cache.get("f", [])(), cache.get("f", [])(), made]
    ['F', 'F', [()]]
    """

    def __init__(self, make: Callable[[str, Shapes], Callable[..., Any]]) -> None:
        self._make = make
        self._kept: dict[str, dict[Shapes, Callable[..., Any]]] = {}

    def found(self, name: str, shapes: Shapes) -> Callable[..., Any] | None:
        """Return the function of that name for these shapes, if it has been made."""
        return self._kept.get(name, {}).get(shapes)

    def get(self, name: str, arrays: Sequence[Any]) -> Callable[..., Any]:
        """Return the function of that name for arrays of these shapes.

        Raises InputError where a divisor that is made of sizes alone is 0 for them.
        """
        kept = self._kept.setdefault(name, {})
        shapes = tuple([getattr(a, "shape", ()) for a in arrays])
        if shapes not in kept:
            kept[shapes] = self._made(name, shapes)
            if len(kept) > _KEPT:
                del kept[next(iter(kept))]
        return kept[shapes]

    def _made(self, name: str, shapes: Shapes) -> Callable[..., Any]:
        try:
            with np.errstate(divide="raise", invalid="raise"):
                return self._make(name, shapes)
        except FloatingPointError:
            first = next((s for s in shapes if s), ())
            raise InputError(
                f"the formulas divide by 0 for an array of shape {first}: a divisor in them is "
                "made of sizes alone, such as N - 1 for N rows; give more rows"
            ) from None
