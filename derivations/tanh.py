"""The hyperbolic tangent: its derivative from the exponentials, written with the output."""

from pathlib import Path

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.catalog.activations import TANH
from symdl.evidence.gradients import judge_adjoint


def page() -> str:
    derivation = sd.derive(TANH, "x", level="full")
    model = sd.Sequential([sd.Input(2), sd.Dense(3, activation="tanh"), sd.Dense(1)])
    step = sd.compile(model, loss="mse")
    return md.joined(
        "# The derivative of the hyperbolic tangent",
        md.source(TANH),
        derivation.markdown(),
        "## Result",
        f"{md.inline(derivation.goal, derivation.result)}.",
        "## What was checked",
        md.verdicts(judge_adjoint(TANH)),
        "## The code that runs",
        "One training step of a network with this activation in its hidden layer, as generated. "
        "The derivative reads the output that the forward pass left, not the exponentials.",
        md.code(md.function(step.source, "gradients")),
    )


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
