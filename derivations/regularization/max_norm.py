"""Max-norm: kernels whose columns are kept within a ball, after each update."""

from pathlib import Path

import numpy as np
import sympy as sp

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.catalog.constraints import MAX_NORM, NON_NEG, UNIT_NORM, epsilon, max_value, v
from symdl.evidence.constrained import judge_columns_bounded
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.signs import judge_nonnegative
from symdl.evidence.verdict import Verdict

BOUND = 1.0


def page() -> str:
    free, held = _longest(None), _longest(f"max_norm(max_value={BOUND})")
    steps = (1, 5, 20, 60)
    return md.joined(
        "# Max-norm and other constraints",
        md.source(MAX_NORM, NON_NEG, UNIT_NORM),
        "A penalty asks for small weights; a constraint demands them. After each update the "
        "weights are replaced by weights that are allowed. Nothing is added to the loss, and "
        "backpropagation is unchanged.",
        "## Max-norm",
        "The weights that lead into a unit are a column of the kernel. A column that is longer "
        "than the bound is scaled back to it, and a shorter one is left alone:",
        _equations(MAX_NORM),
        "The divisor is never less than 1, so that a column of zeros stays as it is and nothing is "
        "divided by zero. The length of a column after it is the length before it over the "
        f"divisor: {md.inline(max_value)} if it was longer, and itself if not.",
        "Even with a large rate the weights cannot run away. "
        f'`Dense(16, kernel_constraint="max_norm(max_value={BOUND})")`, trained with a rate that '
        "is rather large; the length of the longest column:",
        md.table(
            ["updates", "without", "with max-norm"],
            ([str(k), f"{free[k - 1]:.2f}", f"{held[k - 1]:.2f}"] for k in steps),
        ),
        "## No negative weights, and columns of length one",
        _equations(NON_NEG),
        _equations(UNIT_NORM),
        f"The small {md.inline(epsilon)} keeps a column of zeros from being divided by zero; it "
        "leaves the length of the others a little below one.",
        "## What was checked",
        md.verdicts(_verdicts()),
        "## The code that runs",
        "What is called after each update:",
        md.code(md.function(_model(f"max_norm(max_value={BOUND})").step.source, "make_constrain")),
    )


def _equations(formula: sd.Formula) -> str:
    return md.display(*([md.latex(e.lhs), md.latex(e.rhs)] for e in formula.equations))


def _verdicts() -> list[tuple[str, Verdict]]:
    found = [
        (f"max_norm: a column is at most {max_value} long", _bounded(MAX_NORM, max_value)),
        ("unit_norm: a column is at most 1 long", _bounded(UNIT_NORM, sp.S.One)),
        ("non_neg: no weight is negative", judge_nonnegative(NON_NEG.equation(v).rhs)),
    ]
    for formula in (MAX_NORM, UNIT_NORM, NON_NEG):
        *_, (what, verdict) = judge_adjoint(formula)
        found.append((f"{formula.name}: {what}", verdict))
    return found


def _bounded(formula: sd.Formula, bound: sp.Expr) -> Verdict:
    return judge_columns_bounded(formula, bound)


def _model(constraint: str | None) -> sd.Sequential:
    first = sd.Dense(16, activation="tanh", kernel_constraint=constraint)
    model = sd.Sequential([sd.Input(3), first, sd.Dense(1)], seed=1)
    model.compile(optimizer=sd.SGD(0.5, momentum=0.9), loss="mse")
    return model


def _longest(constraint: str | None) -> list[float]:
    draws = np.random.default_rng(2)
    x = draws.normal(size=(40, 3))
    y = np.sin(x[:, :1] * x[:, 1:2])
    model, found = _model(constraint), []
    for _ in range(60):
        model.train_on_batch(x, y)
        found.append(float(np.sqrt((model.get_weights()[0] ** 2).sum(axis=0)).max()))
    return found


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
