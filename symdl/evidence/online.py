"""A formula with state run over examples, one after the other, in exact arithmetic.

The run ends when a whole epoch changes nothing, or when a state comes back that was there before:
what is then repeated goes on without end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import InputError, NotSupported
from symdl.evidence.threshold import Point
from symdl.evidence.verdict import Verdict
from symdl.evidence.written_out import element_symbol, write_out
from symdl.formula import Formula, Variable
from symdl.notation.tensors import TensorSymbol

__all__ = ["Example", "Run", "Step", "judge_comes_round", "judge_stands_still", "run"]

_MOST_EPOCHS = 100

Example = tuple[Point, int]
State = tuple[Expr, ...]


@dataclass(frozen=True)
class Step:
    """One example: what was read and computed, and the state after it."""

    example: Example
    values: Mapping[str, Expr]
    after: State


@dataclass(frozen=True)
class Run:
    """``names`` of the state's elements; a list of steps for each epoch; how it ended.

    ``back_to`` is None where the last epoch changed nothing, else the number of epochs after which
    the last state had been there before.
    """

    names: tuple[str, ...]
    start: State
    epochs: tuple[tuple[Step, ...], ...]
    back_to: int | None

    @property
    def end(self) -> State:
        """The state after the last epoch."""
        return self.epochs[-1][-1].after


def run(rule: Formula, examples: Sequence[Example]) -> Run:
    """Run a rule that reads a vector and a label over the examples, from a state of zeros.

    Hyper-parameters have their default values.  Raises NotSupported if neither end is reached.
    """
    x, label = rule.inputs
    if not examples:
        raise InputError("there is no example to run over")
    (size,) = x.axes
    sizes = {size: len(examples[0][0])}
    places = [_elements(old, sizes) for old, _ in rule.state]
    names = tuple(s.name for group in places for s in group)
    state: State = (sp.S.Zero,) * len(names)
    start, seen, epochs = state, {state: 0}, []
    for count in range(1, _MOST_EPOCHS + 1):
        steps = []
        for example in examples:
            given = dict(zip(_elements(x, sizes), map(sp.Rational, example[0]), strict=True))
            given[label] = sp.Rational(example[1])
            given.update(rule.hyper)
            given.update(zip((s for group in places for s in group), state, strict=True))
            values = _computed(rule, sizes, given)
            new = [_elements(new, sizes) for _, new in rule.state]
            state = tuple(values[s] for group in new for s in group)
            steps.append(Step(example, {s.name: v for s, v in values.items()}, state))
        epochs.append(tuple(steps))
        if all(step.after == state for step in steps) and seen.get(state) == count - 1:
            return Run(names, start, tuple(epochs), None)
        if state in seen:
            return Run(names, start, tuple(epochs), seen[state])
        seen[state] = count
    raise NotSupported(f"{rule.name} neither stands still nor comes round in {_MOST_EPOCHS} epochs")


def _elements(v: Variable, sizes: Mapping[Expr, int]) -> list[sp.Symbol]:
    if not isinstance(v, TensorSymbol):
        return [v]
    (size,) = v.axes
    return [element_symbol(v, (k,)) for k in range(sizes[size])]


def _computed(
    rule: Formula, sizes: Mapping[Expr, int], given: Mapping[Expr, Expr]
) -> dict[Expr, Expr]:
    """The value of every element that the equations define."""
    values = dict(given)
    out: dict[Expr, Expr] = {}
    for e in rule.equations:
        for k, s in enumerate(_elements(e.variable, sizes)):
            at = dict(zip(e.index, (k,), strict=False))
            out[s] = values[s] = write_out(e.rhs, sizes, at).subs(values)
    return out


def judge_stands_still(rule: Formula, examples: Sequence[Example]) -> Verdict:
    """Judge that the rule comes to a state that no example changes."""
    found = run(rule, examples)
    if found.back_to is not None:
        first, last = found.back_to, len(found.epochs)
        same = (("state", _shown(found.names, found.end)),)
        return Verdict("refuted", f"the states after epochs {first} and {last} are the same", same)
    return Verdict(
        "proved",
        f"exact arithmetic: epoch {len(found.epochs)} changes nothing, with "
        f"{_shown(found.names, found.end)}",
    )


def judge_comes_round(rule: Formula, examples: Sequence[Example]) -> Verdict:
    """Judge that the rule changes its state for ever: it comes back to an earlier one."""
    found = run(rule, examples)
    if found.back_to is None:
        at = (("state", _shown(found.names, found.end)),)
        return Verdict("refuted", f"epoch {len(found.epochs)} changes nothing", at)
    return Verdict(
        "proved",
        f"exact arithmetic: the states after epochs {found.back_to} and {len(found.epochs)} are "
        "the same, and there are changes in between",
    )


def _shown(names: Sequence[str], state: State) -> str:
    return ", ".join(f"{name} = {value}" for name, value in zip(names, state, strict=True))
