"""Tables of numbers that show what a formula does: values and slopes, updates, rates, truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.book import page as md
from symdl.calculus.adjoint import adjoint
from symdl.calculus.tree import Deriv
from symdl.catalog import initializers, optimizers
from symdl.derivation.numbers import decimal
from symdl.derivation.shown import TotalDeriv
from symdl.evidence.evaluate import World, define, evaluate, precise
from symdl.formula import Formula

__all__ = ["curve", "descent", "fans", "rates", "truth"]

_DIGITS = 6
_POINTS = ("-3", "-2", "-1", "-0.5", "0", "0.5", "1", "2", "3")
_TIMES = (1, 10, 100, 500, 1000, 1001, 2000)
_FANS = ((784, 128), (128, 10))

Row = Sequence[Any]


def curve(f: Formula) -> str:
    """The values and slopes of a function of one number.

    >>> from symdl.catalog.activations import TANH
    >>> curve(TANH).splitlines()[6]
    '| 0 | 0.000000 | 1.000000 |'
    """
    (x,) = f.inputs
    slope = adjoint(f, (x,)).inlined(x).rhs
    rows = ((at, *_found(f, {x: at}, (f.output, slope))) for at in _POINTS)
    goal = (Deriv if f.hyper else TotalDeriv)(f.output, x)
    return _table((x, f.output, goal), rows)


def descent(f: Formula, steps: int = 5) -> str:
    """The first updates of a weight that starts at 1, on half its square: the gradient is w."""
    shown = (optimizers.w, *(new for _, new in f.state), f.output)
    values: dict[sp.Symbol, Any] = dict.fromkeys((old for old, _ in f.state), 0)
    values[optimizers.w] = 1
    rows = []
    for k in range(1, steps + 1):
        given = {**values, optimizers.g: values[optimizers.w], optimizers.step: k}
        found = _world(f, {v: given[v] for v in (*f.inputs, *(old for old, _ in f.state))}).values
        rows.append((str(k), *(decimal(found[v], _DIGITS) for v in shown)))
        values = {old: found[new] for old, new in f.state} | {optimizers.w: found[f.output]}
    return _table((optimizers.step, *shown), rows)


def rates(f: Formula) -> str:
    """The learning rate at some steps."""
    rows = ((str(t), *_found(f, {optimizers.step: t}, (f.output,))) for t in _TIMES)
    return _table((optimizers.step, f.output), rows)


def truth(f: Formula) -> str:
    """The value of every node of a gate for all inputs of zeros and ones."""
    bits = sp.utilities.iterables.variations((0, 1), len(f.inputs), repetition=True)
    rows = []
    for at in bits:
        found = _world(f, dict(zip(f.inputs, at, strict=True))).values
        rows.append([*map(str, at), *(decimal(found[v], 0) for v in f.defined)])
    return _table((*f.inputs, *f.defined), rows)


def fans(f: Formula) -> str:
    """The variance of the draw for layers of some sizes."""
    sizes, variance = (initializers.fan_in, initializers.fan_out), initializers.variance
    rule, ctx = f.equation(variance).rhs, precise()
    rows = []
    for at in _FANS:
        world = World({}, dict(zip(sizes, map(ctx.mpf, at), strict=True)), ctx)
        rows.append((*map(str, at), decimal(evaluate(rule, world), _DIGITS)))
    return _table((*sizes, variance), rows)


def _world(f: Formula, given: Mapping[sp.Symbol, Any]) -> World:
    """The value of every variable, with the usual constants."""
    ctx = precise()
    values = {v: ctx.mpf(x) for v, x in given.items()}
    for symbol, usual in f.hyper:
        values[symbol] = evaluate(usual, World({}, {}, ctx))
    return define(f.equations, World({}, values, ctx))


def _found(f: Formula, given: Mapping[sp.Symbol, Any], asked: Sequence[Expr]) -> tuple[str, ...]:
    world = _world(f, given)
    return tuple(decimal(evaluate(e, world), _DIGITS) for e in asked)


def _table(head: Sequence[Expr], rows: Any) -> str:
    return md.table([md.inline(v) for v in head], rows)
