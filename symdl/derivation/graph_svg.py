"""A graph of scalar nodes as an SVG picture: values forwards, gradients backwards.

Every node has one line to its right, with its value above and its gradient below it, which then
branches to all that read the node.  Where it branches, what each of them hands back stands under
the gradient that it adds up to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.differentiate import differentiate
from symdl.derivation.graph_layout import Layout, layout
from symdl.derivation.plain_printer import plain_text
from symdl.derivation.wording import Wording
from symdl.errors import NotSupported
from symdl.evidence.evaluate import World, evaluate
from symdl.notation.tensors import real
from symdl.notation.walk import variables

if TYPE_CHECKING:
    from symdl.derivation.table import NodeRow, NodeTable

__all__ = ["MOST_NODES", "graph_svg"]

MOST_NODES = 120

_INK, _QUIET, _VALUE, _GRADIENT = "#1c1d22", "#5f6470", "#00695c", "#b3261e"
_FONT = "Verdana, 'DejaVu Sans', 'Noto Sans', 'Noto Sans CJK KR', 'Malgun Gothic', sans-serif"
_SIZE, _SMALL, _CHARACTER = 13, 11, 0.64  # in pixels; the width of a character over its height
_HALF, _GAP, _MARGIN, _LINE = 17.0, 44.0, 14.0, 13.0


def graph_svg(table: NodeTable, lang: str) -> str:
    """The picture as the text of an SVG file that needs nothing else.

    Raises NotSupported where there are too many nodes to be read.
    """
    if len(table.rows) > MOST_NODES:
        raise NotSupported(
            f"a picture of {len(table.rows)} nodes cannot be read: {MOST_NODES} is the most; "
            "take a part of the formula, or the table: .text()"
        )
    return _Drawing(table, Wording(lang)).text()


@dataclass(frozen=True)
class _Box:
    """What is written of a node: its label, a caption under it, and the numbers on its line."""

    label: str
    caption: str
    value: str
    gradient: str
    parts: tuple[tuple[sp.Symbol, str], ...]  # what each reader hands back, where there are several
    leaf: bool

    @property
    def width(self) -> float:
        """Of the node itself; one that computes is at least a circle."""
        return max(
            _wide(self.label, _SIZE) + (8 if self.leaf else 14), 0 if self.leaf else 2 * _HALF
        )

    @property
    def line(self) -> float:
        """How long its line must be for the numbers on it."""
        return 14 + max(
            _wide(self.value, _SIZE), _wide(self.gradient, _SIZE),
            *(_wide(f"+ {_signed(p)}", _SMALL) for _, p in self.parts),
        )  # fmt: skip

    @property
    def extents(self) -> tuple[float, float]:
        """How far it reaches up and down."""
        down = max(_HALF + (_LINE if self.caption else 0), 18 + _LINE * len(self.parts))
        return _HALF + 6, down + 6


def _wide(text: str, size: float) -> float:
    return len(text) * size * _CHARACTER


class _Drawing:
    """The picture of one table."""

    def __init__(self, table: NodeTable, words: Wording) -> None:
        self._table, self._words = table, words
        self._rows = {r.variable: r for r in table.rows}
        self._reads = {
            r.variable: [] if r.rhs is None else _in_reading_order(r.rhs, self._rows)
            for r in table.rows
        }
        self._boxes = {v: self._box(r) for v, r in self._rows.items()}

    # ------------------------------------------------------------------------- what is written

    def _box(self, r: NodeRow) -> _Box:
        name = plain_text(r.variable)
        operation = "" if r.rhs is None else _operation(r.rhs, self._reads[r.variable])
        return _Box(
            operation or name,
            name if operation else "",
            self._value(r),
            self._table.number(r.gradient),
            self._handed_back(r.variable),
            r.rhs is None,
        )

    def _value(self, r: NodeRow) -> str:
        """A value that was given is written as it was."""
        given = None if self._table.exact else self._table.numbers.given.get(r.variable)
        return given or self._table.number(r.value)

    def _handed_back(self, v: sp.Symbol) -> tuple[tuple[sp.Symbol, str], ...]:
        readers = [t for t, read in self._reads.items() if v in read]
        if len(readers) < 2:
            return ()
        return tuple((t, self._table.number(self._through(self._rows[t], v))) for t in readers)

    def _through(self, target: NodeRow, v: sp.Symbol) -> Any:
        """The gradient of a node times its local derivative."""
        assert target.rhs is not None
        local = differentiate(target.rhs, v).after
        values = {u: r.value for u, r in self._rows.items()}
        exact = local.xreplace(values)
        if self._table.exact and exact.is_Rational:
            return target.gradient * exact
        given = self._table.numbers.world
        world = World({}, {**given.values, **values}, given.ctx)
        return target.gradient * evaluate(local, world)

    # -------------------------------------------------------------------------- where it stands

    @cached_property
    def _layout(self) -> Layout:
        return layout(self._reads, {v: b.extents for v, b in self._boxes.items()})

    @cached_property
    def _columns(self) -> list[tuple[float, float, float]]:
        """Of each layer: its left edge, the middle of its nodes, and its right edge."""
        out, x = [], _MARGIN
        for layer in self._layout.layers:
            boxes = [self._boxes[v] for v in layer if v in self._boxes]
            wide = max(b.width for b in boxes)
            right = x + wide / 2 + max(b.width / 2 + b.line for b in boxes)
            out.append((x, x + wide / 2, max(right, x + wide)))
            x = out[-1][2] + _GAP
        return out

    @cached_property
    def _column(self) -> dict[Any, int]:
        return {item: k for k, layer in enumerate(self._layout.layers) for item in layer}

    def _y(self, item: Any) -> float:
        top = max(b.extents[0] for b in self._boxes.values())
        return _MARGIN + top + self._layout.y[item]

    # ------------------------------------------------------------------------------ the drawing

    def text(self) -> str:
        """The whole file."""
        width = max(self._columns[-1][2] + _MARGIN, 380.0)
        below = max(self._y(v) + b.extents[1] for v, b in self._boxes.items()) + 8
        height = below + 18 + _MARGIN
        return "\n".join((
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" height="{_n(height)}" '
            f'viewBox="0 0 {_n(width)} {_n(height)}" role="img" font-family="{escape(_FONT)}" '
            f'font-size="{_SIZE}">',
            f"<title>{escape(self._words['picture.graph'])}</title>",
            f"<desc>{escape(self._description())}</desc>",
            f'<rect width="{_n(width)}" height="{_n(height)}" rx="6" fill="#ffffff"/>',
            f'<g fill="none" stroke="{_QUIET}" stroke-width="1.2">',
            *(self._way(s, t) for s, t in self._layout.ways),
            "</g>",
            *(self._node(v, b) for v, b in self._boxes.items()),
            self._legend(below + 14),
            "</svg>",
        )) + "\n"  # fmt: skip

    def _description(self) -> str:
        """All that can be seen, for those who cannot see it."""
        value, gradient = self._words["word.value"], self._words["word.gradient"]
        return "; ".join(
            f"{plain_text(v)}: {value} {b.value}, {gradient} {b.gradient}"
            for v, b in self._boxes.items()
        )

    def _node(self, v: sp.Symbol, b: _Box) -> str:
        k, y = self._column[v], self._y(v)
        _, middle, end = self._columns[k]
        start = middle + b.width / 2
        rhs = self._rows[v].rhs
        parts = [
            f'<path d="M{_n(start)} {_n(y)}H{_n(end)}" stroke="{_QUIET}" stroke-width="1.2"/>',
            _write(b.label, middle, y + 4.5, weight="" if rhs is not None else "bold"),
            _write(b.value, (start + end) / 2, y - 6, fill=_VALUE),
            _write(b.gradient, (start + end) / 2, y + 15, fill=_GRADIENT, italic=True),
        ]
        if rhs is not None:
            x = middle - b.width / 2
            parts.insert(1, (
                f'<rect x="{_n(x)}" y="{_n(y - _HALF)}" width="{_n(b.width)}" '
                f'height="{_n(2 * _HALF)}" rx="{_n(_HALF)}" fill="#eef1f7" stroke="{_INK}"/>'
            ))  # fmt: skip
        if b.caption:
            parts.append(_write(b.caption, middle, y + _HALF + 12, size=_SMALL, fill=_QUIET))
        for n, (_, part) in enumerate(sorted(b.parts, key=lambda p: self._y(p[0]))):
            shown = f"+ {_signed(part)}" if n else f"= {part}"
            at = y + 15 + _LINE * (n + 1)
            parts.append(
                _write(shown, (start + end) / 2, at, size=_SMALL, fill=_GRADIENT, italic=True)
            )
        return f'<g data-node="{escape(str(v.name))}" translate="no">{"".join(parts)}</g>'

    def _way(self, source: Any, target: Any) -> str:
        """From the end of a node's line past the layers between to the node that reads it."""
        way = self._layout.ways[source, target]
        x, y = self._columns[self._column[source]][2], self._y(source)
        path = [f"M{_n(x)} {_n(y)}"]
        for item in way[1:-1]:
            left, _, right = self._columns[self._column[item]]
            path += [_curve(x, y, left, self._y(item)), f"H{_n(right)}"]
            x, y = right, self._y(item)
        box, middle = self._boxes[target], self._columns[self._column[target]][1]
        end_y = self._y(target) + self._port(source, target)
        inset = abs(end_y - self._y(target)) ** 2 / (2 * _HALF)
        end = middle - box.width / 2 + inset
        path.append(_curve(x, y, end - 5, end_y))
        head = f"M{_n(end - 7)} {_n(end_y - 3.5)}L{_n(end)} {_n(end_y)}l-7 3.5Z"
        return f'<path d="{"".join(path)}"/><path d="{head}" fill="{_QUIET}" stroke="none"/>'

    def _port(self, source: Any, target: Any) -> float:
        """How far from the middle of a node an edge comes in: from top to bottom as they stand."""
        found = sorted(self._reads[target], key=lambda s: self._y(self._layout.ways[s, target][-2]))
        room = min(14.0, 24.0 / max(len(found) - 1, 1))
        return room * (found.index(source) - (len(found) - 1) / 2)

    def _legend(self, y: float) -> str:
        above, below = self._words["picture.above"], self._words["picture.below"]
        return (
            f'<text x="{_n(_MARGIN)}" y="{_n(y)}" font-size="{_SMALL}">'
            f'<tspan fill="{_VALUE}">{escape(above)}</tspan>'
            f'<tspan dx="18" fill="{_GRADIENT}" font-style="italic">{escape(below)}</tspan></text>'
        )


