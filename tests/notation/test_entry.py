"""SymPy's own objects come in and go out again."""

import pytest
import sympy as sp
from hypothesis import assume, given
from sympy.functions.special.tensor_functions import KroneckerDelta

from symdl.errors import InputError, Mismatch, NotSupported
from symdl.notation.binders import ArgPeak, Peak, Total
from symdl.notation.entry import from_sympy, to_sympy
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.notation.indices import Index, indices, size_of
from symdl.notation.tensors import TensorSymbol, real, tensors
from tests.notation.naive import close, placements, value
from tests.notation.strategies import expressions, worlds

n, i, j = indices("n:N i:D j:K")
x, W, b, z = tensors("x[n,i] W[i,j] b[j] z[i]", n, i, j)
s = real("s")

THERE_AND_BACK = [
    s**2 + sp.exp(s),
    sp.Piecewise((s, s > 0), (0, True)),
    Total(z[i] ** 2, i),
    Total(sp.exp(z[i]), i) ** 2 / size_of("D"),
    Total(Total(W[i, j], j) ** 2, i),
    Total(W[i, j] * z[i], i, j),
    UnitStep(s, sp.S.Half) * sp.Max(0, s),
    sp.log(1 + sp.exp(s)),
]


@pytest.mark.parametrize("e", THERE_AND_BACK, ids=str)
def test_there_and_back(e):
    assert from_sympy(to_sympy(e)) == e


def test_a_dense_layer_in_sympys_objects():
    N, D, K = sp.symbols("N D K", integer=True, positive=True)
    row, feature, unit = sp.Idx("n", N), sp.Idx("i", D), sp.Idx("j", K)
    data, kernel, bias = sp.IndexedBase("x"), sp.IndexedBase("W"), sp.IndexedBase("b")
    theirs = sp.Sum(data[row, feature] * kernel[feature, unit], (feature, 0, D - 1)) + bias[unit]
    assert from_sympy(theirs) == Total(x[n, i] * W[i, j], i) + b[j]


def test_a_sum_from_one_runs_over_the_same_axis():
    D, k = sp.symbols("D k", integer=True, positive=True)
    theirs = sp.Sum(sp.IndexedBase("z", shape=(D,))[k] ** 2, (k, 1, D))
    assert from_sympy(theirs) == Total(z[i] ** 2, i)


def test_kronecker_delta_and_heaviside():
    D = size_of("D")
    a, c = sp.Idx("a", D), sp.Idx("c", D)
    w = sp.IndexedBase("z", shape=(D,))
    theirs = sp.Sum(KroneckerDelta(a, c) * w[a], (a, 0, D - 1))
    index = Index("a", D)
    ours = from_sympy(theirs)
    assert ours.atoms(Delta)
    assert isinstance(ours, Total)
    assert from_sympy(sp.Heaviside(s)) == UnitStep(s, sp.S.Half)
    back = to_sympy(Delta(i - index))
    assert isinstance(back, KroneckerDelta)
    for p, q in ((0, 0), (0, 1), (2, 2)):
        assert back.subs({to_sympy(i): p, to_sympy(index): q}) == int(p == q)


def test_plain_symbols_become_real_and_others_are_kept():
    plain, positive = sp.Symbol("p"), sp.Symbol("q", positive=True)
    found = from_sympy(plain + positive)
    assert found == real("p") + positive


@pytest.mark.parametrize("theirs", [
    sp.MatrixSymbol("X", 2, 2), sp.Matrix([[1, 2]]), sp.Integral(s**2, s), sp.Dummy("d"),
    sp.Derivative(sp.Function("f")(s), s), sp.Product(s, (sp.Symbol("k"), 0, 3)),
    sp.Sum(s, (sp.Symbol("k", integer=True), 2, 5)), sp.Limit(s, s, 0),
], ids=str)  # fmt: skip
def test_what_has_no_meaning_here_is_refused(theirs):
    with pytest.raises(NotSupported):
        from_sympy(theirs)


def test_text_is_not_read_here():
    with pytest.raises(InputError, match="text"):
        from_sympy("x + 1")


def test_an_index_without_a_range_is_refused():
    with pytest.raises(InputError, match="range"):
        from_sympy(sp.IndexedBase("z")[sp.Idx("k")])


def test_shapes_that_differ_are_refused():
    D, K = size_of("D"), size_of("K")
    w = sp.IndexedBase("w", shape=(D,))
    with pytest.raises(Mismatch, match="w"):
        from_sympy(w[sp.Idx("k", K)])


def test_indices_of_one_name_stay_two():
    one, two = Index("i", i.size, 1), Index("i", i.size, 2)
    assert len(to_sympy(z[one] * z[two]).atoms(sp.Indexed)) == 2


LACKING = [Peak(z[i], i), ArgPeak(z[i], i), InRange(i + 1, size_of("D"))]


@pytest.mark.parametrize("ours", LACKING, ids=str)
def test_what_sympy_lacks_is_not_given(ours):
    with pytest.raises(NotSupported, match="SymPy has no object"):
        to_sympy(ours)


@given(expressions(scope=(), depth=3))
def test_a_drawn_expression_keeps_its_value_there_and_back(e):
    tensors = [a for a in e.free_symbols if isinstance(a, TensorSymbol)]
    # SymPy cannot say of an IndexedBase what it holds
    assume(not any(a.labels or a.positive_elements for a in tensors))
    try:
        back = from_sympy(to_sympy(e))
    except NotSupported:
        assume(False)
    for world in worlds(2):
        for place in placements([e], world):
            assert close(value(e, place), value(back, place))
