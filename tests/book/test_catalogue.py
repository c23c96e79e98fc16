"""The catalogue with its verdicts: all of it judged, and a wrong formula is seen."""

import json
from dataclasses import replace

import pytest
import sympy as sp
from rich.console import Console

from symdl.book import catalogue
from symdl.book.catalogue import KINDS, STATED, Entry, as_json, entries, entry
from symdl.book.judging import judged
from symdl.book.terminal import overall
from symdl.catalog import initializers, optimizers
from symdl.errors import InputError
from symdl.evidence.verdict import Verdict


def test_every_entry_has_a_kind():
    assert {e.kind for e in entries()} == set(KINDS)


def test_names_are_distinct():
    names = [e.name for e in entries()]
    assert len(set(names)) == len(names)


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(InputError, match="did you mean 'softmax'"):
        entry("sofmax")


def test_a_stated_entry_is_no_pass_and_no_failure():
    e = Entry("loss", entry("sgd").formula, tuple)
    assert e.verdicts == ()
    assert e.level == STATED


def test_a_wrong_variance_is_refuted():
    right = initializers.HE_UNIFORM
    stated, draw = right.equations
    wider = replace(draw, rhs=draw.rhs * sp.Rational(1001, 1000))
    found = dict(catalogue._judge_claims(replace(right, equations=(stated, wider))))
    assert found["the mean is 0, the variance as stated"].level == "refuted"


def test_a_wrong_optimizer_is_refuted():
    right = optimizers.ADAM
    wrong = replace(
        right, equations=tuple(replace(e, rhs=e.rhs * 2) for e in right.equations[:1])
        + right.equations[1:]
    )  # fmt: skip
    assert "refuted" in {v.level for _, v in catalogue._judge_claims(wrong)}


def test_judging_in_several_processes_gives_the_same():
    found = [entry("relu"), entry("tanh"), entry("l1")]
    apart = judged(found, Console(quiet=True))
    assert [(e.name, e.verdicts) for e in apart] == [(e.name, e.verdicts) for e in found]


def test_an_entry_is_as_good_as_its_weakest_verdict():
    claims = (("a", Verdict("proved")), ("b", Verdict("unknown", "why")))
    e = Entry("loss", entry("sgd").formula, lambda: claims)
    assert not e.ok
    assert e.level == "unknown"


def test_json_is_an_array_of_objects():
    found = json.loads(as_json([entry("sgd"), entry("tanh")]))
    assert [f["verdict"] for f in found] == ["proved", "proved"]
    assert {"name", "kind", "source", "verdict", "page"} <= set(found[0])


def test_the_overall_line_counts_claims():
    said = overall([Verdict("proved"), Verdict("refuted"), Verdict("proved")], 1).plain
    assert said == "3 claims: 2 proved, 1 refuted; 1 formula stated, with nothing to check"
