"""Shapes under each product: by hand, and refused where they do not fit."""

import pytest
import sympy as sp

import symdl as sd
from symdl.catalog.layers import DENSE, MAXOUT
from symdl.derivation.shapes import in_one, layers_of, shape_lines
from symdl.errors import InputError, Mismatch, NotSupported

i, k, n = sd.indices("i:D k:K n:N")
x, W, b, f = sd.tensors("x[i] W[k,i] b[k] f[k]", i, k)
V, y, v = sd.tensors("V[i,k] y[n,k] v[n,i]", i, k, n)


def made(rhs, lhs=None, inputs=(), parameters=()):
    return sd.Formula(
        sp.Eq(f[k] if lhs is None else lhs, rhs, evaluate=False),
        output=f if lhs is None else lhs.tensor, inputs=list(inputs), parameters=list(parameters),
    )  # fmt: skip


COLUMN = made(sd.total(W[k, i] * x[i], i) + b[k], inputs=[x], parameters=[W, b])


def texts(formula, **shapes):
    return [line.text() for line in shape_lines(formula, shapes)]


def test_rows():
    assert texts(DENSE, x=(1, 8), W=(8, 8), b=(1, 8)) == ["x (1x8) · W (8x8) + b (1x8) = y (1x8)"]
    assert texts(DENSE, x=(1, 8), W=(8, 3), b=(3,)) == ["x (1x8) · W (8x3) + b (1x3) = y (1x3)"]


def test_columns():
    wanted = ["W (3x4) · x (4x1) + b (3x1) = f (3x1)"]
    assert texts(COLUMN, x=(4, 1), W=(3, 4), b=(3, 1)) == wanted
    assert texts(COLUMN, x=(4,), W=(3, 4), b=(3,)) == wanted


def test_a_kernel_met_the_other_way_round_is_transposed():
    turned = made(sd.total(V[i, k] * x[i], i), inputs=[x], parameters=[V])
    assert texts(turned, x=(4,), V=(4, 3)) == ["V^T (3x4) · x (4x1) = f (3x1)"]
    (line,) = shape_lines(turned, {"x": (4,), "V": (4, 3)})
    assert r"V^{\top}" in line.latex()[1]
    rows = made(sd.total(v[n, i] * W[k, i], i), lhs=y[n, k], inputs=[v], parameters=[W])
    assert texts(rows, v=(2, 4), W=(3, 4)) == ["v (2x4) · W^T (4x3) = y (2x3)"]


def test_latex_has_the_shape_below():
    (line,) = shape_lines(COLUMN, {"x": (4,), "W": (3, 4), "b": (3,)})
    result, sides = line.latex()
    assert result == r"\underset{3 \times 1}{f}"
    assert sides.count(r"\underset") == 3


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        ({"x": (1, 8), "W": (5, 3), "b": (3,)}, r"axis 2 of x.*size 8.*axis 1 of W.*size 5"),
        ({"x": (1, 8), "W": (8, 3), "b": (4,)}, r"axis 2 of W.*size 3.*axis 1 of b.*size 4"),
        ({"x": (8,), "W": (8, 3), "b": (3,)}, r"x has 2 axes, but its shape is 8"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(shapes, says):
    with pytest.raises(Mismatch, match=says):
        shape_lines(DENSE, shapes)


def test_missing_and_unknown_names_are_refused():
    with pytest.raises(InputError, match="no shape was given for W, b"):
        shape_lines(DENSE, {"x": (1, 8)})
    with pytest.raises(InputError, match="there is no tensor U; there are: W, b, x"):
        shape_lines(DENSE, {"x": (1, 8), "W": (8, 3), "b": (3,), "U": (1, 1)})
    with pytest.raises(NotSupported):
        shape_lines(MAXOUT, {"x": (1, 8), "W": (8, 2, 3), "b": (2, 3)})


def test_layers_are_counted_without_the_input():
    assert layers_of(COLUMN) == 1
    plain = made(sp.Max(0, x[i]), lhs=sd.tensors("r[i]", i)[i], inputs=[x])
    assert layers_of(plain) == 0


def test_all_in_one():
    lines = shape_lines(COLUMN, {"x": (4,), "W": (3, 4), "b": (3,)})
    assert str(in_one(lines).args) in ("(b, Times(W, x))", "(Times(W, x), b)")
    turned = made(sd.total(V[i, k] * x[i], i), inputs=[x], parameters=[V])
    with pytest.raises(NotSupported, match="transposed"):
        in_one(shape_lines(turned, {"x": (4,), "V": (4, 3)}))
