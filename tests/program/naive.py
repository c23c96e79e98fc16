"""Equations evaluated element by element in plain Python: slow, and short enough to be right."""

import itertools
import math

import numpy as np
import sympy as sp

from symdl.notation.binders import ArgPeak, Peak, Total
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem

FUNCTIONS = {
    "exp": math.exp, "log": math.log, "sin": math.sin, "cos": math.cos, "tan": math.tan,
    "sinh": math.sinh, "cosh": math.cosh, "tanh": math.tanh, "atan": math.atan,
    "asinh": math.asinh, "log1p": math.log1p, "expm1": math.expm1, "Abs": abs,
    "erf": math.erf, "erfc": math.erfc,
    "sign": lambda x: float(x > 0) - float(x < 0), "Max": max, "Min": min,
    "held": lambda z, end: z,
    "xlogy": lambda x, y: x * math.log(y) if x else 0.0,
}  # fmt: skip


def run(equations, values, sizes):
    """Return ``values`` (variable -> array or number) with those that the equations define."""
    values = dict(values)
    for e in equations:
        at = e.index
        if not at:
            values[e.variable] = scalar(e.rhs, {}, values, sizes)
            continue
        shape = [size(i.size, sizes) for i in at]
        result = np.empty(shape)
        for place in np.ndindex(*shape):
            result[place] = scalar(e.rhs, dict(zip(at, place, strict=True)), values, sizes)
        values[e.variable] = result
    return values


def size(e, sizes):
    return int(sp.sympify(e).xreplace({k: sp.Integer(v) for k, v in sizes.items()}))


def scalar(e, at, values, sizes):
    def inner(a):
        return scalar(a, at, values, sizes)

    if isinstance(e, Index):
        return at[e]
    if isinstance(e, Elem):
        return values[e.tensor][tuple(int(inner(p)) for p in e.index)]
    if isinstance(e, (Total, Peak, ArgPeak)):
        body, index = e.open()
        ranges = [range(size(i.size, sizes)) for i in index]
        places = list(itertools.product(*ranges))
        found = [
            scalar(body, {**at, **dict(zip(index, p, strict=True))}, values, sizes) for p in places
        ]
        if isinstance(e, Total):
            return math.fsum(found)
        return max(found) if isinstance(e, Peak) else int(np.argmax(found))
    if isinstance(e, Delta):
        return float(inner(e.args[0]) == 0)
    if isinstance(e, InRange):
        return float(0 <= inner(e.args[0]) < size(e.args[1], sizes))
    if isinstance(e, UnitStep):
        z = inner(e.args[0])
        return 1.0 if z > 0 else float(e.at_zero) if z == 0 else 0.0
    if isinstance(e, sp.Piecewise):
        return next(inner(a) for a, c in e.args if condition(c, inner))
    if isinstance(e, sp.Symbol):
        return sizes[e] if e in sizes else float(values[e])
    if e.is_number and not e.args:
        return float(e)
    args = [inner(a) for a in e.args]
    if e.is_Add:
        return math.fsum(args)
    if e.is_Mul:
        return math.prod(args)
    if e.is_Pow:
        return args[0] ** args[1]
    return FUNCTIONS[e.func.__name__](*args)


def condition(c, inner):
    if c in (sp.true, sp.false):
        return bool(c)
    if isinstance(c, sp.And):
        return all(condition(a, inner) for a in c.args)
    if isinstance(c, sp.Or):
        return any(condition(a, inner) for a in c.args)
    if isinstance(c, sp.Not):
        return not condition(c.args[0], inner)
    if isinstance(c, sp.ITE):
        return condition(c.args[1] if condition(c.args[0], inner) else c.args[2], inner)
    return bool(c.func(*(sp.Float(inner(a), 30) for a in c.args)))
