"""The index of the book: its chapters, and the pages in each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from symdl.book.chapters import CHAPTERS
from symdl.book.page import joined

__all__ = ["contents", "index", "title_of"]

_ABOUT = (
    "Pages that symdl wrote: formula and source, every step with its rule and its verdict, numbers,"
    " and the code that runs it. No formula, derivative or number that follows from another one is "
    "typed by hand. Each entry of the catalogue has a page made from its formula alone; the other "
    "pages come from the short script of the same name beside them. `python derivations` writes "
    "all of them anew, and the tests make each page again and compare it with the file."
)


def title_of(page: str) -> str:
    r"""The title of a page in Markdown.

    >>> title_of("# The XOR gate\n\nWords.")
    'The XOR gate'
    """
    return page.split("\n", 1)[0].removeprefix("# ").strip()


def index(titles: Mapping[str, str]) -> str:
    """The index of the pages on a code host, as Markdown.

    >>> print(index({"losses/hinge.md": "Hinge loss"}).splitlines()[-1])
    - [Hinge loss](losses/hinge.md)
    """
    return contents(titles, "Derivations", _ABOUT, CHAPTERS)


def contents(
    titles: Mapping[str, str], heading: str, about: str, chapters: Mapping[str, str]
) -> str:
    """A heading, a paragraph, and a list a chapter; ``titles`` are those of the pages by path."""
    parts = []
    for folder, chapter in chapters.items():
        inside = [p for p in titles if PurePosixPath(p).parts[0] == folder]
        if inside:
            parts += [f"## {chapter}", "\n".join(f"- [{titles[p]}]({p})" for p in inside)]
    return joined(f"# {heading}", about, *parts)
