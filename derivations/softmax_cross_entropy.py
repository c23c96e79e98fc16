"""Softmax with cross entropy: derived together, the gradient is the prediction minus the target."""

from pathlib import Path

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.calculus.compose import chain
from symdl.catalog.activations import SOFTMAX
from symdl.catalog.losses import CATEGORICAL_CROSSENTROPY
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.networks import judge_running_form

BOTH = chain(SOFTMAX, CATEGORICAL_CROSSENTROPY)


def page() -> str:
    derivation = sd.derive(BOTH, "z")
    model = sd.Sequential([sd.Input(4), sd.Dense(3, activation="softmax")])
    step = sd.compile(model, loss="categorical_crossentropy")
    return md.joined(
        "# Softmax with cross entropy",
        md.source(SOFTMAX, CATEGORICAL_CROSSENTROPY),
        derivation.markdown(),
        "## Result",
        f"{md.inline(derivation.goal, derivation.result)}: the prediction minus the "
        "target, averaged over the rows. It needs the targets of each row to sum to 1.",
        "## What was checked",
        md.verdicts([*judge_adjoint(BOTH), ("the form that runs", judge_running_form(BOTH))]),
        "## The code that runs",
        "One training step of a dense layer with softmax and this loss, as generated. The scores "
        "are shifted by the largest of their row, so no exponential overflows.",
        md.code(md.function(step.source, "gradients")),
    )


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
