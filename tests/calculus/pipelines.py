"""Random layers in the style of real ones: means, deviations, exponentials, one primitive each."""

import sympy as sp
from hypothesis import strategies as st

from symdl.formula import Equation, Formula
from symdl.notation.binders import Total
from symdl.notation.tensors import TensorSymbol, real, tensors
from tests.notation.strategies import A, B, i, j, q

x, mask, target = tensors("x[i,j] mask[i,j] target[i,j]", i, j)
gain = TensorSymbol("gain", (B,))
shape = (A, B)


class Layer:
    """The equations so far, and the tensor that the next one reads."""

    def __init__(self):
        self.equations, self.top, self.positive = [], x[i, j], False

    def define(self, name, rhs, index=(i, j), positive=False):
        name = f"{name}{len(self.equations)}"
        axes = tuple(a.size for a in index)
        new = TensorSymbol(name, axes, positive=positive)[index] if axes else real(name)
        self.equations.append(Equation(new, rhs))
        return new

    def step(self, kind, over):
        rest = (i,) if over == j else (j,)
        if kind == "centre":
            mean = self.define("mean", Total(self.top, over) / over.size, rest)
            self.top = self.define("away", self.top - mean)
        elif kind == "scale":
            square = self.define("square", Total(self.top**2, over) / over.size, rest)
            root = self.define("root", sp.sqrt(square + q), rest, positive=True)
            self.top = self.define("scaled", self.top / root)
        elif kind == "softmax":
            e = self.define("e", sp.exp(self.top), positive=True)
            total = self.define("sum", Total(e, over), rest, positive=True)
            self.top = self.define("p", e / total, positive=True)
        elif kind == "masked softmax":
            e = self.define("e", mask[i, j] ** 2 * sp.exp(self.top))
            total = self.define("sum", Total(e, over), rest)
            self.top = self.define("p", e / (total + q))
        elif kind == "gain":
            self.top = self.define("h", self.top * gain[j])
        elif kind == "sigmoid":
            self.top = self.define("s", 1 / (1 + sp.exp(-self.top)), positive=True)
        elif kind == "log sum":
            total = self.define("total", Total(sp.exp(self.top), over), rest, positive=True)
            self.top = self.define("less", self.top - sp.log(total))
        elif kind == "square":
            self.top = self.define("power", self.top**2)

    def loss(self, kind):
        if kind == "squares":
            self.define("L", Total((self.top - target[i, j]) ** 2, i, j) / A, ())
        elif kind == "product":
            self.define("L", Total(self.top * target[i, j], i, j), ())
        elif kind == "cross entropy":
            self.define("L", -Total(target[i, j] * sp.log(self.top**2 + q), i, j) / A, ())

    def formula(self):
        output = self.equations[-1].variable
        inputs = [x, mask, target, gain]
        return Formula(
            self.equations, output=output, inputs=inputs, hyper=[(q, 1)], name="pipeline"
        )


KINDS = (
    "centre", "scale", "softmax", "masked softmax", "gain", "sigmoid", "log sum", "square",
)  # fmt: skip


@st.composite
def pipelines(draw, most=3):
    """One to three such pieces, and a loss or none."""
    layer = Layer()
    for _ in range(draw(st.integers(1, most))):
        layer.step(draw(st.sampled_from(KINDS)), draw(st.sampled_from((i, j))))
    layer.loss(draw(st.sampled_from(("none", "squares", "product", "cross entropy"))))
    return layer.formula()
