"""Generated functions against plain loops, formula by formula."""

import warnings

import numpy as np
import pytest
import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p

from symdl.backends.function import compile_function
from symdl.errors import InputError, Mismatch, NotSupported
from symdl.formula import Equation
from symdl.notation.binders import ArgPeak, Peak, total
from symdl.notation.functions import xlogy
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.notation.indices import Index, indices, size_of
from symdl.notation.tensors import TensorSymbol, real, tensors
from tests.backends.check import agrees

n, i, j, k, m, d = indices("n:N i:D j:K k:K m:N d:D")
x, W, b, z, u, v, c = tensors("x[n,i] W[i,j] b[j] z[n,j] u[n] v[n] c[i]", n, i, j)
A, B, y = tensors("A[n,j] B[n,j] y[n,j]", n, j)
Q, R = tensors("Q[i,d] R[i,d]", i, d)
T3, U3, V3 = tensors("T3[n,i,j] U3[n,i,j] V3[j,i,n]", n, i, j)
s, r, L = real("s"), real("r"), real("L")
SIZES = {n.size: 5, i.size: 3, j.size: 4}
at, a_, w_ = z[n, j], A[n, j], B[n, j]

ELEMENTWISE = [
    a_ + w_,
    a_ - w_,
    -a_,
    -a_ - w_,
    2 * a_,
    a_ * w_ / 3,
    (a_ - w_) / n.size,
    -(a_ * w_) / n.size,
    s * a_ + s * w_,
    s / r * a_,
    a_ / (1 + w_**2),
    1 / (1 + sp.exp(-a_)),
    sp.Piecewise((1, a_ >= 0), (sp.exp(-sp.Abs(a_)), True)) / (1 + sp.exp(-sp.Abs(a_))),
    sp.Piecewise((a_, sp.And(a_ > 0, w_ > 0)), (w_, sp.Or(a_ > 1, sp.Not(w_ > 1))), (0, True)),
    sp.Piecewise((sp.Integer(2), a_ > w_), (sp.Integer(-1), True)),
    sp.Max(0, a_),
    sp.Max(a_, w_, s, sp.Rational(1, 2)),
    sp.Min(1, sp.Max(-1, a_)),
    sp.Abs(a_) + sp.sign(w_),
    a_ * UnitStep(w_, 0),
    UnitStep(a_, 0) * UnitStep(w_, 0),
    UnitStep(a_, 1) + UnitStep(w_, 0),
    1 - UnitStep(a_, sp.Rational(1, 2)),
    UnitStep(a_, 0) * UnitStep(w_, 0) * a_,
    sp.tanh(a_) * (1 - sp.tanh(a_) ** 2),
    a_**3 + w_**4 - a_**2,
    (1 + a_**2) ** sp.Rational(-3, 2) + sp.sqrt(1 + w_**2),
    (1 + a_**2) ** sp.Rational(3, 2) / (1 + a_**2) ** 2,
    (1 + a_**2) ** w_ + 2**a_,
    log1p(a_**2) + expm1(w_) + sp.log(1 + a_**2) + sp.asinh(w_) + sp.atan(a_),
    sp.sin(a_) + sp.cos(w_) + sp.sqrt(2) + sp.pi,
    u[n] * v[n] * a_ * b[j],
    u[n] - sp.exp(b[j]),
    b[j],
    u[n] * s,
    sp.Integer(3),
    s,
    n.size * a_,
    sp.exp(s * r) * a_ + sp.log(1 + s**2),
    Delta(n - 2) * a_ + Delta(j),
    n * a_ + j,
    InRange(n + j - 2, j.size) * a_,
    Delta(n + 1 - j) + a_,
    A[n, 0] * w_ + A[1, j] + A[2, 3],
    x[n, 1] + W[0, j],
    xlogy(sp.Max(0, a_), sp.Max(0, a_) + sp.Max(0, w_)) + xlogy(s**2, r**2),
    sp.Max(s, r) * UnitStep(s, 0) * a_ + sp.Piecewise((s, s > r), (r, True)),
]
INPUTS = [A, B, u, v, b, s, r, x, W]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rhs", ELEMENTWISE, ids=str)
def test_elementwise(rhs, dtype):
    agrees([Equation(at, rhs)], INPUTS, [z], SIZES, dtype)


