"""Metrics: numbers that tell how well a model does; nothing is derived from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdl.catalog import losses
from symdl.errors import InputError
from symdl.formula import Formula
from symdl.training.choices import choose
from symdl.training.compile import compile_formula
from symdl.training.losses import is_sparse

__all__ = ["METRICS", "Metric", "metric_of"]

Array = NDArray[Any]
Compute = Callable[[Array, Array], float]


@dataclass(frozen=True)
class Metric:
    """A metric under the name that the user gave; ``compute(t, p)`` is a mean over the rows."""

    name: str
    compute: Compute


def _binary_accuracy(t: Array, p: Array) -> float:
    return float(np.mean((p > 0.5) == (t > 0.5)))


def _sign_accuracy(t: Array, p: Array) -> float:
    return float(np.mean((p > 0) == (t > 0)))


def _logit_accuracy(t: Array, z: Array) -> float:
    return float(np.mean((z > 0) == (t > 0.5)))


def _categorical_accuracy(t: Array, p: Array) -> float:
    return float(np.mean(p.argmax(axis=1) == t.argmax(axis=1)))


def _sparse_accuracy(t: Array, p: Array) -> float:
    return float(np.mean(p.argmax(axis=1) == t))


METRICS: dict[str, Formula | None] = {
    "accuracy": None,  # binary, categorical or with labels: the loss and its width decide
    "acc": None,
    "mse": losses.MSE,
    "mean_squared_error": losses.MSE,
    "mae": losses.MAE,
    "mean_absolute_error": losses.MAE,
}


@lru_cache(maxsize=8)
def _of_formula(formula: Formula) -> Compute:
    """A loss of predictions and targets as a metric, compiled in float64."""
    run = compile_formula(formula)
    return lambda t, p: float(run(p, t))


# the losses whose outputs are divided at 0, not at 1/2
_SIGNED: dict[str, Compute] = {
    losses.HINGE.name: _sign_accuracy,
    losses.BINARY_CROSSENTROPY_FROM_LOGITS.name: _logit_accuracy,
}


def metric_of(name: object, loss: Formula, width: int) -> Metric:
    """Return the metric of that name for a model with ``width`` outputs trained with ``loss``.

    Raises InputError for an unknown name, and for a distance to targets that are class labels.

    >>> from symdl.training.losses import loss_formula
    >>> metric_of("mae", loss_formula("mse"), 1).compute(np.zeros((2, 1)), np.ones((2, 1)))
    1.0
    """
    formula = choose("metric", name, METRICS)
    sparse = is_sparse(loss)
    if formula is None:
        binary = loss.name == losses.BINARY_CROSSENTROPY.name or width == 1
        compute: Compute = _binary_accuracy if binary else _categorical_accuracy
        compute = _sparse_accuracy if sparse else compute
        compute = _SIGNED.get(loss.name, compute)
        return Metric(str(name), compute)
    if sparse:
        raise InputError(
            f"the metric {name!r} compares numbers, but with {loss.name} the targets are class "
            "labels: use 'accuracy'"
        )
    return Metric(str(name), _of_formula(formula))
