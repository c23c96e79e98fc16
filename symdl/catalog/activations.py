"""Activation functions, each one formula y = f(x) of a scalar (softmax: over an axis)."""

from __future__ import annotations

import sympy as sp

from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indicators import UnitStep
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import TensorSymbol, real, tensors

__all__ = [
    "ALL",
    "ELU",
    "GELU",
    "GELU_TANH",
    "HARD_SIGMOID",
    "HARD_SILU",
    "IDENTITY",
    "LEAKY_RELU",
    "LOG_SIGMOID",
    "LOG_SOFTMAX",
    "MISH",
    "PRELU",
    "RELU",
    "SELU",
    "SIGMOID",
    "SILU",
    "SOFTMAX",
    "SOFTPLUS",
    "SOFTSIGN",
    "STEP",
    "STEP_STRICT",
    "TANH",
]

x, y = real("x"), real("y")
slope = real("alpha")
scale = sp.Symbol("alpha", positive=True)
gain = sp.Symbol("lambda", positive=True)
gate, inner, squashed = real("s"), real("u"), real("q")


def _step(name: str, title: str, at_zero: int) -> Formula:
    kink = (
        f"x = 0: a jump, where the value is {at_zero}; the derivative, 0 elsewhere, is taken as 0"
    )
    return Formula(
        sp.Eq(y, UnitStep(x, at_zero), evaluate=False), output=y, inputs=[x],
        domain={x: sp.Reals}, name=name, title=title, kinks=[kink],
        source="McCulloch, Pitts (1943), A logical calculus of the ideas immanent in nervous "
        "activity",
    )  # fmt: skip


STEP = _step("step", "step function, 1 at 0", 1)
STEP_STRICT = _step("step_strict", "step function, 0 at 0", 0)

IDENTITY = Formula(
    sp.Eq(y, x), output=y, inputs=[x], domain={x: sp.Reals}, name="linear", title="identity",
    source="Bishop (2006), Pattern Recognition and Machine Learning, section 5.1",
)  # fmt: skip

SIGMOID = Formula(
    sp.Eq(y, 1 / (1 + sp.exp(-x))), output=y, inputs=[x],
    domain={x: sp.Reals}, name="sigmoid", title="sigmoid",
    source="Bishop (2006), Pattern Recognition and Machine Learning, eq. 4.59",
)  # fmt: skip

TANH = Formula(
    sp.Eq(y, sp.tanh(x)), output=y, inputs=[x],
    domain={x: sp.Reals}, name="tanh", title="hyperbolic tangent",
    source="LeCun, Bottou, Orr, Mueller (1998), Efficient BackProp, section 4.4",
)  # fmt: skip

RELU = Formula(
    sp.Eq(y, sp.Max(0, x)), output=y, inputs=[x],
    domain={x: sp.Reals}, name="relu", title="rectified linear unit",
    kinks=["x = 0: the derivative is taken as 0"],
    source="Nair, Hinton (2010), Rectified Linear Units Improve Restricted Boltzmann Machines",
)  # fmt: skip

LEAKY_RELU = Formula(
    sp.Eq(y, sp.Piecewise((x, x > 0), (slope * x, True))),
    output=y, inputs=[x], domain={x: sp.Reals}, hyper=[(slope, sp.Rational(1, 10))],
    name="leaky_relu", title="leaky rectified linear unit",
    kinks=["x = 0: the derivative is taken as alpha"],
    source="Maas, Hannun, Ng (2013), Rectifier Nonlinearities Improve Neural Network "
    "Acoustic Models",
)  # fmt: skip

PRELU = Formula(
    sp.Eq(y, sp.Piecewise((x, x > 0), (slope * x, True))),
    output=y, inputs=[x], domain={x: sp.Reals}, parameters=[slope],
    name="prelu", title="parametric rectified linear unit",
    kinks=["x = 0: the derivative is taken as alpha"],
    source="He, Zhang, Ren, Sun (2015), Delving Deep into Rectifiers, eq. 1",
)  # fmt: skip

ELU = Formula(
    sp.Eq(y, sp.Piecewise((x, x > 0), (scale * (sp.exp(x) - 1), True))),
    output=y, inputs=[x], domain={x: sp.Reals}, hyper=[(scale, sp.Integer(1))],
    name="elu", title="exponential linear unit",
    kinks=["x = 0: the derivative is taken as alpha"],
    source="Clevert, Unterthiner, Hochreiter (2016), Fast and Accurate Deep Network Learning by "
    "Exponential Linear Units, eq. 15",
)  # fmt: skip

# the fixed point of mean 0 and variance 1: Klambauer et al. (2017), eq. 14
_ALPHA = sp.Rational("1.6732632423543772848170429916717")
_LAMBDA = sp.Rational("1.0507009873554804934193349852946")

SELU = Formula(
    sp.Eq(y, sp.Piecewise((gain * x, x > 0), (gain * scale * (sp.exp(x) - 1), True))),
    output=y, inputs=[x], domain={x: sp.Reals}, hyper=[(scale, _ALPHA), (gain, _LAMBDA)],
    name="selu", title="scaled exponential linear unit",
    kinks=["x = 0: the derivative is taken as lambda alpha"],
    source="Klambauer, Unterthiner, Mayr, Hochreiter (2017), Self-Normalizing Neural Networks",
)  # fmt: skip

