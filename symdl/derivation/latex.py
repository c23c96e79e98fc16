r"""A derivation as LaTeX: amsmath blocks, as a fragment or as a document of its own.

Lines that are wider than the page are broken at relations and signs, none inside a bracket that
still fits on a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from symdl.derivation.blocks import Block, aligned, blocks, grouped
from symdl.derivation.breaking import aligned_rows, broken
from symdl.derivation.lets import headline
from symdl.derivation.printer import latex, latex_text
from symdl.derivation.widths import width
from symdl.derivation.wording import Wording
from symdl.errors import InputError

if TYPE_CHECKING:
    from symdl.derivation.derivation import Derivation

__all__ = ["WIDE", "display", "document", "inline", "render"]

WIDE = 45.0  # em of mathematics that fit on a line
_INDENT = 2.0  # em: how far a line is moved in that goes on with the one before

_CLASS = r"""\documentclass[10pt]{article}
\usepackage[a4paper, margin=20mm]{geometry}
\usepackage[fleqn]{amsmath}
\usepackage{amssymb, array, longtable}
"""
_LATIN = r"""\usepackage[T1]{fontenc}
\usepackage{lmodern, microtype}
"""
_KOREAN = r"""\usepackage{kotex}
\IfFontExistsTF{Noto Serif CJK KR}{\setmainhangulfont{Noto Serif CJK KR}}{%
  \IfFontExistsTF{NanumMyeongjo}{\setmainhangulfont{NanumMyeongjo}}{}}
\IfFontExistsTF{Noto Sans CJK KR}{\setmonohangulfont{Noto Sans CJK KR}}{%
  \IfFontExistsTF{NanumGothic}{\setmonohangulfont{NanumGothic}}{}}
"""
_LAYOUT = r"""\usepackage{newunicodechar, fvextra}
\setlength{\mathindent}{1.5em}
\setlength{\parindent}{0pt}
\setlength{\parskip}{.5\baselineskip}
\setlength{\emergencystretch}{4em}
\allowdisplaybreaks
\AtBeginDocument{%
  \setlength{\abovedisplayskip}{4pt plus 2pt}\setlength{\belowdisplayskip}{6pt plus 3pt}}
"""
_SIGNS = {"∂": r"\partial", "·": r"\cdot", "≤": r"\leq", "≥": r"\geq", "≠": r"\neq", "∈": r"\in"}
_SIGNS |= {"→": r"\to", "∞": r"\infty", "−": "-", "×": r"\times", "Σ": r"\Sigma", "σ": r"\sigma"}
_LATIN_1 = 0x17F  # the letters up to here are in the fonts


def render(derivation: Derivation, lang: str, document_too: bool, verdicts: bool) -> str:
    """The whole derivation; as a document it compiles alone."""
    words = Wording(lang)
    parts: list[str] = []
    section = ""
    for group in grouped(blocks(derivation, words, verdicts)):
        b = group[0]
        if b.section and b.section != section:
            section = b.section
            parts.append(rf"\subsection*{{{latex_text(words.section(section))}}}")
        parts.append(_block(group))
    body = "\n".join(parts) + "\n"
    return document(body, lang) if document_too else body


def document(body: str, lang: str) -> str:
    """The document around a body; its first line of comment names the engine."""
    korean = lang == "ko" or _has_hangul(body)
    engine, fonts = ("xelatex", _KOREAN) if korean else ("pdflatex", _LATIN)
    return (
        f"% {engine}\n{_CLASS}{fonts}{_LAYOUT}{_signs(body)}"
        f"\\begin{{document}}\n{body}\\end{{document}}\n"
    )


def _has_hangul(text: str) -> bool:
    return any("가" <= c <= "힣" for c in text)


def _signs(body: str) -> str:
    """Signs outside of formulas that the fonts do not have, each as the formula's."""
    used = sorted({c for c in body if ord(c) > _LATIN_1 and not _of_text(c)} | {"·"} & set(body))
    unknown = [c for c in used if c not in _SIGNS]
    if unknown:
        raise InputError(f"no LaTeX is known for {' '.join(unknown)}")
    return "".join(rf"\newunicodechar{{{c}}}{{\ensuremath{{{_SIGNS[c]}}}}}" + "\n" for c in used)


def _of_text(c: str) -> bool:
    return "가" <= c <= "힣" or c in "–—‘’“”…" or "\u3000" <= c <= "\u303f"


def inline(derivation: Derivation) -> str:
    """The goal and the result, for Jupyter."""
    shown = r", \quad ".join(f"{latex(lhs)} = {latex(rhs)}" for lhs, rhs in headline(derivation))
    return rf"$\displaystyle {shown}$"


def display(math: str) -> str:
    r"""A formula on lines of its own, broken where it is wider than the page.

    >>> print(display(r"\begin{aligned} a &= b \\ &= c \end{aligned}"))
    \begin{align*}
    a &= b \\
    &= c
    \end{align*}
    """
    rows = aligned_rows(math)
    left = max(width(row[0]) for row in rows) if any(len(row) > 1 for row in rows) else 0.0
    lines = [line for row in rows for line in _lines(row, left)]
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"


def _lines(row: list[str], left: float) -> list[str]:
    if len(row) > 2:
        return [" & ".join(row)]
    if len(row) == 1:
        return _moved_in(broken(row[0], WIDE), first="& ")
    lhs, rhs = row
    if left > WIDE / 2:  # a column of left sides would leave no room: below one another
        above = _moved_in(broken(lhs, WIDE), first="& ") if lhs else []
        return above + [rf"&\quad {line}" for line in broken(rhs, WIDE - _INDENT)]
    first, *rest = broken(rhs, WIDE - left - _INDENT)
    return [f"{lhs} &{first}".strip(), *(rf"&\quad {line}" for line in rest)]


def _moved_in(lines: list[str], first: str) -> list[str]:
    return [first + lines[0], *(rf"&\quad {line}" for line in lines[1:])]


def _block(group: list[Block]) -> str:
    b = group[-1]
    label = rf"\noindent \emph{{{latex_text(b.label)}}}" + "\n" if b.label else ""
    remarks = "".join(
        rf"\noindent\quad {latex_text(said)} ${math}$" + "\n\n" for said, math in b.remarks
    )
    return f"{label}{display(aligned(group))}\n{remarks}"
