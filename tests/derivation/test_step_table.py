import numpy as np
import pytest

import symdl as sd
from tests.derivation.examples import VALUES, network
from tests.derivation.test_scalar_notation import NAMES, TENSORS

AFTER = {  # worked by hand with double precision: w - 0.5 dE/dw
    "W5": 0.43703857,
    "W1": 0.29959556,
}


def by_numpy():
    """The step in NumPy, written without a formula of the package."""
    v = {k: float(x) for k, x in VALUES.items()}
    x = np.array([v["x1"], v["x2"]])
    first = np.array([[v["W1"], v["W2"]], [v["W3"], v["W4"]]])
    second = np.array([[v["W5"], v["W6"]], [v["W7"], v["W8"]]])
    h = 1 / (1 + np.exp(-first @ x))
    o = 1 / (1 + np.exp(-second @ h))
    delta = (o - np.array([v["target_o1"], v["target_o2"]])) * o * (1 - o)
    below = second.T @ delta * h * (1 - h)
    new = [*(first - 0.5 * np.outer(below, x)).flat, *(second - 0.5 * np.outer(delta, h)).flat]
    return {f"W{k}": float(w) for k, w in enumerate(new, 1)}


def test_every_weight_after_the_step():
    table = sd.step_table(network(), VALUES, learning_rate="0.5")
    expected = by_numpy()
    found = {r.variable.name: float(r.after) for r in table.rows if r.after is not None}
    assert found.keys() == expected.keys()
    for name, after in expected.items():
        assert found[name] == pytest.approx(after, rel=1e-13)
    for name, after in AFTER.items():
        assert round(found[name], 8) == after
        assert f"{after:.8f}" in table.text()
    assert len(table.rows) == 12 + 9  # every leaf and every node


def test_a_network_in_tensors_is_written_out():
    table = sd.step_table(TENSORS, VALUES, learning_rate=0.5, names=NAMES)
    scalar = sd.step_table(network(), VALUES, learning_rate=0.5)
    assert sorted(table.text().splitlines()) == sorted(scalar.text().splitlines())


def test_every_rendering_has_the_column():
    table = sd.step_table(network(), VALUES, learning_rate=0.5, digits=4)
    for shown in (table.text(), table.markdown(), table.latex()):
        assert "after the update" in shown
        assert "0.4370" in shown
    assert "갱신 후" in table.text("ko")
    assert r"\begin{tabular}{llrrr}" in table.latex()
    nodes = {row["node"]: row for row in table.json()["nodes"]}
    assert nodes["W5"]["after"] == "0.4370"
    assert nodes["h1"]["after"] == ""


@pytest.mark.parametrize("rate", ["fast", None, float("nan")])
def test_a_rate_that_is_no_number(rate):
    with pytest.raises(sd.InputError, match="is not a number"):
        sd.step_table(network(), VALUES, learning_rate=rate)
