"""The naive interpreter: what an expression means at given sizes and values, by plain loops.

It shares nothing with the normal form, contraction or code generation, and judges them all.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import mpmath
import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.expr import Expr

from symdl.errors import InputError, Mismatch, NotSupported, SymdlError
from symdl.formula import Equation
from symdl.notation.binders import ArgPeak, Binder, Peak, Total, loose
from symdl.notation.functions import erfc, held, xlogy
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import free_indices

__all__ = [
    "NO_VALUE",
    "World",
    "define",
    "evaluate",
    "from_nested",
    "holds",
    "positions",
    "precise",
]

Number = Any  # an mpmath number

# what evaluation raises at a point where an expression has no value
NO_VALUE = (SymdlError, ZeroDivisionError, ValueError, OverflowError)


def precise(digits: int = 50) -> mpmath.ctx_mp.MPContext:
    """An mpmath context of its own with that many decimal digits."""
    ctx = mpmath.mp.clone()
    ctx.dps = digits
    return ctx


@dataclass(frozen=True)
class World:
    """Sizes, values and arithmetic.

    sizes   size symbol -> whole number
    values  scalar symbol -> number; tensor -> {position tuple -> number}; whoever changes them
            clears ``seen``, the sums that were evaluated already
    """

    sizes: Mapping[Expr, int]
    values: Mapping[sp.Symbol, Any]
    ctx: Any = field(default_factory=precise)
    seen: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def size(self, s: Expr) -> int:
        """The whole number that a size stands for."""
        if s in self.sizes:
            return self.sizes[s]
        found = s if s.is_Integer else s.xreplace({k: sp.Integer(v) for k, v in self.sizes.items()})
        if not found.is_Integer:
            raise InputError(f"the size {s} has no value; sizes given: {list(self.sizes)}")
        return int(found)

    def read(self, t: TensorSymbol, at: tuple[int, ...]) -> Number:
        """An element; outside the axes it is 0."""
        if not all(0 <= i < self.size(s) for i, s in zip(at, t.axes, strict=True)):
            return self.ctx.mpf(0)
        return self._value(t)[at]

    def _value(self, v: sp.Symbol) -> Any:
        if v not in self.values:
            raise InputError(f"no value was given for {v}")
        return self.values[v]


def positions(axes: Sequence[Expr], world: World) -> Iterator[tuple[int, ...]]:
    """All positions of a tensor with these axes."""
    return itertools.product(*(range(world.size(s)) for s in axes))


def define(equations: Sequence[Equation], world: World) -> World:
    """Evaluate the equations in order and return the world with their values added."""
    values = dict(world.values)
    for e in equations:
        here = World(world.sizes, values, world.ctx)
        if isinstance(e.lhs, Elem):
            values[e.variable] = {
                at: evaluate(e.rhs, here, dict(zip(e.index, at, strict=True)))
                for at in positions(e.variable.axes, world)
            }
        else:
            values[e.variable] = evaluate(e.rhs, here)
    return World(world.sizes, values, world.ctx)


def evaluate(e: Expr, world: World, index: Mapping[Expr, int] | None = None) -> Number:
    """The value of ``e`` at the given sizes, values and free indices.

    >>> x = sp.Symbol("x", real=True)
    >>> int(evaluate(x**2 + 1, World({}, {x: precise().mpf(3)})))
    10
    """
    index = index or {}
    ctx = world.ctx
    if e in index:
        return index[e]
    if e.is_Rational:
        return ctx.mpf(int(e.p)) / int(e.q)
    if e.is_Float or e.is_NumberSymbol:
        return ctx.mpf(str(e.evalf(ctx.dps)))
    if isinstance(e, Elem):
        at = tuple(int(evaluate(a, world, index)) for a in e.index)
        return world.read(e.tensor, at)
    if isinstance(e, sp.Symbol):
        return ctx.mpf(world.size(e)) if e in world.sizes else world._value(e)
    if isinstance(e, Binder):
        read = tuple(index[i] for i in _outside(e))
        if (e, read) not in world.seen:
            world.seen[e, read] = _binder(e, world, index)
        return world.seen[e, read]
    if isinstance(e, sp.Piecewise):
        for value, condition in e.args:
            if _holds(condition, world, index):
                return evaluate(value, world, index)
        raise NotSupported(f"no case of {e} applies")
    value = _apply(e, [evaluate(a, world, index) for a in e.args], world)
    if isinstance(value, ctx.mpc):
        raise NotSupported(f"{type(e).__name__} has no real value there")
    return value


@lru_cache(maxsize=20_000)
def _outside(e: Binder) -> tuple[Expr, ...]:
    """The indices that a sum or a maximum reads from outside, in a fixed order."""
    return tuple(sorted(free_indices(e) | loose(e), key=str))


def _binder(e: Binder, world: World, index: Mapping[Expr, int]) -> Number:
    ranges = [range(world.size(b.size)) for b in e.bounds]
    values = [
        evaluate(e.body, world, {**index, **dict(zip(e.bounds, at, strict=True))})
        for at in itertools.product(*ranges)
    ]
    if isinstance(e, Total):
        return world.ctx.fsum(values)
    if isinstance(e, Peak):
        return max(values)
    if isinstance(e, ArgPeak):
        return values.index(max(values))
    raise NotSupported(f"evaluating {type(e).__name__}")


def _holds(c: Any, world: World, index: Mapping[Expr, int]) -> bool:
    if c in (sp.true, sp.false):
        return bool(c)
    if isinstance(c, sp.And):
        return all(_holds(a, world, index) for a in c.args)
    if isinstance(c, sp.Or):
        return any(_holds(a, world, index) for a in c.args)
    if isinstance(c, sp.Not):
        return not _holds(c.args[0], world, index)
    left, right = (evaluate(a, world, index) for a in c.args)
    test = {
        sp.StrictGreaterThan: left > right,
        sp.GreaterThan: left >= right,
        sp.StrictLessThan: left < right,
        sp.LessThan: left <= right,
        sp.Eq: left == right,
        sp.Ne: left != right,
    }
    if type(c) not in test:
        raise NotSupported(f"the condition {c}")
    return bool(test[type(c)])


def holds(c: Any, world: World, index: Mapping[Expr, int] | None = None) -> bool:
    """True if a condition holds there."""
    return _holds(c, world, index or {})


_FUNCTIONS = {
    sp.exp: "exp", sp.log: "log", sp.sin: "sin", sp.cos: "cos", sp.tan: "tan", sp.sinh: "sinh",
    sp.cosh: "cosh", sp.tanh: "tanh", sp.coth: "coth", sp.sech: "sech", sp.csch: "csch",
    sp.erf: "erf", sp.atan: "atan", sp.asinh: "asinh", sp.sign: "sign", sp.Abs: "fabs",
    sp.floor: "floor", sp.ceiling: "ceil", sp.asin: "asin", sp.acos: "acos", sp.erfc: "erfc",
    erfc: "erfc",
}  # fmt: skip


def _apply(e: Expr, args: list[Number], world: World) -> Number:
    ctx = world.ctx
    if e.is_Add:
        return ctx.fsum(args)
    if e.is_Mul:
        return ctx.fprod(args)
    if e.is_Pow and not isinstance(e, sp.exp):
        return _power(e, args, ctx)
    if type(e) in _FUNCTIONS:
        return getattr(ctx, _FUNCTIONS[type(e)])(*args)
    if isinstance(e, (sp.Max, sp.Min)):
        return max(args) if isinstance(e, sp.Max) else min(args)
    if isinstance(e, UnitStep):
        return ctx.mpf(1) if args[0] > 0 else ctx.mpf(0) if args[0] < 0 else args[1]
    if isinstance(e, sp.Heaviside):
        return ctx.mpf(1) if args[0] > 0 else ctx.mpf(0) if args[0] < 0 else args[1]
    if isinstance(e, Delta):
        return ctx.mpf(int(args[0] == 0))
    if isinstance(e, InRange):
        return ctx.mpf(int(0 <= args[0] < args[1]))
    if isinstance(e, log1p):
        return ctx.log(1 + args[0])
    if isinstance(e, expm1):
        return ctx.exp(args[0]) - 1
    if isinstance(e, held):
        return args[0]
    if isinstance(e, xlogy):
        return ctx.mpf(0) if args[0] == 0 else args[0] * ctx.log(args[1])
    raise NotSupported(f"evaluating {type(e).__name__}")


def _power(e: Expr, args: list[Number], ctx: Any) -> Number:
    base, exponent = args
    if base < 0 and not e.exp.is_Integer:
        raise NotSupported(f"the power {e.exp} of a negative number")
    return ctx.power(base, exponent)


def from_nested(t: TensorSymbol, nested: Any, world: World) -> dict[tuple[int, ...], Number]:
    """Read a nested list or array as the value of a tensor; raises Mismatch on a wrong shape."""
    out = {}
    for at in positions(t.axes, world):
        value = nested
        for i in at:
            if len(value) <= i:
                raise Mismatch(
                    f"{t.name}{list(t.axes)} has no element {list(at)} in the value given"
                )
            value = value[i]
        out[at] = world.ctx.mpf(str(value)) if isinstance(value, float) else world.ctx.mpf(value)
    return out
