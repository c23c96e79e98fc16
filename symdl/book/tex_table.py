"""Tables in LaTeX whose columns are as wide as what stands in them, and no wider than the page."""

from __future__ import annotations

import re
from collections.abc import Sequence

from symdl.derivation.breaking import pieces
from symdl.derivation.widths import width

__all__ = ["tabular"]

_ROOM = 47.0  # em, at the size of the text
_GAP = 1.2  # em between two columns
_SIZES = ((1.0, r"\normalsize"), (0.9, r"\small"), (0.8, r"\footnotesize"), (0.7, r"\scriptsize"))
_MATH = re.compile(r"\$([^$]*)\$")
_COMMAND = re.compile(r"\\allowbreak\{\}|\\[a-z]+\{|[{}]")
_BREAKS = re.compile(r"\s+|\\allowbreak\{\}|(?<=-)")


def tabular(rows: Sequence[Sequence[str]]) -> str:
    r"""The rows, the first of them the head, as a longtable.

    >>> print(tabular([["a", "b"], ["1", "2"]]))
    {\normalsize
    \begin{longtable}{@{}ll@{}}
    a & b \\
    \hline
    \endhead
    1 & 2 \\
    \end{longtable}}
    """
    wide = [max(_whole(c) for c in column) for column in zip(*rows, strict=True)]
    least = [max(_longest(c) for c in column) for column in zip(*rows, strict=True)]
    gaps = _GAP * (len(wide) - 1)
    fitting = (s for s in _SIZES if sum(least) <= 0.95 * (_ROOM / s[0] - gaps))
    scale, size = next(fitting, _SIZES[-1])
    columns = _columns(wide, least, _ROOM / scale - gaps)
    head, *body = (" & ".join(row) + r" \\" for row in rows)
    top = [head, r"\hline", r"\endhead"] if any(rows[0]) else []
    lines = "\n".join((*top, *body))
    return f"{{{size}\n\\begin{{longtable}}{{@{{}}{columns}@{{}}}}\n{lines}\n\\end{{longtable}}}}"


def _columns(wide: list[float], least: list[float], room: float) -> str:
    """Columns of their own width where there is room; else each gets its part of what is left."""
    if sum(wide) <= room:
        return "l" * len(wide)
    more = [w - m for w, m in zip(wide, least, strict=True)]
    left = max(room - sum(least), 0.0) / (sum(more) or 1.0)
    widths = [m + left * extra for m, extra in zip(least, more, strict=True)]
    return "".join(rf">{{\raggedright\arraybackslash}}p{{{w:.2f}em}}" for w in widths)


def _whole(cell: str) -> float:
    """The width of a cell on one line."""
    return _words(_MATH.sub("", cell)) + sum(width(m) for m in _MATH.findall(cell)) + 0.2


def _longest(cell: str) -> float:
    """The width of the longest part of a cell that cannot be broken."""
    words = _BREAKS.split(_MATH.sub(" ", cell))
    parts = (p for m in _MATH.findall(cell) for p in pieces(m))
    return max([0.5, *(_words(w) + 0.3 for w in words), *(width(p) + 0.5 for p in parts)])


def _words(text: str) -> float:
    """The width of words; a syllable of Korean is a square."""
    shown = _COMMAND.sub("", text)
    return sum(1.0 if c >= "가" else 0.54 for c in shown)
