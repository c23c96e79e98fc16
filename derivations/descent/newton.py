"""Newton's method: derived from the quadratic model, and why it is quadratically fast."""

from pathlib import Path

import sympy as sp
from sympy.core.expr import Expr

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.calculus.limit import Lim
from symdl.derivation.numbers import decimal
from symdl.evidence.evaluate import World, evaluate, precise
from symdl.evidence.newton import ErrorLaw, Newton, error_law, newton
from symdl.evidence.verdict import Verdict
from symdl.notation.tensors import real

W = real("w")
A, B, C = real("a"), real("b"), real("c")
LINE = A * W**2 / 2 + B * W + C
W1, W2 = real("w1"), real("w2")
A11, A12, A22 = real("a11"), real("a12"), real("a22")
B1, B2 = real("b1"), real("b2")
PLANE = (A11 * W1**2 + 2 * A12 * W1 * W2 + A22 * W2**2) / 2 - B1 * W1 - B2 * W2
CURVED = sp.exp(W) - 2 * W
MINIMUM = sp.log(2)
STEPS = 5


def page() -> str:
    line, plane, curved = newton(LINE, [W]), newton(PLANE, [W1, W2]), newton(CURVED, [W])
    law = error_law()
    general = newton(real("f") + real("f1") * W + real("f2") * W**2 / 2, [W])
    return md.joined(
        "# Newton's method",
        "Source: Nocedal, Wright (2006), Numerical Optimization, section 3.3.",
        "Gradient descent knows the slope. Newton's method also knows the curvature: it replaces "
        "the function by the parabola that has the same value, slope and curvature at the point, "
        "and goes to the lowest point of that parabola.",
        "## The step, from the quadratic model",
        f"The model of a function around a weight, as a function of the step "
        f"{md.inline(general.deltas[0])}, from its value, slope and curvature there:",
        md.display([md.latex(real("m")), md.latex(sp.expand(_here(general.model)))]),
        "It is stationary where its derivative is zero; this is a linear equation for the step:",
        md.display(
            [md.latex(_here(general.stationary[0])), "0"],
            [md.latex(general.deltas[0]), md.latex(_here(general.step[0]))],
        ),
        "The rate is gone: the curvature takes its place. The model has a minimum there only if "
        "the curvature is positive; else the step leads towards a maximum or, with several "
        "weights, a saddle.",
        "## One step on a quadratic",
        f"A quadratic is its own model, so that one step arrives from anywhere. For "
        f"{md.inline(LINE)} the step leads to",
        md.display([f"{md.latex(W)}^{{+}}", md.latex(line.update[0])]),
        "In two dimensions, with a symmetric matrix of curvatures, "
        f"{md.inline(PLANE)} has two equations for the two parts of the step:",
        md.display(*([md.latex(e), "0"] for e in plane.stationary)),
        "Their solution leads to a point that does not depend on the start; it is the solution of "
        "the linear equations with that matrix:",
        md.display(
            *(
                [f"{md.latex(w)}^{{+}}", md.latex(u)]
                for w, u in zip(plane.weights, plane.update, strict=True)
            )
        ),
        "## Why it is so fast",
        "Elsewhere the model is wrong by the third derivative. Let "
        f"{md.inline(law.error)} be the distance from the minimum, and "
        f"{', '.join(md.inline(s) for s in law.slopes)} the second, third and fourth derivative "
        "there (the slope is zero). Up to the fourth derivative, the distance after one step is",
        md.display([f"{md.latex(law.error)}^{{+}}", md.latex(law.next_error)]),
        "Divided by the square of the distance it has a limit:",
        md.display([md.latex(Lim(law.ratio, law.error)), md.latex(law.factor)]),
        "Near the minimum each step squares the error, times this number, so the number of right "
        "digits about doubles. A step of "
        "gradient descent only multiplies the error by a factor.",
        f"## {md.inline(CURVED)}",
        f"The minimum is at {md.inline(MINIMUM)}, and {md.inline(law.factor, _factor(law))} there. "
        "From 0, with 50 digits:",
        _path(curved),
        "## What was checked",
        md.verdicts(_verdicts(line, plane, curved, law)),
    )


def _here(e: Expr) -> Expr:
    """At the point around which the model is made, where its symbols are meant."""
    return e.xreplace({W: sp.S.Zero})


def _factor(law: ErrorLaw) -> Expr:
    """The factor of the law at the minimum of the curved example."""
    second = sd.derive(sd.derive(CURVED, W).result, W).result
    third = sd.derive(second, W).result
    at = {W: MINIMUM}
    return law.factor.subs({law.slopes[0]: second.subs(at), law.slopes[1]: third.subs(at)})


def _path(found: Newton) -> str:
    ctx = precise()
    weight, root = ctx.mpf(0), evaluate(MINIMUM, World({}, {}, ctx))
    rows = []
    before = None
    for k in range(STEPS + 1):
        error = weight - root
        ratio = "" if before is None else decimal(error / before**2, 8)
        rows.append([str(k), decimal(weight, 20), f"{float(error):.3e}", ratio])
        before = error
        weight = evaluate(found.update[0], World({}, {W: weight}, ctx))
    return md.table(["step", "weight", "error", "error / square of the last one"], rows)


def _verdicts(
    line: Newton, plane: Newton, curved: Newton, law: ErrorLaw
) -> list[tuple[str, Verdict]]:
    return [
        ("quadratic in one weight: the model and its lowest point", line.judge()),
        ("quadratic in one weight: the slope is zero after one step", line.judge_one_step()),
        ("quadratic in two weights: the model and its lowest point", plane.judge()),
        ("quadratic in two weights: the slope is zero after one step", plane.judge_one_step()),
        ("the curved example: the model and its lowest point", curved.judge()),
        ("the law of the error", law.verdict),
    ]


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
