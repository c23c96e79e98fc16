"""The threshold unit: the threshold moved across as a bias, and what bias and weight do."""

from pathlib import Path

import sympy as sp

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.catalog import gates as g
from symdl.catalog.activations import SIGMOID, STEP, STEP_STRICT
from symdl.derivation.shown import Evaluated
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.verdict import Verdict
from symdl.notation.tensors import real

x, w, b, c = real("x"), sp.Symbol("w", positive=True), real("b"), real("c")
SPOTS = (-1, 0, 1)


def page() -> str:
    unit, moved = g.THRESHOLD_UNIT, g.UNIT_WITH_THRESHOLD
    slope = sd.derive(_curve(w, b), x)
    centre = {x: -b / w}
    return md.joined(
        "# Threshold and bias",
        md.source(unit, STEP),
        "A threshold unit weighs its inputs, adds them up, and fires if the sum reaches its "
        f"threshold {md.inline(g.theta)}. Its output is 1, unless the threshold is above the sum:",
        md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in moved.equations)),
        "A bracket with a condition is 1 where the condition holds and 0 where it does not. Move "
        f"the threshold to the other side and call it {md.inline(g.b, -g.theta)}, the bias. Then "
        "the unit fires where the sum with the bias reaches 0:",
        md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in unit.equations)),
        "The bias is a weight like the others, of an input that is always 1. So it can be "
        "learned by the same rule.",
        "## The step at 0",
        "What the unit gives exactly at its threshold is a convention. A unit that fires "
        "*from* its threshold on has 1 there; a unit that fires *above* it has 0. Both are in use, "
        "so both are in the catalogue, and every unit and gate is available in either.",
        md.table(
            [md.inline(x), *(f"`{f.name}`: {md.inline(_step(f))}" for f in (STEP, STEP_STRICT))],
            _steps(),
        ),
        "## The bias shifts, the weight steepens",
        "With a smooth activation in place of the step the same is seen better. The sigmoid "
        f"of {md.inline(w * x + b)} has the value one half where its argument is 0:",
        md.display((md.latex(_curve(w, b)), md.latex(sp.S.Half))),
        f"that is at {md.inline(x, centre[x])}, the centre of the curve. Its derivative:",
        slope.markdown(),
        "At the centre every exponential is 1, and what is left is",
        md.display(
            (md.latex(Evaluated(slope.goal, x, centre[x])), md.latex(slope.result.subs(centre)))
        ),
        "So the weight alone says how steep the curve is at its centre: a quarter of the weight, "
        "since the sigmoid itself has the slope "
        f"{md.inline(_sigmoid_slope())} at 0. For a given weight the bias moves the centre: "
        f"adding {md.inline(c)} to the bias has the same effect as adding {md.inline(c / w)} to "
        f"{md.inline(x)}.",
        md.table(
            [md.inline(w), md.inline(b), "centre", "slope there"],
            [_example(u, v, slope.result) for u, v in ((1, 0), (1, 2), (4, 0), (4, 2))],
        ),
        "## What was checked",
        md.verdicts(_checked(slope.result, slope.verify())),
    )


def _curve(weight: sp.Expr, bias: sp.Expr, at: sp.Expr = x) -> sp.Expr:
    (given,) = SIGMOID.inputs
    return SIGMOID.equation(SIGMOID.output).rhs.xreplace({given: weight * at + bias})


def _sigmoid_slope() -> sp.Expr:
    return sd.derive(_curve(sp.S.One, sp.S.Zero), x).result.subs(x, 0)


def _step(f: sd.Formula) -> sp.Expr:
    return f.equation(f.output).rhs


def _steps() -> list[list[str]]:
    given = STEP.inputs[0]
    return [[str(k), *(str(_step(f).subs(given, k)) for f in (STEP, STEP_STRICT))] for k in SPOTS]


def _example(weight: int, bias: int, slope: sp.Expr) -> list[str]:
    at = sp.Rational(-bias, weight)
    steep = slope.subs({w: weight, b: bias}).subs(x, at)
    return [str(weight), str(bias), md.inline(at), md.inline(steep)]


def _checked(slope: sp.Expr, derivative: Verdict) -> list[tuple[str, Verdict]]:
    moved = {g.theta: -g.b}
    left, right = (
        inlined(f.output, f.equations) for f in (g.UNIT_WITH_THRESHOLD, g.THRESHOLD_UNIT)
    )
    shifted = _curve(w, b, x + c / w)
    return [
        (
            "the unit with a threshold is the unit with a bias",
            judge_equation(left.xreplace(moved), right),
        ),
        ("the value at the centre is 1/2", judge_equation(_curve(w, b, -b / w), sp.S.Half)),
        ("the derivative", derivative),
        ("the slope at the centre is w/4", judge_equation(slope.subs(x, -b / w), w / 4)),
        ("c more in the bias is c/w more in x", judge_equation(_curve(w, b + c), shifted)),
    ]


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
