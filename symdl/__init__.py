"""symdl derives deep learning symbolically, shows the derivation, runs it fast, proves it right.

>>> import symdl as sd
>>> sd.derive("1/(1 + exp(-x))", "x").result
exp(-x)/(1 + exp(-x))**2
"""

from symdl import verify
from symdl.calculus.adjoint import vjp
from symdl.derivation.derive import derive
from symdl.derivation.graph import graph
from symdl.derivation.partials import gradient, hessian, jacobian
from symdl.derivation.step_table import step_table
from symdl.derivation.table import node_table
from symdl.errors import Impossible, InputError, Mismatch, NotSupported, SymdlError
from symdl.formula import Equation, Formula
from symdl.notation.binders import total
from symdl.notation.indices import indices
from symdl.notation.tensors import tensors
from symdl.training.backprop import Backprop, backprop
from symdl.training.callbacks import EarlyStopping
from symdl.training.compile import compile
from symdl.training.constraints import MaxNorm, NonNeg, UnitNorm
from symdl.training.layers import Activation, Dense, Input
from symdl.training.losses import Huber, Loss
from symdl.training.noise import Dropout, GaussianNoise
from symdl.training.normalization import BatchNormalization, LayerNormalization, RMSNormalization
from symdl.training.optimizers import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Nadam, RMSprop
from symdl.training.own_layer import FormulaLayer
from symdl.training.rectifiers import Maxout, PReLU
from symdl.training.regularizers import L1, L1L2, L2
from symdl.training.schedules import (
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    StepDecay,
    WarmUp,
)
from symdl.training.sequential import Sequential

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "SGD",
    "Activation",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Backprop",
    "BatchNormalization",
    "CosineDecay",
    "Dense",
    "Dropout",
    "EarlyStopping",
    "Equation",
    "ExponentialDecay",
    "Formula",
    "FormulaLayer",
    "GaussianNoise",
    "Huber",
    "Impossible",
    "Input",
    "InputError",
    "InverseTimeDecay",
    "LayerNormalization",
    "Loss",
    "MaxNorm",
    "Maxout",
    "Mismatch",
    "Nadam",
    "NonNeg",
    "NotSupported",
    "PReLU",
    "RMSNormalization",
    "RMSprop",
    "Sequential",
    "StepDecay",
    "SymdlError",
    "UnitNorm",
    "WarmUp",
    "backprop",
    "compile",
    "derive",
    "gradient",
    "graph",
    "hessian",
    "indices",
    "jacobian",
    "node_table",
    "step_table",
    "tensors",
    "total",
    "verify",
    "vjp",
]

__version__ = "0.1.0"
