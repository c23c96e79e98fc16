"""Every layer that a model can be made of and a file can name."""

from __future__ import annotations

from symdl.training import layers
from symdl.training.layers import Layer
from symdl.training.noise import Dropout, GaussianNoise
from symdl.training.normalization import BatchNormalization, LayerNormalization, RMSNormalization
from symdl.training.own_layer import FormulaLayer
from symdl.training.rectifiers import Maxout, PReLU

__all__ = ["LAYERS"]

LAYERS: tuple[type[Layer], ...] = (
    *layers.LAYERS,
    BatchNormalization,
    Dropout,
    FormulaLayer,
    GaussianNoise,
    LayerNormalization,
    Maxout,
    PReLU,
    RMSNormalization,
)
