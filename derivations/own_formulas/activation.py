"""An activation of one's own: one formula, and everything else follows from it."""

from pathlib import Path

import numpy as np
import sympy as sp

import symdl as sd
from symdl.backends.step import Step
from symdl.book import page as md
from symdl.book.files import write_text

# begin my_activation.py
x, y, g, slope = sp.symbols("x y g slope")
a = sp.Symbol("a", positive=True)

SWISH = sd.Formula(
    [sp.Eq(g, 1 / (1 + sp.exp(-a * x))), sp.Eq(y, x * g)],
    inputs=[x],
    output=y,
    hyper={a: 1.5},
    name="my_swish",
    source="Ramachandran, Zoph, Le (2017), Searching for Activation Functions, eq. 1",
)

LEAKY = sd.Formula(
    sp.Eq(y, sp.Piecewise((x, x > 0), (slope * x, True))),
    inputs=[x],
    output=y,
    parameters=[slope],
    kinks=["x = 0: the derivative is taken as the slope"],
    name="my_leaky",
    source="He, Zhang, Ren, Sun (2015), Delving Deep into Rectifiers, eq. 1",
)
# end my_activation.py

# begin xor.py
XOR, TRUTH = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])


def trained() -> tuple[sd.Sequential, list[float]]:
    model = sd.Sequential(
        [
            sd.Dense(6, activation=SWISH),
            sd.Dense(6),
            sd.Activation(LEAKY, initial={"slope": 0.25}),
            sd.Dense(1, activation="sigmoid"),
        ],
        seed=1,
    )
    model.compile(optimizer=sd.Adam(0.05), loss="binary_crossentropy")
    history = model.fit(XOR, TRUTH, epochs=40, batch_size=4, seed=1, verbose=0)
    return model, history.history["loss"]


# end xor.py


def page() -> str:
    here = Path(__file__)
    derivation = sd.derive(SWISH, "x")
    model, losses = trained()
    slopes = model.step.parameters["activation_1.slope"]
    return md.joined(
        "# An activation of your own",
        md.source(SWISH, LEAKY),
        "An activation is one formula: the equations from the input to the output, and the names "
        "of what is given. It may have constants with their values, and parameters that are "
        "trained. This is all that a user's file holds, after `import sympy as sp` and `import "
        "symdl as sd`:",
        md.code(md.part_of(here, "my_activation.py")),
        "The derivative, its LaTeX, the code that runs and the evidence all come from these "
        "equations. Nothing has to be registered. A formula that has the name of one of the "
        "catalogue's is used as it is given, and is then called `own relu`, say. That the "
        f"constant {md.inline(a)} is declared positive lets symdl see on which side the "
        "exponential could overflow; the code that runs keeps it from doing so.",
        "## The derivative",
        derivation.markdown(),
        "## In a model",
        "The formula stands where the name of an activation would. One with trained parameters is "
        "a layer, which says where they start; each column of the data has its own slope.",
        md.code(md.part_of(here, "xor.py")),
        md.table(
            ["epoch", "loss"],
            ([str(k), f"{losses[k - 1]:.2g}"] for k in (1, 10, 20, 40)),
        ),
        md.table(
            ["input", "target", "prediction"],
            (
                [str(tuple(int(v) for v in row)), str(int(t)), f"{float(p):.2f}"]
                for row, t, p in zip(XOR, TRUTH[:, 0], model.predict(XOR)[:, 0], strict=True)
            ),
        ),
        f"The slopes all began at 0.25 and have become "
        f"{', '.join(f'{float(s):.2f}' for s in slopes)}.",
        "In a saved model the formulas are named and their equations written down to compare, but "
        "nothing in the file is evaluated: `Sequential.load(path, formulas=[SWISH, LEAKY])` is "
        "given the formulas again.",
        "## What was checked",
        "`sd.verify.check_formula(SWISH)` judges every step of the derivative, draws points of the "
        "domain, compares the compiled value with the formula at 50 digits, and the compiled "
        "gradient with differences.",
        md.verdicts(sd.verify.check_formula(SWISH).verdicts),
        "The same for the one with a trained slope:",
        md.verdicts(sd.verify.check_formula(LEAKY).verdicts),
        "And the gradients of the model in which both stand:",
        md.verdicts(v for v in sd.backprop(model).verify() if v[0].startswith("gradient of")),
        "## The code that runs",
        "The step of a dense layer with this activation, as generated:",
        md.code(md.function(_small().source, "gradients")),
    )


def _small() -> Step:
    return sd.compile(sd.Sequential([sd.Input(4), sd.Dense(3, activation=SWISH)]), loss="mse")


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
