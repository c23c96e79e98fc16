"""Initial weights: the catalogue's initializer formulas evaluated on draws of a NumPy generator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import DTypeLike, NDArray
from sympy.core.expr import Expr

from symdl.catalog import initializers
from symdl.errors import InputError
from symdl.formula import Formula
from symdl.training.network import Parameter

__all__ = ["DRAWS", "draw", "generator_of", "initial_weights", "orthonormal", "seed_of"]

Array = NDArray[np.floating[Any]]
_PART = 2**14  # draws that are held in 64 bits at a time


def seed_of(seed: object) -> int:
    """Return a whole number from a seed, or the next draw of a generator.

    >>> seed_of(3)
    3
    """
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(2**63))
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool) and seed >= 0:
        return int(seed)
    raise InputError(f"seed must be a whole number >= 0 or a numpy Generator, not {seed!r}")


def generator_of(seed: object) -> np.random.Generator:
    """Return the generator itself, or a new one that starts from a whole number."""
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(seed_of(seed))


def draw(formula: Formula, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Evaluate an initializer for a tensor (fan_in, fan_out), for a bias (units,) or a number ().

    >>> draw(initializers.ZEROS, (2,), np.random.default_rng(0))
    array([0., 0.])
    """
    found = np.empty(shape)
    _draw_into(found, formula, generator)
    return found


def _draw_into(out: Array, formula: Formula, generator: np.random.Generator) -> None:
    """Draw in 64 bits, and a part at a time where each element has a draw of its own."""
    if initializers.orthonormal in formula.random and out.ndim != 2:
        raise InputError(f"orthogonal needs a kernel of two axes, not the shape {out.shape}")
    evaluate = sp.lambdify(formula.random, _value(formula, out.shape), "numpy")
    kinds = [DRAWS[symbol] for symbol in formula.random]
    if len(kinds) != 1 or kinds[0] is orthonormal:
        out[...] = evaluate(*(kind(generator, out.shape) for kind in kinds))
        return
    elements = out.reshape(-1)
    for start in range(0, elements.size, _PART):
        part = elements[start : start + _PART]
        part[...] = evaluate(kinds[0](generator, part.shape))


def _value(formula: Formula, shape: tuple[int, ...]) -> sp.Expr:
    """The initial value as an expression in the draws alone."""
    fan_in, fan_out = (shape[0], shape[-1]) if shape else (1, 1)
    fans = {initializers.fan_in: fan_in, initializers.fan_out: fan_out}
    value = formula.output
    for equation in reversed(formula.equations):
        value = value.xreplace({equation.lhs: equation.rhs})
    value = value.xreplace(dict(formula.hyper))
    return value.xreplace({symbol: sp.Integer(n) for symbol, n in fans.items()})


def orthonormal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Orthonormal columns, or rows where those are fewer, from normal draws.

    The signs of the triangle are taken out, without which the directions would not be uniform.
    Source: Mezzadri (2007), How to Generate Random Matrices from the Classical Compact Groups.
    """
    normal = generator.standard_normal(shape)
    tall = normal if shape[0] >= shape[1] else normal.T
    q, r = np.linalg.qr(tall)
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return q if tall is normal else np.ascontiguousarray(q.T)


DRAWS: dict[Expr, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    initializers.uniform: np.random.Generator.random,
    initializers.normal: np.random.Generator.standard_normal,
    initializers.orthonormal: orthonormal,
}


def initial_weights(
    parameters: Iterable[Parameter],
    sizes: Mapping[sp.Symbol, int],
    seed: int,
    known: Mapping[str, Array],
    dtype: DTypeLike,
    *,
    places: Mapping[str, Array] | None = None,
) -> dict[str, Array]:
    """Return the weights of each parameter: those known, and fresh ones for the rest.

    places  the arrays that the weights are put in, where there are such

    Each parameter draws from a stream of its own (the seed and its place in the model), so adding
    a layer changes no weight of the layers before it.
    """
    weights = {}
    for number, parameter in enumerate(parameters):
        name, shape = parameter.name, parameter.shape(sizes)
        old = known.get(name)
        if old is not None and old.shape == shape:
            weights[name] = old.astype(dtype, copy=False) if places is None else places[name]
            weights[name][...] = old
        else:
            weights[name] = np.empty(shape, dtype) if places is None else places[name]
            stream = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
            _draw_into(weights[name], parameter.initializer, stream)
    return weights
