"""What varies along few labels is brought together before it meets a full array."""

from symdl.formula import Equation
from symdl.notation.indices import indices
from symdl.notation.tensors import tensors
from symdl.program.ir import Apply
from symdl.program.lowering import lower
from symdl.program.split import split

n, j = indices("n:N j:K")
N = n.size
A, B, z = tensors("A[n,j] B[n,j] z[n,j]", n, j)
g, s, v, w = tensors("g[j] s[j] v[j] w[j]", j)
u = tensors("u[n]", n)


def full(lhs, rhs):
    """The operations over both labels, in order, and the number of the others."""
    found = split(lower([Equation(lhs, rhs)], {z})).statements
    wide = [x.op for x in found if isinstance(x, Apply) and len(x.labels) == 2]
    return wide, len(found) - len(wide)


def test_factors_and_divisors_of_fewer_labels_make_one_factor():
    assert full(z[n, j], g[j] * A[n, j] / s[j]) == (["multiply"], 1)


def test_a_divisor_alone_stays_a_division_which_rounds_once():
    assert full(z[n, j], A[n, j] / s[j]) == (["divide"], 0)


def test_scalars_go_into_the_narrow_factor():
    assert full(z[n, j], 3 * g[j] * A[n, j]) == (["multiply"], 1)


def test_batch_normalizations_backward_takes_four_passes():
    inner = N * A[n, j] - v[j] * B[n, j] - w[j]
    wide, narrow = full(z[n, j], g[j] * inner / (N * s[j]))
    assert sorted(wide) == ["multiply", "multiply", "subtract", "subtract"]
    assert narrow == 3  # g / s, v / N, w / N


def test_factors_that_have_all_labels_only_together_are_not_joined():
    wide, narrow = full(z[n, j], u[n] * g[j] * A[n, j])
    assert (len(wide), narrow) == (2, 0)
