"""A formula together with its gradient as one function: forward, then the derived adjoints."""

from __future__ import annotations

from collections.abc import Iterable

from symdl.backends.function import Compiled, compile_function
from symdl.calculus.adjoint import bar, vjp
from symdl.calculus.compose import Piece, Renaming
from symdl.calculus.network import backpropagate
from symdl.formula import Formula, Variable
from symdl.notation.tensors import TensorSymbol
from symdl.training.run_formula import kind_of

__all__ = ["compile_gradient"]


def compile_gradient(
    formula: Formula,
    wrt: Iterable[Variable | str] | None = None,
    dtype: str = "float64",
    backend: str = "numpy",
    exact: bool = True,
) -> Compiled:
    """Return a function of everything given to ``formula`` that returns output and gradients.

    It takes inputs, parameters, draws and old states in this order, and, where the output y is a
    tensor, after them the adjoint ybar: then the gradient of x is sum ybar dy/dx over the indices
    of y.  ``wrt`` are variables or names, by default all inputs and parameters that are no labels.
    Constants take their default values.

    Without ``exact`` gradients are taken as training on NumPy takes them: from stored outputs where
    that saves an exponential, as in 1 - y^2 for tanh, which loses digits where |y| is nearly 1.

    Raises InputError for a variable that the formula does not read, NotSupported for other
    backends.

    >>> from symdl.catalog.activations import SIGMOID
    >>> compile_gradient(SIGMOID)(0.0)
    (0.5, 0.25)
    """
    asked = vjp(formula, wrt).wrt
    derived = backpropagate([Piece(formula, Renaming({}, {}))], asked, exact)
    constants = Renaming(dict(formula.hyper), {})
    equations = [constants.equation(e) for e in (*derived.forward, *derived.running)]
    given = (*formula.inputs, *formula.parameters, *formula.random, *(o for o, _ in formula.state))
    seed = (bar(formula.output),) if isinstance(formula.output, TensorSymbol) else ()
    gradients = tuple(bar(v) for v in asked)
    outputs = (formula.output, *gradients)
    return compile_function(equations, (*given, *seed), outputs, dtype, kind=kind_of(backend))
