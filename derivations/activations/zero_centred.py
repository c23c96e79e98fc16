"""Zero-centred activations: tanh as a sigmoid, and why inputs of one sign are a hindrance."""

from pathlib import Path

import sympy as sp

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.calculus.adjoint import adjoint
from symdl.catalog.activations import SIGMOID, TANH
from symdl.catalog.gates import THRESHOLD_UNIT, b, inputs, t, w, z
from symdl.evidence.identities import judge_one_sign
from symdl.evidence.judge import judge_equation
from symdl.evidence.ranges import judge_largest_derivative, judge_range
from symdl.evidence.verdict import Verdict, negated
from symdl.notation.functions import by_exponentials
from symdl.notation.tensors import real

L = real("L")
UNIT = sd.Formula(
    [THRESHOLD_UNIT.equation(z).to_sympy(), sp.Eq(L, (t - z) ** 2 / 2, evaluate=False)],
    output=L, inputs=[inputs, t], parameters=[w, b], name="unit",
    source="LeCun, Bottou, Orr, Mueller (1998), Efficient BackProp, section 4.3",
)  # fmt: skip
x = SIGMOID.inputs[0]
OFF = sp.Rational(1, 2)
ONE_SIGN = tuple(map(sp.Rational, ("0.2", "0.7", "0.9")))
BOTH_SIGNS = tuple(map(sp.Rational, ("0.2", "-0.7", "0.9")))
E = sp.exp(x)
POSITIVE = {inputs: sp.Interval.open(0, sp.oo)}
BOTH = {inputs: sp.Reals}


def page() -> str:
    slope = sd.derive(_as_sigmoid(), x)
    found = adjoint(UNIT, (w,)).inlined(w)
    return md.joined(
        "# Zero-centred activations",
        md.source(UNIT, TANH),
        "The sigmoid and tanh are one curve at different scales. Take the sigmoid, at twice the "
        "argument, stretch it to twice its height and lower it by 1:",
        md.display(tuple(map(md.latex, (_tanh(), by_exponentials(_tanh()), _as_sigmoid())))),
        "The middle form is what tanh stands for; divide numerator and denominator by "
        f"{md.inline(E)}. "
        "The derivative of the right side is four times that of the sigmoid at twice the argument:",
        md.display((md.latex(slope.goal), md.latex(slope.result))),
        "So tanh has the slope 1 at 0 where the sigmoid has 1/4, and its values lie on both sides "
        "of 0, where those of the sigmoid are all positive. Both matter.",
        "## Inputs of one sign push all weights the same way",
        "Take one unit of the next layer, here with the squared error behind it:",
        md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in UNIT.equations)),
        "The chain rule gives, for each weight,",
        md.display((md.latex(found.lhs), md.latex(found.rhs))),
        f"that is one number, {md.inline(z - t)}, times the input of that weight. With another "
        "loss, or "
        "more layers behind the unit, it is another number, but again one number for all weights. "
        "If all inputs are positive, as they are behind a sigmoid, all these derivatives have the "
        "sign of that number: the product of any two of them is its square times two positive "
        "inputs. In one step, then, all weights of the unit go up together or all go down "
        "together. Where one should rise and another fall, the step can do only one of the two, "
        "and the weights get there by zigzags.",
        md.table(*_example()),
        "With inputs on both sides of 0, as behind tanh, the signs differ from weight to weight, "
        "and each goes its own way.",
        "## What was checked",
        md.verdicts(_checked(slope.verify())),
    )


def _tanh() -> sp.Expr:
    return TANH.equation(TANH.output).rhs


def _sigmoid(at: sp.Expr) -> sp.Expr:
    return SIGMOID.equation(SIGMOID.output).rhs.xreplace({x: at})


def _as_sigmoid() -> sp.Expr:
    return 2 * _sigmoid(2 * x) - 1


def _example() -> tuple[list[str], list[list[str]]]:
    """Derivatives at inputs of one sign and of both, where the output is too low by a half."""
    found = adjoint(UNIT, (w,)).inlined(w)
    (place,) = found.index
    rows = []
    for what, values in (("one sign", ONE_SIGN), ("both signs", BOTH_SIGNS)):
        slopes = [found.rhs.subs({inputs[place]: v, t: OFF, z: 0}) for v in values]
        rows.append([what, *(", ".join(f"{float(v):g}" for v in row) for row in (values, slopes))])
    return [
        "",
        md.inline(inputs),
        f"derivatives with respect to {md.inline(w)}, where {md.inline(z - t, -OFF)}",
    ], rows


def _checked(derivative: Verdict) -> list[tuple[str, Verdict]]:
    sigmoid = _sigmoid(x)
    unit, around = sp.Interval.open(0, 1), sp.Interval.open(-1, 1)
    quarter = sp.Rational(1, 4)
    return [
        ("tanh(x) = 2 sigmoid(2 x) - 1", judge_equation(_tanh(), _as_sigmoid())),
        ("the derivative", derivative),
        ("the sigmoid lies between 0 and 1", judge_range(sigmoid, x, unit)),
        ("tanh lies between -1 and 1", judge_range(_tanh(), x, around)),
        ("the steepest slope of the sigmoid", judge_largest_derivative(sigmoid, x, quarter, 0)),
        ("the steepest slope of tanh", judge_largest_derivative(_tanh(), x, sp.S.One, 0)),
        ("positive inputs: derivatives of one sign", judge_one_sign(UNIT, w, POSITIVE)),
        ("inputs of both signs: not of one sign", negated(judge_one_sign(UNIT, w, BOTH))),
    ]


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
