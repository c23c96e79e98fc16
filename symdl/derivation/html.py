"""A derivation as a self-contained page: MathML, words, and folding of the steps in between."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from symdl.derivation.blocks import Block, aligned, blocks, grouped
from symdl.derivation.lets import headline
from symdl.derivation.mathml import display, inline
from symdl.derivation.printer import latex
from symdl.derivation.wording import Wording

if TYPE_CHECKING:
    from symdl.derivation.derivation import Derivation

__all__ = ["document", "fragment", "notebook", "render", "style"]


def render(derivation: Derivation, lang: str, verdicts: bool) -> str:
    """The page."""
    title = derivation.title or Wording(lang)["word.derivation"]
    body = f"<main>\n<h1>{escape(title)}</h1>\n{fragment(derivation, lang, verdicts)}</main>\n"
    return document(title, lang, f"<style>\n{style()}</style>", body)


def document(title: str, lang: str, head: str, body: str) -> str:
    """A whole page around its body."""
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n{head}\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def notebook(derivation: Derivation) -> str:
    """The derivation as a notebook shows it: in the notebook's own style, but for the formulas."""
    return f"<style>\n{_sheet('math')}</style>\n{fragment(derivation, 'en', True)}"


def style() -> str:
    """The style sheet of all pages."""
    return _sheet("style") + _sheet("math")


@cache
def _sheet(name: str) -> str:
    return files("symdl.derivation").joinpath(f"{name}.css").read_text(encoding="utf-8")


def fragment(derivation: Derivation, lang: str, verdicts: bool) -> str:
    """The derivation without the page around it."""
    words = Wording(lang)
    out = ['<div class="symdl">']
    out += [display(f"{latex(lhs)} = {latex(rhs)}") for lhs, rhs in headline(derivation)]
    section, depth = "", 0
    for group in grouped(blocks(derivation, words, verdicts)):
        b = group[0]
        if b.section and b.section != section:
            depth = _folding(out, depth, 0, words)
            section = b.section
            out.append(f"<h2>{escape(words.section(section))}</h2>")
        depth = _folding(out, depth, b.depth, words)
        out += _block(group)
    _folding(out, depth, 0, words)
    return "\n".join(out) + "\n</div>\n"


def _folding(out: list[str], now: int, wanted: int, words: Wording) -> int:
    """Open or close a fold where the depth changes."""
    said = escape(words["word.steps in between"])
    out += [f"<details>\n<summary>{said}</summary>"] * (wanted - now)
    out += ["</details>"] * (now - wanted)
    return wanted


def _block(group: list[Block]) -> list[str]:
    b = group[-1]
    out = [f"<p><em>{escape(b.label)}</em></p>"] if b.label else []
    out.append(display(aligned(group)))
    if b.remarks:
        said = "\n".join(f"<li>{escape(what)} {inline(math)}</li>" for what, math in b.remarks)
        out.append(f"<ul>\n{said}\n</ul>")
    return out
