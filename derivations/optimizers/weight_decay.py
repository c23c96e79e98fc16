"""Weight decay and the L2 penalty: the same for gradient descent, not for Adam."""

from pathlib import Path

import sympy as sp

from symdl.book import page as md
from symdl.book.claims.optimizers import DECAY
from symdl.book.files import write_text
from symdl.calculus.differentiate import differentiate
from symdl.calculus.elimination import simplest
from symdl.catalog import optimizers as o
from symdl.catalog import regularizers
from symdl.evidence.updates import (
    decay_and_penalty,
    decoupled,
    judge_decay_is_not_penalty,
    judge_decay_is_penalty,
    judge_decouples,
    update_of,
    with_penalty,
)  # fmt: skip

NAMES = (o.w, o.g, o.rate)
OTHERS = tuple(f for f in o.ALL if f not in (o.SGD, o.ADAMW))


def page() -> str:
    penalty = DECAY * o.w**2 / 2
    slope = simplest(differentiate(penalty, o.w).after)
    sgd = update_of(o.SGD)
    decayed = decoupled(sgd, o.w, o.rate, DECAY)
    return md.joined(
        "# Weight decay and the L2 penalty",
        md.source(o.ADAMW, regularizers.L2),
        "There are two ways to pull weights towards 0. A penalty on the squares of the weights can "
        f"be added to the loss. Or each step can take a part {md.inline(o.rate * DECAY * o.w)} off "
        "each weight, beside the step that the gradient asks for; this is weight decay. Here the "
        f"penalty on a weight is {md.inline(penalty)}, with the derivative {md.inline(slope)}.",
        "## Gradient descent: the same",
        "With the penalty, its derivative is added to the gradient; with weight decay, the "
        "gradient stays alone.",
        md.display(
            (r"\text{plain}", md.latex(sgd)),
            (r"\text{penalty}", md.latex(with_penalty(sgd, o.w, o.g, penalty))),
            (r"\text{decay}", md.latex(decayed)),
            ("", md.latex(sp.collect(sp.expand(decayed), o.w))),
        ),
        "Multiplied out, the last two are one: both shrink the weight by the factor "
        f"{md.inline(sp.expand(decayed).coeff(o.w))} before the gradient step.",
        "## Adam: not the same",
        "Adam divides each gradient by the root of its mean square. A penalty goes through that "
        "division; weight decay does not. Take the first step, from moments of 0, with these "
        "numbers:",
        md.table(["", ""], _point()),
        "The gradient with the penalty is larger, but so is what it is divided by, and little of "
        "the pull is left:",
        md.display(*_numbers()),
        "AdamW is Adam with weight decay beside it, as the last line:",
        md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in o.ADAMW.equations[-1:])),
        "## Momentum",
        "With momentum the penalty goes into the velocity, and acts on later steps too; the first "
        "step is the same, the velocity after it is not.",
        "## What was checked",
        md.verdicts([
            ("gradient descent: weight decay is the penalty",
             judge_decay_is_penalty(o.SGD, NAMES, DECAY)),
            *((f"{f.title}: weight decay is not the penalty",
               judge_decay_is_not_penalty(f, NAMES, DECAY)) for f in OTHERS),
            ("AdamW is Adam with weight decay",
             judge_decouples(o.ADAMW, o.ADAM, (o.w, o.rate, o.weight_decay))),
        ]),
    )  # fmt: skip


HALF = sp.Rational(1, 2)
AT = {
    o.w: sp.Integer(1), o.g: sp.Integer(1), o.rate: HALF, DECAY: sp.Integer(1), o.m: sp.Integer(0),
    o.v: sp.Integer(0), o.step: sp.Integer(1), o.beta_1: HALF, o.beta_2: HALF, o.epsilon: HALF,
}  # fmt: skip


def _point() -> list[list[str]]:
    shown = (o.w, o.g, o.rate, DECAY, o.epsilon)
    return [[md.inline(v), md.inline(AT[v])] for v in shown]


def _numbers() -> list[tuple[str, str]]:
    decayed, penalised = decay_and_penalty(o.ADAM, NAMES, DECAY)[0]
    values = (update_of(o.ADAM), penalised, decayed)
    names = (r"\text{plain}", r"\text{penalty}", r"\text{decay}")
    return [
        (name, md.latex(sp.sympify(e.xreplace(AT)))) for name, e in zip(names, values, strict=True)
    ]


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
