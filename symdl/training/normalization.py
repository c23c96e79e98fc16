"""Normalizing layers: by row (layer, RMS) and by batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import sympy as sp

from symdl.catalog import normalization
from symdl.formula import Equation, Formula, Variable, exact
from symdl.training.choices import number_in, true_or_false
from symdl.training.formula_layer import LayerOfFormula, constant

__all__ = ["BatchNormalization", "LayerNormalization", "RMSNormalization", "unbiased_statistics"]

_START = {
    normalization.gamma: constant(1),
    normalization.beta: constant(0),
    normalization.running_mean: constant(0),
    normalization.running_var: constant(1),
}


@dataclass(frozen=True, kw_only=True)
class _Normalization(LayerOfFormula):
    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        for symbol, _ in self.training.hyper:
            what = f"{symbol.name} of {type(self).__name__}"
            values = self.training.domain_of(symbol)
            value = number_in(what, getattr(self, symbol.name), values)
            object.__setattr__(self, symbol.name, value)

    @property
    def constants(self) -> Mapping[sp.Symbol, sp.Expr]:
        return {normalization.epsilon: exact(self.epsilon)}

    @property
    def starts(self) -> Mapping[Variable, Formula]:
        return _START


@dataclass(frozen=True, kw_only=True)
class LayerNormalization(_Normalization):
    """Each row less its mean, over its standard deviation, times gamma plus beta.

    epsilon  stands inside the root, beside the variance; 1e-3, as in Keras (PyTorch has 1e-5)

    gamma starts at 1 and beta at 0, one of each a column.  Raises InputError for epsilon <= 0.

    >>> LayerNormalization().training.name
    'layer_normalization'
    """

    @property
    def training(self) -> Formula:
        return normalization.LAYER_NORMALIZATION


@dataclass(frozen=True, kw_only=True)
class RMSNormalization(_Normalization):
    """Each row over the root of the mean of its squares, times gamma, which starts at 1.

    epsilon  stands inside the root; 1e-6, as in Keras

    Raises InputError for epsilon <= 0.

    >>> RMSNormalization().epsilon
    1e-06
    """

    epsilon: float = 1e-6

    @property
    def training(self) -> Formula:
        return normalization.RMS_NORMALIZATION


@dataclass(frozen=True, kw_only=True)
class BatchNormalization(_Normalization):
    """Each column less its mean, over its standard deviation, times gamma plus beta.

    In training, mean and variance are those of the batch, and the running ones follow them:
    new = momentum * old + (1 - momentum) * of the batch.  In ``evaluate`` and ``predict`` the
    running ones take their place.

    momentum  the weight of the old running value, as in Keras (PyTorch's is one less this)
    epsilon   stands inside the root, beside the variance
    unbiased  True: the running variance takes in the squares divided by N - 1 instead of by N, as
              in PyTorch; it needs batches of more than one row.  y is the same either way

    gamma and the running variance start at 1, beta and the running mean at 0; the running ones are
    weights too, but no gradient changes them.  A batch of one row is its own mean: it gives beta.
    Raises InputError for a momentum outside of [0, 1) and for epsilon <= 0.

    >>> BatchNormalization(momentum=0.9).training.name
    'batch_normalization'
    """

    momentum: float = 0.99
    unbiased: bool = False

    def __post_init__(self) -> None:
        true_or_false("unbiased of BatchNormalization", self.unbiased)
        super().__post_init__()

    @property
    def training(self) -> Formula:
        return unbiased_statistics() if self.unbiased else normalization.BATCH_NORMALIZATION

    @property
    def prediction(self) -> Formula:
        return normalization.BATCH_NORMALIZATION_INFERENCE

    @property
    def constants(self) -> Mapping[sp.Symbol, sp.Expr]:
        return {**super().constants, normalization.momentum: exact(self.momentum)}


@cache
def unbiased_statistics() -> Formula:
    """Batch normalization whose running variance takes in N / (N - 1) times that of the batch.

    >>> unbiased_statistics().equation(normalization.next_var).rhs
    N*(1 - momentum)*var[i]/(N - 1) + momentum*running_var[i]
    """
    biased, rows = normalization.BATCH_NORMALIZATION, normalization.n.size
    batch = normalization.var[normalization.i]
    return replace(
        biased,
        equations=tuple(
            Equation(e.lhs, e.rhs.xreplace({batch: batch * rows / (rows - 1)}))
            if e.variable == normalization.next_var
            else e
            for e in biased.equations
        ),
        title=f"{biased.title}, running variance unbiased",
    )
