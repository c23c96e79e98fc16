r"""About how wide LaTeX mathematics is, in em, without asking TeX.

The widths are those of Computer Modern, rounded up.  They decide where lines are broken, so being
off by a few per cent costs nothing but a line that could have been longer.
"""

from __future__ import annotations

import re

__all__ = ["CLOSING", "OPENING", "RELATIONS", "SIGNS", "TIMES", "tokens", "width"]

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|\s+|.", re.DOTALL)
RELATIONS = frozenset(
    ("=", "<", ">", r"\leq", r"\le", r"\geq", r"\ge", r"\neq", r"\in", r"\approx", r"\to")
)
SIGNS = frozenset(("+", "-"))
TIMES = frozenset((r"\cdot", r"\times"))
OPENING = frozenset(("{", "(", "[", r"\left", r"\begin"))
CLOSING = frozenset(("}", ")", "]", r"\right", r"\end"))

_SCRIPT = 0.72
_ACCENTS = (r"\bar", r"\hat", r"\overline", r"\tilde", r"\mathbb", r"\mathbf", r"\mathcal")
_UPRIGHT = (r"\mathrm", r"\text", r"\operatorname")
_BIG = (r"\sum", r"\prod", r"\max", r"\min", r"\lim")  # what they range over stands below
_NAMES = (r"\log", r"\sin", r"\cos", r"\tanh", r"\cosh", r"\sinh", r"\exp", *_BIG[2:])
_SPACES = {r"\,": 0.17, r"\:": 0.23, r"\;": 0.28, r"\ ": 0.33, r"\quad": 1.0, r"\qquad": 2.0}


def tokens(math: str) -> list[str]:
    r"""Commands, spaces and single letters.

    >>> tokens(r"\bar{x}+ 1")
    ['\\bar', '{', 'x', '}', '+', ' ', '1']
    """
    return _TOKEN.findall(math)


def width(math: str) -> float:
    r"""The width in em of a formula in display style.

    >>> width("a") < width("a + b") < width(r"\frac{a + b + c}{2}")
    True
    """
    return _Measure(math).row()


class _Measure:
    """Reads the tokens once, from left to right."""

    def __init__(self, math: str) -> None:
        self._left = [t for t in tokens(math) if not t.isspace()][::-1]

    def row(self) -> float:
        """The width up to the bracket that closes what is open; of several rows, the widest."""
        widest = now = 0.0
        while self._left:
            if self._left[-1] in ("}", r"\end"):
                break
            if self._left[-1] == "\\\\":
                self._left.pop()
                widest, now = max(widest, now), 0.0
            else:
                now += self._one()
        return max(widest, now)

    def _argument(self) -> float:
        """The width of the next group, or of the next token."""
        if not self._left:
            return 0.0
        if self._left[-1] != "{":
            return self._one()
        self._left.pop()
        inside = self.row()
        if self._left:
            self._left.pop()
        return inside

    def _one(self) -> float:
        if self._left[-1] == "{":
            return self._argument()
        text = self._left.pop()
        if text in (r"\frac", r"\binom"):
            return max(self._argument(), self._argument()) + 0.25
        if text == r"\underset":
            return max(_SCRIPT * self._argument(), self._argument())
        if text == r"\sqrt":
            return self._argument() + 0.85
        if text in (r"\left", r"\right"):
            return 0.15 if self._left and self._left.pop() == "." else 0.5
        if text == r"\begin":
            return self._environment()
        if text in ("^", "_"):
            return _SCRIPT * self._argument()
        if text in _BIG:
            return self._big(text)
        if text in _UPRIGHT:
            return self._argument() + (0.33 if text == r"\operatorname" else 0.0)
        if text in _ACCENTS:
            return self._argument()
        return _of_sign(text)

    def _environment(self) -> float:
        self._argument()
        inside = self.row()
        if self._left:
            self._left.pop()
            self._argument()
        return inside + 1.0

    def _big(self, text: str) -> float:
        own, below = _of_sign(text), 0.0
        while self._left and self._left[-1] in ("^", "_"):
            self._left.pop()
            below = max(below, _SCRIPT * self._argument())
        return max(own, below) + 0.2


def _of_sign(text: str) -> float:
    if text in _SPACES:
        return _SPACES[text]
    if text in RELATIONS:
        return 1.35
    if text in SIGNS or text in TIMES:
        return 1.25 if text in SIGNS else 0.9
    if text in _NAMES:
        return 0.5 * (len(text) - 1) + 0.17
    if text == r"\sum":
        return 1.45
    if text == "&":
        return 1.0
    if len(text) == 1 and text.isalpha():
        return 1.0 if ord(text) > 0x1100 else 0.78 if text in "mwMW" or text.isupper() else 0.56
    return 0.45 if text in ".,()[]|:;!'" else 0.55 if len(text) > 1 else 0.5
