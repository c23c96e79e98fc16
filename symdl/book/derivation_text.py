"""A derivation of text in each of the formats of the command line."""

from __future__ import annotations

import json

from symdl.derivation.derive import derive
from symdl.errors import InputError

__all__ = ["FORMATS", "rendered"]

FORMATS = ("text", "markdown", "latex", "html", "json")


def rendered(
    expression: str,
    wrt: str,
    shown_as: str = "text",
    *,
    level: str = "normal",
    lang: str = "en",
    notation: str | None = None,
    layout: str = "denominator",
    style: str | None = None,
) -> str:
    """Derive an expression and write the derivation; it ends with a line break.

    >>> print(rendered("exp(x)", "x").strip())
    d/dx [exp(x)] = exp(x)    (exponential function; proved)
    """
    derivation = derive(expression, wrt, level=level, notation=notation, layout=layout, style=style)
    if shown_as == "json":
        text = json.dumps(derivation.json(), ensure_ascii=False, indent=2)
    else:
        if shown_as not in FORMATS:
            raise InputError(f"the format {shown_as!r} is not one of {', '.join(FORMATS)}")
        text = getattr(derivation, shown_as)(lang=lang)
    return text.rstrip("\n") + "\n"
