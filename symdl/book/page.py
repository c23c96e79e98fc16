"""Pages in Markdown, as code hosts show them: the parts that all pages have in common."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import sympy as sp
from sympy.core.expr import Expr

from symdl.derivation.derivation import Derivation
from symdl.derivation.markdown import escaped
from symdl.derivation.printer import latex
from symdl.errors import InputError
from symdl.evidence.verdict import Verdict
from symdl.formula import Formula

__all__ = [
    "code",
    "display",
    "escaped",
    "function",
    "hosted",
    "inline",
    "joined",
    "latex",
    "number",
    "only",
    "part_of",
    "source",
    "table",
    "verdicts",
    "without",
]

_PLACE = re.compile(r", (?=(?:sections?|chapter|eq\.|algorithms?) )")
_MATHS = re.compile(
    r"```[\s\S]*?```|\$`[^`\n]*`\$|`[^`\n]*`"
    r"|^\$\$\n(?P<display>[\s\S]*?)\n\$\$$|\$(?P<inline>[^$`\n]+)\$",
    re.MULTILINE,
)
_TOUCHED = re.compile(r"\\[^A-Za-z]|[_*<>~\[\]]")
_BAR = re.compile(r"(?<!\\)\|")


def joined(*parts: str) -> str:
    """Put the parts of a page together, a blank line between any two.

    >>> print(joined("# Title", "Words."), end="")
    # Title
    <BLANKLINE>
    Words.
    """
    return hosted("\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n")


def hosted(page: str) -> str:
    r"""Write the mathematics so that code hosts hand it on as it stands.

    Between dollars they read Markdown first, which takes the backslash off ``\,``, ``\_``, ``\{``
    and ``\\``; a block of the language math, and dollars with backticks, are left alone.

    >>> hosted(r"A rate $\mathrm{learning\_rate}$ and $x$.")
    'A rate $`\\mathrm{learning\\_rate}`$ and $x$.'
    """
    return _MATHS.sub(_left_alone, page)


def _left_alone(found: re.Match[str]) -> str:
    if found["display"] is not None:
        return f"```math\n{found['display']}\n```"
    if found["inline"] is not None and _TOUCHED.search(found["inline"]):
        return f"$`{found['inline']}`$"
    return found[0]


def inline(*equal: Expr) -> str:
    """An expression, or several that are equal, inside a line of text.

    >>> from symdl.notation.tensors import real
    >>> inline(real("y"), real("W5"))
    '$y = W_{5}$'
    """
    return f"${' = '.join(latex(e) for e in equal)}$"


def number(value: Expr) -> str:
    r"""A constant as people write it: a short decimal, a power of ten, or the fraction it is.

    >>> number(sp.Rational(1, 1000)), number(sp.Rational(1, 10**7)), number(sp.Rational(1, 3))
    ('$0.001$', '$10^{-7}$', '$\\frac{1}{3}$')
    """
    if not value.is_Rational or sp.factorint(value.q).keys() - {2, 5}:
        return inline(value)
    digits, _, exponent = f"{float(value):.12g}".partition("e")
    if not exponent:
        return f"${digits}$"
    power = f"10^{{{int(exponent)}}}"
    return f"${power}$" if digits == "1" else rf"${digits} \times {power}$"


def display(*rows: Sequence[str]) -> str:
    """Rows of LaTeX, each a left side and what it equals, aligned at the equality signs."""
    shown = (f"{lhs} &= " + " = ".join(sides) for lhs, *sides in rows)
    body = " \\\\\n".join(shown)
    return f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n$$"


def source(*formulas: Formula) -> str:
    """Where the formulas are taken from; a work is named once, with all its places."""
    places: dict[str, dict[str, None]] = {}
    for cited in (s for f in formulas for s in f.source.split("; ") if s):
        work, *place = _PLACE.split(cited, maxsplit=1)
        places.setdefault(work, {}).update(dict.fromkeys(place))
    found = (", ".join((work, *inside)) for work, inside in places.items())
    return "Source: " + "; ".join(escaped(s) for s in found) + "."


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the cells are Markdown already, but for bars, which would end them.

    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    lines = [head, ["---"] * len(head), *([_BAR.sub(r"\|", c) for c in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def verdicts(found: Iterable[tuple[str, Verdict]]) -> str:
    """A table of what was checked, each with its verdict and how it was reached."""
    rows = ([escaped(what), v.level, escaped(v.reason)] for what, v in found)
    return table(["what was checked", "verdict", "how"], rows)


def code(text: str, language: str = "python") -> str:
    """A block of source code."""
    return f"```{language}\n{text.strip()}\n```"


def function(module: str, name: str) -> str:
    r"""One function out of the source of a module, its comments with it.

    >>> print(function("import math\n\ndef f(x):\n    # one more\n    return x + 1\n", "f"))
    def f(x):
        # one more
        return x + 1
    """
    for node in ast.walk(ast.parse(module)):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            lines = module.splitlines()[node.lineno - 1 : node.end_lineno]
            return textwrap.dedent("\n".join(lines))
    raise InputError(f"there is no function {name} in the source")


def part_of(path: Path, name: str) -> str:
    """The lines of a file between the comments ``begin name`` and ``end name``, as they stand."""
    lines = path.read_text(encoding="utf-8").splitlines()
    begin, end = f"# begin {name}", f"# end {name}"
    if lines.count(begin) != 1 or lines.count(end) != 1:
        raise InputError(f"{path.name} has no part between '{begin}' and '{end}'")
    return "\n".join(lines[lines.index(begin) + 1 : lines.index(end)])


def only(derivation: Derivation, section: str) -> Derivation:
    """The derivation reduced to one of its sections."""
    return replace(derivation, steps=tuple(s for s in derivation.steps if s.section == section))


def without(derivation: Derivation, section: str) -> Derivation:
    """The derivation without one of its sections."""
    return replace(derivation, steps=tuple(s for s in derivation.steps if s.section != section))
