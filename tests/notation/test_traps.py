"""What goes wrong in plain SymPy: each trap is shown, then that it is none here."""

import pytest
import sympy as sp
from sympy.functions.special.tensor_functions import KroneckerDelta

from symdl.calculus.contract import contract
from symdl.calculus.differentiate import differentiate, gradient
from symdl.errors import Impossible, InputError, Mismatch, NotSupported, SymdlError
from symdl.notation.binders import Total, rename
from symdl.notation.entry import from_sympy
from symdl.notation.indicators import Delta, UnitStep
from symdl.notation.indices import Index, indices, size_of
from symdl.notation.normal import equal, is_zero
from symdl.notation.tensors import TensorSymbol, real, tensors
from tests.notation.naive import placements, value
from tests.notation.strategies import A, M, W, c, i, j, k, u, v, worlds

x = real("x")


def test_differentiating_a_sum_captures_in_sympy():
    n, m = sp.symbols("n m", integer=True, positive=True)
    z = sp.IndexedBase("z")
    theirs = sp.Sum(z[m] ** 2, (m, 0, n - 1)).diff(z[m])
    assert theirs.has(sp.Sum)  # every term is differentiated for the bound index: wrong
    assert gradient(Total(u[i] ** 2, i), u[i]).after == 2 * u[i]
    assert gradient(Total(u[i] ** 2, i), u[k]).after == 2 * u[k]


def test_substituting_an_index_captures_in_sympy():
    n, a, b = sp.symbols("n a b", integer=True, positive=True)
    K, z = sp.IndexedBase("K"), sp.IndexedBase("z")
    theirs = sp.Sum(K[a, b] * z[b], (b, 0, n - 1)).subs(a, b)
    assert theirs == sp.Sum(K[b, b] * z[b], (b, 0, n - 1))  # captured: wrong
    ours = Total(M[i, k] * u[k], k)
    for changed in (rename(ours, {i: k}), ours.subs(i, k), ours.xreplace({i: k})):
        r = Index("r", A)
        assert changed == Total(M[k, r] * u[r], r)
        assert changed != Total(M[k, k] * u[k], k)


def test_sums_equal_up_to_renaming_differ_in_sympy():
    n, a, b = sp.symbols("n a b", integer=True, positive=True)
    K = sp.IndexedBase("K")
    one = sp.Sum(K[a, b], (a, 1, n), (b, 1, n))
    assert one != sp.Sum(K[b, a], (b, 1, n), (a, 1, n))
    assert Total(M[i, k], i, k) == Total(M[k, i], k, i) == Total(M[k, i], i, k)
    assert Total(M[i, k], i, k) - Total(M[k, i], i, k) == 0
    assert Total(Total(W[i, j], j) ** 2, i) == Total(Total(W[k, j], j) ** 2, k)


def test_a_delta_with_a_factor_is_solved_for_a_half_in_sympy():
    n, a, b = sp.symbols("n a b", integer=True, nonnegative=True)
    theirs = sp.Sum(KroneckerDelta(2 * a, b) * a, (a, 0, n)).doit()
    assert theirs.has(b / 2)  # also where b is odd: wrong
    e = Total(Delta(2 * i - k) * u[i], i)
    assert contract(e) == e
    pinned = contract(Total(Delta(2 * i - k) * u[k], k))
    for world in worlds(9):
        for place in placements([i, k], world):
            assert value(pinned, place) == value(Total(Delta(2 * i - k) * u[k], k), place)


def test_the_derivative_of_a_maximum_is_half_a_step_in_sympy():
    theirs = sp.Max(0, x).diff(x)
    assert theirs.subs(x, 0) == sp.S.Half
    assert theirs.diff(x).has(sp.DiracDelta)
    once = gradient(sp.Max(0, x), x).after
    assert once == UnitStep(x, 0)
    assert once.subs(x, 0) == 0
    assert gradient(once, x).after == 0


def test_shared_terms_leave_their_sum_in_sympy():
    n, a = sp.symbols("n a", integer=True, positive=True)
    shared, _ = sp.cse([sp.Sum(sp.exp(x + a) / (1 + sp.exp(x + a)), (a, 1, n))])
    assert any(a in term.free_symbols for _, term in shared)  # hoisted out of its sum: wrong
    ours = Total(sp.exp(x + u[i]) / (1 + sp.exp(x + u[i])), i)
    shared, _ = sp.cse([ours])
    assert not any(isinstance(f, Index) for _, term in shared for f in term.free_symbols)


