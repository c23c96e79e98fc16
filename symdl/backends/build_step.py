"""From equations, or from what was made of them before, to the step that runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import sympy as sp
from numpy.typing import ArrayLike

from symdl.backends.build import Build
from symdl.backends.lowered import Constraint, lower_step
from symdl.backends.step import Step
from symdl.calculus.network import Backward
from symdl.formula import Equation, Formula, Variable
from symdl.program.clip import Clipping

__all__ = ["build_step", "step_of"]


def build_step(
    forward: Sequence[Equation],
    backward: Sequence[Equation],
    *,
    inputs: Sequence[Variable],
    targets: Sequence[Variable],
    parameters: Mapping[Variable, ArrayLike],
    loss: sp.Symbol,
    output: Variable,
    gradients: Mapping[Variable, Variable],
    update: Formula | None = None,
    batch: sp.Symbol | None = None,
    sizes: Mapping[sp.Symbol, int],
    dtype: str = "float64",
    prediction: Sequence[Equation] | None = None,
    statistics: Mapping[tuple[Variable, Variable], ArrayLike] | None = None,
    draws: Mapping[Variable, str] | None = None,
    clipping: Clipping | None = None,
    constraints: Sequence[Constraint] = (),
    metrics: Mapping[sp.Symbol, tuple[Equation, Equation]] | None = None,
    beside: Step | None = None,
    kind: type[Step] | None = None,
    derived: Backward | None = None,
) -> Step:
    """Build the step that runs the given equations.

    prediction  the forward equations of ``evaluate`` and ``forward``, where they differ
    statistics  the first values of pairs (old, next): after each step the next become the old
    draws       random tensors of training: "uniform" on 0..1, or "normal"
    clipping    the formula that the gradients go through before the update
    constraints what parameters are brought back to after the update
    metrics     numbers besides the loss: the equation of each in training, and in prediction
    beside      a step whose parameters and optimizer this one shares
    kind        the class of the step: another backend's
    derived     the derivation that the equations come from, for ``explain``

    >>> import sympy as sp
    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> from symdl.notation.binders import total
    >>> n, i = indices("n:N i:D")
    >>> x, w, y, t, dy, dw, L = tensors("x[n,i] w[i] y[n] t[n] dy[n] dw[i] L", n, i)
    >>> forward = [
    ...     Equation(y[n], total(x[n, i] * w[i], i)),
    ...     Equation(L, total((y[n] - t[n]) ** 2, n) / 2),
    ... ]
    >>> backward = [Equation(dy[n], y[n] - t[n]), Equation(dw[i], total(dy[n] * x[n, i], n))]
    >>> step = build_step(forward, backward, inputs=[x], targets=[t], parameters={w: [1.0, 2.0]},
    ...     loss=L, output=y, gradients={w: dw}, batch=n.size, sizes={i.size: 2})
    >>> step.gradients([[1.0, 1.0]], [1.0])
    (2.0, {'w': array([2., 2.])})
    """
    lower = partial(
        lower_step,
        forward,
        backward,
        inputs=inputs,
        targets=targets,
        parameters=tuple(parameters),
        loss=loss,
        output=output,
        gradients=gradients,
        update=update,
        batch=batch,
        sizes=sizes,
        prediction=prediction,
        statistics=tuple(statistics or ()),
        draws=tuple(draws or ()),
        clipping=clipping,
        constraints=constraints,
        metrics=metrics,
        derived=derived,
    )
    build = Build(
        tuple(inputs),
        (*inputs, *targets),
        tuple(parameters),
        batch,
        lower,
        sizes,
        statistics=tuple(old for old, _ in statistics or ()),
        draws=tuple(draws or ()),
        metrics=tuple(metrics or ()),
    )
    return step_of(
        build, parameters, dtype, statistics=statistics, draws=draws, beside=beside, kind=kind
    )


def step_of(
    build: Build,
    parameters: Mapping[Variable, ArrayLike],
    dtype: str,
    *,
    statistics: Mapping[tuple[Variable, Variable], ArrayLike] | None = None,
    draws: Mapping[Variable, str] | None = None,
    beside: Step | None = None,
    kind: type[Step] | None = None,
) -> Step:
    """Bind functions to arrays: the words are those of ``build_step``."""
    if beside is not None:
        return beside.beside(build, draws)
    old = {pair[0]: value for pair, value in (statistics or {}).items()}
    return (kind or Step)(build, parameters, build.sizes, dtype, statistics=old, draws=draws)
