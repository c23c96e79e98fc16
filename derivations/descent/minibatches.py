"""Batch, stochastic and mini-batch gradients: the same mean, a variance that falls as 1/m."""

import itertools
from pathlib import Path

import sympy as sp
from sympy.core.expr import Expr

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.evidence.minibatch import MiniBatch, minibatch
from symdl.notation.tensors import real
from symdl.notation.text import parse

LOSS = "(w*x - t)**2"
WEIGHT = sp.Integer(1)
DATA = ((1, 3), (2, 3), (3, 8), (4, 6))


def page() -> str:
    found = minibatch()
    slope = sd.derive(LOSS, "w").result
    return md.joined(
        "# Batch, stochastic and mini-batch descent",
        "Source: Robbins, Monro (1951), A Stochastic Approximation Method; Cochran (1977), "
        "Sampling Techniques, theorem 2.2.",
        "The loss of a data set is a mean over its $N$ examples, and so is its gradient. *Batch* "
        "descent takes all of them for each step. *Stochastic* descent takes one example drawn at "
        "random, *mini-batch* descent takes $m$ of them. Each step then costs less, but its "
        "gradient is a draw, with a mean and a variance.",
        "## Independent draws",
        f"Let one gradient have the mean {md.inline(found.mean_gradient)} and the variance "
        f"{md.inline(found.spread)}. The gradient of the batch is {md.inline(found.batch)}. Its "
        "mean and its variance, by the linearity of the mean and the independence of the draws:",
        md.display(
            ["\\mathrm{mean}", md.latex(found.mean)],
            ["\\mathrm{variance}", md.latex(found.independent)],
        ),
        "So the batch points in the right direction on average, whatever its size, and its "
        "variance falls as $1/m$. The noise is the root of the variance: to halve it takes four "
        "times as many examples.",
        "## Drawn without replacement",
        "In practice the examples of an epoch are shuffled, and no example occurs twice. Then two "
        "draws are not independent: what one has taken the other cannot take. Their covariance "
        f"$c$ follows from the whole. All {md.inline(found.n)} examples together always have the "
        "same sum, so the variance of that sum is zero:",
        md.display(["0", md.latex(_of_sum(found)), ], ["c", md.latex(found.covariance)]),
        "With this covariance the variance of the mean of a batch is",
        md.display(["\\mathrm{variance}", md.latex(found.without)]),
        f"That is {md.inline(found.factor)} times the variance of independent draws: never more, "
        "almost the same for a small batch out of a large set, and zero for the whole set.",
        "## With numbers",
        f"Four examples of the loss {md.inline(parse(LOSS))}, whose gradient is "
        f"{md.inline(slope)}, at {md.inline(real('w'), WEIGHT)}:",
        _examples(slope),
        "For each size all batches were listed, and the variance of their gradients taken; beside "
        "it the formulas.",
        _sizes(found, slope),
        "## What was checked",
        md.verdicts([*found.verdicts(), ("all batches of 3 out of 5", found.judge_on(5, 3))]),
    )  # fmt: skip


def _of_sum(found: MiniBatch) -> Expr:
    return found.n * found.spread + found.n * (found.n - 1) * real("c")


def _gradients(slope: Expr) -> list[Expr]:
    names = [real(k) for k in ("x", "t", "w")]
    points = [(sp.Integer(x), sp.Integer(t), WEIGHT) for x, t in DATA]
    return [slope.xreplace(dict(zip(names, p, strict=True))) for p in points]


def _examples(slope: Expr) -> str:
    found = _gradients(slope)
    rows = [[str(x), str(t), str(g)] for (x, t), g in zip(DATA, found, strict=True)]
    return md.table([md.inline(real("x")), md.inline(real("t")), "gradient"], rows)


def _sizes(found: MiniBatch, slope: Expr) -> str:
    g = _gradients(slope)
    n = sp.Integer(len(g))
    mean = sp.Add(*g) / n
    spread = sp.Add(*((a - mean) ** 2 for a in g)) / n
    rows = []
    for m in range(1, len(g) + 1):
        at = {found.spread: spread, found.m: sp.Integer(m), found.n: n}
        once = [sp.Add(*b) / m for b in itertools.combinations(g, m)]
        again = [sp.Add(*b) / m for b in itertools.product(g, repeat=m)]
        listed = [str(sp.Add(*((a - mean) ** 2 for a in b)) / len(b)) for b in (again, once)]
        rows.append([
            str(m), listed[0], str(found.independent.xreplace(at)),
            listed[1], str(found.without.xreplace(at)),
        ])  # fmt: skip
    head = ["independent, listed", "formula", "without replacement, listed", "formula"]
    return md.table([md.inline(found.m), *head], rows)


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
