import random

import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.calculus.compose import chain
from symdl.catalog.activations import SOFTMAX
from symdl.catalog.layers import DENSE
from symdl.catalog.losses import CATEGORICAL_CROSSENTROPY
from symdl.catalog.normalization import BATCH_NORMALIZATION, LAYER_NORMALIZATION
from symdl.derivation import matrix_steps
from symdl.derivation.matrix_forms import Diag, Dot, Hadamard, InMatrix, Leaf, Transposed, element
from symdl.derivation.matrix_recognise import NoForm, recognised
from symdl.errors import InputError, Mismatch
from symdl.evidence.evaluate import World, evaluate, precise
from symdl.evidence.judge import judge_equation
from symdl.notation.binders import Total
from symdl.notation.indicators import Delta
from symdl.notation.indices import indices
from symdl.notation.tensors import tensors
from tests.derivation.matrix_numpy import value

n, i, j, k = indices("n:N i:D j:K k:D")
N, D, K = n.size, i.size, j.size
SIZES = {N: 2, D: 3, K: 4}
x, W, g, b, s, w, u = tensors("x[n,i] W[i,j] g[n,j] b[j] s[n] w[i] u[i]", n, i, j)


def reads(formula, v, **words):
    d = sd.derive(formula, v, notation="matrix", **words)
    assert d.verify().level == "proved"
    return str(d.goal), str(d.result)


def test_dense():
    assert reads(DENSE, "W") == ("Wbar", "X^T Ybar")
    assert reads(DENSE, "x") == ("Xbar", "Ybar W^T")
    assert reads(DENSE, "b") == ("bbar", "Ybar^T 1")


def test_layouts_and_styles_of_dense():
    words = {"layout": "numerator", "style": "leibniz"}
    assert reads(DENSE, "W", **words) == ("∂L/∂W", "(∂L/∂Y) X")
    assert reads(DENSE, "x", **words) == ("∂L/∂X", "W (∂L/∂Y)")
    assert reads(DENSE, "W", style="nabla") == ("∇_W L", "X^T (∇_Y L)")


def test_softmax_with_cross_entropy():
    assert reads(chain(SOFTMAX, CATEGORICAL_CROSSENTROPY), "z") == ("∂L/∂Z", "(P - T)/N")
    assert reads(chain(SOFTMAX, CATEGORICAL_CROSSENTROPY), "z", layout="numerator")[1] in (
        "(P^T - T^T)/N",
        "(P - T)^T/N",
    )


def test_normalization_reaches_three_terms():
    assert reads(BATCH_NORMALIZATION, "x") == (
        "Xbar",
        "(N Ybar - H Diag((H ⊙ Ybar)^T 1) - 1 1^T Ybar) Diag(gamma ⊘ s)/N",
    )
    _, result = reads(LAYER_NORMALIZATION, "x")
    assert result.count(" - ") == 2
    assert result.endswith("/D")


def logistic():
    a, z, p, y = tensors("x[n,i] z[n] s[n] y[n]", n, i)
    L = sp.Symbol("L", real=True)
    equations = [
        sd.Equation(z[n], sd.total(a[n, i] * w[i], i)),
        sd.Equation(p[n], 1 / (1 + sp.exp(-z[n]))),
        sd.Equation(L, -sd.total(y[n] * sp.log(p[n]) + (1 - y[n]) * sp.log(1 - p[n]), n) / N),
    ]
    return sd.Formula(equations, output=L, inputs=[a, y], parameters=[w])


def test_logistic_regression():
    h = sd.hessian(logistic(), "w", notation="matrix")
    assert str(h.result) == "X^T Diag(s ⊙ (1 - s)) X/N"
    assert h.latex() == (
        r"\frac{\partial^{2} L}{\partial w \, \partial w^{\top}} = \frac{1}{N} \, X^{\top} \, "
        r"\operatorname{Diag}\left(s \odot \left(\mathbf{1} - s\right)\right) \, X"
    )
    assert h.verify().level == "proved"
    assert "∂L/∂z = ((1 - s) ⊙ (y - s) ⊘ (s - 1))/N = (s - y)/N" in h.text()
    assert "∂L/∂w = X^T (∂L/∂z) = X^T (s - y)/N" in h.text()


