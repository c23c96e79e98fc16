"""Claims on threshold units and logic gates: truth tables, and what one unit cannot do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import sympy as sp

from symdl.book.claims.parts import Claim, body
from symdl.catalog import gates as g
from symdl.evidence.judge import judge_equation
from symdl.evidence.online import Example, judge_comes_round, judge_stands_still, run
from symdl.evidence.threshold import judge_separable, judge_truth_table, truth_table
from symdl.evidence.verdict import Verdict, negated, weakest
from symdl.formula import Formula
from symdl.notation.tensors import Elem

__all__ = ["TABLES", "gate_claims"]

# outputs at 00, 01, 10, 11
TABLES: Mapping[str, tuple[int, ...]] = {
    g.AND.name: (0, 0, 0, 1),
    g.NAND.name: (1, 1, 1, 0),
    g.OR.name: (0, 1, 1, 1),
    g.XOR.name: (0, 1, 1, 0),
}


def gate_claims(formula: Formula) -> tuple[Claim, ...]:
    """The claims on a gate or a threshold unit, found by its name; none on anything else."""
    name = formula.name
    if name in TABLES:
        return _table(formula)
    if name in (g.THRESHOLD_UNIT.name, g.UNIT_WITH_THRESHOLD.name):
        other = g.UNIT_WITH_THRESHOLD if name == g.THRESHOLD_UNIT.name else g.THRESHOLD_UNIT
        what = "a threshold moved across is a bias: with theta = -b the two units are one"
        return ((what, partial(_one_unit, formula, other)),)
    if name == g.THRESHOLD_UNIT_STRICT.name:
        what = "it differs from the unit that is 1 at 0 on the border only"
        return ((what, partial(_differs_on_the_border, formula)),)
    return _rule(formula) if name == g.PERCEPTRON_RULE.name else ()


def _table(f: Formula) -> tuple[Claim, ...]:
    shown = ", ".join(map(str, TABLES[f.name]))
    table: Claim = (
        f"outputs {shown} at 00, 01, 10, 11",
        partial(judge_truth_table, f, TABLES[f.name]),
    )
    either: Claim = ("the same table in both conventions of the step at 0", partial(_either, f))
    if f.name != g.XOR.name:
        return table, either
    corners = tuple(truth_table(f))
    return (
        table,
        either,
        ("XOR(x1, x2) = AND(NAND(x1, x2), OR(x1, x2))", partial(_is_composed, f)),
        (
            "no single unit computes it: its four inequalities add up to 0 > 0",
            lambda: negated(judge_separable(corners, TABLES[f.name])),
        ),
    )


def _either(f: Formula) -> Verdict:
    """No input lies on the border."""
    return weakest(judge_truth_table(g.with_step(f, k), TABLES[f.name]) for k in (0, 1))


def _is_composed(f: Formula) -> Verdict:
    parts = {g.x1: body(g.NAND), g.x2: body(g.OR)}
    return judge_equation(body(f), body(g.AND).xreplace(parts))


def _one_unit(f: Formula, other: Formula) -> Verdict:
    moved = {g.theta: -g.b}
    return judge_equation(body(f).xreplace(moved), body(other).xreplace(moved))


def _differs_on_the_border(f: Formula) -> Verdict:
    """Away from z = 0 they are the same: their difference times z is 0."""
    z = f.equation(g.z).rhs
    return judge_equation(z * (body(g.THRESHOLD_UNIT) - body(f)), sp.S.Zero)


def _rule(f: Formula) -> tuple[Claim, ...]:
    corners = tuple(truth_table(g.XOR))
    rows = {name: tuple(zip(corners, outputs, strict=True)) for name, outputs in TABLES.items()}
    still, round_ = rows[g.AND.name], rows[g.XOR.name]
    return (
        ("an example that is right changes nothing", partial(_right_changes_nothing, f)),
        ("on AND it comes to a standstill", partial(judge_stands_still, f, still)),
        ("and then gives AND: every output is right", partial(_all_right, f, still)),
        ("on XOR it goes round in a cycle without end", partial(judge_comes_round, f, round_)),
    )


def _right_changes_nothing(f: Formula) -> Verdict:
    """With t = y every new value of the state is the old one."""
    found = []
    for old, new in f.state:
        e = f.equation(new)
        here = Elem(old, *e.index) if e.index else old
        found.append(judge_equation(e.rhs.xreplace({g.t: g.y}), here))
    return weakest(found)


def _all_right(f: Formula, examples: Sequence[Example]) -> Verdict:
    """The outputs in the last epoch of the run, in which nothing changes."""
    found = run(f, examples)
    if found.back_to is not None:
        return Verdict("unknown", "it does not come to a standstill")
    for step in found.epochs[-1]:
        point, label = step.example
        if step.values[g.y.name] != label:
            return Verdict("refuted", "a wrong output", (("point", str(point)),))
    return Verdict("proved", f"all {len(examples)} outputs in exact arithmetic")
