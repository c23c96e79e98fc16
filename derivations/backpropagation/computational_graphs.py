"""Computational graphs: the value and the gradient of every node."""

from pathlib import Path

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.book.pictures.picture import Picture, graph_picture
from symdl.derivation.table import NodeTable
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.verdict import Verdict
from symdl.notation.text import parse

SMALL = "(x + y)*z"
NEURON = "1/(1 + exp(-(w0*x0 + w1*x1 + w2)))"
SHARED = "(x*y + z)*x*y"
AT = {"x": -2, "y": 5, "z": -4}
SHARED_AT = {"x": "1/2", "y": 3, "z": "-1/4"}
NEURON_AT = {"w0": 2, "w1": -3, "w2": -3, "x0": -1, "x1": -2}


def page() -> str:
    small, neuron = sd.graph(SMALL, at=AT), sd.graph(NEURON, at=NEURON_AT)
    shared = sd.graph(SHARED, at=SHARED_AT)
    reused = next(e.variable for e in shared.formula.equations if e.rhs == parse("x*y"))
    of_small, of_neuron, of_shared = (p.markdown() for p in pictures())
    return md.joined(
        "# Computational graphs",
        "Source: Linnainmaa (1976), Taylor expansion of the accumulated rounding error; Baydin, "
        "Pearlmutter, Radul, Siskind (2018), Automatic differentiation in machine learning: a "
        "survey, section 3.2.",
        "Any expression can be taken apart into single operations. Each is a node, which reads "
        "other nodes and hands its value on. Forwards, every node gets its value. Backwards, every "
        "node gets its gradient: the derivative of the last node with respect to it. The last "
        "node has the "
        "gradient 1; a node passes on its own gradient times its local derivative.",
        md.code(f'sd.graph("{SMALL}", at={AT})'),
        f"## {md.inline(parse(SMALL))}",
        of_small,
        small.markdown(),
        "The sum passes its gradient on unchanged; the product multiplies it by the other factor. "
        f"In formulas, for {md.inline(parse('x'))}:",
        sd.derive(small.formula, "x").at(AT, digits=0).markdown(),
        "## A neuron",
        f"The sigmoid of a weighted sum, {md.inline(parse(NEURON))}, in single steps. The numbers "
        "are no fractions here; they are rounded from 50 digits.",
        of_neuron,
        neuron.markdown(),
        "## A part that is used twice",
        f"In {md.inline(parse(SHARED))} the product {md.inline(parse('x*y'))} occurs twice. It is "
        f"one node, {md.inline(reused)}; two operations read it, and what both hand back adds up. "
        "All numbers are exact fractions.",
        of_shared,
        shared.markdown(),
        sd.derive(shared.formula, reused.name).markdown(),
        "## What was checked",
        md.verdicts(_verdicts({SMALL: small, NEURON: neuron, SHARED: shared})),
    )


def pictures() -> tuple[Picture, ...]:
    return (
        graph_picture("graph_of_two", "Computational graph", sd.graph(SMALL, at=AT)),
        graph_picture(
            "graph_of_a_neuron", "Computational graph", sd.graph(NEURON, at=NEURON_AT, digits=3)
        ),
        graph_picture(
            "graph_with_a_shared_part", "Computational graph", sd.graph(SHARED, at=SHARED_AT)
        ),
    )


def _verdicts(found: dict[str, NodeTable]) -> list[tuple[str, Verdict]]:
    return [
        (f"{text}: {what}", verdict)
        for text, table in found.items()
        for what, verdict in judge_adjoint(table.formula)
        if what.startswith("gradient")
    ]


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
