"""Points of a stated domain: drawn at random, and shown as text."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

import mpmath
import sympy as sp
from sympy.core.expr import Expr

from symdl.evidence.evaluate import World
from symdl.evidence.points import values_for
from symdl.notation.tensors import TensorSymbol
from symdl.notation.walk import free_indices, sizes_of, variables

__all__ = ["Domain", "drawn", "shown_values", "value_in"]

Domain = Mapping[sp.Symbol, sp.Set]  # an Interval or a FiniteSet for a symbol or a tensor


def drawn(e: Expr, domain: Domain, seed: int) -> tuple[World, dict[Expr, int]]:
    """A random point of the domain, and indices, at which ``e`` can be evaluated."""
    rng = random.Random(seed)
    sizes: dict[Expr, int] = dict.fromkeys(sorted(sizes_of(e), key=str), 2 + seed % 2)
    empty = World(sizes, {})
    values = values_for(variables(e), empty, lambda v: value_in(v, domain, rng, empty))
    world = World(sizes, values, empty.ctx)
    free = sorted(free_indices(e), key=lambda i: i.sort_key())
    return world, {i: rng.randrange(world.size(i.size)) for i in free}


def value_in(v: sp.Symbol, domain: Domain, rng: random.Random, world: World) -> object:
    """A random value, a multiple of 1/64, of one variable or one element of a tensor."""
    if isinstance(v, TensorSymbol) and v.labels is not None:
        return rng.randrange(world.size(v.labels))
    positive = v.is_positive or (isinstance(v, TensorSymbol) and v.positive_elements)
    usual = sp.Interval.open(0, sp.oo) if positive else sp.Reals
    found = domain.get(v, sp.Interval(0, sp.oo) if v.is_nonnegative and not positive else usual)
    ctx = world.ctx
    if isinstance(found, sp.FiniteSet):
        chosen = sp.Rational(rng.choice(sorted(found)))
        return ctx.mpf(int(chosen.p)) / int(chosen.q)
    low = sp.Rational(-6) if found.start == -sp.oo else sp.Rational(found.start)
    high = low + 8 if found.end == sp.oo else sp.Rational(found.end)
    if found.start == -sp.oo and found.end != sp.oo:
        low = high - 8
    if found.start == -sp.oo and found.end == sp.oo:
        high = -low
    at = low + (high - low) * sp.Rational(rng.randint(1, 63), 64)
    return ctx.mpf(int(at.p)) / int(at.q)


def shown_values(
    e: Expr, world: World, index: Mapping[Expr, int], names: Iterable[sp.Symbol] | None = None
) -> tuple[tuple[str, str], ...]:
    """Sizes, indices and the values that a point has for the variables, as text."""
    out = [(str(s), str(n)) for s, n in world.sizes.items()]
    out += [(str(i), str(n)) for i, n in index.items()]
    for v in sorted(variables(e) if names is None else names, key=str):
        value = world.values.get(v)
        if isinstance(value, dict):
            inner = ", ".join(f"{k}: {mpmath.nstr(x, 8)}" for k, x in list(value.items())[:9])
            out.append((str(v), "{" + inner + "}"))
        elif value is not None:
            out.append((str(v), mpmath.nstr(value, 8)))
    return tuple(out)
