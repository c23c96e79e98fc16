r"""LaTeX mathematics as MathML, in parts between which a browser may end a line.

Browsers do not break a ``math`` element, so a long formula becomes several of them in a row, and
the text that they stand in wraps as text does.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from xml.etree import ElementTree as ET

from latex2mathml.converter import convert

from symdl.derivation.breaking import aligned_rows, pieces
from symdl.derivation.widths import width
from symdl.errors import InputError

__all__ = ["display", "inline", "mathml"]

_NAMESPACE = re.compile(r' xmlns="[^"]*"')
_TALL = ("mfrac", "munder", "munderover", "mtable", "msqrt")
_BAR = "―"
_WRITTEN = {"&": r"\&", "\\": r"\backslash"}  # elsewhere they are what was not understood
_UNARY = ("+", "-", "−")
_FITS = 12.0  # em: what is no wider stays in one part
_PHONE = 18.0  # em: what is wider gets a scroll bar of its own


def mathml(math: str, *, large: bool = False, goes_on: bool = False) -> str:
    r"""One formula as a ``math`` element.

    ``large`` sets it as displayed ones are; ``goes_on`` says that something stands before it.

    >>> mathml(r"\frac{a}{2}")
    '<math><mfrac><mrow><mi>a</mi></mrow><mrow><mn>2</mn></mrow></mfrac></math>'

    Raises InputError for what cannot be converted: nothing is dropped.
    """
    try:
        root = ET.fromstring(_NAMESPACE.sub("", _converted(math, large)))
    except Exception as error:  # whatever the converter or the reader stumbles over
        raise InputError(f"this LaTeX cannot be written as MathML: {math}") from error
    meant = {sign for sign, written in _WRITTEN.items() if written in math}
    left = [t for t in root.itertext() if ("\\" in t or t == "&") and t not in meant]
    if left:
        raise InputError(f"this LaTeX cannot be written as MathML: {left[0]} in {math}")
    root.attrib = {"displaystyle": "true"} if large else {}
    _improve(root)
    if goes_on:
        _after_something(root)
    if len(root) == 1 and root[0].tag == "mrow":
        root[:] = list(root[0])
    return ET.tostring(root, encoding="unicode", short_empty_elements=False)


@cache
def _converted(math: str, large: bool) -> str:
    return str(convert(math, display="block" if large else "inline"))


def inline(math: str) -> str:
    """A formula inside a line of text."""
    return _parts([math] if width(math) <= _FITS else pieces(math), large=False)


def display(math: str) -> str:
    """A formula on lines of its own: one row a line, aligned at the signs of equality."""
    rows = aligned_rows(math)
    if len(rows) == 1 and len(rows[0]) == 1:
        return f'<div class="symdl-math">{_cell(rows[0][0])}</div>'
    body = "\n".join(f'<div class="eq">{_row(row)}</div>' for row in rows)
    return f'<div class="symdl-math aligned">\n{body}\n</div>'


def _row(row: list[str]) -> str:
    sides = ("lhs", "rhs")
    return "".join(f'<div class="{sides[k % 2]}">{_cell(c)}</div>' for k, c in enumerate(row))


def _cell(math: str) -> str:
    return _parts(pieces(math), large=True)


def _parts(parts: list[str], large: bool) -> str:
    return "<wbr/>".join(_part(p, large, k > 0) for k, p in enumerate(parts))


def _part(math: str, large: bool, goes_on: bool) -> str:
    made = mathml(math, large=large, goes_on=goes_on)
    if width(math) <= _PHONE:
        return made
    label = f'tabindex="0" role="group" aria-label="{escape(math)}"'
    return f'<span class="symdl-wide" {label}>{made}</span>'


# ------------------------------------------------------------------------------- corrections


def _improve(root: ET.Element) -> None:
    """What the converter leaves to be desired.

    Names of several letters are one identifier, tables are as large as what surrounds them,
    brackets without a sign are left out, names of functions stand close to their arguments, and
    fractions and signs have the room that TeX gives them.
    """
    for parent in list(root.iter()):
        _join_letters(parent)
        for child in list(parent):
            if child.tag == "mo" and not child.text and not len(child):
                parent.remove(child)
        _give_room(parent)
        _fit_brackets(parent)
        _draw_bar(parent)
    for table in root.iter("mtable"):
        table.set("displaystyle", "true")
    for sign in root.iter("mo"):
        if sign.text and sign.text.isalpha() and len(sign.text) > 1:
            sign.attrib |= {"lspace": "0", "rspace": "0.17em"}


def _after_something(root: ET.Element) -> None:
    """A sign at the start stands between two things, and has the room of such a one."""
    for element in root.iter():
        if element.tag == "mo":
            element.set("form", "infix")
        if element.text and element.text.strip():
            return


def _give_room(parent: ET.Element) -> None:
    """A sign that follows another one belongs to what comes after; a fraction has air."""
    before: ET.Element | None = None
    for child in list(parent):
        sign = child.tag == "mo"
        if sign and child.text in _UNARY and _is_operator(before):
            child.set("form", "prefix")
        if parent.tag in ("math", "mrow", "mtd") and before is not None and not sign:
            fraction = "mfrac" in (child.tag, before.tag)
            if fraction and before.tag not in ("mo", "mspace") and child.tag != "mspace":
                gap = ET.Element("mspace", width="0.17em")
                parent.insert(list(parent).index(child), gap)
        before = child


def _fit_brackets(parent: ET.Element) -> None:
    """Brackets around what is not tall do not stretch: browsers set those apart that do."""
    if len(parent) > 1 and not any(e.tag in _TALL for e in parent.iter()):
        for end in (parent[0], parent[-1]):
            if end.get("fence"):
                end.set("stretchy", "false")


def _draw_bar(parent: ET.Element) -> None:
    """A bar over several letters is drawn: few fonts have one that stretches."""
    if parent.tag == "mover" and parent[1].text == _BAR:
        parent.remove(parent[1])
        parent.tag = "mrow"
        parent.set("style", "border-top: .07em solid; padding-top: .08em")


def _is_operator(element: ET.Element | None) -> bool:
    return element is None or (element.tag == "mo" and element.get("form") != "postfix")


def _join_letters(parent: ET.Element) -> None:
    """Upright letters in a row as one name."""
    before: ET.Element | None = None
    for child in list(parent):
        upright = child.tag == "mi" and child.get("mathvariant") == "normal"
        if upright and before is not None:
            before.text = (before.text or "") + (child.text or "")
            before.attrib.clear()
            parent.remove(child)
        else:
            before = child if upright else None
