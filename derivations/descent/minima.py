"""Local and global minima: where descent ends depends on where it starts."""

from pathlib import Path

import sympy as sp

from symdl.book import page as md
from symdl.book.files import write_text
from symdl.book.pictures.picture import Picture
from symdl.book.pictures.shapes import starts
from symdl.calculus.tree import Deriv
from symdl.catalog import optimizers as o
from symdl.evidence.descent import descent
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.minima import Landscape, landscape, run_descent
from symdl.evidence.verdict import Verdict, weakest
from symdl.notation.tensors import real

W = real("w")
HILLS = W**4 / 4 - W**3 / 3 - W**2 + 1
SADDLE = 3 * W**4 - 4 * W**3
RATE, LARGE = sp.Rational(1, 10), sp.Rational(2, 5)
STARTS = [sp.Rational(k, 10) for k in (-20, -5, -1, 1, 5, 25)]
STEPS = 60


def page() -> str:
    hills, saddle = landscape(HILLS, W), landscape(SADDLE, W)
    lowest = hills.lowest
    return md.joined(
        "# Local and global minima",
        "Source: Nocedal, Wright (2006), Numerical Optimization, section 2.1.",
        "Descent stops where the slope is zero. Such a point is *stationary*; it need not be the "
        "lowest one, nor even a minimum. Which kind it is the higher derivatives say.",
        f"## {md.inline(HILLS)}",
        md.display(
            [md.latex(Deriv(real("f"), W)), md.latex(hills.slope), md.latex(sp.factor(hills.slope))]
        ),
        "The slope is zero at three points, found exactly. Where the second derivative is positive "
        "the function curves upwards and has a minimum, where it is negative a maximum.",
        _points(hills),
        f"Both minima are *local*: nothing near them is lower. The one at {md.inline(lowest.at)} "
        f"is *global*: {md.inline(HILLS)} is nowhere below {md.inline(lowest.value)}.",
        "## Descent from different starts",
        f"With the rate {md.inline(RATE)}, {STEPS} steps in floating point, from starts on both "
        "sides:",
        _starts(hills, RATE),
        *(p.markdown() for p in pictures()),
        "Each start rolls down into the valley in which it lies; the maximum between the valleys "
        "is the watershed. A start just to the left of it never finds the lower valley. This is "
        "why a network is trained from random weights, and why several starts may help.",
        "## A step too large",
        "A step can jump over the hill, and a valley can be too steep to come to rest in: near a "
        "minimum the rate must stay below 2 divided by the curvature there. That is "
        f"{_limits(hills)}. The same starts with a rate of {md.inline(LARGE)}, too large for the "
        "lower valley:",
        _starts(hills, LARGE),
        "In the lower valley the weight now swings between two points on both sides of the "
        "minimum for ever, and the first start is thrown over the hill.",
        "## A slope of zero that is no minimum",
        f"{md.inline(SADDLE)} has a zero slope at two points. At one of them the second derivative "
        "is zero too, and the next one decides: it is of odd order, so the function is lower on "
        "one side and higher on the other. Near such a point descent is slow, for the slope is "
        "small.",
        _points(saddle),
        "## What was checked",
        md.verdicts(_verdicts(hills, saddle)),
    )


def pictures() -> tuple[Picture, ...]:
    return (starts(landscape(HILLS, W), RATE, [float(s) for s in STARTS], STEPS),)


def _points(found: Landscape) -> str:
    rows = []
    for p in found.points:
        second = found.curvature.xreplace({W: p.at})
        rows.append([md.inline(p.at), md.inline(p.value), md.inline(second), p.kind])
    return md.table([md.inline(W), "value", "second derivative", "kind"], rows)


def _limits(found: Landscape) -> str:
    """The largest rate at each minimum, found from descent on the parabola that fits there."""
    shown = []
    for p in found.minima:
        bowl = found.curvature.xreplace({W: p.at}) * W**2 / 2
        limit = descent(bowl, W, o.SGD, (o.w, o.g, o.rate)).limit
        shown.append(f"{md.inline(limit)} at {md.inline(W, p.at)}")
    return " and ".join(shown)


def _starts(found: Landscape, rate: sp.Rational) -> str:
    rule = inlined(o.SGD.equation(o.SGD.output).rhs, o.SGD.equations)
    update = rule.xreplace({o.g: found.slope, o.w: W, o.rate: rate})
    step = sp.lambdify(W, update, "math")
    rows = []
    for start in STARTS:
        path = run_descent(step, float(start), STEPS)
        shown = [f"{p:.4f}" for p in (*path[1:4], *path[-2:])]
        valley = found.reached_from(start)
        rows.append([f"{float(start):g}", md.inline(valley.at), *shown])
    steps = [f"step {k}" for k in (1, 2, 3, STEPS - 1, STEPS)]
    return md.table(["start", "valley of the start", *steps], rows)


def _verdicts(hills: Landscape, saddle: Landscape) -> list[tuple[str, Verdict]]:
    zeros = weakest(
        judge_equation(f.slope.xreplace({W: p.at}), sp.S.Zero)
        for f in (hills, saddle)
        for p in f.points
    )
    return [
        ("the slope is zero at every point named", zeros),
        ("the first function is nowhere below its global minimum", hills.judge_lowest()),
        ("the second function is nowhere below its global minimum", saddle.judge_lowest()),
    ]


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
