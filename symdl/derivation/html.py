"""A derivation as a self-contained page: MathML, words, and folding of the steps in between."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from latex2mathml.converter import convert

from symdl.derivation.blocks import Block, blocks
from symdl.derivation.printer import latex
from symdl.derivation.wording import Wording

if TYPE_CHECKING:
    from symdl.derivation.derivation import Derivation

__all__ = ["fragment", "mathml", "render"]

_STYLE = """
body { font: 16px/1.5 Georgia, "Noto Serif", "Noto Serif CJK KR", serif; max-width: 60em;
       margin: 2em auto; padding: 0 1em; color: #1a1a1a; background: #fff; }
.symdl h2 { font-size: 1.1em; margin: 1.4em 0 .3em; }
.symdl table { border-spacing: .35em .3em; }
.symdl td { vertical-align: baseline; } .symdl td.left { text-align: right; }
.symdl .rule { color: #666; font-size: .85em; } .symdl .remark { margin-left: 2em; color: #444; }
.symdl .below { margin-left: 2em; border-left: 2px solid #e0e0e0; padding-left: 1em; }
"""


def render(derivation: Derivation, lang: str, verdicts: bool) -> str:
    """The page."""
    words = Wording(lang)
    title = escape(derivation.title or words["word.derivation"])
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"{fragment(derivation, lang, verdicts)}</body>\n</html>\n"
    )


def fragment(derivation: Derivation, lang: str, verdicts: bool) -> str:
    """The derivation without the page around it."""
    words = Wording(lang)
    head = mathml(f"{latex(derivation.goal)} = {latex(derivation.result)}")
    out = [f'<div class="symdl">\n<p>{head}</p>']
    section, depth = "", 0
    for b in blocks(derivation, words, verdicts):
        depth = _folding(out, depth, b.depth, words)
        if b.section and b.section != section:
            section = b.section
            out.append(f"<h2>{escape(words.section(section))}</h2>")
        out.append(_block(b))
    _folding(out, depth, 0, words)
    return "\n".join(out) + "\n</div>\n"


def mathml(math: str) -> str:
    """LaTeX that the printer made, as MathML."""
    return str(convert(math))


def _folding(out: list[str], now: int, wanted: int, words: Wording) -> int:
    """Open or close a fold where the depth changes."""
    said = escape(words["word.steps in between"])
    while now < wanted:
        out.append(f'<details class="below"><summary>{said}</summary>')
        now += 1
    while now > wanted:
        out.append("</details>")
        now -= 1
    return now


def _block(b: Block) -> str:
    said = f'<td class="rule">{escape(b.label)}</td>'
    first = "".join(
        (f'<td class="left">{mathml(b.lhs)}</td>', _cell(b.sides[0] if b.sides else ""), said)
    )
    rows = [first, *(f"<td></td>{_cell(s)}" for s in b.sides[1:])]
    rows += [f'<td class="left">{mathml(lhs)}</td>{_cell(value)}' for lhs, value in b.arrays]
    table = "<table>" + "".join(f"<tr>{r}</tr>" for r in rows) + "</table>"
    remarks = "".join(
        f'<div class="remark">{escape(said)} {mathml(math)}</div>' for said, math in b.remarks
    )
    return table + remarks


def _cell(side: str) -> str:
    return f"<td>{mathml('= ' + side)}</td>" if side else "<td></td>"