def test_the_jacobian_in_both_layouts():
    v, r = tensors("v[i] r[j]", i, j)
    f = sd.Formula(
        sd.Equation(r[j], sd.total(W[i, j] * v[i], i)), output=r, inputs=[v], parameters=[W]
    )
    shown = [
        str(sd.jacobian(f, "v", notation="matrix", layout=layout).result)
        for layout in ("denominator", "numerator")
    ]
    assert shown == ["W", "W^T"]


def test_a_line_without_a_clean_form_stays_in_indices_and_says_so():
    d = sd.derive(DENSE, "W", notation="matrix")
    local = next(line for line in d.lines if line.rule == "local derivative")
    assert [note.key for note in local.notes] == ["indices"]
    assert "no clean matrix form, kept in indices" in d.text()
    assert "첨자" in d.text("ko")


V, T = tensors("V[i,k] T[n,i,j]", n, i, j, k)


@pytest.mark.parametrize(
    "e",
    [
        Total(x[n, i] * x[n, k] * V[i, k] * W[i, j] * W[k, j], i, k),  # a bridge
        Total(T[n, i, j], i),  # three axes
        sp.Piecewise((g[n, j], g[n, j] > 0), (0, True)),
    ],
)
def test_what_has_no_clean_form(e):
    with pytest.raises(NoForm):
        recognised(e, n, j)


A, B = tensors("A[i,k] B[i,k]", i, k)


@pytest.mark.parametrize(
    "wrong",
    [
        Dot(Leaf(A, A), Leaf(B, B)),
        Hadamard(Leaf(A, A), Leaf(B, B)),
        Dot(Leaf(B, B), Transposed(Leaf(A, A))),
        Dot(Transposed(Leaf(A, A)), Leaf(B, B)),
    ],
)
def test_a_planted_wrong_form_is_refuted(wrong):
    """A missing transpose, a Hadamard product for a matrix product, factors exchanged."""
    m = sd.indices("m:D")
    e = Total(A[i, m] * B[k, m], m)
    assert judge_equation(e, InMatrix(recognised(e, i, k), e, i, k).expanded).level == "proved"
    verdict = judge_equation(e, InMatrix(wrong, e, i, k).expanded)
    assert verdict.level == "refuted"
    assert verdict.counterexample


def test_a_recogniser_that_forgets_the_transpose_is_refuted_on_its_line(monkeypatch):
    def forgetful(e, row, column, leaf):
        return recognised(e, column, row, leaf)  # the transposed matrix

    square = sd.derive("y[i:D,k:D] = sum[m:D](a[i,m]*b[m,k])", "a", notation="matrix")
    assert square.verify().level == "proved"
    monkeypatch.setattr(matrix_steps, "recognised", forgetful)
    wrong = sd.derive("y[i:D,k:D] = sum[m:D](a[i,m]*b[m,k])", "a", notation="matrix")
    assert wrong.verify().level == "refuted"
    assert "refuted" in wrong.text()


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(Mismatch):
        Dot(Leaf(x, x), Leaf(g, g))
    with pytest.raises(Mismatch):
        Hadamard(Leaf(x, x), Leaf(g, g))
    with pytest.raises(Mismatch):
        Diag(Leaf(x, x))


# ------------------------------------------------------------------ random index expressions


