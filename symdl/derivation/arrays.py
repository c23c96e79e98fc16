"""Arrays of numbers beside tensors: small ones whole, large ones with their middle left out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import place_of
from symdl.derivation.matrix_forms import Form, InMatrix, Leaf
from symdl.derivation.numbers import Numbers
from symdl.derivation.plain_printer import plain_text
from symdl.derivation.printer import latex
from symdl.derivation.shown import InPlaceOf
from symdl.derivation.widths import width
from symdl.notation.tensors import Elem, real

if TYPE_CHECKING:
    from symdl.derivation.derivation import Derivation, Line

__all__ = ["cells", "latex_arrays", "plain_array", "put_in", "whole"]

_MOST = 6  # rows or columns that are shown whole
_EDGE = 3  # of a longer axis: that many at the start, and the last one
_WIDE, _WIDE_EM = 120, 44.0  # columns of text, em of LaTeX: no wider line of arrays is written
_MARK = "\ue000"  # this sign and those after it stand for arrays in text
_MARKED = re.compile("([\ue000-\uf8ff])")


def whole(e: Expr) -> Expr:
    """The tensor in place of its element: the left side of an array."""
    if isinstance(e, InPlaceOf):
        return e
    return e.xreplace({a: a.tensor for a in e.atoms(Elem)})


def cells(value: list[Any], numbers: Numbers, column: bool = False) -> list[list[str | None]]:
    """Rows of printed numbers; None stands for what was left out."""
    rows = value if isinstance(value[0], list) else [[x] for x in value] if column else [value]
    return [
        [None] * len(_cut(rows[0])) if row is None else [_cell(x, numbers) for x in _cut(row)]
        for row in _cut(rows)
    ]


def _cut(values: list[Any]) -> list[Any]:
    return values if len(values) <= _MOST else [*values[:_EDGE], None, values[-1]]


def _cell(x: Any, numbers: Numbers) -> str | None:
    return None if x is None else numbers.text(x)


def _rows(line: Line, numbers: Numbers) -> list[list[str | None]]:
    """The numbers of a line; in matrix notation a vector is a column, unless it is turned."""
    column = isinstance(line.lhs, InMatrix) and line.lhs.args[2] != 0
    return cells(line.value, numbers, column)


# ------------------------------------------------------------------------------- plain text


def plain_array(line: Line, derivation: Derivation, pad: str) -> list[str]:
    """The line with numbers put in, where it is a matrix form, and the array that it comes to."""
    numbers = derivation.numbers
    if numbers is None:
        return []
    lhs, boxes = plain_text(whole(line.lhs)), [_box(_rows(line, numbers))]
    shown = _beside(f"{pad}{lhs} = {_MARK}", boxes)
    found = put_in(line, derivation)
    if found is None:
        return shown
    form, values, table = found
    marks = {s: chr(ord(_MARK) + k) for k, s in enumerate(values)}
    text = plain_text(form, {**table, **marks})
    inside = [_box(cells(values[s], numbers, column=True)) for s in marks]
    before = _beside(f"{pad}{lhs} = {text}", inside)
    if max(map(len, before)) > _WIDE:
        return shown
    return [*before, *_beside(f"{pad}{' ' * len(lhs)} = {_MARK}", boxes)]


def _box(rows: list[list[str | None]]) -> list[str]:
    shown = [[x or "..." for x in row] for row in rows]
    width = max(len(x) for row in shown for x in row)
    return ["[" + "  ".join(x.rjust(width) for x in row) + "]" for row in shown]


def _beside(text: str, boxes: list[list[str]]) -> list[str]:
    """Text with boxes in the place of its marks, on as many lines as the highest box has."""
    high = max(map(len, boxes), default=1)
    lines = [""] * high
    for part in _MARKED.split(text):
        box = boxes[ord(part) - ord(_MARK)] if _MARKED.fullmatch(part) else [part]
        above = (high - 1) // 2 - (len(box) - 1) // 2
        wide = max(map(len, box))
        for k in range(high):
            inside = 0 <= k - above < len(box)
            lines[k] += (box[k - above] if inside else "").ljust(wide)
    return [line.rstrip() for line in lines]


# ------------------------------------------------------------------------------- LaTeX


def latex_arrays(line: Line, derivation: Derivation) -> list[tuple[str, str]]:
    """Left and right sides: with numbers put in, where it is a matrix form, and the result."""
    numbers = derivation.numbers
    if numbers is None:
        return []
    lhs, result = latex(whole(line.lhs)), _matrix(_rows(line, numbers))
    first = "" if isinstance(line.lhs, InMatrix) and line.sides else lhs
    found = put_in(line, derivation)
    if found is None:
        return [(first, result)]
    form, values, table = found
    inside = {s: _matrix(cells(v, numbers, column=True)) for s, v in values.items()}
    before = latex(form, {**table, **inside})
    if width(lhs) + width(before) > _WIDE_EM:
        return [(first, result)]
    return [(first, before), ("", result)]


def _matrix(rows: list[list[str | None]]) -> str:
    columns = {k for row in rows if any(row) for k, x in enumerate(row) if x is None}
    shown = []
    for row in rows:
        dots = {k: (r"\ddots" if k in columns else r"\vdots") for k in range(len(row))}
        shown.append(
            " & ".join(x or (r"\cdots" if any(row) else dots[k]) for k, x in enumerate(row))
        )
    body = r" \\ ".join(shown)
    return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


# ------------------------------------------------------------------------------- numbers put in

PutIn = tuple[Form, dict[sp.Symbol, Any], dict[Expr, str]]


def put_in(line: Line, derivation: Derivation) -> PutIn | None:
    """The last side of a line in matrices, with what stands in the place of its symbols.

    The form has marks for its leaves; then come the array of each mark and the numbers of scalars.
    None where something has no number.
    """
    side = line.sides[-1] if line.sides else line.lhs
    numbers = derivation.numbers
    if numbers is None or not isinstance(side, InMatrix) or isinstance(side.shown, Leaf):
        return None
    table = derivation.substitutes()
    table.update((s, str(n)) for s, n in numbers.world.sizes.items())
    marks: dict[Leaf, Leaf] = {}
    values: dict[sp.Symbol, Any] = {}
    for k, leaf in enumerate(sorted(side.shown.atoms(Leaf), key=str)):
        value = derivation.array(place_of(leaf.args[0]))
        if value is None:
            return None
        mark = real(f"_{k}")
        marks[leaf] = Leaf(leaf.args[0], mark, bool(leaf.args[2]))
        if not isinstance(value, list):
            table[mark] = table.get(leaf.args[1]) or numbers.text(value)
        elif leaf.args[2] and isinstance(value[0], list):
            values[mark] = [list(row) for row in zip(*value, strict=True)]
        else:
            values[mark] = value
    return side.shown.xreplace(marks), values, table
