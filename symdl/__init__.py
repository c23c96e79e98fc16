"""symdl derives deep learning symbolically, shows the derivation, runs it fast, proves it right.

>>> import symdl as sd
>>> sd.derive("1/(1 + exp(-x))", "x").result
exp(-x)/(1 + exp(-x))**2
"""

from symdl import verify
from symdl.calculus.adjoint import vjp
from symdl.derivation.derive import derive
from symdl.errors import Impossible, InputError, Mismatch, NotSupported, SymdlError
from symdl.formula import Equation, Formula
from symdl.notation.binders import total
from symdl.notation.indices import indices
from symdl.notation.tensors import tensors
from symdl.training.backprop import Backprop, backprop
from symdl.training.callbacks import EarlyStopping
from symdl.training.compile import compile
from symdl.training.layers import Activation, Dense, Input
from symdl.training.optimizers import SGD, Adam
from symdl.training.sequential import Sequential

__all__ = [
    "SGD",
    "Activation",
    "Adam",
    "Backprop",
    "Dense",
    "EarlyStopping",
    "Equation",
    "Formula",
    "Impossible",
    "Input",
    "InputError",
    "Mismatch",
    "NotSupported",
    "Sequential",
    "SymdlError",
    "backprop",
    "compile",
    "derive",
    "indices",
    "tensors",
    "total",
    "verify",
    "vjp",
]

__version__ = "0.1.0"
