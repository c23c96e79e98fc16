"""A derivation as Markdown, with mathematics as GitHub and Jupyter show it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from symdl.derivation.blocks import Block, aligned, blocks, grouped
from symdl.derivation.wording import Wording

if TYPE_CHECKING:
    from symdl.derivation.derivation import Derivation

__all__ = ["render"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|$~&!])")


def render(derivation: Derivation, lang: str, verdicts: bool) -> str:
    """The whole derivation: a heading a section, words and a block of mathematics a line.

    Steps below others fold, as code hosts and notebooks fold them.
    """
    words = Wording(lang)
    out: list[str] = []
    section, depth = "", 0
    for group in grouped(blocks(derivation, words, verdicts)):
        b = group[0]
        if b.section and b.section != section:
            depth = _folding(out, depth, 0, words)
            section = b.section
            out.append(f"### {escaped(words.section(section))}")
        depth = _folding(out, depth, b.depth, words)
        out += _block(group)
    _folding(out, depth, 0, words)
    return "\n\n".join(out) + "\n"


def escaped(text: str) -> str:
    r"""Words that Markdown does not read as marks.

    >>> escaped("a_1 <b>")
    'a\\_1 \\<b\\>'
    """
    return _SPECIAL.sub(r"\\\1", text)


def _folding(out: list[str], now: int, wanted: int, words: Wording) -> int:
    """Open or close a fold where the depth changes."""
    said = words["word.steps in between"]
    out += [f"<details>\n<summary>{said}</summary>"] * (wanted - now)
    out += ["</details>"] * (now - wanted)
    return wanted


def _block(group: list[Block]) -> list[str]:
    b = group[-1]
    out = [f"*{escaped(b.label)}*"] if b.label else []
    out.append(f"$$\n{aligned(group)}\n$$")
    if b.remarks:
        out.append("\n".join(f"- {escaped(said)} ${math}$" for said, math in b.remarks))
    return out