def _in_reading_order(e: Expr, known: Mapping[sp.Symbol, Any]) -> list[sp.Symbol]:
    return [v for v in sorted(variables(e), key=lambda v: list(known).index(v)) if v in known]


def _signed(number: str) -> str:
    return f"({number})" if number.startswith("-") else number


def _operation(e: Expr, reads: Sequence[sp.Symbol]) -> str:
    """A short sign for one operation; nothing for what takes more than one."""
    if len(reads) == 2:
        return _of_two(e, reads)
    if len(reads) != 1:
        return ""
    (v,) = reads
    c, rest = e.as_coeff_Mul() if e.is_Mul else e.as_coeff_Add()
    number = plain_text(abs(c))
    if e.is_Mul and rest == v:
        return f"×{number}" if c.is_Integer and c > 0 else f"×({plain_text(c)})"
    if e.is_Add and rest == v:
        return f"+ {number}" if c > 0 else f"- {number}"
    if e.is_Add and rest == -v:
        return f"{plain_text(c)} -"
    if e.args and all(a == v or a.is_number for a in e.args):
        return plain_text(e.xreplace({v: real("x")})) if e.is_Pow else _called(e)
    return ""


def _of_two(e: Expr, reads: Sequence[sp.Symbol]) -> str:
    """A sign where the order does not matter, else the operation as it is written."""
    if set(e.args) == set(reads):
        sign = {sp.Add: "+", sp.Mul: "×"}.get(e.func)
        return sign or (_called(e) if isinstance(e, (sp.Max, sp.Min)) else plain_text(e))
    return plain_text(e) if e.is_Add and {a.as_coeff_Mul()[1] for a in e.args} == set(reads) else ""


def _called(e: Expr) -> str:
    """The name of a function."""
    return str(e.func.__name__).lower() if e.is_Function or isinstance(e, sp.Max | sp.Min) else ""


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    middle = (x + to_x) / 2
    return f"C{_n(middle)} {_n(y)} {_n(middle)} {_n(to_y)} {_n(to_x)} {_n(to_y)}"


def _n(x: float) -> str:
    return f"{x:.1f}".removesuffix(".0")


def _write(
    text: str, x: float, y: float, *, size: int = _SIZE, fill: str = _INK, weight: str = "",
    italic: bool = False,
) -> str:  # fmt: skip
    more = "" if size == _SIZE else f' font-size="{size}"'
    more += ' font-weight="bold"' if weight else ""
    more += ' font-style="italic"' if italic else ""
    return (
        f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="middle" fill="{fill}"{more}>'
        f"{escape(text)}</text>"
    )
