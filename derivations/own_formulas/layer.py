"""A layer of one's own: a dense layer whose kernel is the product of two thin matrices."""

from pathlib import Path

import numpy as np
import sympy as sp

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text

# begin my_layer.py
n, i, r, j = sd.indices("n:N i:D r:R j:K")
x, A, B, b, u, y = sd.tensors("x[n,i] A[i,r] B[r,j] b[j] u[n,r] y[n,j]", n, i, r, j)

LOW_RANK = sd.Formula(
    [
        sp.Eq(u[n, r], sd.total(x[n, i] * A[i, r], i)),
        sp.Eq(y[n, j], sd.total(u[n, r] * B[r, j], r) + b[j]),
    ],
    inputs=[x],
    output=y,
    parameters=[A, B, b],
    name="low_rank",
    source="Sainath, Kingsbury, Sindhwani, Arisoy, Ramabhadran (2013), Low-Rank Matrix "
    "Factorization for Deep Neural Network Training",
)


def low_rank(units: int, rank: int) -> sd.FormulaLayer:
    starts = {"A": "glorot_uniform", "B": "glorot_uniform", "b": "zeros"}
    return sd.FormulaLayer(LOW_RANK, units=units, initial=starts, sizes={"R": rank})


# end my_layer.py

# begin train.py
DRAWS = np.random.default_rng(5)
X = DRAWS.normal(size=(60, 8))
Y = X @ DRAWS.normal(size=(8, 1)) @ DRAWS.normal(size=(1, 5))  # a map of rank 1


def trained(rank: int) -> tuple[sd.Sequential, list[float]]:
    model = sd.Sequential([low_rank(units=5, rank=rank)], seed=2)
    model.compile(optimizer=sd.Adam(0.02), loss="mse")
    history = model.fit(X, Y, epochs=40, batch_size=20, seed=2, verbose=0)
    return model, history.history["loss"]


# end train.py


def page() -> str:
    here = Path(__file__)
    parts = {name: sd.derive(LOW_RANK, name) for name in ("A", "B", "b", "x")}
    model, losses = trained(1)
    derived = sd.backprop(model)
    return md.joined(
        "# A layer of your own",
        md.source(LOW_RANK),
        "A layer is a formula whose input is the data, row by row, and whose parameters are "
        "trained. The one here is a dense layer whose kernel is the product of two thin matrices: "
        "it has fewer weights, and its kernel has at most the rank of the axis between them.",
        md.code(md.part_of(here, "my_layer.py")),
        "`initial` says where each parameter starts, by the name of an initializer, a number or a "
        "formula; `sizes` says how long the axes are that only the layer has. Running statistics "
        "and random tensors are given in the same way (`state` and `random` of the formula, "
        "`draws` and `in_prediction` of the layer).",
        "## The adjoints",
        "Whatever loss follows hands down the adjoint of the output. The layer turns it into the "
        "adjoints of what it has read.",
        md.only(parts["A"], "given").markdown(),
        *(
            md.joined(f"## The adjoint of ${name}$", md.without(d, "given").markdown())
            for name, d in parts.items()
        ),
        "## Result",
        md.display(*((md.latex(d.goal), md.latex(d.result)) for d in parts.values())),
        "## In a model",
        md.code(md.part_of(here, "train.py")),
        md.table(
            ["epoch", "loss"],
            ([str(k), f"{losses[k - 1]:.2g}"] for k in (1, 10, 20, 40)),
        ),
        "The model has "
        + " + ".join(str(w.size) for w in model.get_weights())
        + " weights, where a dense layer has 8 x 5 + 5. Its gradient for one of them, in terms of "
        "the data:",
        md.display(
            [
                md.latex(derived.derivation("low_rank_1.A").goal),
                md.latex(derived.gradient("low_rank_1.A")),
            ]
        ),
        "## What was checked",
        "`sd.verify.check_formula(LOW_RANK)`:",
        md.verdicts(sd.verify.check_formula(LOW_RANK).verdicts),
        "The gradients of the model:",
        md.verdicts(v for v in derived.verify() if v[0].startswith("gradient of")),
        "## The code that runs",
        "One training step with the mean squared error, as generated; each sum over an index is "
        "one call.",
        md.code(md.function(model.step.source, "gradients")),
    )


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
