"""Gradient descent: the direction, the size of the step, and what momentum changes."""

from pathlib import Path

import sympy as sp

from symdl.book import page as md
from symdl.book.files import write_text
from symdl.book.pictures.paths import parabolas
from symdl.book.pictures.picture import Picture
from symdl.catalog import optimizers as o
from symdl.derivation.numbers import decimal
from symdl.evidence.descent import Descent, descent
from symdl.evidence.direction import Direction, direction
from symdl.evidence.evaluate import precise
from symdl.evidence.momentum import HeavyBall, heavy_ball
from symdl.evidence.verdict import Verdict, negated
from symdl.notation.tensors import real

W, V, PHI = real("w"), real("v"), real("phi")
C = sp.Symbol("c", positive=True)
SQUARE, VALLEY, GENERAL = W**2, W**2 + W * V + V**4, C * W**2 / 2
RATES = [sp.Rational(k, 10) for k in (4, 5, 6, 10, 12)]
DRAWN = [sp.Rational(k, 100) for k in (10, 90, 105)]
HELD = sp.Rational(9, 10)
NAMES = (o.w, o.g, o.rate)
START, STEPS = sp.Integer(1), 5


def page() -> str:
    down = direction(VALLEY, [W, V])
    square, general = descent(SQUARE, W, o.SGD, NAMES), descent(GENERAL, W, o.SGD, NAMES)
    ball = heavy_ball(GENERAL, W, o.MOMENTUM, (*NAMES, o.momentum))
    quick = heavy_ball(SQUARE, W, o.MOMENTUM, (*NAMES, o.momentum))
    step = o.SGD.equation(o.SGD.output)
    return md.joined(
        "# Gradient descent",
        "Source: Cauchy (1847), Méthode générale pour la résolution des systèmes d'équations "
        "simultanées; " + md.source(o.SGD, o.MOMENTUM).removeprefix("Source: "),
        "To make a function smaller one walks against its slope. Where the slope is positive the "
        "function grows to the right, so one goes to the left; where it is negative, to the right. "
        "The weight moves by the slope times a rate:",
        md.display([md.latex(step.lhs), md.latex(step.rhs)]),
        "## Why this goes down",
        _down(down),
        "That is a statement on small steps only. How large a step may be is a question of the "
        "curvature.",
        "## The size of the step",
        _factor(square),
        _rates(square),
        f"Written out from {md.inline(W, START)}, the weight after each step:",
        _paths(square),
        *(p.markdown() for p in pictures()),
        f"Beyond {md.inline(square.fastest)} the step is longer than the way to the minimum and "
        "overshoots: the weight jumps to the other side. As long as it lands nearer than it "
        "started it still converges, in a zigzag; at "
        f"{md.inline(square.limit)} it lands exactly as far away, and beyond that farther, so that "
        "the function grows.",
        "## The condition, from the curvature",
        f"For a curvature {md.inline(C)} the function is {md.inline(GENERAL)}, and one step "
        f"multiplies the distance by {md.inline(general.factor)}. That is smaller than 1 in size "
        f"for a rate between 0 and {md.inline(general.limit)}; the rate "
        f"{md.inline(general.fastest)} arrives in one step. A function with curvatures of "
        "different size in different directions must take its rate from the largest one, and is "
        "slow in all others.",
        "## Momentum",
        _momentum(ball, quick),
        "## What was checked",
        md.verdicts(_verdicts(down, square, general, ball, quick)),
    )


def pictures() -> tuple[Picture, ...]:
    return (parabolas(SQUARE, W, DRAWN, float(START), 8),)


