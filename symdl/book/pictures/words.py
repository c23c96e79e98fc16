"""The words of a picture in another language; numbers and mathematics stay."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from symdl.book.translation import masked, translation
from symdl.errors import InputError

__all__ = ["SVG", "in_language", "register"]

SVG = "http://www.w3.org/2000/svg"


def register() -> None:
    """Let files name the elements of SVG without a prefix."""
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def in_language(picture: str, lang: str) -> str:
    """Put an SVG file's words into a language; raises InputError for words that have no others.

    What an element with translate="no" holds is not read.

    >>> text = f'<svg xmlns="{SVG}"><text>learning rate 0.1</text></svg>'
    >>> in_language(text, "ko").splitlines()[0].count("학습률 0.1")
    1
    """
    if lang == "en":
        return picture
    register()
    root, table = ET.fromstring(picture), translation(lang)
    missing = []

    def say(text: str) -> str:
        found = table.said(text)
        if found is None:
            missing.append(masked(text)[0])
        return found or text

    for e in _read(root):
        if e.text and e.text.strip():
            e.text = "; ".join(map(say, e.text.split("; ")))
    if missing:
        raise InputError("not translated: " + "; ".join(f'"{key}"' for key in missing))
    return ET.tostring(root, encoding="unicode") + "\n"


def _read(e: ET.Element) -> Iterator[ET.Element]:
    """The elements that hold words for a reader."""
    if e.get("translate") == "no":
        return
    if e.tag.rpartition("}")[2] in ("title", "desc", "text", "tspan"):
        yield e
    for child in e:
        yield from _read(child)
