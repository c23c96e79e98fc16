"""XOR: no single threshold unit computes it, and two layers do."""

import itertools
from dataclasses import replace
from pathlib import Path

import sympy as sp

from symdl.book import page as md
from symdl.book.claims import claims
from symdl.book.claims.gates import TABLES
from symdl.book.files import write_text
from symdl.catalog import gates as g
from symdl.evidence.threshold import Contradiction, Separator, judge_separable, separate
from symdl.evidence.verdict import Verdict, negated, weakest
from symdl.formula import Formula
from symdl.notation.tensors import real

w1, w2, b = real("w1"), real("w2"), g.b
CORNERS = tuple(itertools.product((0, 1), repeat=2))
XOR = TABLES[g.XOR.name]


def page() -> str:
    found = separate(CORNERS, XOR)
    assert isinstance(found, Contradiction)
    return md.joined(
        "# XOR needs two layers",
        md.source(g.XOR),
        "XOR is 1 where exactly one of its two inputs is 1. Suppose that one threshold unit with "
        f"weights {md.inline(w1)}, {md.inline(w2)} and bias {md.inline(b)} computes it. Each of "
        "the four inputs then asks for an inequality:",
        md.table(["input", "output", "what it asks for"], _asked()),
        "Multiply each by its number in the table below (an inequality for a silent unit with its "
        "sign turned), and add them up:",
        md.table(["times", "inequality"], _multiplied(found)),
        "On the left everything cancels:",
        md.display((" + ".join(f"({md.latex(e)})" for e in _sides()), md.latex(_added(found)))),
        "So the four together say that 0 is greater than 0. No weights and no bias can do that. "
        "The argument never uses the size of a weight, nor what the step gives at 0: with the "
        "other convention the signs for equality change sides, and the sum is the same.",
        "## Which gates one unit can compute",
        "The same search decides every truth table of two inputs. It gives a unit, or the numbers "
        "that make its inequalities contradict one another:",
        md.table(["00, 01, 10, 11", md.inline(w1), md.inline(w2), md.inline(b)], _all()),
        f"All but two of the {2**4} are the work of one unit; the two are XOR and its opposite.",
        "## Two layers",
        "Three units in two layers do it: NAND and OR read the inputs, AND reads what they say.",
        md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in g.XOR.equations)),
        md.table(_head(), _layers(g.XOR)),
        "The first layer moves the four inputs to three places, "
        "and these one line can separate. That is what a hidden layer is for.",
        "## What was checked",
        md.verdicts(
            [
                *((what, judge()) for what, judge in claims(g.XOR)),
                ("the table of all 16: each unit, and each contradiction", _all_decided()),
            ]
        ),
    )


def _weighted(corner: tuple[int, ...]) -> sp.Expr:
    return w1 * corner[0] + w2 * corner[1] + b


def _asked() -> list[list[str]]:
    rows = []
    for corner, out in zip(CORNERS, XOR, strict=True):
        kind = sp.Ge if out else sp.Lt
        asked = kind(_weighted(corner), 0, evaluate=False)
        rows.append([f"{corner[0]}, {corner[1]}", str(out), md.inline(asked)])
    return rows


def _sides() -> list[sp.Expr]:
    return [_weighted(k) * (1 if out else -1) for k, out in zip(CORNERS, XOR, strict=True)]


def _multiplied(found: Contradiction) -> list[list[str]]:
    rows = []
    for side, out, m in zip(_sides(), XOR, found.multipliers, strict=True):
        kind = sp.Ge if out else sp.Gt
        rows.append([str(m), md.inline(kind(side, 0, evaluate=False))])
    return rows


def _added(found: Contradiction) -> sp.Expr:
    parts = zip(found.multipliers, _sides(), strict=True)
    return sp.expand(sp.Add(*(sp.Rational(m) * side for m, side in parts)))


def _all() -> list[list[str]]:
    rows = []
    for outputs in itertools.product((0, 1), repeat=4):
        found = separate(CORNERS, outputs)
        shown = ", ".join(map(str, outputs))
        if isinstance(found, Separator):
            rows.append([shown, *map(str, found.weights), str(found.bias)])
        else:
            rows.append([shown, "none", "", ""])
    return rows


def _all_decided() -> Verdict:
    """Every unit found gives its table, and every table without one has its contradiction."""
    found = [judge_separable(CORNERS, t) for t in itertools.product((0, 1), repeat=4)]
    worst = weakest(negated(v) if v.level == "refuted" else v for v in found)
    without = sum(v.level == "refuted" for v in found)
    reason = f"{len(found) - without} tables by a unit checked at every point, {without} by a sum"
    return replace(worst, reason=reason) if worst.ok else worst


def _head() -> list[str]:
    return [md.inline(v) for v in (g.x1, g.x2, *g.XOR.defined)]


def _layers(f: Formula) -> list[list[str]]:
    rows = []
    for corner in CORNERS:
        values = dict(zip(f.inputs, map(sp.Integer, corner), strict=True))
        row = [str(k) for k in corner]
        for e in f.equations:
            (weighted, _) = e.rhs.args
            values[e.lhs] = e.rhs.subs(values)
            row.append(f"{values[e.lhs]} (from {float(weighted.subs(values)):g})")
        rows.append(row)
    return rows


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
