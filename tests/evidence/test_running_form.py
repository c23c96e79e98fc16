"""The equations that run are judged one by one, intermediates too; names do not hide verdicts."""

import dataclasses

import pytest
import sympy as sp

import symdl as sd
from symdl.calculus.compose import Piece, Renaming
from symdl.calculus.network import backpropagate
from symdl.calculus.stabilise import stabilise
from symdl.evidence import networks
from symdl.evidence.verdict import Verdict
from symdl.formula import Equation
from symdl.training.network import joint_kind

KIND = joint_kind("sigmoid", "binary_crossentropy")


def tampered(formula):
    """The running form with its intermediate p one part in a thousand off."""
    right = stabilise(formula)
    first, *rest = right.formula.equations
    wrong = Equation(first.lhs, first.rhs * sp.Rational(1001, 1000))
    return dataclasses.replace(
        right, formula=dataclasses.replace(right.formula, equations=(wrong, *rest))
    )


def test_a_wrong_intermediate_is_refuted(monkeypatch):
    assert networks.judge_running_form(KIND).level == "proved"
    monkeypatch.setattr(networks, "stabilise", tampered)
    assert networks.judge_running_form(KIND).level == "refuted"


@pytest.mark.parametrize("bad", [0, 1])
def test_of_two_kinds_of_one_name_the_weaker_verdict_is_shown(monkeypatch, bad):
    x, u, y = sp.symbols("x u y", real=True)
    kinds = [
        sd.Formula(sp.Eq(u, x**2), output=u, inputs=[x], name="own"),
        sd.Formula(sp.Eq(y, sp.sin(u)), output=y, inputs=[u], name="own"),
    ]
    net = backpropagate([Piece(k, Renaming({}, {})) for k in kinds], [x])
    monkeypatch.setattr(
        networks,
        "judge_running_form",
        lambda kind: Verdict("refuted" if kind == kinds[bad] else "proved"),
    )
    assert dict(networks.judge_network(net))["own: the form that runs"].level == "refuted"
