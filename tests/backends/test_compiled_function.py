"""Compiled C against plain loops, formula by formula."""

from functools import cache

import numpy as np
import pytest

from symdl.formula import Equation
from tests.backends import test_function as formulas
from tests.backends.check import draw
from tests.backends.compiled_functions import Functions, needs_compiler
from tests.backends.test_function import ELEMENTWISE, INPUTS, REDUCED, SIZES, at, n, z
from tests.program import naive

LETTERS = ["x", "W", "A", "B", "u", "v", "b", "c", "Q", "R", "T3", "U3", "s", "r", "V3"]


def cases():
    found = [([Equation(at, rhs)], INPUTS, z) for rhs in ELEMENTWISE]
    for left, right in REDUCED:
        e = Equation(left, right)
        inputs = [t for t in (getattr(formulas, k) for k in LETTERS) if t != e.variable]
        found.append(([e], inputs, e.variable))
    return found


CASES = cases()


@cache
def library(dtype, static, turned):
    needs_compiler()
    return Functions(CASES, SIZES, dtype, static=static, batch=n.size if turned else None)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("static", [False, True], ids=["any size", "known sizes"])
@pytest.mark.parametrize("turned", [False, True], ids=["rows", "batch innermost"])
@pytest.mark.parametrize("number", range(len(CASES)), ids=[str(c[0][0].rhs) for c in CASES])
def test_formula(number, dtype, static, turned):
    functions = library(dtype, static, turned)
    equations, inputs, output = CASES[number]
    values = draw(inputs, SIZES)
    if dtype == "float32":
        values = {v: np.asarray(a, "float32") for v, a in values.items()}
    expected = naive.run(equations, values, SIZES)[output]
    found = functions.run(number, [values[v] for v in inputs])
    tolerance = 1e-11 if dtype == "float64" else 3e-4
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
