"""Formulas of a user's own in saved models: described in text, and found again by name.

A file holds no formula that could run: ``load`` is given the formulas themselves, and compares each
with what the file says of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from symdl.errors import InputError, Mismatch
from symdl.formula import Formula
from symdl.training.own import with_axes

__all__ = ["by_name", "described", "found", "is_described"]

_KEY = "formula"


def described(formula: Formula) -> dict[str, object]:
    """What a file says of a formula: its name and equations, and what it is given.

    Raises InputError for a formula without a name.

    >>> from symdl.catalog.activations import LEAKY_RELU
    >>> described(LEAKY_RELU)["hyper"]
    ['alpha = 1/10']
    """
    if not formula.name:
        shown = "; ".join(map(str, formula.equations))
        raise InputError(
            f"a formula needs a name to be saved: Formula(..., name='my_formula') for {shown}"
        )
    return {
        _KEY: formula.name,
        "equations": [str(e) for e in formula.equations],
        "output": with_axes(formula.output),
        "inputs": [with_axes(v) for v in formula.inputs],
        "parameters": [with_axes(v) for v in formula.parameters],
        "state": [f"{with_axes(old)} -> {with_axes(new)}" for old, new in formula.state],
        "random": [with_axes(v) for v in formula.random],
        "hyper": [f"{v} = {value}" for v, value in formula.hyper],
    }


def is_described(value: object) -> bool:
    """Whether a value read from a file is the description of a formula."""
    return isinstance(value, dict) and _KEY in value


def by_name(formulas: Iterable[Formula]) -> dict[str, Formula]:
    """The formulas given to ``load`` by their names; raises InputError where two share one."""
    known: dict[str, Formula] = {}
    given = [formulas] if isinstance(formulas, Formula) else list(formulas)
    for formula in given:
        if not isinstance(formula, Formula):
            raise InputError(f"formulas must be a list of formulas, not with {formula!r} in it")
        if known.setdefault(formula.name, formula) != formula:
            raise InputError(f"two different formulas are called {formula.name!r}: rename one")
    return known


def found(description: Mapping[str, Any], formulas: Mapping[str, Formula]) -> Formula:
    """Return the formula that a file describes.

    Raises InputError where it was not given, Mismatch where the one given is another formula.
    """
    name = str(description[_KEY])
    shown = "; ".join(map(str, description["equations"]))
    if name not in formulas:
        raise InputError(
            f"the model uses the formula {name!r} ({shown}), and a file holds no formula that "
            "runs: give it as load(path, formulas=[...])"
        )
    formula = formulas[name]
    mine = described(formula)
    for part, saved in description.items():
        if saved != mine.get(part):
            raise Mismatch(
                f"the formula {name!r} is not the one that the model was saved with: its {part} "
                f"were {saved}, and are {mine.get(part)}"
            )
    return formula
