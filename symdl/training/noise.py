"""Layers that add noise in training and leave the data alone in prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from symdl.catalog import noise
from symdl.errors import InputError
from symdl.formula import Formula, Variable, exact
from symdl.training.choices import number_in
from symdl.training.formula_layer import LayerOfFormula

__all__ = ["Dropout", "GaussianNoise"]


@dataclass(frozen=True)
class Dropout(LayerOfFormula):
    """In training, each element is 0 with probability ``rate``, and else divided by 1 - rate.

    So its mean stays what it was, and prediction needs no scaling.  The draws follow from the seed
    of ``fit``.  Raises InputError for a rate outside of [0, 1).

    >>> Dropout(1.0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    symdl.errors.InputError: rate of Dropout must be in [0, 1), not 1.0: what is left ...
    """

    rate: float

    def __post_init__(self) -> None:
        try:
            rate = number_in("rate of Dropout", self.rate, self.training.domain_of(noise.rate))
        except InputError as error:
            raise InputError(f"{error}: what is left is divided by 1 - rate") from None
        object.__setattr__(self, "rate", rate)

    @property
    def training(self) -> Formula:
        return noise.DROPOUT

    @property
    def prediction(self) -> None:
        return None

    @property
    def constants(self) -> Mapping[sp.Symbol, sp.Expr]:
        return {noise.rate: exact(self.rate)}

    @property
    def drawn(self) -> Mapping[Variable, str]:
        return {noise.uniform: "uniform"}


@dataclass(frozen=True)
class GaussianNoise(LayerOfFormula):
    """In training, normal noise of mean 0 and standard deviation ``stddev`` is added.

    The draws follow from the seed of ``fit``.  Raises InputError for a stddev below 0.

    >>> GaussianNoise(0.1).stddev
    0.1
    """

    stddev: float

    def __post_init__(self) -> None:
        values = self.training.domain_of(noise.stddev)
        stddev = number_in("stddev of GaussianNoise", self.stddev, values)
        object.__setattr__(self, "stddev", stddev)

    @property
    def training(self) -> Formula:
        return noise.GAUSSIAN_NOISE

    @property
    def prediction(self) -> None:
        return None

    @property
    def constants(self) -> Mapping[sp.Symbol, sp.Expr]:
        return {noise.stddev: exact(self.stddev)}

    @property
    def drawn(self) -> Mapping[Variable, str]:
        return {noise.normal: "normal"}
