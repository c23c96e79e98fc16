"""From a model, a loss and an optimizer to the step that trains: derive, lower, write code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import sympy as sp
from numpy.typing import NDArray

from symdl.backends.function import Compiled, compile_function
from symdl.backends.step import Step, build_step
from symdl.calculus.compose import Renaming
from symdl.calculus.network import backpropagate, forward_equations
from symdl.calculus.stabilise import stabilise
from symdl.errors import InputError, NotSupported
from symdl.formula import Formula
from symdl.training.choices import one_of
from symdl.training.losses import loss_formula
from symdl.training.network import Network
from symdl.training.optimizers import Optimizer, optimizer_of

if TYPE_CHECKING:
    from symdl.training.sequential import Sequential

__all__ = ["BACKENDS", "Setup", "build", "compile", "compile_formula", "setup"]

BACKENDS = ("numpy",)
DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Setup:
    """How a model is trained: the words of ``compile``, checked."""

    loss: str
    optimizer: Optimizer | None
    metrics: tuple[str, ...] = ()
    dtype: str = "float64"
    backend: str = "numpy"


def setup(
    loss: object, optimizer: object, metrics: Sequence[object], dtype: object, backend: object
) -> Setup:
    """Check the words of ``compile``; raise InputError or NotSupported."""
    _check_backend(backend)
    if isinstance(metrics, str) or not all(isinstance(m, str) for m in metrics):
        raise InputError(f"metrics must be a list of names, such as ['accuracy'], not {metrics!r}")
    if len(set(metrics)) != len(metrics):
        raise InputError(f"a metric is named twice in {list(metrics)}; name each once")
    known = one_of("dtype", _name_of(dtype), DTYPES)
    chosen = None if optimizer is None else optimizer_of(optimizer)
    names = tuple(str(m) for m in metrics)
    return Setup(loss_formula(loss).name, chosen, names, known, str(backend))


def _check_backend(backend: object) -> None:
    if backend not in BACKENDS:
        raise NotSupported(f"the backend {backend!r}; there is: {', '.join(BACKENDS)}")


def _name_of(dtype: object) -> str:
    """Return the name of "float32", numpy.float32 or numpy.dtype("float32")."""
    return dtype.__name__ if isinstance(dtype, type) else str(dtype)


def build(
    net: Network,
    chosen: Setup,
    sizes: Mapping[sp.Symbol, int],
    weights: Mapping[str, NDArray[Any]],
) -> Step:
    """Derive the gradients of a network and build the step that runs them."""
    variables = [p.variable for p in net.parameters]
    derived = backpropagate(net.pieces, variables)
    return build_step(
        derived.forward,
        derived.backward,
        inputs=[net.input],
        targets=[net.target],
        parameters={p.variable: weights[p.name] for p in net.parameters},
        loss=net.loss,
        output=net.output,
        gradients=derived.gradients,
        update=None if chosen.optimizer is None else chosen.optimizer.formula,
        batch=net.batch,
        sizes=sizes,
        dtype=chosen.dtype,
        prediction=None if net.prediction is None else forward_equations(net.prediction),
        statistics={(p.variable, p.following): weights[p.name] for p in net.state},
        draws=dict(net.random),
    )


@overload
def compile(
    model_or_formula: Formula,
    loss: None = None,
    optimizer: None = None,
    backend: str = "numpy",
    dtype: str | None = None,
) -> Compiled: ...


@overload
def compile(
    model_or_formula: Sequential,
    loss: str | None = None,
    optimizer: str | Optimizer | None = None,
    backend: str = "numpy",
    dtype: str | None = None,
) -> Step: ...


def compile(
    model_or_formula: Sequential | Formula,
    loss: str | None = None,
    optimizer: str | Optimizer | None = None,
    backend: str = "numpy",
    dtype: str | None = None,
) -> Step | Compiled:
    """Return the step that trains a model: ``step(x, y)`` updates and gives the loss before.

    The weights are the model's own, so ``model.predict`` sees what the step has learned.  What is
    left away is taken from how the model was compiled before, and else: no optimizer (losses and
    gradients, no updates) and float64.

    A formula becomes a function of its inputs, parameters, draws and old states, in this order; it
    returns the output, and after it the new states.  Its constants take their default values.

    Raises InputError where the size of the input or the loss is unknown, NotSupported for other
    backends.

    >>> import numpy as np
    >>> from symdl.training.layers import Dense, Input
    >>> from symdl.training.sequential import Sequential
    >>> step = compile(Sequential([Input(2), Dense(1)]), loss="mse", optimizer="sgd")
    >>> first = step(np.ones((4, 2)), np.zeros((4, 1)))
    >>> step(np.ones((4, 2)), np.zeros((4, 1))) < first
    True
    >>> from symdl.catalog.activations import SOFTMAX
    >>> compile(SOFTMAX)([[0.0, 0.0]])
    array([[0.5, 0.5]])
    """
    if isinstance(model_or_formula, Formula):
        if loss is not None or optimizer is not None:
            raise InputError("a formula is compiled as it is: leave loss and optimizer away")
        return compile_formula(model_or_formula, backend, dtype or "float64")
    model = model_or_formula
    before = model.setup or Setup("", None)
    if loss is None and not before.loss:
        raise InputError("give a loss, such as loss='mse': the model has not been compiled before")
    model.compile(
        optimizer=before.optimizer if optimizer is None else optimizer,
        loss=loss or before.loss,
        metrics=before.metrics,
        backend=backend,
        dtype=dtype or before.dtype,
    )
    return model.step


def compile_formula(formula: Formula, backend: str = "numpy", dtype: str = "float64") -> Compiled:
    """Return a formula as a function of its inputs, parameters, draws and old states."""
    _check_backend(backend)
    constants = Renaming(dict(formula.hyper), {})
    equations = [constants.equation(e) for e in stabilise(formula).formula.equations]
    old, new = zip(*formula.state, strict=True) if formula.state else ((), ())
    inputs = (*formula.inputs, *formula.parameters, *formula.random, *old)
    name = one_of("dtype", _name_of(dtype), DTYPES)
    return compile_function(equations, inputs, (formula.output, *new), dtype=name)
