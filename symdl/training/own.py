"""Formulas of a user's own: what an activation, a loss or a layer must read and put out.

They are used as given.  One that is called like a formula of the catalogue goes by the name
``own relu`` in names, files and verdicts, so that the two are never taken for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache

import sympy as sp
from sympy.core.expr import Expr

from symdl.catalog import initializers
from symdl.errors import InputError
from symdl.formula import Formula, Variable
from symdl.notation.tensors import TensorSymbol
from symdl.training.choices import real_number, suggestion
from symdl.training.constants import formula_of, with_constants

__all__ = [
    "Start",
    "Starts",
    "axes_of",
    "called",
    "initial_of",
    "own_activation",
    "own_loss",
    "pairs_of",
    "under_own_name",
    "with_axes",
]

Start = str | float | Formula
Starts = Mapping[str, Start] | tuple[tuple[str, Start], ...]


def axes_of(v: Variable) -> tuple[Expr, ...]:
    """The sizes of the axes; a scalar has none."""
    return v.axes if isinstance(v, TensorSymbol) else ()


def with_axes(v: Variable) -> str:
    """A variable with the sizes of its axes, as messages show it."""
    axes = axes_of(v)
    return f"{v.name}[{', '.join(map(str, axes))}]" if axes else str(v.name)


def called(v: Variable, name: str) -> Variable:
    """The same variable under another name."""
    if isinstance(v, TensorSymbol):
        return TensorSymbol(name, v.axes, v.positive_elements, v.labels)
    return sp.Symbol(name, **v.assumptions0)


def under_own_name(formula: Formula, known: Mapping[str, Formula]) -> Formula:
    """Return the formula, under another name where the catalogue has another one of its name.

    >>> under_own_name(initializers.ZEROS, {"zeros": initializers.CONSTANT}).name
    'own zeros'
    """
    there = known.get(formula.name)
    return formula if there is None or there == formula else _as_own(formula)


@lru_cache(maxsize=256)
def _as_own(formula: Formula) -> Formula:
    return replace(formula, name=f"own {formula.name}")


def _refused(what: str, formula: Formula, why: str) -> InputError:
    called = f" {formula.name!r}" if formula.name else ""
    return InputError(f"the formula{called} is no {what}: {why}")


def own_activation(formula: Formula, known: Mapping[str, Formula]) -> Formula:
    """Return a formula that a layer can apply: y = f(x) of a scalar, or of z[n,j] row by row.

    Raises InputError where it has another form.

    >>> x, y = sp.symbols("x y", real=True)
    >>> own_activation(Formula(sp.Eq(y, x**3), output=y, inputs=[x]), {}).output
    y
    """
    _check_activation(formula)
    return under_own_name(formula, known)


@lru_cache(maxsize=256)
def _check_activation(formula: Formula) -> None:
    if len(formula.inputs) != 1:
        names = ", ".join(map(str, formula.inputs)) or "none"
        raise _refused("activation", formula, f"one input is needed, it has: {names}")
    if formula.state or formula.random:
        why = "it has running statistics or draws; use FormulaLayer(formula)"
        raise _refused("activation", formula, why)
    (given,) = formula.inputs
    axes, out = axes_of(given), axes_of(formula.output)
    if isinstance(given, TensorSymbol) and given.labels is not None:
        raise _refused("activation", formula, f"its input {given} holds labels")
    if len(axes) not in (0, 2) or len(set(axes)) != len(axes):
        why = "its input must be a scalar x, or z[n,j] with rows and columns"
        raise _refused("activation", formula, f"{why}, not {with_axes(given)}")
    if out != axes:
        both = f"the output {with_axes(formula.output)} must have the shape of the input"
        why = f"{both} {with_axes(given)}; a layer that changes the shape is a FormulaLayer"
        raise _refused("activation", formula, why)
    for p in formula.parameters:
        if not set(axes_of(p)) <= set(axes[1:]):
            why = f"its parameter {with_axes(p)} has an axis of its own; use FormulaLayer(formula)"
            raise _refused("activation", formula, why)


def own_loss(formula: Formula, known: Mapping[str, Formula]) -> Formula:
    """Return a formula that can be trained with: a scalar of predictions y[n,j] and targets.

    The targets have the shape of the predictions, or are labels c[n] of their columns.  Raises
    InputError where the formula has another form.
    """
    _check_loss(formula)
    return under_own_name(formula, known)


@lru_cache(maxsize=256)
def _check_loss(formula: Formula) -> None:
    if len(formula.inputs) != 2:
        names = ", ".join(map(str, formula.inputs)) or "none"
        why = f"two inputs are needed, the prediction and the targets, it has: {names}"
        raise _refused("loss", formula, why)
    if formula.parameters or formula.state or formula.random:
        why = "it has parameters, running statistics or draws, which belong to layers"
        raise _refused("loss", formula, why)
    prediction, targets = formula.inputs
    axes = axes_of(prediction)
    if len(axes) != 2 or axes[0] == axes[1]:
        why = "the prediction comes first and must be y[n,j] with rows and columns"
        raise _refused("loss", formula, f"{why}, not {with_axes(prediction)}")
    if isinstance(formula.output, TensorSymbol):
        why = f"its output {with_axes(formula.output)} must be one number: add up the rows"
        raise _refused("loss", formula, why)
    labels = targets.labels if isinstance(targets, TensorSymbol) else None
    expected, needed = (axes, None) if labels is None else (axes[:1], axes[1])
    if axes_of(targets) != expected or labels != needed:
        raise _refused(
            "loss", formula,
            f"the targets {with_axes(targets)} must have the shape of the prediction "
            f"{with_axes(prediction)}, or be labels of its columns",
        )  # fmt: skip


def pairs_of(what: str, given: object) -> tuple[tuple[str, object], ...]:
    """A mapping from names as pairs, in which a layer can keep it.

    >>> pairs_of("initial", {"W": "zeros"})
    (('W', 'zeros'),)
    """
    try:
        found = dict(given)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        found = {None: None}
    if not all(isinstance(name, str) for name in found):
        raise InputError(f"{what} must be a dictionary with names as keys, not {given!r}")
    return tuple(found.items())


def initial_of(
    where: str, parameters: Collection[Variable], given: object, known: Mapping[str, Formula]
) -> dict[Variable, Formula]:
    """Return the initializer of each parameter: a name, a number or a formula for each.

    Raises InputError for a parameter without one, and for a name that is no parameter.
    """
    chosen = dict(pairs_of(f"initial of {where}", given))
    names = [v.name for v in parameters]
    for name in chosen:
        if name not in names:
            has = suggestion(name, names) if names else "; it has none"
            raise InputError(f"initial of {where}: there is no parameter {name!r}{has}")
    missing = [name for name in names if name not in chosen]
    if missing:
        example = f"initial={{{missing[0]!r}: 'zeros'}}"
        raise InputError(
            f"{where}: no initial values for {', '.join(missing)}; give them as in {example}"
        )
    return {v: _initializer(f"{where}, {v.name}", chosen[v.name], known) for v in parameters}


def _initializer(where: str, given: object, known: Mapping[str, Formula]) -> Formula:
    if isinstance(given, Formula):
        usable = (initializers.uniform, initializers.normal, *dict(given.hyper))
        if set(given.given) - set(usable) or isinstance(given.output, TensorSymbol):
            raise InputError(
                f"{where}: an initializer is a formula of one weight that reads the draws u "
                f"(uniform on 0..1) and z (normal) of the catalogue's alone; {given.name!r} is not"
            )
        return under_own_name(given, known)
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        value = real_number(where, given, -float("inf"), low_open=True)
        return with_constants(known["constant"], {"value": value})
    return formula_of("initializer", given, known, where)