def _down(d: Direction) -> str:
    at_zero = d.rate.name + " = 0"
    return md.joined(
        f"Take {md.inline(VALLEY)}. A step of {md.inline(d.rate)} times the gradient against it "
        "leads to",
        md.display([md.latex(PHI), md.latex(d.along)]),
        f"The derivative of this with respect to {md.inline(d.rate)}, at ${at_zero}$, is minus the "
        "squared length of the gradient:",
        md.display([rf"\phi'\left({0}\right)", md.latex(d.start), md.latex(d.square)]),
        "It is negative wherever the gradient is not zero. So the function falls for every small "
        "enough step. By the chain rule the same holds for every differentiable function.",
    )


def _factor(d: Descent) -> str:
    return md.joined(
        f"On {md.inline(SQUARE)} the update is",
        md.display([md.latex(o.w_new), md.latex(d.update)]),
        f"Each step multiplies the distance from {md.inline(W, d.stationary)} by "
        f"{md.inline(d.factor)}. The sign of the factor says on which side the weight lands, its "
        "size how far away.",
    )


def _rates(d: Descent) -> str:
    rows = [[_short(r), _short(d.factor.xreplace({d.rate: r})), d.behaviour(r)] for r in RATES]
    return md.table(["rate", "factor", "what happens"], rows)


def _paths(d: Descent) -> str:
    rows = []
    for r in RATES:
        factor, path = d.factor.xreplace({d.rate: r}), [START]
        for _ in range(STEPS):
            path.append(d.stationary + factor * (path[-1] - d.stationary))
        rows.append([_short(r), *(_short(p) for p in path)])
    return md.table(["rate", "start", *(f"step {k}" for k in range(1, STEPS + 1))], rows)


def _momentum(ball: HeavyBall, quick: HeavyBall) -> str:
    steps = [(md.latex(e.lhs), md.latex(e.rhs)) for e in o.MOMENTUM.equations]
    rows = []
    for r in RATES:
        size = abs(quick.roots(r, HELD)[0]).evalf(30)
        rows.append([_short(r), decimal(precise().mpf(str(size)), 5)])
    return md.joined(
        "With momentum a part of the last move is kept:",
        md.display(*steps),
        f"On {md.inline(GENERAL)} one step is a linear map of weight and velocity with the matrix",
        f"$$\n{_matrix(ball.matrix)}\n$$",
        "Its eigenvalues take the place of the factor. Both lie inside the unit circle for a "
        f"momentum below 1 and a rate below {md.inline(ball.limit)}: the range of rates is wider "
        "than without momentum. For a "
        f"momentum of {_short(HELD)} on {md.inline(SQUARE)}, the size of the larger factor:",
        md.table(["rate", "size of the factor"], rows),
        "The factors are complex at all these rates: the weight swings to and fro around the "
        "minimum, and the swings shrink by the same factor at each of them, the square root of the "
        "momentum.",
    )


def _matrix(m: sp.Matrix) -> str:
    rows = r" \\ ".join(" & ".join(md.latex(e) for e in m.row(k)) for k in range(m.rows))
    return rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}"


def _short(number: sp.Rational) -> str:
    shown = decimal(precise().mpf(int(number.p)) / int(number.q), 6)
    return shown.rstrip("0").rstrip(".")


def _verdicts(
    down: Direction, square: Descent, general: Descent, ball: HeavyBall, quick: HeavyBall
) -> list[tuple[str, Verdict]]:
    slow = [r for r in RATES if abs(square.factor.xreplace({square.rate: r})) < 1]
    return [
        *((f"direction of descent: {what}", v) for what, v in down.verdicts()),
        ("the distance is multiplied by the factor, w^2", square.verdict),
        ("the distance is multiplied by the factor, any curvature", general.verdict),
        *((f"w^2 converges at the rate {_short(r)}", square.judge_converges(r)) for r in slow),
        *(
            (f"w^2 does not converge at the rate {_short(r)}", negated(square.judge_converges(r)))
            for r in RATES if r not in slow
        ),
        *(
            (f"with momentum {_short(HELD)} it converges at {_short(r)}",
             quick.judge_converges(r, HELD))
            for r in RATES
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
