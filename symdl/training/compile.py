"""From a model, a loss and an optimizer to the step that trains: derive, lower, write code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, overload

import sympy as sp

from symdl.backends.build import Build
from symdl.backends.build_step import step_of
from symdl.backends.folder import cache_folder
from symdl.backends.formula_key import formula_key
from symdl.backends.function import Compiled
from symdl.backends.kept import NOTHING, Kept
from symdl.backends.lowered import Lowered, lower_step
from symdl.backends.step import Step
from symdl.calculus.compose import Renaming
from symdl.calculus.network import backpropagate, forward_equations
from symdl.errors import InputError
from symdl.formula import Equation, Formula, Variable
from symdl.notation.tensors import TensorSymbol, real
from symdl.training.choices import one_of
from symdl.training.constraints import on
from symdl.training.kinds import K
from symdl.training.learnable import check_learnable
from symdl.training.losses import Loss, loss_formula, loss_of
from symdl.training.metrics import metric_of
from symdl.training.network import Network
from symdl.training.optimizers import Optimizer, optimizer_of
from symdl.training.run_formula import (
    BACKENDS,
    DTYPES,
    check_backend,
    compile_formula,
    name_of_dtype,
)

if TYPE_CHECKING:
    from symdl.training.sequential import Sequential

Sizes = Mapping[sp.Symbol, int]
Judged = Mapping[sp.Symbol, tuple[Equation, Equation]]

__all__ = ["BACKENDS", "DTYPES", "Setup", "build", "compile", "compile_formula", "setup"]


@dataclass(frozen=True)
class Setup:
    """How a model is trained: the words of ``compile``, checked.

    loss  the text that names it with its constants and its reduction; a Loss where it is a formula
          of one's own
    """

    loss: str | Loss
    optimizer: Optimizer | None
    metrics: tuple[str, ...] = ()
    dtype: str = "float64"
    backend: str = "numpy"


def setup(
    loss: object, optimizer: object, metrics: Sequence[object], dtype: object, backend: object
) -> Setup:
    """Check the words of ``compile``; raise InputError or NotSupported."""
    check_backend(backend)
    if isinstance(metrics, str) or not all(isinstance(m, str) for m in metrics):
        raise InputError(f"metrics must be a list of names, such as ['accuracy'], not {metrics!r}")
    if len(set(metrics)) != len(metrics):
        raise InputError(f"a metric is named twice in {list(metrics)}; name each once")
    known = one_of("dtype", name_of_dtype(dtype), DTYPES)
    chosen = None if optimizer is None else optimizer_of(optimizer)
    names = tuple(str(m) for m in metrics)
    return Setup(_trainable(loss_of(loss)).words, chosen, names, known, str(backend))


def _trainable(loss: Loss) -> Loss:
    if loss.reduction == "none":
        raise InputError(
            "reduction='none' gives one loss a row, but a model is trained with one number: use "
            "reduction='mean' or 'sum', and call the loss for those of the rows: "
            "Loss('mse', reduction='none')(y_true, y_pred)"
        )
    return loss


def build(net: Network, chosen: Setup, sizes: Sizes, beside: Step | None = None) -> Step:
    """Derive the gradients of a network and build the step that runs them.

    Its parameters and statistics are 0 at first.  A step ``beside`` another shares its parameters,
    statistics and optimizer.
    """
    judged, trained = _judged(net, chosen, sizes), tuple(p.variable for p in net.parameters)
    made = Build(
        (net.input,),
        _given(net),
        trained,
        net.batch,
        partial(_lowered, net, chosen, sizes, judged),
        sizes,
        statistics=tuple(p.variable for p in net.state),
        draws=tuple(v for v, _ in net.random),
        metrics=tuple(judged),
        kept=_kept(net, chosen, sizes, judged),
    )
    kind, draws = _kind(chosen.backend), dict(net.random)
    return step_of(made, {}, chosen.dtype, draws=draws, beside=beside, kind=kind)


def _given(net: Network) -> tuple[TensorSymbol, ...]:
    """What a step is called with."""
    return (net.input, net.target, *(() if net.weights is None else (net.weights,)))


def _lowered(net: Network, chosen: Setup, sizes: Sizes, judged: Judged) -> Lowered:
    """Derive the gradients, and lower all equations."""
    trained = tuple(p.variable for p in net.parameters)
    derived = backpropagate(net.pieces, trained, exact=chosen.backend == "compiled")
    if chosen.optimizer is not None:
        check_learnable(derived)
    return lower_step(
        derived.forward,
        derived.running,
        inputs=[net.input],
        targets=_given(net)[1:],
        parameters=trained,
        loss=net.loss,
        output=net.output,
        gradients=derived.gradients,
        update=None if chosen.optimizer is None else chosen.optimizer.formula,
        batch=net.batch,
        sizes=sizes,
        prediction=None if net.prediction is None else forward_equations(net.prediction),
        statistics=_statistics(net),
        draws=[v for v, _ in net.random],
        clipping=None if chosen.optimizer is None else chosen.optimizer.clipping,
        constraints=[(v, on(formula, v)[0]) for v, formula in net.constraints],
        metrics=judged,
        derived=derived,
    )


def _statistics(net: Network) -> list[tuple[Variable, Variable]]:
    """The old and the new value of each running statistic."""
    return [(p.variable, p.following) for p in net.state if p.following is not None]


def _kept(net: Network, chosen: Setup, sizes: Sizes, judged: Judged) -> Kept:
    """What was derived before from the same formulas, sizes and source."""
    if cache_folder() is None:
        return NOTHING
    optimizer = chosen.optimizer
    whole = (
        net.pieces,
        net.prediction,
        [p.variable for p in net.parameters],
        _statistics(net),
        net.random,
        net.constraints,
        (net.input, net.target, net.weights, net.output, net.loss, net.batch),
        None if optimizer is None else (optimizer.formula, optimizer.clipping),
        (chosen.backend, chosen.dtype),
        sizes,
        judged,
    )
    return Kept(formula_key(whole))


def _judged(net: Network, chosen: Setup, sizes: Sizes) -> Judged:
    """The number of each metric: its equation in training, and that in prediction."""
    (width,) = net.output.axes[1:]
    loss = loss_formula(chosen.loss)
    found: dict[sp.Symbol, tuple[Equation, Equation]] = {}
    for name in chosen.metrics:
        formula = metric_of(name, loss, sizes[width]).formula
        (equation,), (y, t) = formula.equations, formula.inputs
        number = real(f"metric.{name}")
        given = {t: net.target, formula.output: number}
        first, second = (
            Renaming({y: output, **given}, {K: width}).equation(equation)
            for output in (net.trained, net.output)
        )
        found[number] = first, second
    return found


def _kind(backend: str) -> type[Step]:
    """The class of a step that runs on that backend."""
    if backend == "numpy":
        return Step
    from symdl.backends.compiled import CompiledStep

    return CompiledStep


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
    loss: str | Loss | Formula | None = None,
    optimizer: str | Optimizer | None = None,
    backend: str = "numpy",
    dtype: str | None = None,
) -> Step: ...


def compile(
    model_or_formula: Sequential | Formula,
    loss: str | Loss | Formula | None = None,
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
