"""What equations become: statements, and the order in which products are contracted."""

import pytest
import sympy as sp

from symdl.errors import NotSupported
from symdl.formula import Equation
from symdl.notation.binders import ArgPeak, Peak, total
from symdl.notation.indicators import Delta
from symdl.notation.indices import indices
from symdl.notation.tensors import TensorSymbol, real, tensors
from symdl.program.ir import Contract, Reduce
from symdl.program.lowering import lower

n, i, j, k = indices("n:N i:D j:K k:K")
x, W, b, z, A, u, c = tensors("x[n,i] W[i,j] b[j] z[n,j] A[n,j] u[n] c[i]", n, i, j)
L = real("L")
t = TensorSymbol("t", (n.size,), labels=j.size)


def lines(*equations):
    return str(lower(equations, {e.variable for e in equations})).splitlines()


def test_a_sum_of_products_is_a_contraction():
    assert lines(Equation(z[n, j], total(x[n, i] * W[i, j], i))) == [
        "z[n,j] = contract W[i,j] x[n,i]"
    ]
    assert lines(Equation(L, -total(A[n, j], n, j) / n.size)) == [
        "t1 = sum A[n,j]",
        "L = -t1/N",
    ]


def test_factors_over_the_same_labels_are_multiplied_first():
    found = lines(Equation(W[i, j], total(x[n, i] * A[n, j] * sp.exp(z[n, j]), n)))
    assert found == ["t1[n,j] = A[n,j]*exp(z[n,j])", "W[i,j] = contract t1[n,j] x[n,i]"]


def test_the_order_follows_the_sizes():
    e = Equation(L, total(x[n, i] * W[i, j] * A[n, j], n, i, j))
    small_k = lower([e], {L}, {n.size: 100, i.size: 100, j.size: 2})
    small_d = lower([e], {L}, {n.size: 100, i.size: 2, j.size: 100})
    first = [next(s for s in p.statements if isinstance(s, Contract)) for p in (small_k, small_d)]
    assert all(s.target.rank == 2 for s in first)
    assert sum(isinstance(s, Contract) for s in small_k.statements) == 2


def test_a_vector_is_contracted_before_a_matrix():
    e = Equation(z[n, j], total(x[n, i] * W[i, j] * c[i], i))
    (first, *_) = lower([e], {z}).statements
    assert len(first.sizes) == 2


def test_what_does_not_depend_on_the_index_leaves_the_sum():
    found = lines(Equation(z[n, j], total(u[n] * A[n, k] * b[k], k) + b[j]))
    assert found[0] in ("t1[n] = contract A[n,k] b[k]", "t1[n] = contract b[k] A[n,k]")
    assert lines(Equation(L, total(sp.S.One, n))) == ["L = N"]


def test_maxima_and_places():
    e = Equation(u[n], A[n, ArgPeak(z[n, k], k)] + Peak(z[n, k], k))
    kinds = [s.kind for s in lower([e], {u}).statements if isinstance(s, Reduce)]
    assert sorted(kinds) == ["argmax", "max"]


def test_labels():
    found = lines(Equation(u[n], A[n, t[n]]), Equation(z[n, j], A[n, j] - Delta(j - t[n])))
    assert found[0] == "u[n] = gather A[n,t[n]]"
    assert found[1] in ("z[n,j] = A[n,j] - Delta(j - t[n])", "z[n,j] = -Delta(j - t[n]) + A[n,j]")


def test_what_is_not_understood():
    other = TensorSymbol("s", (n.size,), labels=i.size)
    bare = sp.Symbol("A", real=True)
    cases = {
        "windows": Equation(u[n], total(c[i + n], i)),
        "lie in an axis of size D": Equation(u[n], A[n, other[n]]),
        "without indices": Equation(u[n], sp.exp(A)),
        "defined twice": Equation(bare, sp.S.One),
    }
    for message, e in cases.items():
        with pytest.raises(NotSupported, match=message):
            lower([e, e], {e.variable})
