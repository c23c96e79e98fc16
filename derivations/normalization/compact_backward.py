"""The backward pass of normalizations: from the raw adjoints to three terms, by elimination."""

from pathlib import Path

from symdl.book import page as md
from symdl.book.files import write_text
from symdl.calculus.adjoint import adjoint
from symdl.calculus.forms import cost
from symdl.calculus.joint import Reduction, joint_adjoint
from symdl.catalog import normalization as n
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.verdict import Verdict
from symdl.formula import Formula

KINDS = (
    n.BATCH_NORMALIZATION, n.LAYER_NORMALIZATION, n.RMS_NORMALIZATION, n.GROUP_NORMALIZATION,
)  # fmt: skip


def page() -> str:
    return md.joined(
        "# The compact backward pass of normalizations",
        md.source(*KINDS),
        "The input of a normalization is read more than once: by the mean, by the difference from "
        "it, and through both by the variance. Reverse mode adds up one adjoint for each use. What "
        "comes out is right and long. It becomes short without any rule for normalizations:",
        "1. The adjoints of the intermediates are put into that of the input.",
        "2. Equations without sums are solved for what they read, and eliminated; here for the "
        "input and the difference, so that what is normalized, h, is left.",
        "3. What the other equations then say are lemmas: the mean of h is 0.",
        "4. With the lemmas the normal form is taken, and kept where it is cheaper.",
        *_worked(n.BATCH_NORMALIZATION),
        "## The others",
        "Batch normalization averages over the rows, layer normalization over the columns of a "
        "row, group normalization over the channels and places of a group. RMS normalization takes "
        "no mean away, and has one term less.",
        *(part for f in KINDS[1:] for part in (f"{_capital(f.title)}:", md.display(_compact(f)))),
        "Counted as 1 for an addition or product, 4 for a division, 8 for a function and 20 for a "
        "sum:",
        md.table(["", "adjoint of the input, put together", "compact"], map(_costs, KINDS)),
        "## What was checked",
        md.verdicts(_checked()),
    )


def _reduction(f: Formula) -> Reduction:
    _, reductions = joint_adjoint(f, (f.inputs[0],))
    return dict(reductions)[f.inputs[0]]


def _worked(f: Formula) -> tuple[str, ...]:
    found = _reduction(f)
    raw = adjoint(f, (f.inputs[0],))
    return (
        "## Batch normalization",
        md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in f.equations)),
        "The raw adjoints, one for each variable on the way:",
        md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in raw.equations)),
        "Solved for what is eliminated:",
        md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in found.solved)),
        "The lemmas that are left:",
        md.display(*((md.latex(m.total), md.latex(m.value)) for m in found.lemmas)),
        "The adjoint of the input with them:",
        md.display(_compact(f)),
        "Read from the left: the adjoint that came down, less the part of it along h, less its "
        "mean; the output cannot follow a shift or a stretch of the input, so no gradient for "
        "those two comes through.",
    )


def _compact(f: Formula) -> tuple[str, str]:
    joint, _ = joint_adjoint(f, (f.inputs[0],))
    equation = joint.step(f.inputs[0]).equation
    return md.latex(equation.lhs), md.latex(equation.rhs)


def _capital(title: str) -> str:
    return title[0].upper() + title[1:]


def _costs(f: Formula) -> list[str]:
    found = _reduction(f)
    return [f.title, str(cost(found.before)), str(cost(found.after))]


def _checked() -> list[tuple[str, Verdict]]:
    out = []
    for f in KINDS:
        x = f.inputs[0]
        found = dict(judge_adjoint(f, (x,)))
        out.append((f"{f.title}: compact is raw", found[f"elimination for {x}"]))
        out.append((f"{f.title}: the whole gradient", found[f"gradient of {x}"]))
    return out


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
