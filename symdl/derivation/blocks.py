"""Lines as blocks of LaTeX mathematics and words, the common ground of LaTeX, Markdown and HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from symdl.derivation.arrays import latex_arrays
from symdl.derivation.printer import latex

if TYPE_CHECKING:
    from symdl.derivation.derivation import Derivation, Line
    from symdl.derivation.wording import Wording

__all__ = ["Block", "aligned", "blocks", "grouped"]

_SHORT = 60  # sides that fit on one row together, measured without commands


@dataclass(frozen=True)
class Block:
    """A line: what it says in words, its left side, its sides, and remarks (words, mathematics)."""

    section: str
    label: str
    depth: int
    lhs: str
    sides: tuple[str, ...]
    remarks: tuple[tuple[str, str], ...]
    arrays: tuple[tuple[str, str], ...] = ()

    def rows(self) -> list[str]:
        """The rows of an alignment: one, or one a side where they are long."""
        rows = [f"{self.lhs} &= {self.sides[0]}"] if self.sides else [self.lhs]
        rest = self.sides[1:]
        if rest and _length(self.lhs, *self.sides) <= _SHORT:
            rows[0] += "".join(f" = {s}" for s in rest)
        else:
            rows += [f"&= {s}" for s in rest]
        return rows + [f"{lhs} &= {value}" for lhs, value in self.arrays]


def grouped(found: list[Block]) -> list[list[Block]]:
    """Put lines without words, such as the equations of the formula, into one alignment."""
    groups: list[list[Block]] = []
    for b in found:
        bare = not b.label and not b.remarks
        if groups and bare and not groups[-1][-1].label and groups[-1][-1].section == b.section:
            groups[-1].append(b)
        else:
            groups.append([b])
    return groups


def aligned(group: list[Block]) -> str:
    """The rows of all blocks of a group, aligned at their first signs of equality."""
    rows = " \\\\\n".join(row for b in group for row in b.rows())
    return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"


def _length(*shown: str) -> int:
    """About how many characters are seen."""
    count = 0
    for text in shown:
        inside = False
        for c in text:
            if c == "\\":
                inside, count = True, count + 1
            elif inside and c.isalpha():
                continue
            else:
                inside = False
                count += c not in "{}_^ &"
    return count


def blocks(derivation: Derivation, words: Wording, verdicts: bool) -> list[Block]:
    """The blocks of a derivation in reading order."""
    table = derivation.substitutes()
    lines = derivation.lines if verdicts else derivation.bare_lines
    return [_block(line, derivation, words, table) for line in lines]


def _block(line: Line, derivation: Derivation, words: Wording, table: dict[object, str]) -> Block:
    sides = [latex(s) for s in line.sides]
    sides += words.numeric(line, table, latex, derivation.numbers)
    remarks = [(words["word.for"], latex(c)) for c in line.conditions]
    remarks += [(words.note(n.key) + ":", n.written(latex, table)) for n in line.notes]
    arrays = []
    if derivation.numbers is not None and isinstance(line.value, list):
        arrays = latex_arrays(line, derivation)
    return Block(
        line.section,
        words.label(line),
        line.depth,
        latex(line.lhs),
        tuple(sides),
        tuple(remarks),
        tuple(arrays),
    )
