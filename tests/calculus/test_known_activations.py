"""Derivatives of activations, found and not looked up, against answers worked out by hand."""

import pytest
import sympy as sp

from symdl.calculus.adjoint import adjoint, bar
from symdl.calculus.differentiate import gradient
from symdl.calculus.elimination import through_output
from symdl.calculus.joint import joint_adjoint
from symdl.catalog.activations import IDENTITY, RELU, SIGMOID, SOFTMAX, TANH
from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indicators import Delta, UnitStep
from symdl.notation.indices import Index
from symdl.notation.normal import equal
from symdl.notation.tensors import Elem, real

x, y = real("x"), real("y")
alpha = sp.Symbol("alpha", positive=True)
beta = sp.Symbol("beta", positive=True)

SOFTPLUS = sp.log(1 + sp.exp(x))
ELU = sp.Piecewise((x, x > 0), (alpha * (sp.exp(x) - 1), True))

BY_HAND = [
    ("sigmoid", 1 / (1 + sp.exp(-x)), y * (1 - y)),
    ("sigmoid, the other way", sp.exp(x) / (1 + sp.exp(x)), y * (1 - y)),
    ("steeper sigmoid", 1 / (1 + sp.exp(-2 * x)), 2 * y * (1 - y)),
    ("tanh", sp.tanh(x), 1 - y**2),
    ("tanh by exponentials", (sp.exp(x) - sp.exp(-x)) / (sp.exp(x) + sp.exp(-x)), 1 - y**2),
    ("scaled tanh", 2 * sp.tanh(x / 2), 1 - y**2 / 4),
    ("softplus", SOFTPLUS, 1 - sp.exp(-y)),
    ("elu", ELU, sp.Piecewise((1, x > 0), (y + alpha, True))),
    ("exponential", sp.exp(x), y),
    ("exponential decay", sp.exp(-beta * x), -beta * y),
]


@pytest.mark.parametrize(("name", "f", "expected"), BY_HAND, ids=[row[0] for row in BY_HAND])
def test_written_with_the_output(name, f, expected):
    found = through_output(gradient(f, x).after, y, f)
    assert equal(found, expected), f"{name}: {found}"
    assert found.count_ops() <= expected.count_ops()
    assert x not in found.atoms() or found.has(sp.Piecewise)


IN_X = [
    ("relu", sp.Max(0, x), UnitStep(x)),
    ("leaky relu", sp.Piecewise((x, x > 0), (alpha * x, True)), UnitStep(x) * (1 - alpha) + alpha),
    ("swish", x / (1 + sp.exp(-x)), (1 + sp.exp(-x) + x * sp.exp(-x)) / (1 + sp.exp(-x)) ** 2),
    ("softsign", x / (1 + sp.Abs(x)), 1 / (1 + sp.Abs(x)) ** 2),
    ("gelu", x * (1 + sp.erf(x / sp.sqrt(2))) / 2,
     (1 + sp.erf(x / sp.sqrt(2))) / 2 + x * sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)),
    ("power", x**5 / 5 - x ** sp.Rational(3, 2), x**4 - sp.Rational(3, 2) * sp.sqrt(x)),
    ("x to the x", x**x, x**x * (sp.log(x) + 1)),
    ("square of a sine", sp.sin(x) ** 2, 2 * sp.sin(x) * sp.cos(x)),
    ("absolute value of a sine", sp.Abs(sp.sin(x)), sp.sign(sp.sin(x)) * sp.cos(x)),
    ("shifted absolute value", sp.Abs(3 - 2 * x), -2 * sp.sign(3 - 2 * x)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "f", "expected"), IN_X, ids=[row[0] for row in IN_X])
def test_written_with_the_input(name, f, expected):
    assert equal(gradient(f, x).after, expected), name


def test_a_derivative_through_the_output_is_not_made_where_it_divides_by_zero():
    d = gradient(x**2, x).after
    assert through_output(d, y, x**2) == 2 * x


@pytest.mark.parametrize(("formula", "expected"), [
    (IDENTITY, sp.S.One), (SIGMOID, y * (1 - y)), (TANH, 1 - y**2), (RELU, UnitStep(x)),
])  # fmt: skip
def test_the_catalogue_entries(formula, expected):
    assert equal(adjoint(formula).step(x).equation.rhs, expected)


def test_kinks_follow_their_convention():
    assert adjoint(RELU).step(x).equation.rhs.subs(x, 0) == 0
    leaky = Formula(
        sp.Eq(y, sp.Piecewise((x, x > 0), (alpha * x, True)), evaluate=False),
        output=y, inputs=[x], hyper=[(alpha, sp.Rational(1, 10))],
    )  # fmt: skip
    assert adjoint(leaky).step(x).equation.rhs.subs(x, 0) == alpha
    assert adjoint(leaky).step(x).equation.rhs.subs(x, 1) == 1


def test_the_jacobian_of_softmax():
    """dp_i / dz_j = p_i (delta_ij - p_j)."""
    z, p = SOFTMAX.inputs[0], SOFTMAX.output
    n, i = SOFTMAX.equation(p).index
    k = Index("k", i.size)
    e = sp.exp(z[n, i]) / Total(sp.exp(z[n, k]), k)
    j = Index("j_", i.size)
    jacobian = gradient(e, z[n, j]).after
    other = e.subs(i, j)
    assert equal(jacobian, e * (Delta(i - j) - other)) is True
    assert equal(jacobian, e * (Delta(i - j) - e)) is None


def test_the_adjoint_of_softmax():
    """zbar_j = p_j (pbar_j - sum_k pbar_k p_k), which needs neither e nor S."""
    z, p = SOFTMAX.inputs[0], SOFTMAX.output
    step = joint_adjoint(SOFTMAX)[0].step(z)
    n, j = step.equation.index
    pbar, k = bar(p), Index("k", j.size)
    expected = p[n, j] * (pbar[n, j] - Total(p[n, k] * pbar[n, k], k))
    assert equal(step.equation.rhs, expected)
    assert {a.tensor for a in step.equation.rhs.atoms(Elem)} == {p, pbar}
