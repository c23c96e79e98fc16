"""What the tests of generated functions share."""

import warnings

import numpy as np

from symdl.backends.function import compile_function
from symdl.backends.given import axes_of
from symdl.notation.tensors import TensorSymbol
from tests.program import naive


def draw(variables, sizes, seed=0):
    """Random values for variables: labels where the tensor holds labels."""
    rng = np.random.default_rng(seed)
    values = {}
    for v in variables:
        shape = tuple(naive.size(a, sizes) for a in axes_of(v))
        if isinstance(v, TensorSymbol) and v.labels is not None:
            values[v] = rng.integers(0, naive.size(v.labels, sizes), shape)
        elif (isinstance(v, TensorSymbol) and v.positive_elements) or v.is_positive:
            values[v] = rng.uniform(0.3, 2.0, shape)
        else:
            values[v] = rng.standard_normal(shape)
    return values


def agrees(equations, inputs, outputs, sizes, dtype="float64"):
    """Assert that the generated function agrees with plain loops; return it."""
    values = draw(inputs, sizes)
    if dtype == "float32":
        values = {v: a if a.dtype.kind == "i" else a.astype("float32") for v, a in values.items()}
    expected = naive.run(equations, values, sizes)
    function = compile_function(equations, inputs, outputs, dtype, sizes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):  # a second call finds buffers in use
            found = function(*(values[v] for v in inputs))
    found = found if len(outputs) > 1 else (found,)
    tolerance = 1e-11 if dtype == "float64" else 3e-4
    for v, got in zip(outputs, found, strict=True):
        if isinstance(got, np.ndarray) and getattr(v, "labels", None) is None:
            assert got.dtype == dtype, v
        assert np.shape(got) == np.shape(expected[v])
        np.testing.assert_allclose(
            got, expected[v], rtol=tolerance, atol=tolerance, err_msg=function.source
        )
    return function