REDUCED = [
    (z[n, j], total(x[n, i] * W[i, j], i) + b[j]),
    (z[n, j], total(x[n, i] * W[i, j], i)),
    (z[n, j], -2 * total(W[i, j] * x[n, i], i) / n.size),
    (W[i, j], total(x[n, i] * A[n, j], n)),
    (x[n, i], total(A[n, j] * W[i, j], j)),
    (b[j], total(A[n, j], n)),
    (u[n], total(A[n, j], j)),
    (L, total(A[n, j], n, j) / n.size),
    (L, total(A[n, j] * B[n, j], n, j)),
    (L, -total(A[n, j] * (B[n, j] - sp.log(total(sp.exp(B[n, k]), k))), n, j) / n.size),
    (L, total((A[n, j] - B[n, j]) ** 2, n, j) / 2),
    (u[n], total((A[n, j] - B[n, j]) ** 2, j)),
    (u[n], total(A[n, j] ** 2, j)),
    (u[n], total(A[n, j] * B[n, j], j)),
    (b[j], total(A[n, j] * B[n, j], n)),
    (u[n], Peak(A[n, j], j)),
    (b[j], Peak(A[n, j] + B[n, j], n)),
    (L, Peak(Peak(A[n, j], j), n)),
    (z[n, j], sp.exp(A[n, j]) / total(sp.exp(A[n, k]), k)),
    (z[n, j], A[n, j] - total(A[n, k], k) / j.size),
    (z[n, j], u[n] * b[j]),
    (Q[i, d], total(x[n, i] * x[n, d], n)),
    (L, total(x[n, i] * W[i, j] * A[n, j], n, i, j)),
    (L, total(u[n] * x[n, i] * c[i], n, i)),
    (z[n, j], total(u[n] * x[n, i] * W[i, j] * b[j] * c[i], i)),
    (z[n, j], total(x[n, i] * W[i, j] + c[i] * b[j], i)),
    (z[n, j], total((x[n, i] - u[n]) * W[i, j], i)),
    (z[n, j], total((x[n, i] - W[i, j]) ** 2, i)),
    (z[n, j], total(sp.exp(x[n, i] + W[i, j]), i)),
    (z[n, j], total(sp.S.One, i) * A[n, j]),
    (u[n], total(v[n], j)),
    (u[n], total(T3[n, i, j], i, j)),
    (c[i], total(T3[n, i, j], n, j)),
    (b[j], total(T3[n, i, j], n, i)),
    (x[n, i], total(T3[n, i, j], j)),
    (x[n, i], total(T3[n, i, j] * A[n, j], j)),
    (z[n, j], total(T3[n, i, j] * x[n, i], i)),
    (Q[i, d], total(T3[n, i, j] * U3[n, d, j], n, j)),
    (u[n], total(T3[n, i, j] * U3[n, i, j], i, j)),
    (u[n], total(T3[n, i, j] * V3[j, i, n], i, j)),
    (T3[n, i, j], total(x[n, d] * Q[d, i], d) * b[j]),
    (T3[n, i, j], total(U3[n, d, j] * Q[d, i], d)),
    (V3[j, i, n], total(U3[n, d, j] * Q[i, d], d)),
    (V3[j, i, n], T3[n, i, j]),
    (Q[i, d], R[d, i]),
    (Q[i, d], R[d, i] + R[i, d]),
    (L, total(Q[i, i], i)),
    (c[i], Q[i, i] * x[0, i] + Q[i, 0]),
    (L, total(Q[i, d] * R[d, i], i, d)),
    (c[i], total(Q[i, d] * R[d, i], d)),
    (L, total(Delta(i - d) * Q[i, d], i, d)),
    (L, total(total(x[n, i], i) ** 2, n)),
    (L, total(A[n, j], n, j) * s / r + sp.exp(s)),
    (L, A[1, 2] * s),
    (L, sp.exp(A[0, 0]) + A[1, 1]),
    (L, s),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("left", "right"), REDUCED, ids=str)
