"""A symmetric start stays symmetric: why weights begin as random numbers."""

from pathlib import Path

import sympy as sp

from symdl.book import page as md
from symdl.book.files import write_text
from symdl.calculus.adjoint import adjoint, place_of
from symdl.calculus.elimination import simplest
from symdl.catalog import activations as act
from symdl.catalog import initializers as ini
from symdl.catalog.layers import DENSE
from symdl.catalog.losses import MSE
from symdl.evidence.symmetry import gradient_at, judge_alike, judge_stays_zero, two_layers
from symdl.evidence.verdict import Verdict
from symdl.formula import Equation, Formula, Variable
from symdl.notation.binders import rename
from symdl.notation.indices import size_of

UNITS = size_of("H")
KINDS = (act.TANH, act.SIGMOID, act.RELU)


def page() -> str:
    net = two_layers(DENSE, act.TANH, MSE)
    first = _called(net, "W1")
    return md.joined(
        "# A symmetric start",
        md.source(ini.ZEROS, ini.RANDOM_NORMAL),
        "Take a net of two layers. The hidden units stand side by side, and nothing but their "
        "weights tells them apart.",
        md.display(*map(_placed, net.equations)),
        "## Two units that are alike stay alike",
        "The adjoints of the weights, derived from these equations:",
        md.display(*_adjoints(net)),
        "Let two hidden units have the same incoming weights, the same bias and the same outgoing "
        "weights. Everything in these gradients that belongs to one unit reads its weights alone; "
        "what is summed over all units is the same for both. So write the weights of the one for "
        "those of the other: the gradients are the same, term by term. Equal weights with equal "
        "gradients get equal updates, by any optimizer that treats each weight by the same "
        "formula, and are equal again after the step. However long it trains, a net that starts "
        "with all units alike computes no more than a net with one hidden unit.",
        "A constant start is such a start. Random weights are not; that is what they are for.",
        "## Zeros",
        "With zeros it is worse. The gradient of the first kernel has the second kernel as a "
        f"factor: where {md.inline(_called(net, 'W2'))} is 0 everywhere, that of "
        f"{md.inline(first)} is exactly 0. What every gradient is at a start of zeros:",
        md.table(["", *(a.title for a in KINDS)], _at_zeros()),
        "With tanh and relu, whatever the last bias has become by then, the gradients of all other "
        "weights are 0: only that bias ever learns. With the sigmoid, whose units give a half at "
        "0, the second kernel does move, by the same for every unit.",
        "## What was checked",
        md.verdicts(_checked()),
    )


def _placed(e: Equation) -> tuple[str, str]:
    """An equation with the usual index of each axis: the hidden units are counted by h."""
    usual = getattr(place_of(e.variable), "index", ())
    names = dict(zip(e.index, usual, strict=True))
    return md.latex(rename(e.lhs, names)), md.latex(rename(e.rhs, names))


def _called(net: Formula, name: str) -> Variable:
    return next(p for p in net.parameters if p.name == name)


def _adjoints(net: Formula) -> list[tuple[str, str]]:
    return [(md.latex(e.lhs), md.latex(e.rhs)) for e in adjoint(net, net.parameters).equations]


def _zeros(net: Formula) -> dict[Variable, sp.Expr]:
    return dict.fromkeys(net.parameters, sp.S.Zero)


def _at_zeros() -> list[list[str]]:
    nets = [two_layers(DENSE, a, MSE) for a in KINDS]
    rows = []
    for p in nets[0].parameters:
        found = [simplest(gradient_at(net, p, _zeros(net))) for net in nets]
        rows.append([md.inline(p), *(md.inline(e) for e in found)])
    return rows


def _checked() -> list[tuple[str, Verdict]]:
    out = []
    for a in KINDS:
        net = two_layers(DENSE, a, MSE)
        out += [(f"{a.title}, units alike: {what}", v) for what, v in judge_alike(net, UNITS)]
        first, second = _called(net, "W1"), _called(net, "W2")
        verdict = judge_stays_zero(net, first, {second: sp.S.Zero})
        out.append((f"{a.title}: the second kernel 0, so the first gradient", verdict))
    for a in (act.TANH, act.RELU):
        net = two_layers(DENSE, a, MSE)
        *others, last = net.parameters
        start = dict.fromkeys(others, sp.S.Zero)
        out += [
            (
                f"{a.title}: all but {last} 0, so the gradient of {p}",
                judge_stays_zero(net, p, start),
            )
            for p in others
        ]
    return out


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
