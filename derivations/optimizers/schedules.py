"""Schedules of the learning rate: their formulas, and the rates step by step."""

from pathlib import Path

import sympy as sp

from symdl.book import page as md
from symdl.book.claims import claims
from symdl.book.files import write_text
from symdl.catalog import schedules as s
from symdl.catalog.optimizers import step
from symdl.derivation.numbers import decimal
from symdl.evidence.judge import inlined
from symdl.formula import Formula

STEPS = (1, 2, 5, 10, 11, 20, 21, 50)
NUMBERS = {
    s.initial: sp.Rational(1, 10), s.target: sp.Rational(1, 10), s.decay_rate: sp.Rational(1, 2),
    s.decay_steps: sp.Integer(10), s.warmup_steps: sp.Integer(10), s.alpha: sp.Integer(0),
}  # fmt: skip


def page() -> str:
    return md.joined(
        "# Schedules of the learning rate",
        md.source(*s.ALL),
        "A large rate at first covers the way, a small one later settles: near a minimum the "
        "noise of the batches keeps the weights moving by an amount that the rate sets. Warm-up "
        f"does the opposite for the first steps. Steps {md.inline(step)} are counted from 1.",
        *(_one(f) for f in s.ALL),
        "## The rates, step by step",
        "With " + ", ".join(md.inline(v, number) for v, number in NUMBERS.items()) + ":",
        md.table(["step", *(_name(f) for f in s.ALL)], _rows()),
        "## What was checked",
        md.verdicts((f"{_name(f)}: {what}", judge()) for f in s.ALL for what, judge in claims(f)),
    )


def _name(f: Formula) -> str:
    return f.name.replace("_", " ")


def _one(f: Formula) -> str:
    title = f.title[0].upper() + f.title[1:]
    equations = ((md.latex(e.lhs), md.latex(e.rhs)) for e in f.equations)
    return md.joined(f"## {title}", md.display(*equations))


def _rows() -> list[list[str]]:
    rates = [inlined(f.output, f.equations).xreplace(NUMBERS) for f in s.ALL]
    return [
        [str(t), *(decimal(sp.N(r.xreplace({step: sp.Integer(t)}), 20), 5) for r in rates)]
        for t in STEPS
    ]


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
