"""Gradients of losses and layers against answers worked out by hand."""

from dataclasses import replace

import pytest
import sympy as sp

from symdl.calculus.adjoint import adjoint, bar
from symdl.calculus.compose import chain, elementwise
from symdl.calculus.joint import joint_adjoint
from symdl.catalog.activations import SIGMOID, SOFTMAX
from symdl.catalog.layers import DENSE
from symdl.catalog.losses import (
    BINARY_CROSSENTROPY,
    CATEGORICAL_CROSSENTROPY,
    HALF_SQUARED_ERROR,
    MSE,
    SPARSE_CATEGORICAL_CROSSENTROPY,
)
from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indicators import Delta
from symdl.notation.indices import Index, indices
from symdl.notation.normal import equal
from symdl.notation.tensors import Elem, TensorSymbol, real, tensors

n, j, k = indices("n:N j:K k:K")
N, K = n.size, j.size
p = TensorSymbol("p", (N, K), positive=True)
z, t, y = tensors("z[n,j] t[n,j] y[n,j]", n, j)
c = TensorSymbol("c", (N,), labels=K)

WITH_LOGITS = chain(SOFTMAX, CATEGORICAL_CROSSENTROPY)
SPARSE = chain(SOFTMAX, SPARSE_CATEGORICAL_CROSSENTROPY)
BINARY = chain(elementwise(SIGMOID, z[n, j], p), BINARY_CROSSENTROPY)

BY_HAND = [
    ("softmax, cross entropy", WITH_LOGITS, (p[n, j] - t[n, j]) / N),
    ("the same without sum t = 1", replace(WITH_LOGITS, assumptions=()),
     (p[n, j] * Total(t[n, k], k) - t[n, j]) / N),
    ("with labels", SPARSE, (p[n, j] - Delta(j - c[n])) / N),
    ("sigmoid, binary cross entropy", BINARY, (p[n, j] - t[n, j]) / (N * K)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "formula", "expected"), BY_HAND, ids=[b[0] for b in BY_HAND])
def test_a_loss_of_logits(name, formula, expected):
    found = joint_adjoint(formula, (z,))[0].step(z).equation
    assert found.lhs == bar(z)[n, j]
    assert equal(found.rhs, expected), f"{name}: {found.rhs}"
    assert {a.tensor for a in found.rhs.atoms(Elem)} == {a.tensor for a in expected.atoms(Elem)}


def test_the_assumption_is_what_makes_the_difference():
    with_it = joint_adjoint(WITH_LOGITS, (z,))[0].step(z).equation.rhs
    without = joint_adjoint(replace(WITH_LOGITS, assumptions=()), (z,))[0].step(z).equation.rhs
    assert equal(with_it, without) is None


ERRORS = [
    (MSE, 2 * (y[n, j] - t[n, j]) / (N * K)),
    (HALF_SQUARED_ERROR, (y[n, j] - t[n, j]) / N),
]


@pytest.mark.parametrize(("formula", "expected"), ERRORS, ids=lambda f: getattr(f, "name", ""))
def test_a_loss_of_outputs(formula, expected):
    assert equal(adjoint(formula).step(y).equation.rhs, expected)


def test_labels_have_no_derivative():
    assert c not in {s.variable for s in adjoint(SPARSE_CATEGORICAL_CROSSENTROPY).steps}


def test_dense():
    """xbar = ybar W^T, Wbar = x^T ybar, bbar = sum ybar."""
    (x,), (W, b), out = DENSE.inputs, DENSE.parameters, DENSE.output
    found = adjoint(DENSE)
    up = bar(out)
    i = Index("i", x.axes[1])
    expected = {
        x: (bar(x)[n, i], Total(up[n, j] * W[i, j], j)),
        W: (bar(W)[i, j], Total(x[n, i] * up[n, j], n)),
        b: (bar(b)[j], Total(up[n, j], n)),
    }
    for variable, (place, by_hand) in expected.items():
        equation = found.step(variable).equation
        assert equation.lhs == place
        assert equation.rhs == by_hand


def test_a_square_layer_keeps_its_matrix_the_right_way_round():
    m, i, o = indices("m:N i:D o:D")
    x, W, out = tensors("x[m,i] W[i,o] out[m,o]", m, i, o)
    layer = Formula(
        sp.Eq(out[m, o], Total(x[m, i] * W[i, o], i), evaluate=False),
        output=out, inputs=[x], parameters=[W],
    )  # fmt: skip
    equation = adjoint(layer).step(x).equation
    row, column = equation.index
    r = Index("r", i.size)
    assert equation.rhs == Total(bar(out)[row, r] * W[column, r], r)
    assert equation.rhs != Total(bar(out)[row, r] * W[r, column], r)


def test_the_circuit_of_the_lecture():
    """f = (x + y) z at (-2, 5, -4): the gradient is (-4, -4, 3)."""
    a, b, scale, q, f = map(real, "xyzqf")
    formula = Formula(
        [sp.Eq(q, a + b, evaluate=False), sp.Eq(f, q * scale, evaluate=False)],
        output=f, inputs=[a, b, scale],
    )  # fmt: skip
    point = {a: -2, b: 5, scale: -4}
    for found in (adjoint(formula), joint_adjoint(formula)[0]):
        rhs = [found.inlined(v).rhs.subs(q, a + b) for v in (a, b, scale)]
        assert [r.subs(point) for r in rhs] == [-4, -4, 3]


def test_a_variable_read_twice_has_the_sum_of_both_uses():
    a, h, f = real("a"), real("h"), real("f")
    formula = Formula(
        [sp.Eq(h, a**2, evaluate=False), sp.Eq(f, h * a + h, evaluate=False)],
        output=f, inputs=[a],
    )  # fmt: skip
    whole = adjoint(formula).inlined(a).rhs.subs(h, a**2)
    assert sp.expand(whole) == 3 * a**2 + 2 * a


def test_what_is_not_read_has_adjoint_zero_and_says_so():
    a, b, f = real("a"), real("b"), real("f")
    formula = Formula([sp.Eq(f, a**2, evaluate=False)], output=f, inputs=[a, b])
    step = adjoint(formula).step(b)
    assert step.uses == ()
    assert step.equation.rhs == 0
