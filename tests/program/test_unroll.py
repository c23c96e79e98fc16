"""Programs written out at every position, and forms without a choice by sign."""

import math

import mpmath
import numpy as np
import pytest
import sympy as sp
from sympy.codegen.cfunctions import log1p

from symdl.backends.scalar_source import Group, write_straight
from symdl.errors import NotSupported
from symdl.formula import Equation
from symdl.notation.binders import ArgPeak, Peak, total
from symdl.notation.functions import xlogy
from symdl.notation.indices import indices
from symdl.notation.tensors import TensorSymbol, real, tensors
from symdl.program.exponentials import one_form
from symdl.program.lowering import lower
from symdl.program.unroll import Straight, absorbed, operations, unroll

n, i, j = indices("n:N i:D j:K")
x, W, z, h = tensors("x[n,i] W[i,j] z[n,j] h[n,j]", n, i, j)
m, best = tensors("m[n] best[n]", n)
c = TensorSymbol("c", (n.size,), labels=j.size)
v = sp.Symbol("v", real=True)
SIZES = {n.size: 2, i.size: 3, j.size: 2}


def test_a_product_is_written_out_at_every_position():
    program = lower([Equation(z[n, j], total(x[n, i] * W[i, j], i))], {z})
    straight = unroll(program, SIZES)
    assert [str(s) for s, _ in straight.assignments] == ["z_0_0", "z_0_1", "z_1_0", "z_1_1"]
    assert straight.assignments[2][1] == sp.sympify(
        "W_0_0*x_1_0 + W_1_0*x_1_1 + W_2_0*x_1_2",
        {s.name: s for s in straight.assignments[2][1].free_symbols},
    )
    assert operations(program, SIZES) == 2 * 2 * 3


def test_sizes_maxima_and_scalars():
    L = real("L")
    equations = [Equation(m[n], Peak(x[n, i], i)), Equation(L, total(m[n], n) / n.size)]
    values = dict(unroll(lower(equations, {L}), SIZES).assignments)
    texts = {str(k): str(e) for k, e in values.items()}
    assert texts["m_0"] == "Max(x_0_0, x_0_1, x_0_2)"
    assert texts["L"] in ("m_0/2 + m_1/2", "t1/2", "t2/2")


@pytest.mark.parametrize("row", [[1, 3, 2], [2, 2, 2], [1, 2, 2], [3, 1, 3], [0, 1, 2]])
def test_the_place_of_a_maximum_is_the_first(row):
    program = lower([Equation(best[n], ArgPeak(x[n, i], i) + 1)], {best})
    straight = unroll(program, {n.size: 1, i.size: 3})
    (place,) = straight.elements(program.keep[0]).values()
    f, _ = run(straight.assignments, straight.elements(program.given[0]).values(), place)
    assert f([float(v) for v in row]) == (np.argmax(row) + 1,)


def test_what_cannot_be_written_out_is_refused():
    program = lower([Equation(m[n], z[n, c[n]])], {m})
    with pytest.raises(NotSupported, match=r"gather of|labels"):
        unroll(program, SIZES)
    with pytest.raises(NotSupported, match="size K is not known"):
        unroll(lower([Equation(z[n, j], 2 * h[n, j])], {z}), {n.size: 2})


def run(assignments, arguments, result):
    """Load what is written for a group of arguments, and return the function."""
    source = write_straight("f", assignments, groups=[Group("a", tuple(arguments))],
                            scalars=[], results=[result], about="It.")  # fmt: skip
    names: dict = {}
    exec(source, names)
    return names["f"], source


A, B, C, R, S = (sp.Symbol(s, real=True) for s in "ABCRS")


def test_equal_parts_are_computed_once_and_what_is_read_once_gets_no_name():
    parts = [(R, sp.exp(A) * B), (S, (A - B) ** 2 + sp.exp(A) / C + R), (C, B - A)]
    parts = [parts[2], *parts[:2]]
    f, source = run(parts, [A, B], S)
    assert source.count("exp(") == 1
    assert "R =" not in source
    a, b = 0.3, 0.7
    assert f([a, b])[0] == pytest.approx((a - b) ** 2 + math.exp(a) / (b - a) + math.exp(a) * b)


def test_a_difference_of_another_sign_is_shared_under_a_square():
    _, source = run([(R, A - B), (S, (B - A) ** 2 * R)], [A, B], S)
    assert source.count(" - ") == 1


