"""FormulaLayer: a layer that is one formula of the user's own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp
from sympy.core.expr import Expr

from symdl.catalog import layers, noise, normalization
from symdl.errors import InputError
from symdl.formula import Formula, Variable
from symdl.notation.indices import size_of
from symdl.notation.walk import sizes_of
from symdl.training.choices import one_of, positive_int, suggestion
from symdl.training.formula_layer import LayerOfFormula
from symdl.training.layers import INITIALIZERS
from symdl.training.own import Starts, axes_of, initial_of, pairs_of, under_own_name, with_axes

__all__ = ["AS_IN_TRAINING", "DRAWS", "FormulaLayer"]

AS_IN_TRAINING = "as in training"
DRAWS = ("uniform", "normal")
_CATALOG = {f.name: f for f in (*layers.ALL, *normalization.ALL, *noise.ALL)}


@dataclass(frozen=True)
class FormulaLayer(LayerOfFormula):
    """A layer from one formula, which reads x[n,i] and puts out y[n,i] or y[n,j].

    formula        its only input is x[n,i], over rows and columns; its parameters are trained
    units          number of columns that come out, where the output has an axis of its own
    initial        where each parameter and each running statistic starts: an initializer by name,
                   a number or a formula, as in {"W": "he_normal", "b": "zeros"}
    sizes          the sizes of axes that only the layer has, as in {"R": 2} for A[i,r] with r:R
    draws          "uniform" on 0..1 or "normal", for each random tensor
    in_prediction  another formula in ``evaluate`` and ``predict``; it may read x, the parameters,
                   and the running statistics as further inputs.  None: the layer is left out there

    Everything else follows from the formula: the gradients, their derivation, the code, verdicts.
    Raises InputError where the formula has another form, and for a parameter without initial
    values.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> n, i = indices("n:N i:D")
    >>> x, w, y = tensors("x[n,i] w[i] y[n,i]", n, i)
    >>> scale = Formula(sp.Eq(y[n, i], w[i] * x[n, i]), output=y, inputs=[x], parameters=[w],
    ...     name="scale")
    >>> FormulaLayer(scale, initial={"w": 1}).training.name
    'scale'
    """

    formula: Formula
    units: int | None = None
    initial: Starts = ()
    sizes: Mapping[str, int] | tuple[tuple[str, int], ...] = ()
    draws: Mapping[str, str] | tuple[tuple[str, str], ...] = ()
    in_prediction: Formula | str | None = AS_IN_TRAINING

    def __post_init__(self) -> None:
        if not isinstance(self.formula, Formula):
            raise InputError(
                f"FormulaLayer is made from a formula, FormulaLayer(Formula(...)), not from "
                f"{self.formula!r}"
            )
        _check(self.formula)
        for name in ("initial", "sizes", "draws"):
            kept = pairs_of(f"{name} of {self._called}", getattr(self, name))
            object.__setattr__(self, name, kept)
        self._set_units()
        self._check_sizes()
        self._check_draws()
        self._check_prediction()
        initial_of(self._called, self._started, self.initial, INITIALIZERS)

    def _set_units(self) -> None:
        given, out = self.formula.inputs[0].axes, self.formula.output.axes
        if out == given:
            if self.units is not None:
                raise InputError(
                    f"{self._called}: as many columns come out as go in, so leave units away"
                )
        elif self.units is None:
            raise InputError(f"{self._called}: give units, the size {out[1]} of what comes out")
        else:
            units = positive_int(f"units of {self._called}", self.units)
            object.__setattr__(self, "units", units)

    def _check_sizes(self) -> None:
        own = [str(s) for s in _inner_axes(self.formula)]
        for name, number in self._pairs("sizes"):
            if name not in own:
                has = suggestion(name, own) if own else "; the formula has no axis of its own"
                raise InputError(f"{self._called}: sizes names no axis {name!r}{has}")
            positive_int(f"the size {name} of {self._called}", number)
        missing = [name for name in own if name not in dict(self._pairs("sizes"))]
        if missing:
            raise InputError(
                f"{self._called}: how long is the axis {missing[0]}? say it as in "
                f"sizes={{{missing[0]!r}: 2}}"
            )

    def _check_draws(self) -> None:
        known = [v.name for v in self.formula.random]
        chosen = dict(self._pairs("draws"))
        for name, distribution in chosen.items():
            if name not in known:
                has = suggestion(name, known) if known else "; the formula has none"
                raise InputError(f"{self._called}: draws names no random tensor {name!r}{has}")
            one_of(f"distribution of {name}", distribution, DRAWS)
        for v in self.formula.random:
            if v.name not in chosen:
                raise InputError(
                    f"{self._called}: from what is {v} drawn? say it as in "
                    f"draws={{{v.name!r}: 'uniform'}}"
                )

    def _check_prediction(self) -> None:
        other = self.in_prediction
        if other == AS_IN_TRAINING and self.formula.random:
            raise InputError(
                f"{self._called} draws at random in training only: give in_prediction=, a formula "
                "without draws, or None to leave the layer out there"
            )
        if isinstance(other, Formula):
            _check_reads(other, self.formula, self._called)
        elif other is None and self.units is not None:
            raise InputError(
                f"{self._called} changes the number of columns, so it cannot be left out in "
                "prediction"
            )
        elif other not in (None, AS_IN_TRAINING):
            raise InputError(f"{self._called}: in_prediction is a formula or None, not {other!r}")

    @property
    def _called(self) -> str:
        return f"FormulaLayer {self.formula.name!r}" if self.formula.name else "FormulaLayer"

    @property
    def _started(self) -> tuple[Variable, ...]:
        return (*self.formula.parameters, *(old for old, _ in self.formula.state))

    def _pairs(self, name: str) -> tuple[tuple[str, object], ...]:
        found: tuple[tuple[str, object], ...] = getattr(self, name)
        return found

    @property
    def units_out(self) -> int | None:
        return self.units

    @property
    def training(self) -> Formula:
        return under_own_name(self.formula, _CATALOG)

    @property
    def prediction(self) -> Formula | None:
        other = self.in_prediction
        return other if other is None or isinstance(other, Formula) else self.training

    @property
    def starts(self) -> Mapping[Variable, Formula]:
        return initial_of(self._called, self._started, self.initial, INITIALIZERS)

    @property
    def drawn(self) -> Mapping[Variable, str]:
        chosen = dict(self._pairs("draws"))
        return {v: str(chosen[v.name]) for v in self.formula.random}

    @property
    def pieces_inside(self) -> Mapping[sp.Symbol, int]:
        return {size_of(name): positive_int(name, n) for name, n in self._pairs("sizes")}


@lru_cache(maxsize=256)
def _check(formula: Formula) -> None:
    called = f"the formula {formula.name!r}" if formula.name else "the formula"
    if len(formula.inputs) != 1:
        names = ", ".join(map(with_axes, formula.inputs)) or "none"
        raise InputError(f"{called} is no layer: one input x[n,i] is needed, it has: {names}")
    (x,) = formula.inputs
    rows, out = axes_of(x), axes_of(formula.output)
    if len(rows) != 2 or rows[0] == rows[1] or not all(s.is_Symbol for s in rows):
        raise InputError(
            f"{called} is no layer: its input must be x[n,i], over rows and columns of sizes that "
            f"are symbols, not {with_axes(x)}"
        )
    if len(out) != 2 or out[0] != rows[0] or out[1] == rows[0] or not out[1].is_Symbol:
        raise InputError(
            f"{called} is no layer: its output must have the rows of {with_axes(x)} and columns, "
            f"as in y[n,j], not {with_axes(formula.output)}"
        )
    for v in (*formula.parameters, *(old for old, _ in formula.state)):
        if rows[0] in axes_of(v):
            raise InputError(f"{called} is no layer: {with_axes(v)} has the axis of the rows")
    for v in formula.random:
        if not axes_of(v):
            raise InputError(f"{called}: the draw {v} must be a tensor, such as {v}[n,i]")


def _inner_axes(formula: Formula) -> list[Expr]:
    """The sizes of axes that neither the data nor the output has."""
    outer = {*axes_of(formula.inputs[0]), *axes_of(formula.output)}
    found = frozenset().union(*(sizes_of(x) for e in formula.equations for x in (e.lhs, e.rhs)))
    return sorted(found - outer, key=str)


def _check_reads(other: Formula, formula: Formula, called: str) -> None:
    """Refuse a formula for prediction that reads or puts out something else."""
    known: Collection[Variable] = (formula.inputs[0], *(old for old, _ in formula.state))
    strange = [v for v in other.inputs if v not in known]
    strange += [v for v in other.parameters if v not in formula.parameters]
    strange += [*other.random, *(old for old, _ in other.state)]
    if strange or other.inputs[:1] != formula.inputs:
        raise InputError(
            f"{called}: in prediction it may read {with_axes(formula.inputs[0])} first, and then "
            f"its running statistics and parameters; it reads {', '.join(map(str, other.given))}"
        )
    if axes_of(other.output) != axes_of(formula.output):
        raise InputError(
            f"{called}: in prediction it puts out {with_axes(other.output)}, in training "
            f"{with_axes(formula.output)}"
        )
