"""Partial derivatives, the gradient vector, the Jacobian and the Hessian."""

from dataclasses import replace
from pathlib import Path

import sympy as sp

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.catalog.activations import SOFTMAX
from symdl.derivation.partials import Partials
from symdl.evidence.judge import judge_equation
from symdl.evidence.signs import judge_nonnegative
from symdl.evidence.verdict import Verdict, weakest
from symdl.notation.tensors import TensorSymbol, real
from symdl.notation.text import parse

F = "x**2*y + y**3"
POLAR = ["r*cos(phi)", "r*sin(phi)"]
POINT = {"x": 1, "y": -2}

n, i = sd.indices("n:N i:D")
x, w, z, t = sd.tensors("x[n,i] w[i] z[n] t[n]", n, i)
s = TensorSymbol("s", (n.size,), positive=True)
L = real("L")
LOGISTIC = sd.Formula(
    [
        sp.Eq(z[n], sd.total(x[n, i] * w[i], i), evaluate=False),
        sp.Eq(s[n], 1 / (1 + sp.exp(-z[n])), evaluate=False),
        sp.Eq(
            L,
            -sd.total(t[n] * sp.log(s[n]) + (1 - t[n]) * sp.log(1 - s[n]), n) / n.size,
            evaluate=False,
        ),
    ],
    output=L,
    inputs=[x, t],
    parameters=[w],
    domain={t: sp.Interval(0, 1)},
    name="logistic_regression",
    title="logistic regression",
    source="Bishop (2006), Pattern Recognition and Machine Learning, section 4.3.3",
)


def page() -> str:
    slope = sd.gradient(F, ["x", "y"])
    polar = sd.jacobian(POLAR, ["r", "phi"])
    second = sd.hessian(F, ["x", "y"])
    softmax = sd.jacobian(SOFTMAX, "z")
    logistic = sd.hessian(LOGISTIC, "w")
    return md.joined(
        "# Gradient, Jacobian and Hessian",
        "Source: Jacobi (1841), De determinantibus functionalibus; Hesse (1844), Journal für die "
        "reine und angewandte Mathematik 28; "
        + md.source(SOFTMAX, LOGISTIC).removeprefix("Source: "),
        "## Partial derivatives and the gradient vector",
        f"The partial derivative of {md.inline(parse(F))} with respect to one variable is its "
        "derivative while all other variables stand still. The gradient vector has one partial "
        "derivative for each variable; it points where the function grows fastest.",
        slope.markdown(),
        f"At {md.inline(real('x'), sp.Integer(POINT['x']))}, "
        f"{md.inline(real('y'), sp.Integer(POINT['y']))} it is "
        f"${_at_point(slope)}$.",
        "## The Jacobian",
        "Several functions of several variables have one row of partial derivatives each. For "
        f"polar coordinates, {md.inline(parse(POLAR[0]))} and {md.inline(parse(POLAR[1]))}:",
        f"$$\n{polar.latex()}\n$$",
        f"Its determinant is {md.inline(_determinant(polar))}, the factor by which a small area "
        "grows.",
        "## The Hessian",
        "The Hessian holds the derivatives of the partial derivatives. Which variable comes first "
        "does not matter where these are continuous (Schwarz): the matrix is symmetric. Here both "
        "orders are derived from the gradient above, and their equality is judged.",
        replace(second, first=()).markdown(),
        "## A Jacobian in index notation",
        "A layer has too many outputs to write a matrix out. One element, in index notation, "
        "stands for all; where an index must agree with another one there is a delta. For the "
        "softmax of each row:",
        softmax.markdown(),
        "## The Hessian of logistic regression",
        "The mean cross entropy of a sigmoid of a linear score. First the gradient, then its "
        "Jacobian; the targets drop out in the second derivative.",
        logistic.markdown(),
        "In any direction $u$ the curvature is a sum of squares with positive weights, so it is "
        "nowhere negative: the loss is convex, and every local minimum is a global one.",
        md.display([md.latex(_curvature(logistic)[0]), md.latex(_curvature(logistic)[1])]),
        "## What was checked",
        md.verdicts(_verdicts(slope, polar, second, softmax, logistic)),
    )


def _at_point(slope: Partials) -> str:
    at = {real(k): sp.Integer(v) for k, v in POINT.items()}
    rows = r" \\ ".join(md.latex(e.xreplace(at)) for e in slope.result)
    return rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}"


def _determinant(polar: Partials) -> sp.Expr:
    return sp.trigsimp(polar.result.det())


def _curvature(logistic: Partials) -> tuple[sp.Expr, sp.Expr]:
    """The curvature of the logistic loss in the direction u, as derived and as a sum of squares."""
    goal = logistic.entry(0).goal
    u = sd.tensors("u[i]", i)
    ((a,), (b,)) = goal.wrt.index, goal.expr.wrt.index
    form = sd.total(u[a] * logistic.result * u[b], a, b)
    score = sd.total(x[n, i] * u[i], i)
    return form, sd.total(s[n] * (1 - s[n]) * score**2, n) / n.size


def _verdicts(
    slope: Partials, polar: Partials, second: Partials, softmax: Partials, logistic: Partials
) -> list[tuple[str, Verdict]]:
    e = parse(F)
    theirs = sp.hessian(e, [real("x"), real("y")])
    same = weakest(judge_equation(a, b) for a, b in zip(second.result, theirs, strict=True))
    rows = [
        ("gradient: every line", slope.verify()),
        ("polar coordinates: every line", polar.verify()),
        ("Hessian: every line", second.verify()),
        *second.checks,
        ("Hessian against SymPy's", same),
    ]
    rows += [(f"softmax: {what}", v) for what, v in softmax.checks]
    rows += [(f"logistic regression: {what}", v) for what, v in logistic.checks]
    form, squares = _curvature(logistic)
    inside = {s: sp.Interval.open(0, 1)}
    rows += [
        ("logistic regression: the curvature is a sum of squares", judge_equation(form, squares)),
        ("logistic regression: that sum is nowhere negative", judge_nonnegative(squares, inside)),
    ]
    return rows


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
