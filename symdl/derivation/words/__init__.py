"""The words of a derivation, one catalogue a language."""

from __future__ import annotations

from collections.abc import Mapping

from symdl.derivation.words import en, ko
from symdl.derivation.writing import chosen

__all__ = ["LANGUAGES", "words_in"]

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": en.WORDS, "ko": ko.WORDS}


def words_in(lang: str) -> Mapping[str, str]:
    """The catalogue of a language.

    >>> words_in("ko")["rule.chain rule"]
    '연쇄 법칙'
    """
    chosen("language", lang, tuple(LANGUAGES))
    return LANGUAGES[lang]
