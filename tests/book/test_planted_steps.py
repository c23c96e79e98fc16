"""A wrong step planted in the derivation of any item of the catalogue is refuted."""

import pytest
import sympy as sp

from symdl.book.catalogue import entries
from symdl.book.item_page import asked
from symdl.derivation.derive import derive
from symdl.derivation.shown import plain

DERIVED = [e for e in entries() if e.has_gradient]


def claimed(d):
    """The lines that claim something."""
    return [k for k, line in enumerate(d.bare_lines) if line.sides and line.section != "given"]


@pytest.mark.parametrize("e", DERIVED, ids=lambda e: e.name.replace(" ", "_"))
def test_a_wrong_step_is_refuted_with_a_counterexample(e):
    v = asked(e)[0]
    d = derive(e.formula, v.name)
    places = claimed(d)
    for k in {places[0], places[-1]}:
        planted = d.with_line(k, plain(d.bare_lines[k].sides[-1]) + sp.Rational(1, 1000))
        verdict = planted.lines[k].verdict
        assert verdict.level == "refuted", (e.name, k, verdict)
        assert verdict.counterexample
        assert not planted.verify().ok
