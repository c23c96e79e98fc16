"""What normalizations do to their inputs: statistics of the output, shifts, scales, one row."""

from pathlib import Path

import sympy as sp

from symdl.book import page as md
from symdl.book.claims import claims
from symdl.book.claims.normalization import averaged_axes
from symdl.book.files import write_text
from symdl.catalog import normalization as n
from symdl.evidence.normalizing import elsewhere, judge_single, output_alone, scaling
from symdl.evidence.verdict import Verdict
from symdl.formula import Formula

KINDS = (
    n.BATCH_NORMALIZATION, n.LAYER_NORMALIZATION, n.RMS_NORMALIZATION, n.GROUP_NORMALIZATION,
)  # fmt: skip


def page() -> str:
    found = elsewhere(n.BATCH_NORMALIZATION_INFERENCE, (n.running_mean, n.running_var), n.epsilon)
    plain = n.BATCH_NORMALIZATION
    return md.joined(
        "# What normalizations do",
        md.source(*KINDS),
        "A normalization takes away the mean of its input, divides by the root of the variance, "
        "and lets the layer choose a mean and a scale anew. Batch normalization does it for each "
        "column, over the rows of the batch, and keeps running statistics for prediction:",
        md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in plain.equations)),
        "## The statistics of the output",
        "Over what is averaged, the normalized h has the mean 0, except for RMS normalization, "
        "which takes no mean away. Its mean square is not quite 1:",
        md.display((r"E\left[h^2\right]", md.latex(_square()))),
        f"So y has the mean {md.inline(n.beta[n.i])}, and the variance is that of h times the "
        f"square of {md.inline(n.gamma[n.i])}: the layer sets both, and the layers below cannot "
        "change them.",
        "## Shifts and scales of the input: covariate shift",
        "While the layers below learn, the mean and the scale of what they put out move; this is "
        "called internal covariate shift. Add a number to every input of a column, or multiply "
        "the column "
        "by a positive number and let epsilon be 0: the output of batch normalization is what it "
        "was. "
        "Equation by equation, a factor of the input comes out to these powers:",
        md.table(["", "power of the factor"], _powers(plain)),
        "So the layers above never see such a shift while training. What they do see is the shape "
        "of the distribution, which no normalization changes.",
        "## A batch of one",
        "With one row the mean is that row, and nothing is left to normalize:",
        md.display((md.latex(plain.equation(n.y).lhs), md.latex(output_alone(plain, n.n.size)))),
        "The output says nothing of the input, and no gradient reaches it. Layer normalization has "
        "no trouble with a single row. It has the same trouble with a single column:",
        md.display((md.latex(n.LAYER_NORMALIZATION.equation(n.y).lhs),
                    md.latex(output_alone(n.LAYER_NORMALIZATION, n.i.size)))),
        "## Why not over the time steps of a recurrent net",
        "In prediction batch normalization uses running statistics. A recurrent net applies one "
        "layer at every time step, but its states have other statistics at step 1 than at step "
        f"100. Let the inputs of a step have the mean {md.inline(sp.Symbol('mu_x'))} and the "
        f"variance {md.inline(sp.Symbol('var_x'))}, while the running statistics are those of "
        "another step, or an average over steps. With epsilon = 0 the mean of the output is moved "
        "by, and its variance is multiplied by,",
        md.display((r"\text{moved by}", md.latex(found.moved)),
                   (r"\text{multiplied by}", md.latex(found.widened))),
        "Only where the statistics agree are these 0 and 1. Statistics of its own for every step "
        "would mean as many sets of them as the longest sequence has steps. Layer normalization "
        "computes its "
        "statistics from the row at hand, at each step anew, and keeps none.",
        "## What was checked",
        md.verdicts(_checked()),
    )  # fmt: skip


def _square() -> sp.Expr:
    var = next(e for e in n.BATCH_NORMALIZATION.equations if e.variable.name == "var").lhs
    return var / (var + n.epsilon)


def _powers(f: Formula) -> list[list[str]]:
    powers, _ = scaling(f, averaged_axes(f), n.epsilon)
    return [[md.inline(v), str(power)] for v, power in powers]


def _checked() -> list[tuple[str, Verdict]]:
    out = [
        (f"{f.title}: {what}", judge())
        for f in KINDS for what, judge in claims(f)
        if "unrolled" not in what and "compact" not in what
    ]  # fmt: skip
    one_column = judge_single(n.LAYER_NORMALIZATION, n.i.size, n.beta[n.i])
    out.append(("layer normalization: one column gives beta", one_column))
    return out


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
