"""A page of the book as a LaTeX document that compiles alone."""

from __future__ import annotations

import re

from markdown_it.tree import SyntaxTreeNode

from symdl.book.markup import file_of, tree
from symdl.book.tex_table import tabular
from symdl.derivation.latex import display, document
from symdl.derivation.printer import latex_text
from symdl.errors import InputError

__all__ = ["tex_page"]

_HEADINGS = {"h1": "section*", "h2": "subsection*", "h3": "subsubsection*"}
_LISTS = {"bullet_list": "itemize", "ordered_list": "enumerate"}
_AROUND = {"em": r"\emph{%s}", "strong": r"\textbf{%s}", "link": r"\emph{%s}"}
_PATH = re.compile(r"(?<=\w)/(?=\w)")


def tex_page(page: str, lang: str) -> str:
    r"""The page in Markdown as a LaTeX document; folds are open, links are emphasised.

    >>> print(tex_page("# Title\n\nOf $x$ & y.", "en").splitlines()[-2])
    Of $x$ \& y.
    """
    body = "\n\n".join(filter(None, map(_block, tree(page).children)))
    # without an empty line a formula belongs to the words before it
    return document(body.replace("\n\n\\begin{align*}", "\n\\begin{align*}") + "\n", lang)


def _block(node: SyntaxTreeNode) -> str:
    if node.type == "heading":
        return rf"\{_HEADINGS[node.tag]}{{{_line(node)}}}"
    if node.type == "paragraph":
        return _line(node)
    if node.type == "fence":
        return display(node.content) if node.info.strip() == "math" else _code(node.content)
    if node.type in _LISTS:
        items = "\n".join(rf"\item {_item(child)}" for child in node.children)
        return f"\\begin{{{_LISTS[node.type]}}}\n{items}\n\\end{{{_LISTS[node.type]}}}"
    if node.type == "table":
        return _table(node)
    if node.type == "html_block":
        return ""
    raise InputError(f"a page holds Markdown that has no LaTeX: {node.type}")


def _item(node: SyntaxTreeNode) -> str:
    return "\n\n".join(_block(child) for child in node.children)


def _code(text: str) -> str:
    return (
        "\\begin{Verbatim}[fontsize=\\footnotesize, breaklines, breakanywhere]\n"
        f"{text.rstrip()}\n\\end{{Verbatim}}"
    )


def _table(node: SyntaxTreeNode) -> str:
    rows = [row for part in node.children for row in part.children]
    return tabular([[_line(cell) for cell in row.children] for row in rows])


def _line(node: SyntaxTreeNode) -> str:
    """The words and formulas inside a block."""
    return "".join(_inline(child) for part in node.children for child in part.children)


def _inline(node: SyntaxTreeNode) -> str:
    if node.type == "text":
        return _PATH.sub(r"/\\allowbreak{}", latex_text(node.content))
    if node.type == "math_inline":
        return f"${node.content}$"
    if node.type == "code_inline":
        return rf"\texttt{{{_breakable(latex_text(node.content))}}}"
    if node.type == "image":  # TeX reads no SVG
        file = latex_text(file_of(str(node.attrs["src"])))
        return rf"\emph{{{latex_text(node.content)}}} (\texttt{{{file}}})"
    if node.type in ("softbreak", "hardbreak"):
        return "\n"
    if node.type in _AROUND:
        return _AROUND[node.type] % "".join(_inline(child) for child in node.children)
    raise InputError(f"a page holds Markdown that has no LaTeX: {node.type}")


def _breakable(code: str) -> str:
    """A line may end after the punctuation of code, where it would be too long."""
    return re.sub(r"(\\_|[.,(=/])(?=.)", r"\1\\allowbreak{}", code)