@pytest.mark.parametrize("pair", [(1.0, 2.0), (2.0, 1.0), (math.nan, 1.0), (1.0, math.nan),
                                  (-0.0, 0.0), (math.inf, 1.0)])  # fmt: skip
@pytest.mark.parametrize("kind", [sp.Max, sp.Min])
def test_extremes_are_those_of_numpy(pair, kind):
    f, _ = run([(S, kind(A, B))], [A, B], S)
    numpy = np.maximum if kind is sp.Max else np.minimum
    assert np.array_equal(f(list(pair))[0], numpy(*pair), equal_nan=True)
    g, _ = run([(S, kind(A, 0))], [A], S)
    assert np.array_equal(g([pair[0]])[0], numpy(pair[0], 0.0), equal_nan=True)


def test_xlogy_is_zero_at_zero_and_raises_outside():
    f, _ = run([(S, xlogy(A, B))], [A, B], S)
    assert f([0.0, 0.0]) == (0.0,)
    with pytest.raises(ValueError, match=r"math domain|positive"):
        f([1.0, -1.0])


STABLE = sp.Piecewise((sp.exp(-sp.Abs(v)), v < 0), (1, True)) / (1 + sp.exp(-sp.Abs(v)))


def test_a_stable_logistic_becomes_one_form_as_exact():
    plain = one_form(STABLE)
    assert plain == 1 / (1 + sp.exp(-v))
    for point in (-700.0, -20.0, -1e-3, 0.0, 3.0, 40.0, 800.0):
        exact = 1 / (1 + mpmath.exp(-mpmath.mpf(point)))
        value = 1.0 / (1.0 + math.exp(-point))
        assert abs(value - exact) <= 4 * math.ulp(float(exact))


@pytest.mark.parametrize(
    "body",
    [
        sp.Max(v, 0) + log1p(sp.exp(-sp.Abs(v))),  # a sum that would cancel
        sp.Piecewise((sp.exp(-sp.Abs(v)), v < 0), (2, True)) / (1 + sp.exp(-sp.Abs(v))),  # unequal
        sp.Piecewise((v, v < 0), (sp.exp(v), True)),
        sp.Abs(v) / (1 + sp.Abs(v)),
    ],
)
def test_other_choices_are_left_alone(body):
    assert one_form(body) == body


RATE, G1, G2, D1, D2 = (sp.Symbol(s, real=True) for s in ("rate", "G1", "G2", "D1", "D2"))


@pytest.mark.parametrize(
    ("parts", "roots"),
    [
        # two adjoints, one from the other: the first one is scaled
        ([(D1, A - B), (D2, C * D1 * (1 - C)), (G1, A * D1), (G2, B * D2)], {D1}),
        # a loss reads the first one: the second is scaled alone, with one gradient too few
        ([(D1, A - B), (S, D1**2), (D2, C * D1), (G1, A * D1), (G2, B * D2)], set()),
        # the same, where two gradients are left
        ([(D1, A - B), (S, D1**2), (D2, C * D1), (G1, A * D2), (G2, B * D2)], {D2}),
        # a gradient that is not linear in an adjoint
        ([(D1, A - B), (D2, C * D1), (G1, D2**2), (G2, B * D2)], set()),
        ([(D1, A - B), (G1, A * D1), (G2, sp.exp(D1))], set()),
        # a penalty: one gradient has a part without the adjoint
        ([(D1, A - B), (G1, A * D1 + C), (G2, B * D1)], set()),
        # a gradient that another result reads
        ([(D1, A - B), (G1, A * D1), (G2, B * D1), (S, G1 + G2)], set()),
    ],
)
def test_a_rate_is_taken_into_the_first_adjoints(parts, roots):
    straight = Straight({}, list(parts))
    scaled = absorbed(straight, [G1, G2], RATE)
    values = dict(straight.assignments)
    assert {s for s, e in values.items() if RATE in e.free_symbols} == {
        sp.Symbol(f"{r}_scaled", real=True) for r in roots
    }
    plain = dict(parts)
    for symbol in (G1, G2, S):
        if symbol in plain:
            factor = RATE if symbol in scaled else 1
            assert sp.expand(whole(symbol, values) - factor * whole(symbol, plain)) == 0


def whole(e, values):
    """An expression with every name replaced by what it stands for."""
    while e.free_symbols & values.keys():
        e = e.xreplace(values)
    return e
