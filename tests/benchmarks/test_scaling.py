"""What is reported of growing sizes, from figures that were made up."""

import io
import time

import pytest
from rich.console import Console

from tests.benchmarks import scaling
from tests.benchmarks.contest import ratios
from tests.benchmarks.peers import hand, symdl_numpy
from tests.benchmarks.scaling import QUICK, SERIES, report, run


def made_up(first_step=0.1, peers=scaling.PEERS):
    records = {
        p: {"microseconds": {"near": 2000.0 + k}, "blocks": {"near": 3}, "own MiB": 5.0,
            "first step seconds": first_step if p == "jax_scan" else 0.1}
        for k, p in enumerate(peers)
    }  # fmt: skip
    found = {"peers": records, "rounds": 3, "left out": {}}
    return found | {"ratios": ratios(found)}


def said(series, points):
    text = io.StringIO()
    report(Console(file=text, width=120), series, points)
    return text.getvalue()


def test_a_peer_that_starts_slowly_is_left_out_of_larger_sizes(monkeypatch):
    asked = []

    def measure(w, peers, *rest, **words):
        asked.append((w.batch, tuple(peers)))
        return made_up(90.0, peers)

    monkeypatch.setattr(scaling, "measure", measure)
    points = list(run(QUICK[2], 2, time.monotonic() + 1000))
    assert [batch for batch, _ in asked] == [32, 128]
    assert "jax_scan" in asked[0][1]
    assert "jax_scan" not in asked[1][1]
    text = said(QUICK[2], points)
    assert "batch 128: without jax_scan: its start took 90 s at batch 32" in text


def test_what_there_was_no_time_for_is_said():
    assert list(run(SERIES[0], 2, time.monotonic() - 1)) == []
    text = said(SERIES[0], [(64, made_up())])
    assert "width 256, 1024, 4096: not measured" in text
    assert "2,001" in text


@pytest.mark.parametrize("series", QUICK, ids=lambda s: s.name)
def test_the_smallest_of_each_series_is_the_same_by_hand(series):
    w = series.workload(series.sizes[0])
    runs = [peer.prepare(w, 1) for peer in (hand, symdl_numpy)]
    for _ in range(3):
        ours, theirs = (step(1) for step in runs)
        assert ours == pytest.approx(theirs, abs=1e-5)


def test_sizes_go_as_far_as_is_claimed():
    assert {s.name: s.sizes[-1] for s in SERIES} == {"width": 4096, "depth": 128, "batch": 8192}
    assert len(SERIES[1].workload(128).sizes) == 128 + 2
