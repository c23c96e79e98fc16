"""A bias rides in a product only where memory and layout allow it, and the result is the same."""

import numpy as np
import pytest

from symdl.backends.module import load
from symdl.backends.numpy_source import Outside, module_source, write_maker
from symdl.formula import Equation
from symdl.notation.binders import total
from symdl.notation.indices import indices
from symdl.notation.tensors import tensors
from symdl.program.border import Affine, AffineAdjoint, border
from symdl.program.ir import Apply
from symdl.program.layout import layout
from symdl.program.lowering import lower
from symdl.program.passes import for_arrays
from symdl.program.plan import plan

n, i, j, k = indices("n:N i:D j:K k:M")
x, W, b, h, V, c, y = tensors("x[n,i] W[i,j] b[j] h[n,j] V[j,k] c[k] y[n,k]", n, i, j, k)
d, G, g = tensors("d[n,k] G[j,k] g[k]", n, j, k)
HIDDEN = Equation(h[n, j], total(x[n, i] * W[i, j], i) + b[j])
OUTPUT = Equation(y[n, k], total(h[n, j] * V[j, k], j) + c[k])
PRODUCT = Equation(G[j, k], total(h[n, j] * d[n, k], n))
SUM = Equation(g[k], total(d[n, k], n))
SIZES = {i.size: 5, j.size: 4, k.size: 3}


def bordered(equations, keep, vectors, hints=None):
    """The program, its orders and its bordered slots, with the vectors' slots fixed."""
    program = for_arrays(lower(equations, keep))
    held = [tuple(program.slots[v] for v in vector) for vector in vectors]
    kept = [slot for vector in held for slot in vector]
    return *border(*layout(program, kept, n.size), held, hints), held


def joined(program):
    return [s for s in program.statements if isinstance(s, (Affine, AffineAdjoint))]


def test_a_bias_behind_its_matrix_rides_in_the_product():
    program, _, ones, _ = bordered([HIDDEN, OUTPUT], {y}, [(W, b, V, c)], SIZES)
    (only,) = joined(program)
    assert isinstance(only, Affine)
    assert only.joined == (program.slots[V], program.slots[c])
    assert ones == {program.slots[h]}
    assert program.stages[-1].what == "1 biases and 0 of their gradients ride in a product"


@pytest.mark.parametrize(
    "vectors",
    [[(W, b, c, V)], [(W, b, V), (c,)], [(W, V, b, c)]],
    ids=["in front of it", "elsewhere", "other neighbours"],
)
def test_a_bias_that_lies_elsewhere_is_added(vectors):
    program, _, ones, _ = bordered([HIDDEN, OUTPUT], {y}, vectors, SIZES)
    assert not ones
    assert sum(s.op == "add" for s in program.statements if isinstance(s, Apply)) == 2


def test_data_are_copied_only_where_they_are_not_wider_than_the_product():
    wide, _, _, _ = bordered([HIDDEN], {h}, [(W, b)], {i.size: 9, j.size: 4})
    assert not joined(wide)
    unknown, _, _, _ = bordered([HIDDEN], {h}, [(W, b)])
    assert not joined(unknown)
    narrow, _, ones, _ = bordered([HIDDEN], {h}, [(W, b)], {i.size: 3, j.size: 4})
    assert [s.name for s in ones] == ["x_turned"]
    copy, product = narrow.statements
    assert (copy.op, copy.target) == ("copy", product.left.slot)


def test_a_sum_that_is_wanted_without_its_bias_stays():
    z = tensors("z[n,k]", n, k)
    equations = [
        HIDDEN,
        Equation(z[n, k], total(h[n, j] * V[j, k], j)),
        Equation(y[n, k], z[n, k] + c[k]),
    ]
    program, _, ones, _ = bordered(equations, {y, z}, [(W, b, V, c)], SIZES)
    assert not ones
    assert not joined(program)


def test_both_gradients_come_from_one_product():
    program, _, _, _ = bordered([HIDDEN, PRODUCT, SUM], {G, g}, [(W, b), (G, g)], SIZES)
    (only,) = joined(program)
    assert isinstance(only, AffineAdjoint)
    assert only.makes == (program.slots[G], program.slots[g])
    assert program.slots[g] not in program.given
    other, _, none, _ = bordered([HIDDEN, PRODUCT, SUM], {G, g}, [(W, b), (g, G)], SIZES)
    assert not none
    assert len(other.statements) == len(program.statements) + 1


def test_what_is_summed_must_be_what_is_multiplied():
    twice = Equation(g[k], total(2 * d[n, k], n))
    program, _, _, _ = bordered([HIDDEN, PRODUCT, twice], {G, g}, [(W, b), (G, g)], SIZES)
    assert not joined(program)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [3, 9])
def test_the_code_computes_the_same(dtype, width):
    sizes = {i.size: width, j.size: 4, k.size: 3}
    equations = [HIDDEN, OUTPUT, PRODUCT, SUM]
    program, orders, ones, held = bordered(equations, {y, G, g}, [(W, b, V, c), (G, g)], sizes)
    kept = [slot for vector in held for slot in vector]
    planned = plan(program, orders, kept, bordered=ones)
    maker = write_maker(
        "run", planned, inputs=[program.slots[x], program.slots[d]],
        results=[program.slots[y]], sizes=[i.size, j.size, k.size, n.size],
        outside=[Outside("parameters", held[0]), Outside("gradient", held[1])],
    )  # fmt: skip
    make = load(module_source("test", [], [maker]))["make_run"]
    rng = np.random.default_rng(0)
    parameters = rng.normal(size=width * 4 + 4 + 4 * 3 + 3).astype(dtype)
    gradient = np.full(4 * 3 + 3, np.nan, dtype)
    run = make(parameters, gradient, D=width, K=4, M=3, N=6)
    data, delta = (rng.normal(size=(6, m)).astype(dtype) for m in (width, 3))
    w, bias, v, last = np.split(parameters, np.cumsum([width * 4, 4, 12]))
    hidden = data @ w.reshape(width, 4) + bias
    for _ in range(2):  # the ones stay
        found = run(data, delta)
        np.testing.assert_allclose(found, hidden @ v.reshape(4, 3) + last, rtol=1e-5, atol=1e-6)
        expected = np.concatenate([(hidden.T @ delta).ravel(), delta.sum(axis=0)])
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5)
