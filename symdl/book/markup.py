r"""The Markdown of the pages, read: CommonMark with tables, mathematics and folds.

Mathematics stands between dollars or in a block of the language ``math``, as code hosts have it.
"""

from __future__ import annotations

import re
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from symdl.errors import InputError

__all__ = ["FOLD", "UNFOLD", "file_of", "read", "text_of", "tree"]

_MATH = re.compile(r"\$`([^`\n]+)`\$|\$([^$`\n]+)\$")
FOLD = re.compile(r"<details>\n<summary>([^<>\n]*)</summary>\n?")
_PICTURE = re.compile(r"[\w-]+\.svg")
UNFOLD = re.compile(r"</details>\n?")


def read(page: str) -> list[Token]:
    r"""The page as markdown-it's tokens; mathematics is of the types math_inline and fence.

    >>> [t.type for t in read(r"A rate $`\mathrm{a\_b}`$.")[1].children]
    ['text', 'math_inline', 'text']
    """
    found: list[Token] = _parser().parse(page)
    for token in found:
        if token.type == "html_block" and not (
            FOLD.fullmatch(token.content) or UNFOLD.fullmatch(token.content)
        ):
            raise InputError(f"a page holds HTML other than a fold: {token.content.strip()}")
    return found


def file_of(picture: str) -> str:
    """The file of a picture, which lies beside its page."""
    if not _PICTURE.fullmatch(picture):
        raise InputError(f"a page shows {picture}; a picture is an SVG file beside its page")
    return picture


def tree(page: str) -> SyntaxTreeNode:
    """The page as a tree of nodes."""
    return SyntaxTreeNode(read(page))


def text_of(inline: Token) -> str:
    """What a reader sees of a line, without marks; mathematics as LaTeX."""
    return "".join(t.content for t in inline.children or () if t.content)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table").disable(["html_inline", "autolink"])
    parser.inline.ruler.before("escape", "math", _math)
    return parser


def _math(state: StateInline, silent: bool) -> bool:
    found = _MATH.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        token = state.push("math_inline", "math", 0)
        token.content = found[1] or found[2]
    state.pos = found.end()
    return True
