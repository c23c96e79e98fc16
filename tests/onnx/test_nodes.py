"""The published ONNX node cases of every operator that the catalogue covers."""

import numpy as np
import pytest

from symdl.catalog import activations
from tests.onnx.operators import LEFT_OUT, TABLE, activation, along_axis
from tests.onnx.published import published

CASES = [c for operator in TABLE for c in published()[operator] if c.name not in LEFT_OUT]
AT_LEAST = 196  # newer versions of the package add cases


def agrees(case, found):
    """Assert that the outputs of a case are those found, in the tolerance of the case."""
    assert len(found) >= len(case.outputs)
    for got, wanted in zip(found, case.outputs.values(), strict=False):
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, rtol=case.rtol, atol=case.atol)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_node(case):
    agrees(case, TABLE[case.operator](case))


def test_every_case_of_the_table_is_run_or_left_out_with_a_reason(record_property):
    cases = [c.name for operator in TABLE for c in published()[operator]]
    every = {c.name for found in published().values() for c in found}
    assert len(cases) == len(set(cases))
    assert LEFT_OUT.keys() <= set(cases), "a reason for a case that is not there"
    assert len(CASES) + len(LEFT_OUT) == len(cases)
    assert len(CASES) >= AT_LEAST
    text = (
        f"{len(CASES)} ONNX node cases of {len(TABLE)} operators run, {len(LEFT_OUT)} left out, "
        f"of {len(every)} published"
    )
    record_property("onnx", text)
    print(text)


def test_a_wrong_item_a_wrong_constant_and_a_wrong_axis_are_seen():
    first = {operator: published()[operator] for operator in ("Tanh", "LeakyRelu", "Softmax")}
    along_rows = next(c for c in first["Softmax"] if c.name == "test_softmax_axis_0")
    wrong = (
        (first["Tanh"][0], activation(activations.SOFTSIGN)),
        (first["LeakyRelu"][0], activation(activations.LEAKY_RELU, alpha=("beta", 0.101))),
        (along_rows, lambda c: [v.swapaxes(0, 1) for v in along_axis(activations.SOFTMAX)(c)]),
    )
    for case, run in wrong:
        with pytest.raises(AssertionError):
            agrees(case, run(case))