def test_sums_and_products(left, right, dtype):
    e = Equation(left, right)
    inputs = [t for t in (x, W, A, B, u, v, b, c, Q, R, T3, U3, s, r) if t != e.variable]
    inputs += [] if e.variable == V3 else [V3]
    agrees([e], inputs, [e.variable], SIZES, dtype)


def test_labels_gather_and_compare():
    t = TensorSymbol("t", (n.size,), labels=j.size)
    p, g, q = tensors("p[n,j] g[n,j] q[n,i,j]", n, i, j)
    equations = [
        Equation(p[n, j], sp.exp(A[n, j]) / total(sp.exp(A[n, k]), k)),
        Equation(L, -total(sp.log(p[n, t[n]]), n) / n.size),
        Equation(g[n, j], (p[n, j] - Delta(j - t[n])) / n.size),
        Equation(u[n], A[n, ArgPeak(B[n, k], k)]),
        Equation(c[i], total(q[n, i, t[n]] * W[i, t[n]], n)),
        Equation(s, A[0, t[1]]),
    ]
    agrees(equations, [A, B, q, W, t], [L, g, u, c, s], SIZES)
    f = compile_function(equations[:2], [A, t], [L])
    with pytest.raises(Mismatch, match=r"t\[N\] holds labels of an axis of size 4"):
        f(np.zeros((2, 4)), [0, 4])
    with pytest.raises(InputError, match="whole numbers"):
        f(np.zeros((2, 4)), [0, 0.5])


def test_two_tensors_of_one_name_and_shared_work():
    other = TensorSymbol("A", (n.size,))
    e = [
        Equation(z[n, j], sp.exp(A[n, j]) + other[n]),
        Equation(y[n, j], sp.exp(A[n, j]) * 2),
        Equation(u[n], total(sp.exp(A[n, j]), j)),
    ]
    f = agrees(e, [A, other], [z, y, u], SIZES)
    assert f.source.count("        exp(A") == 1


def test_outputs_that_are_inputs_or_copies():
    e = [Equation(z[n, j], A[n, j]), Equation(y[n, j], z[n, j]), Equation(s, r)]
    agrees(e, [A, r], [z, y, s, A, r], SIZES)
    given = np.ones((2, 2))
    f = compile_function(e, [A, r], [A, z])
    first, second = f(given, 1.0)
    first += 1
    second += 1
    assert (given == 1).all()


def test_sizes_that_disagree_are_named():
    f = compile_function([Equation(z[n, j], total(x[n, i] * W[i, j], i))], [x, W], [z])
    with pytest.raises(Mismatch, match=r"x\[N, D\] .*D = 3, but W\[D, K\] .*D = 4"):
        f(np.ones((2, 3)), np.ones((4, 5)))
    with pytest.raises(Mismatch, match="2 axes"):
        f(np.ones(3), np.ones((4, 5)))
    with pytest.raises(Mismatch, match="2 arrays are needed"):
        f(np.ones(3))
    with pytest.raises(InputError, match="ragged"):
        f([[1], [1, 2]], np.ones((1, 1)))
    with pytest.raises(InputError, match="real numbers"):
        f(np.ones((2, 3)) * 1j, np.ones((3, 5)))


def test_a_size_that_no_input_tells():
    f = compile_function([Equation(z[n, j], u[n] + j)], [u], [z])
    with pytest.raises(InputError, match="size K"):
        f([1.0])
    g = compile_function([Equation(z[n, j], u[n] + j)], [u], [z], sizes={j.size: 2})
    assert g([1.0]).tolist() == [[1, 2]]


