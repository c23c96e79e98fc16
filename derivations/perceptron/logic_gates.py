"""AND, NAND and OR as threshold units: their truth tables with every number in between."""

from pathlib import Path

import sympy as sp

from symdl.book import page as md
from symdl.book.claims import claims
from symdl.book.files import write_text
from symdl.catalog import gates as g
from symdl.evidence.threshold import truth_table
from symdl.formula import Formula
from symdl.notation.tensors import real

GATES = (g.AND, g.NAND, g.OR)
w1, w2, b = real("w1"), real("w2"), g.b
SUM = w1 * g.x1 + w2 * g.x2 + b


def page() -> str:
    return md.joined(
        "# Logic gates",
        md.source(g.AND),
        "A threshold unit with two inputs that are 0 or 1 is a logic gate. Three of them differ in "
        "nothing but their numbers:",
        md.display((md.latex(g.z), md.latex(SUM)), (md.latex(g.y), md.latex(_step()))),
        md.table(
            ["gate", md.inline(w1), md.inline(w2), md.inline(b)],
            [[f.name.upper(), *map(_decimal, _numbers(f))] for f in GATES],
        ),
        *(_gate(f) for f in GATES),
        "NAND has the numbers of AND with the other sign, so it fires where AND does not. No sum "
        "is 0, so it does not matter what the step gives at 0. The numbers are not the only "
        "ones: every choice for which the sums have these signs is the same gate.",
        "## What was checked",
        md.verdicts(
            (f"{f.name.upper()}: {what}", judge()) for f in GATES for what, judge in claims(f)
        ),
    )


def _step() -> sp.Expr:
    return g.AND.equation(g.y).rhs.func(g.z, 0)


def _numbers(f: Formula) -> tuple[sp.Rational, ...]:
    """The weights and the bias, read off the formula."""
    weighted = f.equation(f.output).rhs.args[0]
    parts = sp.Poly(weighted, g.x1, g.x2)
    return tuple(parts.coeff_monomial(m) for m in (g.x1, g.x2, 1))


def _decimal(value: sp.Rational) -> str:
    return f"{float(value):g}"


def _gate(f: Formula) -> str:
    first, second, bias = _numbers(f)
    rows = []
    for (p, q), out in truth_table(f).items():
        given = {w1: first, w2: second, b: bias, g.x1: sp.Integer(p), g.x2: sp.Integer(q)}
        shown = md.latex(SUM, {v: _decimal(value) for v, value in given.items()})
        rows.append([str(p), str(q), f"${shown} = {_decimal(SUM.subs(given))}$", str(out)])
    head = [md.inline(v) for v in (g.x1, g.x2, g.z, g.y)]
    return md.joined(f"## {f.name.upper()}", md.table(head, rows))


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
