"""The perceptron learning rule, run on AND, where it comes to an end, and on XOR, where not."""

from pathlib import Path

from symdl.book import page as md
from symdl.book.claims import claims
from symdl.book.claims.gates import TABLES
from symdl.book.files import write_text
from symdl.catalog import gates as g
from symdl.evidence.online import Example, Run, run
from symdl.evidence.threshold import truth_table
from symdl.notation.tensors import real

RULE = g.PERCEPTRON_RULE


def page() -> str:
    conjunction, exclusive = (run(RULE, _examples(f.name)) for f in (g.AND, g.XOR))
    return md.joined(
        "# The perceptron learning rule",
        md.source(RULE),
        "The rule looks at one example after the other. If the output is right, nothing changes. "
        "If the unit should have fired and did not, the inputs are added to the weights; if it "
        "fired and should not have, they are taken away. The bias is treated as the weight of an "
        "input that is always 1.",
        md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in RULE.equations)),
        f"The learning rate is {md.inline(RULE.hyper[0][1])}, all weights and the bias start at 0, "
        "and a unit whose sum is 0 fires. Every number below is exact.",
        "## AND",
        _table(conjunction),
        f"Epoch {len(conjunction.epochs)} changes nothing, so no later one will. "
        f"{_ending(conjunction)}",
        "## XOR",
        _table(exclusive),
        f"The state after epoch {len(exclusive.epochs)} is the one after epoch "
        f"{exclusive.back_to}. What follows depends on the state and on nothing else, so it is "
        "repeated without end. The rule has not failed for want of patience: there is no weight "
        "and no bias that it could find, see [XOR needs two layers](xor_needs_two_layers.md).",
        "## What was checked",
        md.verdicts([(what, judge()) for what, judge in claims(RULE)]),
    )


def _examples(name: str) -> list[Example]:
    return list(zip(truth_table(g.XOR), TABLES[name], strict=True))


def _table(found: Run) -> str:
    head = ["epoch", md.inline(g.x1), md.inline(g.x2), *map(md.inline, (g.t, g.z, g.y))]
    rows = []
    for count, epoch in enumerate(found.epochs, 1):
        for k, step in enumerate(epoch):
            (p, q), label = step.example
            seen = [str(step.values[v.name]) for v in (g.z, g.y)]
            after = [str(v) for v in step.after]
            rows.append(["" if k else str(count), str(p), str(q), str(label), *seen, *after])
    names = [f"new {md.inline(real(_counted(n)))}" for n in found.names]
    return md.table([*head, *names], rows)


def _counted(name: str) -> str:
    """The name of an element, counted from 1 as the inputs are."""
    base, _, place = name.partition("_")
    return f"{base}{int(place) + 1}" if place else base


def _ending(found: Run) -> str:
    """The gate that was found, as a sentence."""
    pairs = ", ".join(str(v) for v in found.end[:-1])
    return f"The rule has found weights {pairs} and the bias {found.end[-1]}."


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
