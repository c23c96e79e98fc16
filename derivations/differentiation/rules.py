"""The rules of differentiation, each with one example, line by line."""

from pathlib import Path

import sympy as sp

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.calculus.rules import RULES
from symdl.derivation.derivation import Derivation
from symdl.derivation.markdown import escaped
from symdl.derivation.wording import Wording
from symdl.evidence.judge import judge_equation
from symdl.evidence.verdict import Verdict
from symdl.notation.text import parse

EXAMPLES = {
    "sum": ("x**3 + exp(x)", "A sum is differentiated term by term."),
    "constant factor": ("5*x**2", "A constant factor stays in front."),
    "power": ("(x**2 + 1)**3", "The exponent comes down as a factor and is lowered by one; the "
              "derivative of the base follows as a factor."),
    "product": ("x**2*sin(x)", "Each factor is differentiated in turn while the other stays."),
    "quotient": ("sin(x)/(x**2 + 1)", "The denominator must not be zero: this condition is "
                 "carried along."),
    "reciprocal": ("1/(1 + x**2)", "The quotient rule where the numerator is 1."),
    "chain rule": ("exp(sin(x))", "The outer function is differentiated at the inner one, times "
                   "the derivative of the inner one."),
    "exponent": ("x**x", "Where the exponent varies, the function is written as an exponential of "
                 "a logarithm; so the base must be positive."),
    "function by definition": ("tanh(x)", "A function that is an abbreviation is replaced by what "
                               "it stands for."),
}  # fmt: skip


def page() -> str:
    found = {rule: sd.derive(text, "x", level="full") for rule, (text, _) in EXAMPLES.items()}
    return md.joined(
        "# The rules of differentiation",
        "Source: Leibniz (1684), Nova Methodus pro Maximis et Minimis; Rudin (1976), Principles of "
        "Mathematical Analysis, theorems 5.3 and 5.5.",
        "A rule turns the derivative of an expression into derivatives of its parts. Applied again "
        "and again the rules end at constants, the variable itself and a few elementary functions. "
        "The tree of these applications is the derivation, and what it concludes is the "
        "derivative: there is no second computation behind it. Where no rule applies, symdl says "
        "so; it never takes a derivative for zero.",
        "## All rules",
        md.table(["rule", "what it says"], _table()),
        *(_example(rule, d) for rule, d in found.items()),
        "## What was checked",
        "Each line above was re-checked by itself, with unknown functions in place of its parts. "
        "The results are compared with SymPy's own derivative.",
        md.verdicts(_verdicts(found)),
    )


def _table() -> list[list[str]]:
    words = Wording("en")
    rows = []
    for rule in RULES:
        says = (type(rule).__doc__ or "").strip().split("\n\n", maxsplit=1)[0]
        rows.append([words.rule(rule.name), escaped(" ".join(says.split()))])
    return rows


def _example(rule: str, d: Derivation) -> str:
    text, why = EXAMPLES[rule]
    title = Wording("en").rule(rule)
    return md.joined(
        f"## {title[0].upper()}{title[1:]}", f"{why} Example: {md.inline(parse(text))}.",
        d.markdown(),
    )  # fmt: skip


def _verdicts(found: dict[str, Derivation]) -> list[tuple[str, Verdict]]:
    rows = []
    for rule, d in found.items():
        text = EXAMPLES[rule][0]
        rows.append((f"{text}: every line", d.verify()))
        x = d.goal.wrt
        if rule == "exponent":  # x^x is defined for x > 0 alone
            p = sp.Symbol("x", positive=True)
            mine, theirs = (e.xreplace({x: p}) for e in (d.result, d.goal.expr.diff(x)))
        else:
            mine, theirs = d.result, d.goal.expr.diff(x)
        rows.append((f"{text}: against SymPy's diff", judge_equation(mine, theirs)))
    return rows


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
