"""Random points of the domain: sizes, and values that respect positivity, labels, assumptions."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import NotSupported
from symdl.evidence.evaluate import World, evaluate, positions, precise
from symdl.formula import Equation
from symdl.notation.binders import Total
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, TensorSymbol

__all__ = ["random_world"]


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
    values: dict[sp.Symbol, Any] = {}
    for v in sorted(set(variables), key=str):
        if isinstance(v, TensorSymbol):
            values[v] = {at: _draw(v, rng, empty) for at in positions(v.axes, empty)}
        else:
            values[v] = _draw(v, rng, empty)
    world = World(chosen, values, ctx)
    for a in assumptions:
        _impose(a, world)
    return world


def _draw(v: sp.Symbol, rng: random.Random, world: World) -> Any:
    if isinstance(v, TensorSymbol) and v.labels is not None:
        return rng.randrange(world.size(v.labels))
    if v.is_positive or (isinstance(v, TensorSymbol) and v.positive_elements):
        return world.ctx.mpf(rng.randint(3, 61)) / 64
    if v.is_nonnegative:
        return world.ctx.mpf(rng.randint(0, 128)) / 64
    return world.ctx.mpf(rng.choice([k for k in range(-128, 129) if k])) / 64


def _impose(a: Equation, world: World) -> None:
    """Change elements along the summed axis so that sum_j t_j = value holds.

    The last element takes up the difference; positive elements are scaled.
    """
    total = a.lhs
    if not (isinstance(total, Total) and len(total.bounds) == 1 and isinstance(total.body, Elem)):
        raise NotSupported(f"drawing points that satisfy the assumption {a}")
    body, (j,) = total.open()
    t = body.tensor
    if t not in world.values:
        return
    free = [i for i in body.index if isinstance(i, Index) and i != j]
    value = world.values[t]
    for at in positions([i.size for i in free], world):
        index = dict(zip(free, at, strict=True))
        row = [tuple({**index, j: k}[i] for i in body.index) for k in range(world.size(j.size))]
        wanted, found = evaluate(a.rhs, world, index), evaluate(total, world, index)
        if not t.positive_elements:
            value[row[-1]] += wanted - found
        elif wanted > 0:
            value.update({spot: value[spot] * wanted / found for spot in row})
        else:
            raise NotSupported(f"positive elements cannot satisfy the assumption {a}")
        world.seen.clear()
