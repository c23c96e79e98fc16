"""Random points of the domain: sizes, and values that respect positivity, labels, assumptions."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import NotSupported, SymdlError
from symdl.evidence.evaluate import World, evaluate, positions, precise
from symdl.formula import Equation
from symdl.notation.binders import Total
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, TensorSymbol

__all__ = ["impose", "random_world", "values_for"]


def random_world(
    variables: Iterable[sp.Symbol],
    sizes: Iterable[sp.Symbol],
    seed: int,
    assumptions: Sequence[Equation] = (),
    digits: int = 50,
) -> World:
    """Draw sizes of 2 and 3 (of 2 where there are many axes) and multiples of 1/64 in -2 .. 2."""
    rng = random.Random(seed)
    ctx = precise(digits)
    ordered = sorted(set(sizes), key=str)
    few = len(ordered) <= 3
    chosen: dict[Expr, int] = {s: 2 + (seed + k) % 2 * few for k, s in enumerate(ordered)}
    empty = World(chosen, {}, ctx)
    world = World(chosen, values_for(variables, empty, lambda v: _draw(v, rng, empty)), ctx)
    for a in assumptions:
        impose(a, world)
    return world


def values_for(
    variables: Iterable[sp.Symbol], sizes: World, draw: Callable[[sp.Symbol], Any]
) -> dict[sp.Symbol, Any]:
    """A value drawn for each variable, or for each element of a tensor, in the order of names."""
    return {
        v: {at: draw(v) for at in positions(v.axes, sizes)}
        if isinstance(v, TensorSymbol)
        else draw(v)
        for v in sorted(set(variables), key=str)
    }


def _draw(v: sp.Symbol, rng: random.Random, world: World) -> Any:
    if isinstance(v, TensorSymbol) and v.labels is not None:
        return rng.randrange(world.size(v.labels))
    if v.is_positive or (isinstance(v, TensorSymbol) and v.positive_elements):
        return world.ctx.mpf(rng.randint(3, 61)) / 64
    if v.is_nonnegative:
        return world.ctx.mpf(rng.randint(0, 128)) / 64
    return world.ctx.mpf(rng.choice([k for k in range(-128, 129) if k])) / 64


def impose(a: Equation, world: World, domain: Mapping[sp.Symbol, sp.Set] | None = None) -> None:
    """Change elements along the summed axes so that an assumption sum_j t_j = value holds.

    Elements that are never negative, by their tensor or its domain, are scaled; of others the last
    one takes up the difference.  Raises NotSupported for another assumption or one that cannot be
    met, SymdlError where an element leaves the domain.
    """
    total = a.lhs
    if not (isinstance(total, Total) and isinstance(total.body, Elem)):
        raise NotSupported(f"drawing points that satisfy the assumption {a}")
    body, summed = total.open()
    t = body.tensor
    if t not in world.values:
        return
    values, allowed = world.values[t], (domain or {}).get(t)
    scaled = t.positive_elements or (allowed is not None and bool(allowed.inf >= 0))
    free = [i for i in body.index if isinstance(i, Index) and i not in summed]
    for at in positions([i.size for i in free], world):
        index = dict(zip(free, at, strict=True))
        row = [
            tuple({**index, **dict(zip(summed, k, strict=True))}[i] for i in body.index)
            for k in positions([j.size for j in summed], world)
        ]
        wanted, found = evaluate(a.rhs, world, index), evaluate(total, world, index)
        if scaled and not wanted > 0:
            raise NotSupported(f"positive elements cannot satisfy the assumption {a}")
        if scaled:
            values.update({spot: values[spot] * wanted / found for spot in row})
        else:
            values[row[-1]] += wanted - found
        if allowed is not None and any(sp.Rational(str(values[k])) not in allowed for k in row):
            raise SymdlError("the point leaves the domain")
        world.seen.clear()
