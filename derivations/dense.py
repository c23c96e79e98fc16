"""A dense layer: the adjoints of its input, its kernel and its bias."""

from pathlib import Path

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.catalog.layers import DENSE
from symdl.derivation.derivation import Derivation
from symdl.evidence.gradients import judge_adjoint


def page() -> str:
    parts = {name: sd.derive(DENSE, name) for name in ("W", "b", "x")}
    step = sd.compile(sd.Sequential([sd.Input(4), sd.Dense(3)]), loss="mse")
    first = parts["W"]
    return md.joined(
        "# The dense layer",
        md.source(DENSE),
        "Whatever loss follows hands down the adjoint of the output, its derivative for each "
        "element of the output. The layer turns it into the adjoints of what it has read.",
        md.only(first, "given").markdown(),
        *(_part(name, d) for name, d in parts.items()),
        "## Result",
        md.display(*((md.latex(d.goal), md.latex(d.result)) for d in parts.values())),
        "## What was checked",
        md.verdicts(judge_adjoint(DENSE)),
        "## The code that runs",
        "One training step of a single dense layer with the mean squared error, as generated; each "
        "sum over an index is one call.",
        md.code(md.function(step.source, "gradients")),
    )


def _part(name: str, derivation: Derivation) -> str:
    return md.joined(f"## The adjoint of ${name}$", md.without(derivation, "given").markdown())


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