def random_expression(rng):
    """A sum of products of tensors over i, and what it is summed over beside n and j."""
    left = [x[n, i], x[n, i] ** 2, sp.exp(x[n, i]), w[i], x[n, i] - w[i], 1 + x[n, i]]
    right = [W[i, j], w[i] * W[i, j], W[i, j] - b[j], sp.tanh(W[i, j]), u[i]]
    outer = [g[n, j], b[j], s[n], sp.Integer(2), 1 / (1 + g[n, j] ** 2), N * s[n], sp.Integer(1)]

    def term():
        inner = rng.choice(left) * rng.choice(right)
        if rng.random() < 0.3:
            inner *= Delta(i - k) * u[k]
            return rng.choice(outer) * Total(inner, i, k)
        return rng.choice(outer) * Total(inner, i)

    whole = sum(term() for _ in range(rng.randint(1, 3)))
    if rng.random() < 0.3:
        whole *= Total(s[n] * rng.choice(left), n, i)
    return whole


def random_arrays(rng):
    shapes = {x: (2, 3), W: (3, 4), g: (2, 4), b: (4,), s: (2,), w: (3,), u: (3,)}
    return {t: np.round(rng.uniform(-1, 1, shape), 3) for t, shape in shapes.items()}


def naive(e, arrays, rows, columns):
    ctx = precise(30)
    values = {
        t: {at: ctx.mpf(float(a[at])) for at in np.ndindex(a.shape)} for t, a in arrays.items()
    }
    world = World(SIZES, values, ctx)
    shape = [SIZES[r.size] if r is not None else 1 for r in (rows, columns)]
    out = np.zeros(shape)
    for at in np.ndindex(*shape):
        index = {r: p for r, p in zip((rows, columns), at, strict=True) if r is not None}
        out[at] = float(evaluate(e, world, index))
    return out


@pytest.mark.parametrize("seed", range(60))
def test_numpy_on_the_matrix_form_is_the_naive_value_of_the_index_form(seed):
    e = random_expression(random.Random(seed))
    arrays = random_arrays(np.random.default_rng(seed))
    rows, columns = random.Random(-seed).choice([(n, j), (j, n)])
    form = recognised(e, rows, columns)
    expected = naive(e, arrays, rows, columns)
    np.testing.assert_allclose(value(form, arrays, SIZES), expected, rtol=1e-10, atol=1e-10)
    expanded = naive(element(form, rows, columns), arrays, rows, columns)
    np.testing.assert_allclose(expanded, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(15))
def test_numpy_on_vectors_and_scalars(seed):
    e = random_expression(random.Random(seed))
    arrays = random_arrays(np.random.default_rng(seed))
    for whole, rows in ((Total(e, j), n), (Total(e, n), j), (Total(e, n, j), None)):
        form = recognised(whole, rows, None)
        got = value(form, arrays, SIZES)
        np.testing.assert_allclose(got, naive(whole, arrays, rows, None), rtol=1e-9, atol=1e-9)


# ------------------------------------------------------------------ words


def test_unknown_words_are_refused_with_the_nearest_one():
    for words, near in (
        ({"notation": "matrx"}, "matrix"),
        ({"layout": "numerater"}, "numerator"),
        ({"style": "leibnitz"}, "leibniz"),
        ({"level": "norml"}, "normal"),
    ):
        with pytest.raises(InputError, match=f"did you mean '{near}'"):
            sd.derive(DENSE, "W", **words)


def test_words_that_do_not_fit():
    with pytest.raises(InputError, match="scalar symbols"):
        sd.derive("x**2", "x", notation="matrix")
    with pytest.raises(InputError, match="add notation='matrix'"):
        sd.derive(DENSE, "W", layout="numerator")
    with pytest.raises(InputError, match="add notation='scalar'"):
        sd.derive(DENSE, "W", sizes={"N": 2})
    with pytest.raises(InputError, match="give a name"):
        sd.derive("x**2", "x", style="bar")


def test_numbers_in_matrix_notation():
    d = sd.derive(DENSE, "W", notation="matrix")
    values = {"x": [[1, 2]], "W": [[1, 2], [3, 4]], "b": [0, 1], "ybar": [[1, -1]]}
    line = d.at(values).lines[-1]
    assert [[float(v) for v in row] for row in line.value] == [[1, -1], [2, -2]]
    assert "Wbar = [ 1.00  -1.00]" in d.at(values, digits=2).text()
