"""The C forms of elementary functions against mpmath, over the whole range of each type."""

import ctypes

import mpmath
import numpy as np
import pytest

from symdl.backends.c_build import compile_c
from symdl.backends.c_math import C_FUNCTIONS, c_functions
from tests.backends.compiled_functions import needs_compiler

TYPES = {"float": np.float32, "double": np.float64}
ULP = 2.6


def library(real):
    needs_compiler()
    suffix = "n##f" if real == "float" else "n"
    source = f"#include <math.h>\n#define F(n) {suffix}\n" + c_functions(C_FUNCTIONS, real)
    for name in C_FUNCTIONS:
        source += (
            f"void v_{name}(const {real} *x, {real} *y, long n) {{\n#pragma omp simd\n"
            f"    for (long k = 0; k < n; k++) y[k] = {name}_real(x[k]);\n}}\n"
        )
    return compile_c(source)


def values(code, name, x):
    y = np.empty_like(x)
    pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (x, y)]
    getattr(code, f"v_{name}")(*pointers, ctypes.c_long(len(x)))
    return y


@pytest.mark.parametrize("name", C_FUNCTIONS)
@pytest.mark.parametrize("real", TYPES)
def test_within_few_ulp(real, name):
    kind = TYPES[real]
    info = np.finfo(kind)
    rng = np.random.default_rng(0)
    low, high = np.log10(float(info.smallest_subnormal)), np.log10(float(info.max)) - 0.01
    sizes = [np.logspace(low, high, 1500), np.logspace(-4, 3, 3000), rng.uniform(0.3, 4, 1500)]
    x = np.concatenate(sizes)
    x = np.concatenate([x, -x]).astype(kind)
    x = x[np.isfinite(x)]
    x = {"log": x[x > 0], "log1p": x[x > -1]}.get(name, x)
    with mpmath.workdps(40):
        for at, found in zip(x.tolist(), values(library(real), name, x).tolist(), strict=True):
            exact = getattr(mpmath, name)(mpmath.mpf(at))
            if abs(exact) > float(info.max):
                assert found == np.inf, at
                continue
            unit = float(np.spacing(kind(abs(float(exact)))))
            assert abs(exact - mpmath.mpf(found)) <= ULP * unit, at


@pytest.mark.parametrize("name", C_FUNCTIONS)
@pytest.mark.parametrize("real", TYPES)
def test_special_values(real, name):
    info = np.finfo(TYPES[real])
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, info.max, -info.max, info.tiny, -1.0, 1.0]
    x = np.array([*special, -info.smallest_subnormal], TYPES[real])
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x)
    found = values(library(real), name, x)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    there = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found[there]), np.signbit(expected[there]))
