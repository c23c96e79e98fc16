r"""A derivation as LaTeX: amsmath blocks, as a fragment or as a document of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symdl.derivation.blocks import Block, blocks, grouped
from symdl.derivation.printer import latex, latex_text
from symdl.derivation.wording import Wording

if TYPE_CHECKING:
    from symdl.derivation.derivation import Derivation

__all__ = ["inline", "render"]

_PREAMBLE = r"""% xelatex
\documentclass{article}
\usepackage{amsmath, amssymb}
%KOTEX%\usepackage[a4paper, margin=20mm]{geometry}
\setlength{\parindent}{0pt}
\allowdisplaybreaks
\begin{document}
"""


def render(derivation: Derivation, lang: str, document: bool, verdicts: bool) -> str:
    """The whole derivation; ``document`` adds what makes it compile alone."""
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
    if not document:
        return body
    kotex = "" if body.isascii() else "\\usepackage{kotex}\n"
    return _PREAMBLE.replace("%KOTEX%", kotex) + body + "\\end{document}\n"


def inline(derivation: Derivation) -> str:
    """The goal and the result, for Jupyter."""
    return rf"$\displaystyle {latex(derivation.goal)} = {latex(derivation.result)}$"


def _block(group: list[Block]) -> str:
    b = group[-1]
    label = rf"\noindent {latex_text(b.label)}" + "\n" if b.label else ""
    remarks = "".join(
        rf"\noindent\quad {latex_text(said)} ${math}$" + "\n\n" for said, math in b.remarks
    )
    rows = " \\\\\n".join(row for member in group for row in member.rows())
    return f"{label}\\begin{{align*}}\n{rows}\n\\end{{align*}}\n{remarks}"
