"""An axis of one element, and one element more: against written-out sums."""

import pytest
import sympy as sp

from symdl.errors import InputError, NotSupported
from symdl.evidence.written_out import write_out
from symdl.notation.binders import ArgPeak, Peak, Total
from symdl.notation.indices import Index, indices, size_of
from symdl.notation.resize import first_term_out, last_term_out, single
from symdl.notation.tensors import Elem, TensorSymbol, real, tensors

n, i, k = indices("n:N i:D k:T")
N, D, T = n.size, i.size, k.size
m, two = Index("m", T), Index("m", sp.Integer(2))
x, g, w = tensors("x[n,i] g[k] w[k,i]", n, i, k)
b = sp.Symbol("b", positive=True)


@pytest.mark.parametrize(
    "e",
    [
        Total(x[n, i] ** 2, n) / N,
        x[n, i] - Total(x[n, i], n) / N,
        Total(x[n, i], n, i) * N,
        Peak(x[n, i], n),
        Total(sp.exp(x[n, i] - Peak(x[n, i], i)), n),
    ],
    ids=str,
)
def test_one_element_is_the_sum_written_out(e):
    at = {n: 0, i: 1}
    found = write_out(single(e, N), {D: 2}, at)
    assert sp.simplify(found - write_out(e, {N: 1, D: 2}, at)) == 0


def test_one_element_of_what_holds_no_such_axis():
    assert single(Total(g[k], k), N) == Total(g[k], k)
    assert single(ArgPeak(x[n, i], n), N) == 0
    p = TensorSymbol("p", (D,), labels=N)
    assert single(p[i], N) == 0
    wide, longer = TensorSymbol("wide", (N + 1,)), Index("m", N + 1)
    pair = TensorSymbol("wide", (sp.Integer(2),))
    assert single(Total(wide[longer], longer), N) == Total(pair[two], two)


def test_a_size_must_be_a_symbol():
    with pytest.raises(InputError, match="not the symbol of a size"):
        single(x[n, i], sp.Symbol("y", real=True))
    with pytest.raises(InputError):
        last_term_out(Total(g[k], k), real("T"))


@pytest.mark.parametrize("n_steps", [1, 2, 4])
def test_the_last_term_beside_the_sum(n_steps):
    e = Total(b ** (T - 1 - k) * g[k], k) + T * b**T
    grown = last_term_out(e, T, {g: lambda: real("last")})
    more = write_out(e, {T: n_steps + 1}).subs(real(f"g_{n_steps}"), real("last"))
    assert sp.expand(write_out(grown, {T: n_steps}) - more) == 0


@pytest.mark.parametrize("n_steps", [1, 2, 4])
def test_the_first_term_beside_the_sum(n_steps):
    e = Total(b ** (T - 1 - k) * (k + 1), k)
    found = write_out(first_term_out(e, T), {T: n_steps})
    assert sp.expand(found - write_out(e, {T: n_steps + 1})) == 0


def test_a_tensor_with_another_axis_gives_its_last_row():
    last = TensorSymbol("last", (D,))
    grown = last_term_out(Total(w[k, i], k), T, {w: lambda at: Elem(last, at)})
    assert grown == Total(w[k, i], k) + last[i]


@pytest.mark.parametrize(
    "e",
    [g[k], Total(g[k] * Total(g[m] * g[k], m), k), Peak(g[k], k), Total(Elem(g, k - 1), k), k + T],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_split_is_refused(e):
    with pytest.raises(NotSupported):
        last_term_out(e, T, {g: lambda: real("last")})


def test_an_element_that_was_not_given_is_refused():
    with pytest.raises(NotSupported, match="last element of g"):
        last_term_out(Total(g[k], k), T)
    with pytest.raises(NotSupported, match="first term"):
        first_term_out(Total(g[k], k), T)


def test_sums_over_other_axes_stay():
    assert last_term_out(Total(x[n, i], i) * T, T) == Total(x[n, i], i) * (T + 1)
    assert size_of("T") == T
