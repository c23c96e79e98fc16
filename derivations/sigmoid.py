"""The sigmoid: its derivative, written with the output."""

from pathlib import Path

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.catalog.activations import SIGMOID
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.networks import judge_running_form


def page() -> str:
    derivation = sd.derive(SIGMOID, "x", level="full")
    model = sd.Sequential([sd.Input(2), sd.Dense(1, activation="sigmoid")])
    step = sd.compile(model, loss="binary_crossentropy")
    return md.joined(
        "# The derivative of the sigmoid",
        md.source(SIGMOID),
        derivation.markdown(),
        "## Result",
        f"{md.inline(derivation.goal, derivation.result)}. The exponential is gone: "
        "the formula is solved for it, and what is found is put into the derivative.",
        "## What was checked",
        md.verdicts([*judge_adjoint(SIGMOID), ("the form that runs", judge_running_form(SIGMOID))]),
        "## The code that runs",
        "The outputs of a dense layer with this activation, as generated. The exponent is never "
        "positive, so nothing overflows; that this form equals the formula is proved too.",
        md.code(md.function(step.source, "forward")),
    )


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
