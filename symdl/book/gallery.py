"""The gallery: the whole book as a static site, or as LaTeX documents, in one language."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.progress import track

from symdl.book.chapters import CHAPTERS
from symdl.book.files import made_folder, write_text
from symdl.book.index import contents, title_of
from symdl.book.manifest import Written, digest, fingerprint, is_as_written, load, save
from symdl.book.pages import Page, folder, pages
from symdl.book.pictures.words import in_language
from symdl.book.pool import each
from symdl.book.site_page import Around, body_of, site_page
from symdl.book.tex_page import tex_page
from symdl.book.translation import translation
from symdl.derivation.html import style
from symdl.derivation.words import words_in
from symdl.errors import InputError

__all__ = ["FORMATS", "Gallery", "gallery"]

FORMATS = {"html": ".html", "latex": ".tex"}


@dataclass(frozen=True)
class Gallery:
    """What was done: where it lies, which pages were made, kept, and left in English."""

    folder: Path
    shown_as: str
    made: tuple[str, ...]
    kept: tuple[str, ...]
    english: tuple[str, ...]

    @property
    def start(self) -> Path:
        """What to open first."""
        return self.folder / "index.html" if self.shown_as == "html" else self.folder


def gallery(
    where: str | os.PathLike[str],
    lang: str = "en",
    shown_as: str = "html",
    *,
    console: Console | None = None,
    chosen: Sequence[Page] | None = None,
) -> Gallery:
    """Write all pages, or those of ``chosen``, into a folder; what did not change is kept.

    The site works from the file system: no page needs a script or a network.  A page whose words
    are not in ``lang`` yet is in English, says so, and is named in what is returned.

    Raises InputError for an unknown language or format, and for a folder that cannot be written.
    """
    words_in(lang)
    if shown_as not in FORMATS:
        raise InputError(f"there is no format {shown_as!r}; there are {', '.join(FORMATS)}")
    root = made_folder(where)
    if not os.access(root, os.W_OK):
        raise InputError(f"{root}: the folder may not be written to")
    found = pages() if chosen is None else tuple(chosen)
    manifest = root / f".gallery-{shown_as}.json"
    known = load(manifest)
    keys = _keys(found, lang, shown_as)
    stale = [
        p for p in found
        if not is_as_written(root / _file(p, shown_as), known.get(p.path), keys[p.path])
    ]  # fmt: skip
    made = _made(stale, lang, shown_as, console or Console(quiet=True))
    titles = {p.path: made[p][0] if p in made else known[p.path].title for p in found}
    written = {p.path: known[p.path] for p in found if p not in made}
    for p, (title, body) in made.items():
        text = body if shown_as == "latex" else _whole(p, body, found, titles, lang)
        target = root / _file(p, shown_as)
        made_folder(target.parent)
        write_text(target, text)
        written[p.path] = Written(keys[p.path], digest([text]), title)
    if shown_as == "html":
        write_text(root / "style.css", style())
        for picture in _pictures(found):
            text = in_language(picture.read_text("utf-8"), lang)
            write_text(root / picture.parent.name / picture.name, text)
        write_text(root / "index.html", _index(titles, lang))
    save(manifest, written)
    return Gallery(
        root,
        shown_as,
        tuple(p.path for p in found if p in made),
        tuple(p.path for p in found if p not in made),
        tuple(p.path for p in found if not p.is_in(lang)),
    )


def _file(page: Page, shown_as: str) -> PurePosixPath:
    return PurePosixPath(page.path).with_suffix(FORMATS[shown_as])


def _keys(found: Sequence[Page], lang: str, shown_as: str) -> dict[str, str]:
    """What each page is made from: symdl, its own sources, and those of its neighbours' titles."""
    own = [_sources(p, lang) for p in found]
    around = zip(["", *own], own, [*own[1:], ""], strict=False)
    same = [fingerprint(), lang, shown_as]
    return {p.path: digest([*same, *three]) for p, three in zip(found, around, strict=True)}


def _sources(page: Page, lang: str) -> str:
    files = [f for f in (page.script, page.words(lang)) if f is not None]
    return digest([page.path, *(f.read_bytes() for f in files)])


def _pictures(found: Sequence[Page]) -> list[Path]:
    """The SVG files beside the pages."""
    return [
        p for c in {p.chapter: None for p in found} for p in sorted((folder() / c).glob("*.svg"))
    ]


# -------------------------------------------------------------------------------- the pages


def _made(
    stale: Sequence[Page], lang: str, shown_as: str, console: Console
) -> dict[Page, tuple[str, str]]:
    """The title and the body of each page; scripts first, which take longest."""
    order = sorted(stale, key=lambda p: p.script is None)
    steps = track(
        each(partial(_make, lang=lang, shown_as=shown_as), order), "making pages", len(order),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    return dict(steps)


def _make(page: Page, lang: str, shown_as: str) -> tuple[str, str]:
    try:
        text, spoken = _in_language(page, lang)
        body = tex_page(text, lang) if shown_as == "latex" else body_of(text, spoken)
    except InputError as error:
        raise InputError(f"{page.path}: {error}") from error
    return title_of(text), body


def _in_language(page: Page, lang: str) -> tuple[str, str]:
    """The page in Markdown, and the language that it is in."""
    text = page.markdown()
    if lang == "en":
        return text, lang
    if page.is_in(lang):
        return translation(lang, page.own_words(lang)).page(text), lang
    title, _, rest = text.partition("\n")
    return f"{title}\n\n**{words_in(lang)['gallery.english']}**\n{rest}", "en"


def _whole(
    page: Page, body: str, found: Sequence[Page], titles: Mapping[str, str], lang: str
) -> str:
    at = found.index(page)
    around = Around(
        _chapters(lang)[page.chapter],
        page.chapter,
        _link(found[at - 1], titles) if at > 0 else None,
        _link(found[at + 1], titles) if at + 1 < len(found) else None,
    )
    spoken = lang if page.is_in(lang) else "en"
    return site_page(titles[page.path], body, around, lang, spoken)


def _link(page: Page, titles: Mapping[str, str]) -> tuple[str, str]:
    """Where a page is from any other, and its title."""
    return f"../{_file(page, 'html')}", titles[page.path]


def _chapters(lang: str) -> Mapping[str, str]:
    if lang == "en":
        return CHAPTERS
    words = translation(lang)
    return {folder: words.page(title) for folder, title in CHAPTERS.items()}


def _index(titles: Mapping[str, str], lang: str) -> str:
    words = words_in(lang)
    heading = words["gallery.contents"]
    text = contents(titles, heading, words["gallery.about"], _chapters(lang))
    inside = dict.fromkeys(PurePosixPath(p).parts[0] for p in titles)
    ids = [folder for folder in CHAPTERS if folder in inside]
    return site_page(heading, body_of(text, lang, ids), None, lang, lang)
