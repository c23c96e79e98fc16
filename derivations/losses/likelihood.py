"""Losses as negative log likelihoods: Bernoulli, categorical, Gaussian."""

from pathlib import Path

import sympy as sp

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.calculus.adjoint import adjoint
from symdl.catalog import losses as c
from symdl.evidence.judge import judge_equation
from symdl.evidence.verdict import Verdict, weakest
from symdl.evidence.written_out import element_symbol, write_out
from symdl.notation.binders import Total
from symdl.notation.indicators import Delta
from symdl.notation.tensors import Elem, real
from symdl.notation.walk import substitute

p = sp.Symbol("p", positive=True)
t, y = real("t"), real("y")
sigma = sp.Symbol("sigma", positive=True)
BERNOULLI = p**t * (1 - p) ** (1 - t)
GAUSS = sp.exp(-((t - y) ** 2) / (2 * sigma**2)) / sp.sqrt(2 * sp.pi * sigma**2)
BITS = (sp.S.Zero, sp.S.One)


def page() -> str:
    slope = sd.derive(-sp.log(GAUSS), y)
    return md.joined(
        "# Losses as likelihoods",
        md.source(c.MSE, c.BINARY_CROSSENTROPY, c.CATEGORICAL_CROSSENTROPY),
        "Read the prediction as a probability: how likely is the target that was seen, if the "
        "prediction is right? Good predictions make the data likely. Independent examples "
        "multiply their likelihoods; the logarithm turns the product into a sum, and the sign "
        "turns the search for the largest into one for the least. What comes out are the losses.",
        "## A target of two values: binary cross entropy",
        "A target is 1 with the predicted probability, else 0. Both cases in one line:",
        md.display((r"P(t)", md.latex(BERNOULLI))),
        md.table(
            [md.inline(t), "likelihood", "minus its logarithm", "binary cross entropy"], _bits()
        ),
        "Case by case the negative logarithm is the cross entropy of one example, and the mean "
        "over all examples is the loss.",
        "## One class of several: categorical cross entropy",
        "If the class is c, the likelihood is the probability predicted for it, and minus its "
        "logarithm, averaged over the rows,",
        md.display((md.latex(c.L), md.latex(_rhs(c.SPARSE_CATEGORICAL_CROSSENTROPY)))),
        "is the loss for class labels. With the label written as a row that is 1 in its place and "
        f"0 elsewhere, {md.inline(c.t[c.n, c.j], _one_hot(c.n, c.j))}, it is the same as",
        md.display((md.latex(c.L), md.latex(_rhs(c.CATEGORICAL_CROSSENTROPY)))),
        "## A measured value: squared error",
        "A target that scatters round the prediction as a normal distribution of standard "
        f"deviation {md.inline(sigma)} has the density",
        md.display((r"P(t)", md.latex(GAUSS))),
        "Minus its logarithm:",
        md.display((r"-\log P(t)", md.latex(-sp.log(GAUSS)), md.latex(_apart()))),
        "The logarithm that is left does not depend on the prediction. The rest is half the "
        "squared error over the variance, and so is the derivative:",
        md.display(
            (rf"\frac{{d}}{{d{md.latex(y)}}}\left(-\log P(t)\right)", md.latex(slope.result))
        ),
        "The factor scales the step and does not move the minimum: whoever minimizes the squared "
        "error looks for the largest likelihood under normal errors of one size. Over a whole "
        "batch:",
        md.display((r"-\sum \log P", md.latex(_batch()))),
        "## What was checked",
        md.verdicts(_checked(slope.verify())),
    )


def _rhs(f: sd.Formula) -> sp.Expr:
    return f.equation(f.output).rhs


def _of_one(f: sd.Formula, guess: sp.Expr) -> sp.Expr:
    """The loss of one example with one prediction."""
    written = write_out(_rhs(f), {c.N: 1, c.K: 1})
    old, target = (element_symbol(v, (0, 0)) for v in f.inputs)
    return written.xreplace({old: guess, target: t})


def _bits() -> list[list[str]]:
    rows = []
    for value in BITS:
        likely = BERNOULLI.subs(t, value)
        entropy = _of_one(c.BINARY_CROSSENTROPY, p).subs(t, value)
        rows.append([str(value), *map(md.inline, (likely, -sp.log(likely), entropy))])
    return rows


def _one_hot(*at: sp.Expr) -> sp.Expr:
    n, j = at
    return Delta(j - Elem(c.c, n))


def _apart() -> sp.Expr:
    """The half squared error over the variance, and what does not depend on the prediction."""
    return (t - y) ** 2 / (2 * sigma**2) + _constant()


def _constant() -> sp.Expr:
    return sp.log(2 * sp.pi * sigma**2) / 2


def _batch() -> sp.Expr:
    """The same in terms of the mean squared error of N rows of K values."""
    return c.N * c.K * (c.L / (2 * sigma**2) + _constant())


def _sum_over_batch() -> sp.Expr:
    at = {t: c.t[c.n, c.j], y: c.y[c.n, c.j]}
    return Total(-sp.log(GAUSS).xreplace(at), c.n, c.j)


def _checked(derivative: Verdict) -> list[tuple[str, Verdict]]:
    entropy = _of_one(c.BINARY_CROSSENTROPY, p)
    cases = [judge_equation(-sp.log(BERNOULLI.subs(t, v)), entropy.subs(t, v)) for v in BITS]
    labelled = substitute(_rhs(c.CATEGORICAL_CROSSENTROPY), c.t, _one_hot)
    half = adjoint(c.HALF_SQUARED_ERROR, (c.y,)).inlined(c.y)
    slope = sd.derive(-sp.log(GAUSS), y).result
    one = write_out(half.rhs, {c.N: 1, c.K: 1}, dict.fromkeys(half.index, 0))
    one = one.xreplace({element_symbol(v, (0, 0)): s for v, s in ((c.y, y), (c.t, t))})
    batch = _batch().xreplace({c.L: _rhs(c.MSE)})
    return [
        ("binary cross entropy, for both targets", weakest(cases)),
        (
            "categorical cross entropy of a one-hot target is that of the label",
            judge_equation(labelled, _rhs(c.SPARSE_CATEGORICAL_CROSSENTROPY)),
        ),
        ("the logarithm of the normal density", judge_equation(-sp.log(GAUSS), _apart())),
        ("its derivative", derivative),
        ("that is the one of half the squared error, over the variance",
         judge_equation(slope, one / sigma**2)),
        ("the whole batch, by the mean squared error", judge_equation(_sum_over_batch(), batch)),
    ]  # fmt: skip


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
