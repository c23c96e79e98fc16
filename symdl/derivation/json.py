"""A derivation as a tree of plain values: rule, before, after, conditions, verdict, children."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symdl.derivation.plain_printer import plain_text
from symdl.derivation.steps import Step

if TYPE_CHECKING:
    from symdl.derivation.derivation import Derivation

__all__ = ["tree"]


def tree(derivation: Derivation, verdicts: bool) -> dict[str, Any]:
    """The tree; a derivation along a graph is one rule whose children are its steps."""
    steps = [_step(s, derivation, verdicts) for s in derivation.steps]
    if len(steps) == 1:
        return steps[0]
    whole = {
        "rule": "chain along the graph" if len(derivation.given) > 1 else "formula",
        "before": plain_text(derivation.goal),
        "after": plain_text(derivation.result),
        "conditions": [],
        "verdict": _verdict(derivation.verify()) if verdicts else None,
        "children": steps,
    }
    return whole


def _step(step: Step, derivation: Derivation, verdicts: bool) -> dict[str, Any]:
    verdict = derivation.verdict_on(step) if verdicts else None
    out: dict[str, Any] = {
        "rule": step.rule,
        "before": plain_text(step.lhs),
        "after": plain_text(step.sides[-1]) if step.sides else plain_text(step.lhs),
        "conditions": [plain_text(c) for c in step.conditions],
        "verdict": None if verdict is None else _verdict(verdict),
        "children": [_step(c, derivation, verdicts) for c in step.children],
    }
    if len(step.sides) > 1:
        out["between"] = [plain_text(s) for s in step.sides[:-1]]
    if step.notes:
        out["notes"] = [
            {
                "kind": n.key,
                "left": plain_text(n.lhs),
                "right": None if n.rhs is None else plain_text(n.rhs),
            }
            for n in step.notes
        ]
    return out


def _verdict(verdict: Any) -> dict[str, Any]:
    return {
        "level": verdict.level,
        "reason": verdict.reason,
        "counterexample": [list(pair) for pair in verdict.counterexample],
    }
