r"""The pages in another language: sentence for sentence, with the same formulas and numbers.

A page is made in English.  Every heading, paragraph, item and cell of it is looked up in a table
from English to the language, where ``{1}``, ``{2}``, ... stand for the formulas, numbers, code and
link targets in their order, so that none is typed again; ``{a}``, ``{b}``, ... stand for any words,
which are looked up in turn.  A sentence that is not in the table is an error: nothing stays English
by accident.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files

from symdl.derivation.words import words_in
from symdl.errors import InputError

__all__ = ["Translation", "masked", "translation"]

_SPAN = re.compile(
    r"\$`[^`\n]*`\$|`[^`\n]*`|\$[^$`\n]+\$"  # formulas and code
    r"|(?<=\]\()[^)\s]*(?=\))"  # where links lead
    r"|(?<![\w.{-])-?\d+(?:[./]\d+)*(?:e-?\d+)?(?![\w}-])",  # numbers
    re.ASCII,
)
_PLACE = re.compile(r"\{(\d+|[a-z])\}")
_WORD = re.compile(r"[A-Za-z]{2}")
_BAR = re.compile(r"(?<!\\)\|")
_LINE = re.compile(r"(#+ |- |\d+\. |)(.*)", re.DOTALL)
_TITLE = re.compile(r"(<summary>|!\[)(.*)(</summary>|\]\([^()]*\))")  # of a fold or a picture
_TEXT = re.compile(r"\\text\{([^{}]*)\}")


class Translation:
    """The table of one language, and the pages in it.

    >>> ko = Translation({"The slope of {1} is {2}.": "{1}의 기울기는 {2}이다."})
    >>> ko.page("The slope of $x^2$ is 2.")
    '$x^2$의 기울기는 2이다.'
    """

    def __init__(self, table: Mapping[str, str]) -> None:
        self._exact = dict(table)
        general = [key for key in table if re.search(r"\{[a-z]\}", key)]
        general.sort(key=lambda key: len(_PLACE.sub("", key)), reverse=True)
        self._patterns = [(_pattern(key), table[key]) for key in general]

    def page(self, page: str) -> str:
        """A page in Markdown; raises InputError for what the table lacks, all of it at once."""
        text, missing = self._read(page)
        if missing:
            raise InputError("not translated: " + "; ".join(f'"{key}"' for key in missing))
        return text

    def missing(self, page: str) -> list[str]:
        r"""The sentences of a page that the table lacks.

        >>> Translation({}).missing("# Title\n\nOf $x$ and 3.")
        ['Title', 'Of {1} and {2}.']
        """
        return self._read(page)[1]

    def _read(self, page: str) -> tuple[str, list[str]]:
        missing: dict[str, None] = {}

        def say(text: str) -> str:
            found = self.said(text)
            if found is None:
                missing[masked(text)[0]] = None
            return text if found is None else found

        lines = []
        for kind, line in _lines(page):
            if kind == "math":
                lines.append(_TEXT.sub(lambda m: rf"\text{{{say(m[1])}}}", line))
            else:
                lines.append(line if kind == "code" else _in_parts(line, say))
        return "\n".join(lines), list(missing)

    def said(self, text: str) -> str | None:
        """One sentence; None where the table lacks it."""
        key, spans = masked(text)
        if not _WORD.search(_PLACE.sub("", key)):
            return text
        if key in self._exact:
            return _filled(self._exact[key], spans, {})
        for pattern, there in self._patterns:
            found = pattern.fullmatch(key)
            if found:
                words = {
                    name: self.said(_filled(part, spans, {})) or _filled(part, spans, {})
                    for name, part in found.groupdict().items()
                }
                return _filled(there, spans, words)
        return None


@cache
def _shared(lang: str) -> Mapping[str, str]:
    """What all pages say: the words of derivations, and the sentences of the book."""
    here, there = words_in("en"), words_in(lang)
    text = files("symdl.book").joinpath(f"words/{lang}.toml").read_text(encoding="utf-8")
    return {here[key]: there[key] for key in here} | tomllib.loads(text)


def translation(lang: str, own: Mapping[str, str] | None = None) -> Translation:
    """The table of a language, with the sentences of one page beside those of the book.

    >>> translation("ko").said("What was checked")
    '확인한 것'
    """
    return Translation({**_shared(lang), **(own or {})})


def masked(text: str) -> tuple[str, list[str]]:
    """The sentence with places for its formulas, numbers, code and targets; and those.

    >>> masked("$x$ is at most 3, see [tanh](tanh.md).")
    ('{1} is at most {2}, see [tanh]({3}).', ['$x$', '3', 'tanh.md'])
    """
    spans: list[str] = []

    def place(found: re.Match[str]) -> str:
        spans.append(found[0])
        return f"{{{len(spans)}}}"

    return _SPAN.sub(place, text), spans


def _filled(text: str, spans: list[str], words: Mapping[str, str]) -> str:
    def put(found: re.Match[str]) -> str:
        name = found[1]
        if name.isdigit():
            return spans[int(name) - 1] if 0 < int(name) <= len(spans) else found[0]
        return words.get(name, found[0])

    return _PLACE.sub(put, text)


def _pattern(key: str) -> re.Pattern[str]:
    """Words of any kind where the key has a letter in braces; places are matched as they stand."""
    parts = re.split(r"\{([a-z])\}", key)
    out = [re.escape(parts[0])]
    for name, literal in zip(parts[1::2], parts[2::2], strict=True):
        out += [f"(?P<{name}>.+?)", re.escape(literal)]
    return re.compile("".join(out))


def _lines(page: str) -> Iterator[tuple[str, str]]:
    """Each line, and whether it is of words, of mathematics or of code."""
    kind = "words"
    for line in page.split("\n"):
        if line.startswith("```"):
            inside = "math" if line == "```math" else "code"
            kind = inside if kind == "words" else "words"
            yield "code", line
        else:
            yield kind, line


def _in_parts(line: str, say: Callable[[str], str]) -> str:
    """The line with each of its sentences put in another way."""
    if line.startswith("|"):
        cells = _BAR.split(line)
        return "|".join(f" {say(c.strip())} " if c.strip() else c for c in cells)
    title = _TITLE.fullmatch(line)
    if title:
        return f"{title[1]}{say(title[2])}{title[3]}"
    if line in ("<details>", "</details>"):
        return line
    found = _LINE.fullmatch(line)
    return line if found is None else found[1] + (say(found[2]) if found[2] else "")
