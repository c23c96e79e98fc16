"""Dropout and Gaussian noise: what they do to the mean and to the variance."""

from pathlib import Path

import sympy as sp

from symdl.book import page as md
from symdl.book.claims import claims
from symdl.book.files import write_text
from symdl.calculus.elimination import simplest
from symdl.catalog import noise
from symdl.evidence.judge import judge_equation
from symdl.evidence.moments import STANDARD_NORMAL, UNIFORM, Law, mean, noise_named, variance
from symdl.evidence.verdict import Verdict
from symdl.formula import Formula

DRAWS = {noise.uniform: UNIFORM, noise.normal: STANDARD_NORMAL}
RATES = tuple(sp.Rational(k, 10) for k in (1, 2, 5, 8, 9))


def page() -> str:
    dropped, laws = _named(noise.DROPOUT)
    (mask,) = laws
    place = noise.DROPOUT.equation(noise.y)
    noisy, normal = _named(noise.GAUSSIAN_NOISE)
    return md.joined(
        "# Dropout and noise",
        md.source(noise.DROPOUT, noise.GAUSSIAN_NOISE),
        "Noise in training keeps a unit from relying on exactly what some other unit says. "
        "Prediction should run without it; so what the next layer reads must, on average, be the "
        "same with the noise and without.",
        "## Dropout",
        md.display((md.latex(place.lhs), md.latex(place.rhs))),
        "The step keeps an element where its uniform draw is not below the rate. It is 0 or 1, so "
        "all its powers are itself, and their mean is the length of the draws that keep:",
        md.display((rf"E\left[{md.latex(sp.Symbol(mask.name))}\right]",
                    md.latex(laws[mask].powers[0]))),
        "With that mean, and with the mask for the step,",
        md.display(
            (md.latex(place.lhs), md.latex(dropped)),
            (rf"E\left[{md.latex(place.lhs)}\right]", md.latex(mean(dropped, laws))),
            (rf"\operatorname{{Var}}\left[{md.latex(place.lhs)}\right]",
             md.latex(_spread(dropped, laws))),
        ),
        f"The division by {md.inline(1 - noise.rate)} is what makes the mean come out as x, for "
        "every rate. So prediction leaves the layer out and scales nothing. Without the division "
        "it would have to: the mean would be",
        md.display((r"E\left[\ldots\right]",
                    md.latex(simplest(mean(dropped * (1 - noise.rate), laws))))),
        "The variance, over the square of x, grows with the rate without bound:",
        md.table(["rate", "variance over the square"], _growth(dropped, laws)),
        "## Gaussian noise",
        md.display(
            (md.latex(place.lhs), md.latex(noisy)),
            (rf"E\left[{md.latex(place.lhs)}\right]", md.latex(mean(noisy, normal))),
            (rf"\operatorname{{Var}}\left[{md.latex(place.lhs)}\right]",
             md.latex(variance(noisy, normal))),
        ),
        "Here the variance is the same whatever x is; dropout's grows with the square of x.",
        "## What was checked",
        md.verdicts([*_checked(), ("without the division, the mean is not x", _undivided())]),
    )  # fmt: skip


def _named(f: Formula) -> tuple[sp.Expr, dict[sp.Symbol, Law]]:
    drawn = {v: DRAWS[v] for v in f.random}
    return noise_named(f.equation(f.output).rhs, drawn, domain=dict(f.domain))


def _spread(e: sp.Expr, laws: dict[sp.Symbol, Law]) -> sp.Expr:
    above, below = sp.fraction(sp.factor(variance(e, laws)))
    return -above / sp.expand(-below)


def _growth(e: sp.Expr, laws: dict[sp.Symbol, Law]) -> list[list[str]]:
    place = noise.x[noise.n, noise.i]
    share = sp.cancel(variance(e, laws) / place**2)
    return [[md.inline(r), md.inline(share.xreplace({noise.rate: r}))] for r in RATES]


def _undivided() -> Verdict:
    e, laws = _named(noise.DROPOUT)
    found = judge_equation(mean(e * (1 - noise.rate), laws), noise.x[noise.n, noise.i])
    if found.level == "refuted":
        return Verdict("proved", "by a counterexample at a random point")
    return Verdict("unknown", str(found))


def _checked() -> list[tuple[str, Verdict]]:
    return [(f"{f.name.replace('_', ' ')}: {what}", judge())
            for f in noise.ALL for what, judge in claims(f)]  # fmt: skip


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