def test_tanh_by_the_sigmoid():
    sigmoid = 1 / (1 + sp.exp(-2 * x))
    assert is_zero(sp.tanh(x) - (2 * sigmoid - 1)) is True
    assert is_zero(sp.tanh(x) - (2 * sigmoid - sp.Rational(999, 1000))) is None


LOOK_ALIKES = [
    sp.Symbol("x"),
    sp.Symbol("x", positive=True),
    sp.Symbol("x", complex=True),
    sp.Dummy("x", real=True),
]


@pytest.mark.parametrize("other", LOOK_ALIKES, ids=lambda s: f"{type(s).__name__} {s.assumptions0}")
def test_a_symbol_that_looks_alike_never_gives_a_silent_zero(other):
    try:
        found = differentiate(x**2, other).after
    except SymdlError:
        return
    assert found == 2 * x


def test_a_plain_symbol_becomes_real_on_entry():
    plain = sp.Symbol("x")
    assert differentiate(from_sympy(plain**2), x).after == 2 * x


def test_a_tensor_that_looks_alike_never_gives_a_silent_zero():
    positive = TensorSymbol("u", (A,), positive=True)
    with pytest.raises(SymdlError, match="u"):
        differentiate(u[i] ** 2, positive[k])


NO_RULE = [
    sp.gamma(x), sp.besselj(0, x), sp.LambertW(x), sp.zeta(x), sp.Mod(x, 2), sp.Function("f")(x),
    sp.Integral(x**2, x), sp.Product(x, (sp.Symbol("n"), 0, 3)), sp.Limit(x, x, 0),
    sp.Derivative(sp.Function("f")(x), x), sp.Determinant(sp.MatrixSymbol("X", 2, 2)) * x,
    sp.polygamma(0, x), sp.elliptic_k(x), sp.gamma(sp.exp(x)) * x, Total(sp.gamma(x * u[i]), i),
]  # fmt: skip


@pytest.mark.parametrize("e", NO_RULE, ids=str)
def test_a_missing_rule_raises(e):
    with pytest.raises(NotSupported, match=r"no rule|in a formula|matrices"):
        differentiate(e, x)


def test_sympys_diff_refuses_what_it_does_not_know():
    for e in (Total(x * u[i], i), u[i + x], Delta(i - x), UnitStep(x)):
        with pytest.raises(NotSupported, match=r"symdl\.derive"):
            e.diff(x)


NOT_VARIABLES = [A, i, u, x + 1, c[i], sp.Integer(2), Total(u[i], i)]


@pytest.mark.parametrize("wrt", NOT_VARIABLES, ids=str)
def test_what_is_no_variable_is_refused(wrt):
    with pytest.raises((InputError, Impossible)):
        differentiate(A * x * u[i] * v[c[i]], wrt)


def test_sizes_that_differ_are_named():
    n, a = indices("n:N a:D")
    (data,) = (tensors("data[n,a]", n, a),)
    with pytest.raises(Mismatch) as error:
        data[a, n]
    for name in ("data", "N", "D", "a", "axis 1"):
        assert name in str(error.value)
    with pytest.raises(Mismatch, match=r"data has 2 axes \[N, D\] but 1 indices"):
        data[n]


def test_a_delta_across_two_axes_is_refused_or_keeps_its_value():
    try:
        e = Total(Delta(j - k) * v[j], j)
        found = contract(e)
    except Mismatch as error:
        shown = str(error)
        assert all(name in shown for name in ("A", "B"))
        return
    for world in worlds(1):
        for place in placements([k], world):
            assert value(e, place) == value(found, place)


def test_a_fixed_size_is_checked_too():
    three = TensorSymbol("w", (size_of(3),))
    assert three[3] == 0
    assert three[-1] == 0
    assert three[2] != 0
    with pytest.raises(Mismatch):
        three[Index("a", size_of(4))]


def test_a_maximum_over_two_indices_leaks_no_bound_index():
    from symdl.notation.binders import Peak

    try:
        e = Peak(W[i, j], i, j)
    except SymdlError:
        return
    found = gradient(e, W[0, 0]).after
    assert not [s for s in found.free_symbols if isinstance(s, Index)]


def test_nothing_that_only_looks_equal_is_equal():
    assert equal(Total(M[i, k], k), Total(M[k, i], k)) is None
    assert Index("i", size_of("N")) != Index("i", size_of("D"))
    assert TensorSymbol("a", (A,)) != TensorSymbol("a", (A, A))
