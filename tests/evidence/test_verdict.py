"""Verdicts: their order, and what counts as a pass."""

import pytest

from symdl.evidence.verdict import LEVELS, Verdict, weakest


def test_only_what_was_seen_passes():
    assert {level for level in LEVELS if Verdict(level).ok} == {
        "proved", "instance", "numeric", "float",
    }  # fmt: skip


@pytest.mark.parametrize("level", ["true", "", "Proved", "pass"])
def test_there_is_no_other_verdict(level):
    with pytest.raises(ValueError, match="proved"):
        Verdict(level)


@pytest.mark.parametrize(("levels", "expected"), [
    (["proved", "numeric", "instance"], "numeric"),
    (["proved", "unknown"], "unknown"),
    (["unknown", "refuted", "proved"], "refuted"),
    (["proved", "proved"], "proved"),
    ([], "unknown"),
])  # fmt: skip
def test_a_whole_is_as_good_as_its_weakest_part(levels, expected):
    assert weakest(Verdict(level) for level in levels).level == expected


def test_a_counterexample_is_shown():
    shown = str(Verdict("refuted", "the two sides differ", (("x", "2"), ("left", "4"))))
    assert shown == "refuted: the two sides differ at x = 2, left = 4"
