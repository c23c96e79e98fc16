"""A page of the book as HTML that needs neither a network nor a script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from symdl.book.markup import FOLD, file_of, read, text_of
from symdl.derivation.html import document
from symdl.derivation.mathml import display, inline
from symdl.derivation.wording import Wording
from symdl.errors import InputError

__all__ = ["Around", "body_of", "site_page"]

_LEVELS = ("proved", "instance", "numeric", "float", "refuted", "unknown")


@dataclass(frozen=True)
class Around:
    """What stands around a page: its chapter with that folder, and the pages before and after it.

    A neighbour is its address from this page and its title as Markdown; None at the ends.
    """

    chapter: str
    folder: str
    before: tuple[str, str] | None = None
    after: tuple[str, str] | None = None


_OPTIONS: Any = {"xhtmlOut": False, "breaks": False, "langPrefix": "language-", "highlight": None}


def body_of(page: str, lang: str, ids: Sequence[str] = ()) -> str:
    r"""The page in Markdown as HTML, without what stands around it.

    ``ids`` name the headings of the second level, for links to them.

    >>> print(body_of("# Title\n\nOf $x$.", "en"), end="")
    <h1>Title</h1>
    <p>Of <math><mi>x</mi></math>.</p>
    """
    tokens = read(page)
    seconds = [t for t in tokens if t.type == "heading_open" and t.tag == "h2"]
    for token, name in zip(seconds, ids, strict=bool(ids)):
        token.attrSet("id", name)
    return _Html(Wording(lang)).render(tokens, OptionsDict(_OPTIONS), {})


def site_page(title: str, body: str, around: Around | None, lang: str, spoken: str) -> str:
    """The whole page: a way to skip what is on top, where it stands, and where to go from there.

    Without ``around`` it is the index; ``spoken`` is the language of the body, and ``lang`` that of
    the site.
    """
    words = Wording(lang)
    up = "" if around is None else "../"
    contents = words["gallery.contents"]
    skip = f'<a class="skip" href="#main">{escape(words["gallery.skip"])}</a>\n'
    top, bottom = ("", "") if around is None else (_top(around, words), _bottom(around, words))
    kind = ' class="contents"' if around is None else ""
    other = "" if spoken == lang else f' lang="{spoken}"'
    main = f'<main id="main" tabindex="-1"{kind}{other}>\n{body}</main>\n'
    name = text_of(read(title)[1])
    return document(
        name if around is None else f"{name} – {contents}",
        lang,
        f'<link rel="stylesheet" href="{up}style.css">',
        skip + top + main + bottom,
    )


def _top(around: Around, words: Wording) -> str:
    return (
        f'<header>\n<nav aria-label="{escape(words["gallery.place"])}">'
        f'<a href="../index.html">{escape(words["gallery.contents"])}</a> › '
        f'<a href="../index.html#{around.folder}">{escape(around.chapter)}</a></nav>\n</header>\n'
    )


def _bottom(around: Around, words: Wording) -> str:
    links = [
        f'<a rel="{rel}" href="{to[0]}">{mark.format(_line(to[1], words))}</a>\n'
        for rel, mark, to in (("prev", "← {}", around.before), ("next", "{} →", around.after))
        if to is not None
    ]
    label = escape(words["gallery.neighbours"])
    return f'<footer>\n<nav aria-label="{label}">\n{"".join(links)}</nav>\n</footer>\n'


def _line(title: str, words: Wording) -> str:
    """A title as HTML."""
    renderer = _Html(words)
    return renderer.renderInline(read(title)[1].children or [], OptionsDict(_OPTIONS), {})


class _Html(RendererHTML):
    """markdown-it's renderer, with mathematics, colours for code, and tables that scroll."""

    def __init__(self, words: Wording) -> None:
        super().__init__()
        self._words = words
        self._table = words["gallery.table"]
        self._code = words["gallery.code"]

    def math_inline(self, tokens: Sequence[Token], at: int, _o: Any, _e: Any) -> str:
        return inline(tokens[at].content)

    def fence(self, tokens: Sequence[Token], idx: int, _o: Any, _e: Any) -> str:
        token = tokens[idx]
        language = token.info.strip()
        if language == "math":
            return display(token.content) + "\n"
        coloured = highlight(token.content, get_lexer_by_name(language or "text"), _COLOURS)
        label = f'tabindex="0" role="group" aria-label="{escape(self._code)}"'
        return f"<pre {label}><code>{coloured}</code></pre>\n"

    def html_block(self, tokens: Sequence[Token], idx: int, _o: Any, _e: Any) -> str:
        found = FOLD.fullmatch(tokens[idx].content)
        if found is None:
            return "</details>\n"
        return f"<details>\n<summary>{escape(found[1])}</summary>\n"

    def table_open(self, _t: Sequence[Token], _i: int, _o: Any, _e: Any) -> str:
        label = f'tabindex="0" role="group" aria-label="{escape(self._table)}"'
        return f'<div class="scroll" {label}>\n<table>\n'

    def table_close(self, _t: Sequence[Token], _i: int, _o: Any, _e: Any) -> str:
        return "</table>\n</div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        if not tokens[idx + 1].content:
            tokens[idx].tag = tokens[idx + 2].tag = "td"
        else:
            tokens[idx].attrSet("scope", "col")
        return self.renderToken(tokens, idx, options, env)

    def td_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        said = tokens[idx + 1].content
        for level in _LEVELS:
            if said in (level, self._words[f"verdict.{level}"]):
                tokens[idx].attrSet("class", level)
        return self.renderToken(tokens, idx, options, env)

    def image(self, tokens: Sequence[Token], idx: int, _o: Any, _e: Any) -> str:
        source = file_of(str(tokens[idx].attrGet("src") or ""))
        return f'<img src="{source}" alt="{escape(text_of(tokens[idx]))}">'

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        target = str(tokens[idx].attrGet("href") or "")
        if re.match(r"[a-z]+:|//", target):
            raise InputError(f"a page links to {target}; a gallery needs no network")
        tokens[idx].attrSet("href", re.sub(r"\.md(?=#|$)", ".html", target))
        return self.renderToken(tokens, idx, options, env)


_COLOURS = HtmlFormatter(nowrap=True)