SOFTPLUS = Formula(
    sp.Eq(y, sp.log(1 + sp.exp(x))), output=y, inputs=[x],
    domain={x: sp.Reals}, name="softplus", title="softplus",
    source="Dugas, Bengio, Belisle, Nadeau, Garcia (2001), Incorporating Second-Order Functional "
    "Knowledge for Better Option Pricing",
)  # fmt: skip

SOFTSIGN = Formula(
    sp.Eq(y, x / (1 + sp.Abs(x))), output=y, inputs=[x],
    domain={x: sp.Reals}, name="softsign", title="softsign",
    source="Bergstra, Desjardins, Lamblin, Bengio (2009), Quadratic Polynomials Learn Better "
    "Image Features",
)  # fmt: skip

SILU = Formula(
    [sp.Eq(gate, 1 / (1 + sp.exp(-x))), sp.Eq(y, x * gate)],
    output=y, inputs=[x], domain={x: sp.Reals}, name="silu", title="sigmoid linear unit (swish)",
    source="Elfwing, Uchibe, Doya (2018), Sigmoid-Weighted Linear Units; Ramachandran, Zoph, Le "
    "(2017), Searching for Activation Functions",
)  # fmt: skip

# the gate is the share of a standard normal distribution below x
GELU = Formula(
    [sp.Eq(gate, (1 + sp.erf(x / sp.sqrt(2))) / 2), sp.Eq(y, x * gate)],
    output=y, inputs=[x], domain={x: sp.Reals}, name="gelu",
    title="Gaussian error linear unit",
    source="Hendrycks, Gimpel (2016), Gaussian Error Linear Units, section 2",
)  # fmt: skip

GELU_TANH = Formula(
    [
        sp.Eq(inner, sp.sqrt(2 / sp.pi) * (x + sp.Rational("0.044715") * x**3)),
        sp.Eq(squashed, sp.tanh(inner)),
        sp.Eq(y, x * (1 + squashed) / 2),
    ],
    output=y, inputs=[x],
    domain={x: sp.Reals}, name="gelu_tanh", title="Gaussian error linear unit, tanh form",
    source="Hendrycks, Gimpel (2016), Gaussian Error Linear Units, section 2",
)  # fmt: skip

MISH = Formula(
    [
        sp.Eq(inner, sp.log(1 + sp.exp(x))),
        sp.Eq(squashed, sp.tanh(inner)),
        sp.Eq(y, x * squashed),
    ],
    output=y, inputs=[x], domain={x: sp.Reals}, name="mish", title="mish",
    source="Misra (2019), Mish: A Self Regularized Non-Monotonic Activation Function",
)  # fmt: skip

HARD_SIGMOID = Formula(
    sp.Eq(y, sp.Max(0, sp.Min(1, x / 6 + sp.Rational(1, 2)))),
    output=y, inputs=[x], domain={x: sp.Reals}, name="hard_sigmoid", title="hard sigmoid",
    kinks=["x = -3 and x = 3: the derivative is taken as 0"],
    source="Howard et al. (2019), Searching for MobileNetV3, section 5.2",
)  # fmt: skip

HARD_SILU = Formula(
    [sp.Eq(gate, sp.Max(0, sp.Min(1, x / 6 + sp.Rational(1, 2)))), sp.Eq(y, x * gate)],
    output=y, inputs=[x], domain={x: sp.Reals}, name="hard_silu", title="hard swish",
    kinks=["x = -3 and x = 3: the derivative of the gate is taken as 0"],
    source="Howard et al. (2019), Searching for MobileNetV3, section 5.2",
)  # fmt: skip

LOG_SIGMOID = Formula(
    sp.Eq(y, -sp.log(1 + sp.exp(-x))), output=y, inputs=[x],
    domain={x: sp.Reals}, name="log_sigmoid",
    title="logarithm of the sigmoid",
    source="Bishop (2006), Pattern Recognition and Machine Learning, section 4.3.2",
)  # fmt: skip

n = Index("n", size_of("N"))
j = Index("j", size_of("K"))
z, h = tensors("z[n,j] h[n,j]", n, j)
e, p = (TensorSymbol(name, (n.size, j.size), positive=True) for name in "ep")
S = TensorSymbol("S", (n.size,), positive=True)

SOFTMAX = Formula(
    [
        sp.Eq(e[n, j], sp.exp(z[n, j]), evaluate=False),
        sp.Eq(S[n], Total(e[n, j], j), evaluate=False),
        sp.Eq(p[n, j], e[n, j] / S[n], evaluate=False),
    ],
    output=p, inputs=[z], domain={z: sp.Reals}, name="softmax", title="softmax",
    source="Bridle (1990), Probabilistic Interpretation of Feedforward Classification "
    "Network Outputs",
)  # fmt: skip

LOG_SOFTMAX = Formula(
    [*SOFTMAX.equations, sp.Eq(h[n, j], sp.log(p[n, j]), evaluate=False)],
    output=h, inputs=[z], domain={z: sp.Reals}, name="log_softmax",
    title="logarithm of the softmax", source=SOFTMAX.source,
)  # fmt: skip

ALL = (
    STEP,
    STEP_STRICT,
    IDENTITY,
    SIGMOID,
    TANH,
    RELU,
    LEAKY_RELU,
    PRELU,
    ELU,
    SELU,
    SOFTPLUS,
    SOFTSIGN,
    SILU,
    GELU,
    GELU_TANH,
    MISH,
    HARD_SIGMOID,
    HARD_SILU,
    LOG_SIGMOID,
    SOFTMAX,
    LOG_SOFTMAX,
)
