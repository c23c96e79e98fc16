"""Velocities and running means as sums over all steps."""

from pathlib import Path

import sympy as sp

from symdl.book import page as md
from symdl.book.files import write_text
from symdl.calculus.elimination import simplest
from symdl.catalog import normalization as n
from symdl.catalog import optimizers as o
from symdl.derivation.numbers import decimal
from symdl.evidence.moments import Law
from symdl.evidence.recurrence import geometric, judge_induction, mean_after, unroll
from symdl.evidence.updates import judge_look_ahead, update_of
from symdl.formula import Formula, Variable
from symdl.notation.tensors import real
from symdl.notation.walk import substitute

MEAN = real("mu_x")
STEADY = o.g
OTHERS: tuple[tuple[str, Formula, Variable], ...] = (
    ("Adagrad", o.ADAGRAD, o.a),
    ("RMSprop", o.RMSPROP, o.a),
    ("Adadelta, squared gradients", o.ADADELTA, o.a),
    ("Adadelta, squared moves", o.ADADELTA, o.b),
    ("batch normalization, running mean", n.BATCH_NORMALIZATION, n.running_mean),
    ("batch normalization, running variance", n.BATCH_NORMALIZATION, n.running_var),
)
STEPS = (1, 10, 100, 500, 1000)


def page() -> str:
    velocity = unroll(o.MOMENTUM, o.velocity)
    powers = geometric(velocity.decay, velocity.steps)
    ((_, over),) = velocity.varying
    steady = -o.rate * STEADY * powers.value
    with_steady = substitute(velocity.from_zero, over, lambda *at: STEADY)
    final = simplest(steady.subs(velocity.decay**velocity.steps, 0))
    running = unroll(n.BATCH_NORMALIZATION, n.running_mean)
    after, verdict = mean_after(running, {n.mean: Law((MEAN,))})
    usual = dict(o.MOMENTUM.hyper)[o.momentum]
    return md.joined(
        "# Momentum and running means unrolled",
        md.source(o.MOMENTUM, o.NESTEROV, n.BATCH_NORMALIZATION),
        "A state that is multiplied by a number at each step, and to which something new is added, "
        "is a sum over all steps: what came in long ago is multiplied most often, and so counts "
        "least. In the sums the steps are counted from 0.",
        "## Momentum",
        md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in o.MOMENTUM.equations)),
        f"The velocity after {md.inline(velocity.steps)} steps, from a start at rest, is",
        md.display((md.latex(o.velocity), md.latex(velocity.from_zero))),
        f"Where the gradient is the same number {md.inline(STEADY)} at each step, the powers add "
        "up to a velocity that grows towards a final one, since the power goes to 0:",
        md.display(
            (md.latex(o.velocity), md.latex(with_steady), md.latex(steady)),
            (r"\text{final}", md.latex(final)),
        ),
        f"With {md.inline(o.momentum, usual)} that is "
        f"{md.inline((final / (-o.rate * STEADY)).xreplace({o.momentum: usual}))} times a plain "
        "step: along a slope that stays, momentum goes that much faster; where the gradient "
        "changes its sign at each step, the terms largely cancel.",
        "## Nesterov",
        "Nesterov's momentum takes the gradient where the velocity is about to lead. Keep a second "
        f"weight, u, that moves as with momentum, and let {md.inline(o.w)} be u and the coming "
        f"move {md.inline(o.momentum * o.velocity)} together; the gradient is taken at "
        f"{md.inline(o.w)}. Put in, that is the update in one line:",
        md.display((md.latex(o.w_new), md.latex(update_of(o.NESTEROV)))),
        "## Other running sums",
        md.table(["", "equation", "unrolled, from a start at 0"], _rows()),
        "## The running statistics of batch normalization",
        "Where the means of the batches have the mean "
        f"{md.inline(MEAN)}, the running mean has, from its start {md.inline(running.start)},",
        md.display((rf"E\left[{md.latex(running.old)}\right]", md.latex(sp.collect(after, MEAN)))),
        "Nothing corrects for the start: with the usual momentum "
        f"{md.inline(_momentum())} its share is still felt after hundreds of steps, so a model "
        "evaluated early predicts with statistics that are mostly the start.",
        md.table(["steps", "share of the start"], _shares()),
        "## What was checked",
        md.verdicts([
            ("momentum unrolled", velocity.verdict),
            ("the powers add up", powers.verdict),
            ("the velocity under a steady gradient", judge_induction(
                with_steady, steady, velocity.steps,
                lambda e: velocity.equation.rhs.xreplace({o.velocity: e}),
            )),
            ("Nesterov is momentum with the gradient taken ahead",
             judge_look_ahead(o.NESTEROV, o.MOMENTUM, (o.w, o.velocity, o.momentum))),
            *((name, unroll(f, state).verdict) for name, f, state in OTHERS),
            ("the mean of the running mean", verdict),
        ]),
    )  # fmt: skip


def _rows() -> list[list[str]]:
    rows = []
    for name, formula, state in OTHERS:
        found = unroll(formula, state)
        rows.append([name, md.inline(found.equation.lhs, found.equation.rhs),
                     md.inline(found.from_zero)])  # fmt: skip
    return rows


def _momentum() -> sp.Expr:
    return dict(n.BATCH_NORMALIZATION.hyper)[n.momentum]


def _shares() -> list[list[str]]:
    return [[str(k), decimal(sp.N(_momentum() ** k, 20), 5)] for k in STEPS]


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
