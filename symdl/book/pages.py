"""The pages of the book in reading order, and what makes each."""

from __future__ import annotations

import runpy
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from symdl.book.catalogue import entries, entry
from symdl.book.chapters import BOOK, CHAPTERS
from symdl.book.item_page import item_page
from symdl.book.pictures.entries import pictures_of
from symdl.book.pictures.picture import Picture
from symdl.errors import InputError, NotSupported

__all__ = ["Page", "folder", "pages"]


@dataclass(frozen=True)
class Page:
    """A page by its path from the folder of the book: of a script, or of an entry by its name."""

    path: str
    script: Path | None = None
    entry: str = ""

    @property
    def chapter(self) -> str:
        """The folder of its chapter."""
        return PurePosixPath(self.path).parts[0]

    def markdown(self) -> str:
        """The page, in English."""
        if self.script is None:
            return item_page(entry(self.entry))
        text: str = runpy.run_path(str(self.script))["page"]()
        return text

    def pictures(self) -> tuple[Picture, ...]:
        """What lies beside the page: a script makes them by its function of this name."""
        if self.script is None:
            return pictures_of(entry(self.entry))
        made = runpy.run_path(str(self.script)).get("pictures")
        return made() if made else ()

    def drawn(self) -> tuple[dict[str, str], dict[str, str]]:
        """The text of each picture by its file; and, for any that cannot be drawn, why."""
        found, left_out = {}, {}
        for p in self.pictures():
            try:
                found[p.file] = p.make()
            except NotSupported as reason:
                left_out[p.file] = str(reason)
        return found, left_out

    def words(self, lang: str) -> Path | None:
        """The file with what the page says in another language; None where there is none yet."""
        if self.script is None:
            return None
        path = self.script.with_suffix(f".{lang}.toml")
        return path if path.is_file() else None

    def own_words(self, lang: str) -> Mapping[str, str]:
        """What the page's own sentences are in another language."""
        path = self.words(lang)
        return {} if path is None else tomllib.loads(path.read_text(encoding="utf-8"))

    def is_in(self, lang: str) -> bool:
        """True if the page can be had in that language."""
        return lang == "en" or self.script is None or self.words(lang) is not None


def folder() -> Path:
    """The folder with the scripts of the book: inside an installed package, or beside a checkout's.

    >>> folder().name
    'derivations'
    """
    here = Path(__file__).parent
    for place in (here / BOOK, here.parents[1] / BOOK):
        if (place / "__main__.py").is_file():
            return place
    raise InputError(f"the scripts of the book are missing: there is no folder {BOOK}")


def pages() -> tuple[Page, ...]:
    """All pages, chapter by chapter; a script of the name of an entry makes that entry's page.

    >>> pages()[0].path
    'perceptron/learning_rule.md'
    """
    made = {}
    for script in sorted(folder().glob("*/*.py")):
        path = script.relative_to(folder()).with_suffix(".md").as_posix()
        made[path] = Page(path, script)
    for e in entries():
        path = PurePosixPath(e.page).relative_to(BOOK).as_posix()
        made.setdefault(path, Page(path, entry=e.name))
    order = list(CHAPTERS)
    return tuple(sorted(made.values(), key=lambda p: order.index(p.chapter)))