def test_fixed_sizes_and_places():
    q = Index("q", sp.Integer(3))
    w, o = tensors("w[q] o[q]", q)
    e = [Equation(o[q], w[q] + A[0, 2] * w[1])]
    f = compile_function(e, [w, A], [o])
    assert f([1, 2, 3], np.eye(3)).tolist() == [1, 2, 3]
    with pytest.raises(Mismatch, match="place 2 of an axis of size K = 2"):
        f([1, 2, 3], np.eye(2))
    with pytest.raises(Mismatch, match="size 3 = 3"):
        f([1, 2], np.eye(3))


def test_what_is_not_understood_raises():
    f = sp.Function("f")
    cases = {
        "windows": Equation(u[n], total(v[n + i], i)),
        "cannot print f as": Equation(u[n], f(v[n])),
        "cannot print zeta as": Equation(u[n], sp.zeta(v[n])),
        "no value": Equation(u[n], sp.Piecewise((v[n], v[n] > 0))),
        "not real": Equation(u[n], v[n] * sp.I),
    }
    for message, e in cases.items():
        with pytest.raises(NotSupported, match=message):
            compile_function([e], [v, A], [e.variable], sizes={i.size: 2})
    with pytest.raises(InputError, match="neither an input"):
        compile_function([Equation(u[n], v[n])], [], [u])
    with pytest.raises(InputError, match="no equation defines"):
        compile_function([Equation(u[n], v[n])], [v], [z])
    with pytest.raises(NotSupported, match="float16"):
        compile_function([Equation(u[n], v[n])], [v], [u], "float16")


def test_nan_and_infinity_pass_through():
    e = [
        Equation(u[n], sp.Max(0, v[n])),
        Equation(s, r / L),
    ]
    f = compile_function(e, [v, r, L], [u, s])
    with np.errstate(all="ignore"):
        relu, quotient = f([np.nan, -1.0, np.inf], 1.0, 0.0)
    np.testing.assert_array_equal(relu, [np.nan, 0, np.inf])
    assert quotient == np.inf


def test_xlogy_of_zero():
    p, q, o = tensors("p[n] q[n] o[n]", n)
    f = compile_function([Equation(o[n], xlogy(p[n], q[n]))], [p, q], [o])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = f([0, 0, 1, 0], [0, 2, 1, np.nan])
    np.testing.assert_array_equal(found, [0, 0, 0, np.nan])


def test_a_subtraction_keeps_its_order():
    """(z - m) - log S: the difference is exact, m + log S would lose log S."""
    big = 2.0**60
    S = real("S")
    f = compile_function(
        [Equation(u[n], v[n] - total(x[n, i], i)), Equation(y[n, j], u[n] - sp.log(S))],
        [v, x, S], [y], sizes={j.size: 1},
    )  # fmt: skip
    assert f([big], [[big]], np.exp(1e-9)) == pytest.approx(-1e-9)


def test_names_cannot_reach_the_source():
    evil = TensorSymbol('x"""\nimport os; os.abort()\n#', (n.size,))
    worse = TensorSymbol("lambda", (n.size,))
    size = size_of("N")
    out = TensorSymbol("np", (size,))
    f = compile_function([Equation(out[n], evil[n] + worse[n])], [evil, worse], [out])
    assert f([1.0], [2.0]).tolist() == [3.0]
    lines = f.source.splitlines()
    assert all(
        line.lstrip().startswith("#")
        for line in lines
        if "abort" in line and "(" in line and "os." in line
    )
    assert all(" " <= ch <= "~" or ch == "\n" for ch in f.source)


def test_source_needs_numpy_alone():
    f = agrees([Equation(z[n, j], total(x[n, i] * W[i, j], i))], [x, W], [z], SIZES)
    names: dict = {}
    exec(compile(f.source, "<generated>", "exec"), names)
    run = names["make_function"](np.float64, N=2, D=2, K=1)
    assert run(np.eye(2), np.ones((2, 1))).tolist() == [[1], [1]]
    imported = [line for line in f.source.splitlines() if line.startswith(("import", "from"))]
    assert {line.split()[1] for line in imported} <= {"numpy", "math"}
    assert f.explain().startswith("lower     1 equations became 1 statements")
