"""The error function that generated code brings along, against mpmath to the last digits."""

import ast
import warnings

import mpmath
import numpy as np
import pytest
import sympy as sp

from symdl.backends import special
from symdl.backends.function import compile_function
from symdl.backends.module import load
from symdl.formula import Equation
from symdl.notation.functions import erfc as tail
from symdl.notation.indices import indices
from symdl.notation.tensors import real, tensors
from tests.backends.check import agrees

MP = mpmath.mp.clone()
MP.dps = 40
n, j = indices("n:N j:K")
z, h = tensors("z[n,j] h[n,j]", n, j)

SOURCE = "import numpy as np\n\n\n" + special.error_functions(["erf", "erfc"])
EXACT = {"erf": MP.erf, "erfc": MP.erfc}


def ulps(name, x, found):
    """The distance of each value from the exact one, in units of its last place."""
    exact = [EXACT[name](MP.mpf(float(v))) for v in x]
    with np.errstate(under="ignore"):
        unit = np.spacing(np.abs(np.array([float(e) for e in exact]).astype(x.dtype)))
    pairs = zip(found, exact, unit, strict=True)
    return np.array([float(abs(MP.mpf(float(v)) - e) / float(u)) for v, e, u in pairs])


def arguments(dtype, count=1500):
    """Numbers of all sizes and both signs, many of them where the two ways of computing meet."""
    rng = np.random.default_rng(0)
    info = np.finfo(dtype)
    low = np.log10(float(info.smallest_subnormal))
    end = 27.5 if dtype == "float64" else 10.5  # beyond, erfc is 0
    spread = np.concatenate(
        [
            rng.uniform(-6, end, count),
            rng.uniform(0.3, 1.5, count),
            rng.uniform(0.9 * end, end, count // 2),
            10.0 ** rng.uniform(low, 0, count),
            -(10.0 ** rng.uniform(low, 1, count // 4)),
            [0.5, -0.5, np.nextafter(0.5, 0), 1e4, -1e4, float(info.tiny)],
        ]
    )
    return spread.astype(dtype)


@pytest.mark.parametrize(("dtype", "allowed"), [("float64", 4), ("float32", 1)])
@pytest.mark.parametrize("name", EXACT)
def test_within_units_in_the_last_place(name, dtype, allowed):
    x = arguments(dtype)
    found = load(SOURCE)[name](x)
    assert found.dtype == dtype
    assert ulps(name, x, found).max() <= allowed


def test_a_wrong_coefficient_is_seen():
    """The last coefficient counts at 0 and around the centre; it is moved by one part in 1e13."""
    for name, table in (("erf", "ERF_NEAR"), ("erfc", "ERF_FAR")):
        code = load(SOURCE)
        *rest, last = code[table][8]
        code[table][8] = (*rest, last * (1 + 1e-13))
        x = arguments("float64", 200)
        assert ulps(name, x, code[name](x)).max() > 20


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_special_values(dtype):
    inf, nan, tiny = np.inf, np.nan, np.finfo(dtype).smallest_subnormal
    x = np.array([0.0, -0.0, inf, -inf, nan, 1e30, -1e30, 40.0], dtype)
    code = load(SOURCE)
    with np.errstate(all="raise", under="ignore"):
        erf, erfc = code["erf"](x), code["erfc"](x)
        near = code["erf"](np.array([tiny, -tiny], dtype))
    np.testing.assert_array_equal(erf, np.array([0, 0, 1, -1, nan, 1, -1, 1], dtype))
    np.testing.assert_array_equal(np.signbit(erf[:2]), [False, True])
    np.testing.assert_array_equal(erfc, np.array([1, 1, 0, 2, nan, 0, 2, 0], dtype))
    np.testing.assert_array_equal(near, [tiny, -tiny])


def test_erf_is_odd_and_never_leaves_its_range():
    x = arguments("float64")
    erf, erfc = load(SOURCE)["erf"], load(SOURCE)["erfc"]
    np.testing.assert_array_equal(erf(-x), -erf(x))
    assert (np.abs(erf(x)) <= 1).all()
    assert (erfc(x) >= 0).all()
    assert (erfc(x) <= 2).all()
    np.testing.assert_allclose(erf(x) + erfc(x), 1, rtol=0, atol=5e-16)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (20000,), (3, 4, 5)])
def test_shapes(shape):
    x = np.asarray(np.random.default_rng(1).standard_normal(shape))
    erf = load(SOURCE)["erf"]
    found = erf(x)
    assert found.shape == shape
    assert [float(v) for v in found.flat] == [float(erf(v)) for v in x.flat]


def test_layouts_and_in_place():
    x = np.random.default_rng(2).standard_normal((6, 8))
    erfc = load(SOURCE)["erfc"]
    right = erfc(x.copy())
    for view in (x.T, x[::2, 1:7:3], np.asfortranarray(x), x[:, :1] + np.zeros((6, 3))):
        out = np.empty(view.shape)
        assert erfc(view, out=out) is out
        np.testing.assert_array_equal(out, erfc(np.ascontiguousarray(view)))
    np.testing.assert_array_equal(erfc(x.T), right.T)
    erfc(x, out=x)
    np.testing.assert_array_equal(x, right)


@pytest.mark.parametrize("itemsize", [4, 8])
def test_the_coefficients_are_of_the_function(itemsize):
    """At points that were not interpolated; 1e-17 and less is below the last digit of a double."""
    allowed = {4: 1e-8, 8: 4e-16}[itemsize]
    for k in range(1, 40):
        x = MP.mpf(k) / 80
        near = MP.polyval(special.near_coefficients(itemsize), x * x)
        assert abs(x * near / MP.erf(x) - 1) < allowed
        a = MP.mpf(k) * 7 / 10
        t = (a - special.CENTRE) / (a + special.CENTRE)
        far = (1 + MP.polyval(special.far_coefficients(itemsize), t)) / (1 + 2 * a)
        assert abs(far * MP.exp(-a * a) / MP.erfc(a) - 1) < allowed


ERRORS = [
    sp.erf(z[n, j]),
    sp.erfc(z[n, j]),
    tail(-z[n, j]),
    sp.erf(z[n, 0]) * z[n, j] + sp.erf(z[0, 1]),
    z[n, j] * sp.exp(-(sp.erf(2 * z[n, j] + 1) ** 2)),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rhs", ERRORS, ids=str)
def test_in_generated_functions(rhs, dtype):
    agrees([Equation(h[n, j], rhs)], [z], [h], {n.size: 5, j.size: 4}, dtype)


def test_the_generated_source_needs_numpy_alone():
    run = compile_function([Equation(h[n, j], sp.erf(z[n, j]) * tail(z[n, j]))], [z], [h])
    tree = ast.parse(run.source)
    modules = {
        a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names
    }
    modules |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules <= {"numpy", "math"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = run(np.array([[-1e9, 0.0], [30.0, np.nan]]))
    np.testing.assert_array_equal(found, [[-2, 0], [0, np.nan]])


def test_scalars():
    x, y = real("x"), real("y")
    for name, f in (("erf", sp.erf(x)), ("erfc", sp.erfc(x)), ("erfc", tail(x))):
        run = compile_function([Equation(y, f)], [x], [y])
        for v in (-30.0, -0.3, 0.0, 1.7, 26.9):
            assert ulps(name, np.array([v]), [run(v)])[0] <= 3


def test_a_variable_may_be_called_erf():
    erf, out = tensors("erf[n,j] polynomial[n,j]", n, j)
    run = compile_function([Equation(out[n, j], sp.erf(erf[n, j]))], [erf], [out])
    assert float(run([[0.5]])[0, 0]) == pytest.approx(0.5204998778130465, rel=1e-15)
