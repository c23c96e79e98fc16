"""A loss of one's own: the pinball loss, which learns a quantile, and the focal loss."""

from pathlib import Path

import numpy as np
import sympy as sp

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.evidence.verdict import Verdict

# begin my_loss.py
n, j = sd.indices("n:N j:K")
y, t = sd.tensors("y[n,j] t[n,j]", n, j)
p = sd.tensors("p[n,j]", n, j, positive=True)
a, b = sd.tensors("a[n,j] b[n,j]", n, j)
level, gamma = sp.symbols("q gamma", positive=True)
L = sp.Symbol("L")

above = level * (t[n, j] - y[n, j])
below = (level - 1) * (t[n, j] - y[n, j])
PINBALL = sd.Formula(
    sp.Eq(L, sd.total(sp.Max(above, below), n, j) / (n.size * j.size)),
    inputs=[y, t],
    output=L,
    hyper={level: 0.9},
    kinks=["y = t: the derivative is taken as that of a prediction that is too high"],
    name="pinball",
    source="Koenker, Bassett (1978), Regression Quantiles",
)

FOCAL = sd.Formula(
    [
        sp.Eq(a[n, j], sp.log(p[n, j])),
        sp.Eq(b[n, j], sp.log(1 - p[n, j])),
        sp.Eq(
            L,
            -sd.total(
                t[n, j] * (1 - p[n, j]) ** gamma * a[n, j]
                + (1 - t[n, j]) * p[n, j] ** gamma * b[n, j],
                n,
                j,
            )
            / n.size,
        ),
    ],
    inputs=[p, t],
    output=L,
    hyper={gamma: 2},
    domain={p: sp.Interval.open(0, 1), t: sp.Interval(0, 1)},
    name="focal",
    source="Lin, Goyal, Girshick, He, Dollar (2017), Focal Loss for Dense Object Detection, eq. 4",
)
# end my_loss.py

# begin quantile.py
WAITS = np.random.default_rng(3).exponential(size=(500, 1))


def quantile() -> tuple[float, float]:
    model = sd.Sequential([sd.Dense(1, kernel_initializer="zeros")])
    model.compile(optimizer=sd.SGD(0.5), loss=PINBALL)
    model.fit(np.zeros_like(WAITS), WAITS, epochs=400, batch_size=500, verbose=0)
    found = float(model.predict(np.zeros((1, 1)))[0, 0])
    return found, float((found > WAITS).mean())


# end quantile.py


def page() -> str:
    here = Path(__file__)
    found, share = quantile()
    return md.joined(
        "# A loss of your own",
        md.source(PINBALL, FOCAL),
        "A loss is a formula of the prediction and the targets, in this order, whose output is one "
        "number. The first one here asks for a quantile: too low a prediction costs more than "
        "one that is too high. The second is the cross entropy in which an answer that is nearly "
        "right counts little.",
        md.code(md.part_of(here, "my_loss.py")),
        "Each equation holds one step. That the logarithms have names is more than style: together "
        "with the sigmoid of the last layer they are rewritten so that no probability is rounded "
        "to 0 before its logarithm is taken.",
        "## The pinball loss",
        sd.derive(PINBALL, "y").markdown(),
        f"Minimised over a single number, it finds the quantile {md.inline(level)}. Of 500 numbers "
        "drawn from an exponential distribution, a model that can only put out a constant learns:",
        md.code(md.part_of(here, "quantile.py")),
        f"It learned {found:.2f}; the share of the numbers below it is {share:.2f}, as asked for.",
        "## The focal loss",
        sd.derive(FOCAL, "p").markdown(),
        "With a sigmoid in the last layer the two are derived together. The divisors cancel, as "
        "they do for the cross entropy:",
        md.display(_joint()),
        "## What was checked",
        "The formulas by themselves, `sd.verify.check_formula(...)`:",
        md.verdicts(sd.verify.check_formula(PINBALL).verdicts),
        md.verdicts(sd.verify.check_formula(FOCAL).verdicts),
        "The gradient of a model that is trained with the focal loss:",
        md.verdicts(_gradients()),
        "## The code that runs",
        "One training step with the pinball loss, as generated:",
        md.code(md.function(sd.compile(_model(None), loss=PINBALL).source, "gradients")),
    )


def _model(activation: str | None) -> sd.Sequential:
    return sd.Sequential([sd.Input(2), sd.Dense(1, activation=activation, use_bias=False)])


def _joint() -> list[str]:
    derived = sd.backprop(_model("sigmoid"), FOCAL)
    (z,) = (e for e in derived.equations if e.variable.name == "dense_1.zbar")
    return [md.latex(z.lhs), md.latex(z.rhs)]


def _gradients() -> list[tuple[str, Verdict]]:
    derived = sd.backprop(_model("sigmoid"), FOCAL)
    return [v for v in derived.verify() if v[0].startswith("gradient of")]


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
