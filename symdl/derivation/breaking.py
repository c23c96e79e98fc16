r"""Where a line of LaTeX mathematics may be broken.

A formula breaks at its own level only: before a relation, before a plus or a minus, and, where that
is not enough, between the factors of a product.  What stands inside braces, brackets or an
environment stays together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from symdl.derivation.widths import CLOSING, OPENING, RELATIONS, SIGNS, TIMES, tokens, width
from symdl.errors import InputError

__all__ = ["aligned_rows", "broken", "cells", "factors", "pieces"]

_JOINING = RELATIONS | SIGNS | TIMES | frozenset((",", "^", "_", "&", r"\,", r"\quad"))
_RANGES = re.compile(r"\\(sum|prod|max|min|lim)\s*(_\s*(\{[^{}]*\}|\w))?\s*$")
_ALIGNED = re.compile(r"\\begin\{(aligned|align\*)\}(.*)\\end\{\1\}", re.DOTALL)


def aligned_rows(math: str) -> list[list[str]]:
    r"""The rows of a displayed formula, each a left side and what it is aligned with.

    >>> aligned_rows(r"\begin{aligned} a &= b \\ &= c \end{aligned}")
    [['a', '= b'], ['', '= c']]
    """
    found = _ALIGNED.fullmatch(math.strip())
    rows = _split(found[2], "\\\\") if found else [math]
    return [cells(row) for row in rows]


def cells(row: str) -> list[str]:
    """The parts of a row between its marks of alignment."""
    return [part.strip() for part in _split(row, "&")]


def pieces(math: str) -> list[str]:
    r"""The parts of a formula between which a line may end; all but the first begin with a sign.

    >>> pieces(r"y = \frac{a + b}{c} + d - \left(e + f\right)")
    ['y', '= \\frac{a + b}{c}', '+ d', '- \\left(e + f\\right)']
    """
    return list(_cut(math, _between_terms))


def factors(math: str) -> list[str]:
    r"""The factors of a product, between which a line may end if nothing else helps.

    >>> factors(r"= 2 \left(a + b\right) \cdot \frac{c}{d}")
    ['= 2', '\\left(a + b\\right)', '\\cdot \\frac{c}{d}']
    """
    found: list[str] = []
    for part in _cut(math, _between_factors):
        if found and _RANGES.search(found[-1]):  # a sum stays with what it sums
            found[-1] += f" {part}"
        else:
            found.append(part)
    return found


def broken(math: str, wide: float) -> list[str]:
    r"""The lines of a formula, each as long as there is room; ``wide`` is in em.

    >>> broken("a + b + c", 3)
    ['a + b', '+ c']
    """
    lines: list[str] = []
    for piece in pieces(math):
        if lines and width(f"{lines[-1]} {piece}") <= wide:
            lines[-1] = f"{lines[-1]} {piece}"
        elif width(piece) <= wide:
            lines.append(piece)
        else:
            lines += _spread(piece, wide)
    return lines


def _spread(piece: str, wide: float) -> list[str]:
    """One term on several lines; a line that goes on with a factor begins with a dot."""
    lines: list[str] = []
    for factor in factors(piece):
        if lines and width(f"{lines[-1]} {factor}") <= wide:
            lines[-1] = f"{lines[-1]} {factor}"
        else:
            dot = r"\cdot " if lines and not factor.startswith(tuple(TIMES)) else ""
            lines += [dot + factor] if width(factor) <= wide else _opened(dot + factor, wide)
    return lines


def _opened(factor: str, wide: float) -> list[str]:
    """One factor that is too wide: a sum in brackets, or a fraction, on several lines."""
    found = tokens(factor)
    start = next((k for k, t in enumerate(found) if t in (r"\left", r"\frac")), None)
    if start is None:
        return [factor]
    before, end = "".join(found[:start]), _end_of_group(found, start + 1)
    if found[start] == r"\left":
        first, *rest = broken("".join(found[start + 2 : end - 1]), wide - 2)
        bracket, close = found[start + 1], f"{found[end]}{''.join(found[end + 1 :])}"
        lines = [rf"{before}\Bigl{bracket} {first}", *(rf"\quad {line}" for line in rest)]
        return [*lines[:-1], rf"{lines[-1]} \Bigr{close}"]
    rows = broken("".join(found[start + 2 : end]), wide - 2)
    if len(rows) == 1:
        return [factor]
    above = r"\begin{gathered} " + r" \\ ".join(rows) + r" \end{gathered}"
    return [rf"{before}\frac{{{above}}}{''.join(found[end + 1 :])}"]


def _end_of_group(found: list[str], at: int) -> int:
    """Where the bracket closes that is open at a place, or opens there."""
    level = 1 if found[at - 1] == r"\left" else 0
    for k, text in enumerate(found[at:], at):
        if found[k - 1] in (r"\left", r"\right"):
            if level == 0:
                return k
            continue
        level += text in OPENING
        level -= text in CLOSING
        if level == 0 and text == "}":
            return k
    raise InputError(f"a bracket is not closed in {''.join(found)}")


def _nested(math: str) -> Iterator[tuple[str, int]]:
    """Each token, and in how many brackets it stands."""
    depth, before = 0, ""
    for text in tokens(math):
        yield text, depth
        if before not in (r"\left", r"\right"):  # else it is the bracket of that
            depth += text in OPENING
            depth -= text in CLOSING and depth > 0
        before = text


def _split(math: str, mark: str) -> list[str]:
    parts = [""]
    for text, depth in _nested(math):
        if text == mark and depth == 0:
            parts.append("")
        else:
            parts[-1] += text
    return parts


def _cut(math: str, between: Callable[[str, str], bool]) -> Iterator[str]:
    part, before = "", ""
    for text, depth in _nested(math):
        if depth == 0 and part.strip() and between(text, before):
            yield part.strip()
            part = ""
        part += text
        before = before if text.isspace() else text
    if part.strip():
        yield part.strip()


def _between_terms(text: str, before: str) -> bool:
    return text in RELATIONS or (text in SIGNS and before not in _JOINING)


def _between_factors(text: str, before: str) -> bool:
    if text in TIMES:
        return True
    starts = text in (r"\left", r"\frac", r"\sum")
    return starts and before not in _JOINING and not before.startswith("\\")
