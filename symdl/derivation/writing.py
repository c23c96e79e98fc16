"""How a derivation is written: the notation, the layout of derivatives, and their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from symdl.errors import InputError

__all__ = ["LAYOUTS", "NOTATIONS", "STYLES", "Writing", "chosen"]

NOTATIONS = ("scalar", "index", "matrix")
LAYOUTS = ("denominator", "numerator")
STYLES = ("leibniz", "bar", "nabla")


@dataclass(frozen=True)
class Writing:
    """The words of a reader's choice.

    notation  scalar: every element a symbol of its own; index; matrix.  None: as the formula is
    layout    denominator: a derivative has the shape of the variable; numerator: of its transpose
    style     leibniz dL/dW, bar Wbar, nabla; None: bars for a tensor output, else Leibniz
    """

    notation: str | None = None
    layout: str = "denominator"
    style: str | None = None

    def __post_init__(self) -> None:
        chosen("notation", self.notation, (None, *NOTATIONS))
        chosen("layout", self.layout, LAYOUTS)
        chosen("style", self.style, (None, *STYLES))
        if self.layout != "denominator" and self.notation != "matrix":
            raise InputError("a layout is chosen for matrices: add notation='matrix'")


def chosen(what: str, word: object, known: Sequence[str | None]) -> None:
    """Refuse a word that is not known.

    >>> chosen("notation", "matrx", NOTATIONS)
    Traceback (most recent call last):
    symdl.errors.InputError: the notation 'matrx' is not one of scalar, index, matrix; did you \
mean 'matrix'?
    """
    if word in known:
        return
    names = [k for k in known if k is not None]
    near = get_close_matches(str(word).lower(), names, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise InputError(f"the {what} {word!r} is not one of {', '.join(names)}{hint}")
