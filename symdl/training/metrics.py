"""Metrics: numbers that tell how well a model does; nothing is derived from them.

A metric is a formula of predictions and targets, so it is computed inside of the training step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp
from numpy.typing import NDArray

from symdl.backends.function import Compiled
from symdl.catalog import losses
from symdl.errors import InputError
from symdl.formula import Formula
from symdl.notation.binders import ArgPeak, Total
from symdl.notation.indicators import Delta, UnitStep
from symdl.notation.tensors import real
from symdl.training.choices import choose
from symdl.training.losses import is_sparse
from symdl.training.run_formula import compile_formula

__all__ = ["METRICS", "Metric", "metric_of"]

Array = NDArray[Any]
N, K, n, j, y, t, c = (losses.N, losses.K, losses.n, losses.j, losses.y, losses.t, losses.c)
_A = real("A")
_HALF = sp.Rational(1, 2)


@dataclass(frozen=True)
class Metric:
    """A metric under the name that the user gave: a mean over the rows of a batch."""

    name: str
    formula: Formula

    def compute(self, t: Array, p: Array) -> float:
        """The number for targets and predictions, in float64."""
        return float(_running(self.formula)(p, t))


@lru_cache(maxsize=16)
def _running(formula: Formula) -> Compiled:
    return compile_formula(formula)


def _class_accuracy(name: str, targets: sp.Expr, wanted: sp.Expr) -> Formula:
    """The part of the rows whose largest output stands where it is wanted; the first of equals."""
    agree = Delta(ArgPeak(y[n, j], j) - wanted)
    equation = sp.Eq(_A, Total(agree, n) / N, evaluate=False)
    return Formula(equation, output=_A, inputs=[y, targets], name=name)


def _side_accuracy(name: str, output: sp.Expr, target: sp.Expr) -> Formula:
    """The part of the outputs that lie on the same side of ``output`` as their targets' do."""
    sides = UnitStep(y[n, j] - output, 0), UnitStep(t[n, j] - target, 0)
    agree = 1 - sp.Abs(sides[0] - sides[1])
    equation = sp.Eq(_A, Total(agree, n, j) / (N * K), evaluate=False)
    return Formula(equation, output=_A, inputs=[y, t], name=name)


_CATEGORICAL = _class_accuracy("categorical_accuracy", t, ArgPeak(t[n, j], j))
_SPARSE = _class_accuracy("sparse_categorical_accuracy", c, c[n])
_BINARY = _side_accuracy("binary_accuracy", _HALF, _HALF)
# the losses whose outputs are divided at 0, not at 1/2
_SIGNED: dict[str, Formula] = {
    losses.HINGE.name: _side_accuracy("sign_accuracy", sp.S.Zero, sp.S.Zero),
    losses.BINARY_CROSSENTROPY_FROM_LOGITS.name: _side_accuracy("logit_accuracy", sp.S.Zero, _HALF),
}

METRICS: dict[str, Formula | None] = {
    "accuracy": None,  # binary, categorical or with labels: the loss and its width decide
    "acc": None,
    "mse": losses.MSE,
    "mean_squared_error": losses.MSE,
    "mae": losses.MAE,
    "mean_absolute_error": losses.MAE,
}


def metric_of(name: object, loss: Formula, width: int) -> Metric:
    """Return the metric of that name for a model with ``width`` outputs trained with ``loss``.

    Raises InputError for an unknown name, and for a distance to targets that are class labels.

    >>> import numpy as np
    >>> from symdl.training.losses import loss_formula
    >>> metric_of("mae", loss_formula("mse"), 1).compute(np.zeros((2, 1)), np.ones((2, 1)))
    1.0
    """
    formula = choose("metric", name, METRICS)
    sparse = is_sparse(loss)
    if formula is None:
        binary = loss.name == losses.BINARY_CROSSENTROPY.name or width == 1
        formula = _SPARSE if sparse else _BINARY if binary else _CATEGORICAL
        return Metric(str(name), _SIGNED.get(loss.name, formula))
    if sparse:
        raise InputError(
            f"the metric {name!r} compares numbers, but with {loss.name} the targets are class "
            "labels: use 'accuracy'"
        )
    return Metric(str(name), formula)
