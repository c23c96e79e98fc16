"""The stopwatch is tested with a clock of its own."""

import pytest

from tests.benchmarks.interleave import interleaved


def test_medians_ratios_and_order():
    now, calls = 0.0, []

    def way(name, cost):
        def call():
            nonlocal now
            now += cost
            calls.append(name)

        return call

    ways = {"one": way("one", 1.0), "two": way("two", 2.0), "half": way("half", 0.5)}
    timing = interleaved(ways, rounds=3, inner=2, clock=lambda: now)
    assert timing.medians == {"one": 1.0, "two": 2.0, "half": 0.5}
    assert timing.ratios == {"one": 1.0, "two": 2.0, "half": 0.5}
    rounds = ["one", "two", "half"], ["two", "half", "one"], ["half", "one", "two"]
    assert calls == ["one", "two", "half", *(name for r in rounds for name in r for _ in "ab")]


def test_nothing_to_time_is_an_error():
    with pytest.raises(ValueError, match="nothing to time"):
        interleaved({}, rounds=1, inner=1)
