"""A derivation as plain Unicode text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symdl.derivation.arrays import plain_array
from symdl.derivation.plain_printer import plain_text
from symdl.derivation.wording import Wording

if TYPE_CHECKING:
    from symdl.derivation.derivation import Derivation, Line

__all__ = ["render"]

_WIDE = 84


def render(derivation: Derivation, lang: str, verdicts: bool) -> str:
    """The whole derivation, a heading a section and a block a line."""
    words = Wording(lang)
    numbers = derivation.substitutes()
    out: list[str] = []
    section = None
    for line in derivation.lines if verdicts else derivation.bare_lines:
        if line.section != section and line.section:
            section = line.section
            out += ["", words.section(section)]
        out += _block(line, words, numbers, derivation)
    return "\n".join(out).strip("\n") + "\n"


def _block(
    line: Line, words: Wording, numbers: dict[object, str], derivation: Derivation
) -> list[str]:
    pad = "  " * (line.depth + 1)
    lhs = plain_text(line.lhs)
    sides = [plain_text(s) for s in line.sides]
    sides += words.numeric(line, numbers, plain_text, derivation.numbers)
    whole = " = ".join([lhs, *sides])
    label = words.label(line)
    shown = [f"{pad}{whole}"]
    wide = len(whole) + len(pad) > _WIDE
    if wide and len(lhs) > _WIDE // 2 and sides:
        shown = [f"{pad}{lhs}", *(f"{pad}  = {s}" for s in sides)]
    elif wide and len(sides) > 1:
        gap = " " * (len(lhs) + 1)
        shown = [f"{pad}{lhs} = {sides[0]}", *(f"{pad}{gap}= {s}" for s in sides[1:])]
    if label:
        shown[0] = f"{shown[0]}    ({label})"
    for c in line.conditions:
        shown.append(f"{pad}  {words['word.for']} {plain_text(c)}")
    for n in line.notes:
        shown.append(f"{pad}  {words.note(n.key)}: {n.written(plain_text, numbers)}")
    if derivation.numbers is not None and isinstance(line.value, list):
        shown += plain_array(line, derivation, pad + "  ")
    return shown
