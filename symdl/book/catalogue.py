"""Every formula of the catalogue with what was checked of it, and what came out.

Gradients and the forms that run are judged by ``evidence``.  An initializer's claim is its
variance, integrated from its draw; an optimizer's is what it comes to in a case that is known.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from symdl.book.chapters import page_of
from symdl.book.claims import claims
from symdl.book.results import results
from symdl.catalog import (
    activations,
    clipping,
    constraints,
    gates,
    layers,
    losses,
    noise,
    normalization,
    optimizers,
    regularizers,
    schedules,
)
from symdl.derivation.plain_printer import plain_text
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.networks import judge_running_form
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Formula
from symdl.training.choices import choose
from symdl.training.kinds import joint_kind
from symdl.training.layers import INITIALIZERS

__all__ = ["KINDS", "STATED", "Entry", "Verdicts", "as_json", "entries", "entry"]

KINDS = (
    "gate",
    "activation",
    "layer",
    "loss",
    "activation with loss",
    "optimizer",
    "schedule",
    "initializer",
    "regularizer",
    "constraint",
    "clipping",
    "result",
)
STATED = "stated"

Verdicts = tuple[tuple[str, Verdict], ...]


@dataclass(frozen=True)
class Entry:
    """A formula of the catalogue; ``verdicts`` are found when they are asked for.

    An entry that claims nothing beyond its formula has none, and its ``level`` is ``stated``.
    """

    kind: str
    formula: Formula
    judge: Callable[[], Verdicts]
    has_gradient: bool = False

    @property
    def name(self) -> str:
        """The name that users write, such as ``sigmoid``."""
        return self.formula.name

    @property
    def source(self) -> str:
        """The paper or book that the formula is taken from."""
        return self.formula.source

    @property
    def page(self) -> str:
        """The file of the entry's page, from the top of a checkout."""
        return page_of(self.kind, self.name)

    @property
    def equations(self) -> tuple[str, ...]:
        """The equations as plain text."""
        shown = self.formula.equations
        return tuple(f"{plain_text(e.lhs)} = {plain_text(e.rhs)}" for e in shown)

    @cached_property
    def verdicts(self) -> Verdicts:
        """What was checked, and the verdict on each."""
        return self.judge()

    @property
    def level(self) -> str:
        """The weakest level of all verdicts; ``stated`` where there is nothing to check."""
        return weakest(v for _, v in self.verdicts).level if self.verdicts else STATED

    @property
    def ok(self) -> bool:
        """False if anything was refuted or could not be decided."""
        return all(v.ok for _, v in self.verdicts)

    def record(self) -> dict[str, object]:
        """What ``symdl list --json`` gives of an entry."""
        return {
            "name": self.name,
            "kind": self.kind,
            "title": self.formula.title or self.name,
            "formula": "; ".join(self.equations),
            "source": self.source,
            "verdict": self.level,
            "page": self.page,
            "checked": {what: verdict.level for what, verdict in self.verdicts},
        }


def entries() -> tuple[Entry, ...]:
    """All entries, kind by kind; nothing is judged yet.

    >>> [e.name for e in entries() if e.kind == "layer"][:3]
    ['dense', 'dense_no_bias', 'maxout']
    """
    return (
        *(_with_gradient("gate", f) for f in gates.ALL if not f.state),
        *(_running("gate", f) for f in gates.ALL if f.state),
        *(_with_gradient("activation", f) for f in activations.ALL),
        *(_with_gradient("layer", f) for f in (*layers.ALL, *normalization.ALL, *noise.ALL)),
        *(_with_gradient("loss", f) for f in losses.ALL),
        *(_with_gradient("activation with loss", f) for f in _joint()),
        *(_claiming("optimizer", f) for f in optimizers.ALL),
        *(_claiming("schedule", f) for f in schedules.ALL),
        *(_with_gradient("regularizer", f) for f in regularizers.ALL),
        *(_with_gradient("constraint", f) for f in constraints.ALL),
        *(_with_gradient("clipping", f) for f in clipping.ALL),
        *(_claiming("initializer", f) for f in INITIALIZERS.values()),
        *(Entry("result", r.formula, r.judge) for r in results()),
    )


def entry(name: str) -> Entry:
    """The entry of that name; an unknown one is an error that names the nearest.

    >>> entry("tanh").level
    'proved'
    """
    return choose("formula", name, {e.name: e for e in entries()})


def as_json(found: Sequence[Entry]) -> str:
    """The entries as a JSON array of objects."""
    return json.dumps([e.record() for e in found], ensure_ascii=False, indent=2)


def _joint() -> tuple[Formula, ...]:
    """The activations that are derived together with the loss that reads them."""
    softmax, sigmoid = activations.SOFTMAX.name, activations.SIGMOID.name
    return (
        joint_kind(softmax, losses.CATEGORICAL_CROSSENTROPY.name),
        joint_kind(softmax, losses.SPARSE_CATEGORICAL_CROSSENTROPY.name),
        joint_kind(softmax, losses.KL_DIVERGENCE.name),
        joint_kind(sigmoid, losses.BINARY_CROSSENTROPY.name),
    )


def _with_gradient(kind: str, formula: Formula) -> Entry:
    return Entry(kind, formula, partial(_judge_gradient, formula), has_gradient=True)


def _running(kind: str, formula: Formula) -> Entry:
    return Entry(kind, formula, partial(_judge_running, formula))


def _claiming(kind: str, formula: Formula) -> Entry:
    return Entry(kind, formula, partial(_judge_claims, formula))


def _judge_gradient(formula: Formula) -> Verdicts:
    return (*judge_adjoint(formula), *_judge_running(formula))


def _judge_running(formula: Formula) -> Verdicts:
    return (("the form that runs", judge_running_form(formula)), *_judge_claims(formula))


def _judge_claims(formula: Formula) -> Verdicts:
    return tuple((what, judge()) for what, judge in claims(formula))
