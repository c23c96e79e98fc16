"""Arrays of numbers beside tensors: small ones whole, large ones with their middle left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sympy.core.expr import Expr

from symdl.derivation.numbers import Numbers
from symdl.derivation.plain_printer import plain_text
from symdl.derivation.shown import InPlaceOf
from symdl.notation.tensors import Elem

if TYPE_CHECKING:
    from symdl.derivation.derivation import Line

__all__ = ["cells", "latex_array", "plain_array", "whole"]

_MOST = 6  # rows or columns that are shown whole
_EDGE = 3  # of a longer axis: that many at the start, and the last one


def whole(e: Expr) -> Expr:
    """The tensor in place of its element: the left side of an array."""
    if isinstance(e, InPlaceOf):
        return e
    return e.xreplace({a: a.tensor for a in e.atoms(Elem)})


def cells(value: list[Any], numbers: Numbers) -> list[list[str | None]]:
    """Rows of printed numbers; None stands for what was left out."""
    rows = value if isinstance(value[0], list) else [value]
    return [
        [None] * len(_cut(rows[0])) if row is None else [_cell(x, numbers) for x in _cut(row)]
        for row in _cut(rows)
    ]


def _cut(values: list[Any]) -> list[Any]:
    return values if len(values) <= _MOST else [*values[:_EDGE], None, values[-1]]


def _cell(x: Any, numbers: Numbers) -> str | None:
    return None if x is None else numbers.text(x)


def plain_array(line: Line, numbers: Numbers, pad: str) -> str:
    """The array of a line as aligned text."""
    rows = [[x or "..." for x in row] for row in cells(line.value, numbers)]
    width = max(len(x) for row in rows for x in row)
    head = f"{pad}{plain_text(whole(line.lhs))} = "
    body = ["[" + "  ".join(x.rjust(width) for x in row) + "]" for row in rows]
    gap = "\n" + " " * len(head)
    return head + gap.join(body)


def latex_array(line: Line, numbers: Numbers) -> str:
    """The array of a line as a LaTeX matrix."""
    rows = [" & ".join(x or r"\cdots" for x in row) for row in cells(line.value, numbers)]
    return r"\begin{bmatrix} " + r" \\ ".join(rows) + r" \end{bmatrix}"
