"""What is timed side by side must compute the same, and what does not must be left out."""

from itertools import pairwise

import numpy as np
import pytest

from tests.benchmarks.bench import Contestant, compared, main_label, table
from tests.benchmarks.hand_deep import FlatDeepNet
from tests.benchmarks.peers import hand, products, symdl_numpy
from tests.benchmarks.workloads import WORKLOADS, Workload


class Told(Contestant):
    """A contestant without a process, which answers what it was told to."""

    def __init__(self, peer, losses):
        self.peer, self.losses = peer, losses

    def ask(self, command):
        assert command == "losses 10"
        return {"losses": self.losses}


def test_a_peer_that_computes_something_else_is_left_out():
    right, wrong = [1.0 - k / 100 for k in range(10)], [1.0 - k / 99 for k in range(10)]
    told = [Told("a", right), Told("b", right), Told("c", wrong), Told("products", [np.nan] * 10)]
    assert list(compared(told)) == ["c"]
    assert list(compared([Told("a", right), Told("b", right), Told("c", [np.nan] * 10)])) == ["c"]


@pytest.mark.parametrize("w", [w for w in WORKLOADS if w.name != "W4"], ids=lambda w: w.name)
def test_ten_losses_of_symdl_and_by_hand_agree(w):
    runs = [peer.prepare(w, 1) for peer in (hand, symdl_numpy)]
    for _ in range(10):
        ours, theirs = (run(1) for run in runs)
        assert ours == pytest.approx(theirs, abs=1e-5)


SMALL = {
    "momentum": Workload("S", "small", (5, 4, 3), 6, "momentum", 0.1, 1, dtype="float64"),
    "tanh": Workload("S", "small", (5, 4, 4, 3), 6, "sgd", 0.1, 1, hidden="tanh", last="linear",
                     loss="mean_squared_error", dtype="float64"),
    "normalized": Workload("S", "small", (5, 4, 3), 6, "adam", 0.1, 1, normalized=True,
                           dtype="float64"),
}  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_the_gradient_by_hand_agrees_with_differences(name):
    w = SMALL[name]
    x, t = (a[0] for a in w.data)
    net = FlatDeepNet(w)
    net._forward(x, t)
    net._backward(x)
    found = net.grad.copy()
    for k in range(0, net.flat.size, 5):
        old, sides = net.flat[k], []
        for h in (1e-5, -1e-5):
            net.flat[k] = old + h
            sides.append(net._forward(x, t))
        net.flat[k] = old
        assert found[k] == pytest.approx((sides[0] - sides[1]) / 2e-5, abs=1e-8)


def test_the_limit_has_every_product_once():
    w = WORKLOADS[1]
    assert np.isnan(products.prepare(w, 1)(1))
    assert len(list(pairwise(w.sizes))) * 3 - 1 == 8


def test_ratios_are_taken_within_the_commonest_label():
    def record(near, far):
        times = {"near": near, "far": far}
        return {"microseconds": times, "blocks": {"near": 9, "far": 2}, "first step seconds": 0.1,
                "import seconds": 0.1, "peak MiB": 1.0}  # fmt: skip

    found = {"workload": "W", "title": "t", "threads": 2,
             "peers": {"hand": record(2.0, 9.0), "symdl_numpy": record(1.0, 1.0)}}  # fmt: skip
    assert main_label(found) == "near"
    assert table(found).row_count == 2
