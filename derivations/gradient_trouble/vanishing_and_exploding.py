"""Gradients along depth: why they vanish or explode, and the bound on them."""

from functools import cache
from pathlib import Path

import numpy as np
import sympy as sp

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.book.pictures.depth import by_depth
from symdl.book.pictures.picture import Picture
from symdl.calculus.differentiate import differentiate
from symdl.catalog import activations as act
from symdl.catalog.layers import DENSE
from symdl.evidence.depth import (
    along,
    judge_bound,
    judge_chain,
    judge_wide_bound,
    lagrange,
    largest_slope,
)  # fmt: skip
from symdl.evidence.judge import inlined
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Formula

KINDS = (act.SIGMOID, act.TANH, act.RELU)
DEPTHS = (5, 10, 20)
WEIGHTS = (sp.Integer(1), sp.Integer(4), sp.Integer(8))
SOURCE = (
    "Source: Hochreiter (1991), Untersuchungen zu dynamischen neuronalen Netzen; Bengio, Simard, "
    "Frasconi (1994), Learning long-term dependencies with gradient descent is difficult."
)


def page() -> str:
    return md.joined(
        "# Vanishing and exploding gradients",
        SOURCE,
        "Put layers on top of each other, one unit each. The gradient of the first has gone "
        "through all of them, and each has multiplied it.",
        *_chain(),
        *_bound(),
        *_numbers(),
        *_wide(),
        *_measured(),
        "## What helps",
        "Weights that start with the right variance keep the product near 1 at the start of "
        "training; relu and its relatives have the slope 1 on one side, whatever the depth; "
        "normalization sets the scale anew in every layer. Against the rare step where the product "
        "is large nevertheless, gradients are clipped.",
        "## What was checked",
        md.verdicts(_checked()),
    )


def _chain() -> tuple[str, ...]:
    three = along(act.SIGMOID, 3)
    first, last = three.chain.inputs[0], three.chain.output
    return (
        "## The product",
        md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in three.chain.equations)),
        "Reverse mode, from the last value to the first:",
        md.display((rf"\frac{{d {md.latex(last)}}}{{d {md.latex(first)}}}",
                    md.latex(three.derived))),
        "One factor for each layer: the slope of the activation, written with its output, times "
        "the weight. One layer more adds one factor more, whatever stands below: by the chain "
        "rule, with an unknown function for all that is below, the derivative of the next value is "
        "the slope times the weight times the derivative so far.",
    )  # fmt: skip


def _bound() -> tuple[str, ...]:
    rows = [[a.title, md.inline(_slope(a)), md.inline(largest_slope(a))] for a in KINDS]
    depth = sp.Symbol("L", integer=True, positive=True)
    return (
        "## The bound",
        "The slope cannot be larger than its largest value:",
        md.table(["activation", "slope", "largest"], rows),
        f"So through {md.inline(depth)} layers with the sigmoid the derivative is at most "
        f"{md.inline(largest_slope(act.SIGMOID) ** depth)} times the product of the sizes of the "
        "weights. It vanishes where these stay below four in the (geometric) mean; only where they "
        "are above four can it explode.",
    )


def _slope(a: Formula) -> sp.Expr:
    (x,) = a.inputs
    return sd.derive(a, x.name).result


def _numbers() -> tuple[str, ...]:
    rows = []
    for depth in DEPTHS:
        bounds = [md.inline(largest_slope(a) ** depth) for a in KINDS[:2]]
        rows.append([str(depth), *bounds, *(_at_zero(w, depth) for w in WEIGHTS)])
    heads = [f"bound, {a.name}, weights 1" for a in KINDS[:2]]
    heads += [f"sigmoid at 0, weights {w}" for w in WEIGHTS]
    return (
        "## Numbers",
        "The bound for weights of 1, and the derivative itself where every unit of the sigmoid "
        "stands at its steepest point, 0:",
        md.table(["layers", *heads], rows),
    )


def _at_zero(weight: sp.Expr, depth: int) -> str:
    (x,) = act.SIGMOID.inputs
    f = inlined(act.SIGMOID.output, act.SIGMOID.equations)
    slope = sp.simplify(differentiate(f, x).after.xreplace({x: sp.S.Zero}))
    return f"{float((slope * weight) ** depth):.2g}"


def _wide() -> tuple[str, ...]:
    return (
        "## Wide layers",
        "With many units the adjoint of a row goes through a kernel and a slope for each unit. The "
        "sum over the units is bounded by the inequality of Cauchy and Schwarz, since the "
        "difference of its two sides is a sum of squares (Lagrange's identity):",
        md.display(_lagrange()),
        "Taken for every row of the kernel and added up: a layer multiplies the norm of the "
        "adjoint by at most its largest slope times the norm of its kernel, the root of the sum of "
        "the squares of all weights. Through many layers these factors multiply, so the bound is "
        "the same as for single units, with norms for sizes.",
    )


def _lagrange() -> tuple[str, str]:
    found = lagrange()
    return md.latex(found.gap), md.latex(found.squares)


def _measured() -> tuple[str, ...]:
    columns = _nets()
    layers = (1, 5, 10, 15, 20)
    rows = [[str(k), *(f"{c[k - 1] / c[-1]:.0e}" for c in columns.values())] for k in layers]
    return (
        "## In a net",
        "The gradients of a net of 20 layers of 32 units at the start, by the generated code: the "
        "norm for the kernel of a layer, over that for the last one.",
        md.table(["layer", *columns], rows),
        *(p.markdown() for p in pictures()),
    )


def pictures() -> tuple[Picture, ...]:
    return (by_depth(_nets()),)


@cache
def _nets() -> dict[str, list[float]]:
    kinds = (("sigmoid", "glorot_uniform"), ("tanh", "glorot_uniform"), ("relu", "he_uniform"))
    return {f"{a}, {i.replace('_', ' ')}": _norms(a, i) for a, i in kinds}


def _norms(activation: str, initializer: str, depth: int = 20) -> list[float]:
    hidden = [sd.Dense(32, activation, kernel_initializer=initializer) for _ in range(depth)]
    model = sd.Sequential([sd.Input(32), *hidden])
    step = sd.compile(model, loss="mse")
    generator = np.random.default_rng(0)
    x, y = generator.standard_normal((2, 64, 32))
    _, found = step.gradients(x, y)
    return [float(np.linalg.norm(found[f"dense_{k}.W"])) for k in range(1, depth + 1)]


def _checked() -> list[tuple[str, Verdict]]:
    out = []
    for a in KINDS:
        out.append((f"{a.title}: the derivative is the product", judge_chain(a, (1, 2, 3))))
        out.append((f"{a.title}: the bound", judge_bound(a)))
        wide = judge_wide_bound(DENSE, a)
        out.append((f"{a.title}: the adjoint of a wide layer", wide[0][1]))
        out.append((f"{a.title}: the bound for wide layers", weakest(v for _, v in wide)))
    return [*out, *lagrange().parts]


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
