"""What the renderers say about a line in words, in one language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sympy.core.expr import Expr

from symdl.derivation.shown import InPlaceOf, plain
from symdl.derivation.words import words_in
from symdl.evidence.verdict import Verdict
from symdl.notation.binders import Binder
from symdl.notation.tensors import Elem

if TYPE_CHECKING:
    from symdl.derivation.derivation import Line
    from symdl.derivation.numbers import Numbers

__all__ = ["Wording"]


class Wording:
    """The words of one language, applied to lines."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self._words = words_in(lang)

    def __getitem__(self, key: str) -> str:
        return self._words[key]

    def rule(self, name: str) -> str:
        """The name of a rule; a rule of the caller's own is called what it calls itself."""
        return self._words.get(f"rule.{name}", name)

    def section(self, key: str) -> str:
        """The heading of a section."""
        return self._words[f"section.{key}"]

    def note(self, key: str) -> str:
        """What kind of remark it is."""
        return self._words[f"note.{key}"]

    def verdict(self, verdict: Verdict) -> str:
        """A verdict, with its reason and counterexample where it is no pass."""
        said = self._words[f"verdict.{verdict.level}"]
        if verdict.ok:
            return said
        where = ", ".join(f"{k} = {v}" for k, v in verdict.counterexample)
        return said + "".join(f": {more}" for more in (verdict.reason, where) if more)

    def label(self, line: Line) -> str:
        """The rule of a line and its verdict; nothing for a formula that is only stated."""
        if line.section == "given":
            return ""
        said = self.rule(line.rule)
        return said if line.verdict is None else f"{said}; {self.verdict(line.verdict)}"

    @staticmethod
    def numeric(
        line: Line,
        table: Mapping[Expr, str],
        show: Callable[..., str],
        numbers: Numbers | None,
    ) -> list[str]:
        """The last side with numbers put in, and what they come to."""
        if numbers is None or line.value is None or isinstance(line.value, list):
            return []
        value = numbers.text(line.value)
        last = line.sides[-1] if line.sides else line.lhs
        if plain(last).has(Binder, Elem) or not _all_known(last, table):
            return [value]
        if last.is_Integer:  # 1 = 1
            return []
        shown = show(last, table)
        if last in table:  # a symbol alone: its number as it was given
            return [table[last]]
        return [value] if shown in (value, show(last)) else [shown, value]


def _all_known(e: Expr, table: Mapping[Expr, str]) -> bool:
    """True if everything in ``e`` that can be put in as a number is in the table."""
    if e in table or e.is_number:
        return True
    if isinstance(e, InPlaceOf):
        return _all_known(e.meant, table)
    return bool(e.args) and all(_all_known(a, table) for a in e.args)
