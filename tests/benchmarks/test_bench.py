"""What is timed side by side must compute the same, and what does not must be left out."""

import json
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.benchmarks.bench import main, table
from tests.benchmarks.contest import Contestant, compared, main_label, ratios
from tests.benchmarks.hand_deep import FlatDeepNet
from tests.benchmarks.peers import hand, hand_c, products, symdl_numpy
from tests.benchmarks.workloads import WORKLOADS, Workload, from_json


def told(peer, losses):
    """A contestant without a process, which has these losses."""
    process: Any = None
    return Contestant(peer, process, {"losses": losses})


def test_a_peer_that_computes_something_else_is_left_out():
    right, wrong = [1.0 - k / 100 for k in range(10)], [1.0 - k / 99 for k in range(10)]
    both, nothing = [told("a", right), told("b", right)], [np.nan] * 10
    assert list(compared([*both, told("c", wrong), told("products", nothing)])) == ["c"]
    assert list(compared([*both, told("c", nothing)])) == ["c"]


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

    peers = {"hand": record(2.0, 9.0), "symdl_numpy": record(1.0, 1.0),
             "jax_scan": record(4.0, 1.0), "products": record(0.5, 9.0)}  # fmt: skip
    found: dict[str, Any] = {"workload": "W", "title": "t", "threads": 2, "peers": peers}
    assert main_label(found) == "near"
    found["ratios"] = ratios(found)
    assert found["ratios"]["best"] == "hand"
    assert found["ratios"]["to best"]["symdl_numpy"] == 0.5
    assert found["ratios"]["to limit"]["symdl_numpy"] == 2.0
    assert table(found).row_count == 4
    peers["hand_c"] = record(0.4, 9.0)
    assert ratios(found)["limit"] == "hand_c"


@pytest.mark.parametrize("w", WORKLOADS[:2], ids=lambda w: w.name)
def test_the_c_loop_by_hand_agrees_with_numpy_by_hand(w):
    runs = [peer.prepare(w, 1) for peer in (hand, hand_c)]
    for _ in range(10):
        ours, theirs = (run(1) for run in runs)
        assert ours == pytest.approx(theirs, abs=1e-6)
    assert runs[0](5) == pytest.approx(runs[1](5), abs=1e-6)


def test_the_c_loop_is_written_for_two_workloads():
    with pytest.raises(SystemExit, match="W1 and W2"):
        hand_c.prepare(WORKLOADS[2], 1)


def test_a_workload_survives_json():
    assert all(from_json(json.dumps(asdict(w))) == w for w in WORKLOADS)


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--workloads", "W9"], "unknown: W9"), (["--threads", "0"], "start at 1"),
     (["--json", "/no/such/folder/f.json"], "no folder /no/such/folder")],
)  # fmt: skip
def test_wrong_options_end_before_anything_is_timed(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
