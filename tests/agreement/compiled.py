"""The compiled code of catalogue items, as the comparisons with other implementations run it."""

from dataclasses import replace
from functools import cache

import numpy as np

from symdl.backends.function import compile_function
from symdl.backends.module import load
from symdl.backends.numpy_source import module_source
from symdl.backends.numpy_update import state_names, write_update
from symdl.calculus.compose import Renaming, elementwise
from symdl.calculus.stabilise import stabilise
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import TensorSymbol
from symdl.program.update import lower_update
from symdl.training.formula_layer import exact
from symdl.training.gradient import compile_gradient

_k = Index("k", size_of("P"))
_x, _y = TensorSymbol("x", (_k.size,)), TensorSymbol("y", (_k.size,))


@cache
def over_a_vector(formula):
    """A formula of one scalar at every element of a vector, each with a slope of its own."""
    own = {p: TensorSymbol(p.name, (_k.size,))[_k] for p in formula.parameters}
    return elementwise(formula, _x[_k], _y, own)


def with_values(formula, **values):
    """The formula with other constants, by their names; an unknown one is an error."""
    known = {s.name for s, _ in formula.hyper}
    assert values.keys() <= known, (formula.name, values, known)
    hyper = tuple((s, exact(values.get(s.name, value))) for s, value in formula.hyper)
    return replace(formula, hyper=hyper)


@cache
def function(formula, outputs=(), dtype="float64"):
    """The formula as a function of its inputs, parameters, draws and old states.

    It returns ``outputs``, by default the formula's own and the new states.
    """
    old, new = zip(*formula.state, strict=True) if formula.state else ((), ())
    constants = Renaming(dict(formula.hyper), {})
    equations = [constants.equation(e) for e in stabilise(formula).formula.equations]
    given = (*formula.inputs, *formula.parameters, *formula.random, *old)
    return compile_function(equations, given, outputs or (formula.output, *new), dtype)


def each(formula, *arrays, dtype="float64"):
    """Apply a formula of one scalar (and its slopes) to every element of arrays of one shape."""
    shape = np.shape(arrays[0])
    flat = [np.broadcast_to(a, shape).ravel().astype(dtype) for a in arrays]
    return function(over_a_vector(formula), dtype=dtype)(*flat).reshape(shape)


@cache
def _update_code(formula):
    update = lower_update(formula)
    shown = [str(e) for e in formula.equations]
    source = module_source("Generated from:", shown, [write_update(update)])
    return load(source)["make_update"], *state_names(update)


class Updater:
    """The generated update of an optimizer's formula, on a vector of weights."""

    def __init__(self, formula, weights, dtype="float64"):
        make, vectors, hyper, self.count = _update_code(formula)
        self.weights = np.array(weights, dtype)
        self.state = {name: np.zeros_like(self.weights) for name in vectors}
        self.state |= {self.count: 0, "units": (1.0,) * len(vectors)}
        values = (float(value) for _, value in formula.hyper)
        self.hyper = dict(zip(hyper, values, strict=True))
        self._gradient = np.empty_like(self.weights)
        self._update = make(self.weights, self._gradient, self.state, self.hyper)

    def started(self, step, **state):
        """Go on from a state: vectors by name, and the number of steps taken."""
        assert state.keys() <= self.state.keys(), (state, self.state)
        for name, value in state.items():
            self.state[name][...] = value
        self.state[self.count] = step
        return self

    def step(self, gradient):
        """Take one step; return the new weights."""
        self._gradient[...] = gradient
        self._update()
        return self.weights.copy()

    def values(self, name):
        """A vector of the state, in the units of the formula."""
        vectors = [k for k in self.state if k not in (self.count, "units")]
        unit = self.state["units"][vectors.index(name)]
        return self.state[name] * unit


@cache
def gradient(formula, *wrt):
    """The formula's value and gradients as one function: see ``compile_gradient``."""
    return compile_gradient(formula, wrt or None)
