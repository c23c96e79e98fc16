"""What an expression means, by plain loops: shares nothing with the code that it judges."""

import itertools

import mpmath
import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p

from symdl.notation.binders import ArgPeak, Binder, Peak, Total
from symdl.notation.functions import erfc, held, xlogy
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.notation.indices import Bound, Index
from symdl.notation.tensors import Elem, TensorSymbol

MP = mpmath.mp.clone()
MP.dps = 100


def log(x):
    if x <= 0:
        raise ValueError(f"the logarithm of {x}")
    return MP.log(x)


FUNCTIONS = {
    sp.exp: MP.exp, sp.log: log, sp.tanh: MP.tanh, sp.sin: MP.sin, sp.cos: MP.cos,
    sp.Abs: abs, sp.sign: MP.sign, sp.erf: MP.erf, sp.erfc: MP.erfc, erfc: MP.erfc,
    sp.floor: MP.floor, log1p: lambda x: log(1 + x),
    expm1: lambda x: MP.exp(x) - 1, sp.Max: max, sp.Min: min, sp.sinh: MP.sinh, sp.cosh: MP.cosh,
    held: lambda z, end: z,
    xlogy: lambda x, y: MP.mpf(0) if x == 0 else x * log(y),
    Delta: lambda e: MP.mpf(e == 0),
    InRange: lambda e, size: MP.mpf(0 <= e < size),
    UnitStep: lambda z, zero: MP.mpf(1) if z > 0 else zero if z == 0 else MP.mpf(0),
}  # fmt: skip
COMPARE = {
    sp.StrictGreaterThan: lambda a, b: a > b, sp.GreaterThan: lambda a, b: a >= b,
    sp.StrictLessThan: lambda a, b: a < b, sp.LessThan: lambda a, b: a <= b,
    sp.Eq: lambda a, b: a == b, sp.Ne: lambda a, b: a != b,
}  # fmt: skip


def value(e, world):
    """The value of ``e`` where sizes, scalars, free indices and elements are as ``world`` says."""
    if e in world:
        return world[e]
    if e.is_Rational:
        return MP.mpf(int(e.p)) / int(e.q)
    if e.is_Float:
        return MP.mpf(e._mpf_)
    if e.is_NumberSymbol:
        return {sp.E: MP.e, sp.pi: MP.pi}[e] + MP.mpf(0)
    if isinstance(e, Elem):
        at = tuple(int(value(a, world)) for a in e.index)
        axes = [int(value(s, world)) for s in e.tensor.axes]
        inside = all(0 <= a < n for a, n in zip(at, axes, strict=True))
        return world[e.tensor][at] if inside else MP.mpf(0)
    if isinstance(e, Binder):
        ranges = [range(int(value(b.size, world))) for b in e.bounds]
        bodies = [
            value(e.body, {**world, **dict(zip(e.bounds, at, strict=True))})
            for at in itertools.product(*ranges)
        ]
        folds = {Total: MP.fsum, Peak: max, ArgPeak: lambda v: v.index(max(v))}
        return folds[type(e)](bodies)
    if isinstance(e, sp.Piecewise):
        return next(value(v, world) for v, c in e.args if holds(c, world))
    args = [value(a, world) for a in e.args]
    if e.is_Add:
        return MP.fsum(args)
    if e.is_Mul:
        return MP.fprod(args)
    if type(e) is sp.Pow:
        if args[0] < 0 and not e.exp.is_Integer:
            raise ValueError(f"the power {e.exp} of a negative number")
        return MP.power(*args)
    return FUNCTIONS[type(e)](*args)


def holds(c, world):
    """Whether the condition of a case is true."""
    if c == sp.true:
        return True
    if isinstance(c, sp.And):
        return all(holds(a, world) for a in c.args)
    if isinstance(c, sp.Or):
        return any(holds(a, world) for a in c.args)
    if isinstance(c, sp.Not):
        return not holds(c.args[0], world)
    return COMPARE[type(c)](*(value(a, world) for a in c.args))


def defined(equations, world):
    """The world with the variables that the equations define, in their order."""
    world = dict(world)
    for e in equations:
        if not isinstance(e.lhs, Elem):
            world[e.lhs] = value(e.rhs, world)
            continue
        ranges = [range(int(value(s, world))) for s in e.variable.axes]
        world[e.variable] = {
            at: value(e.rhs, {**world, **dict(zip(e.index, at, strict=True))})
            for at in itertools.product(*ranges)
        }
    return world


def free(e):
    """The free indices of an expression; a bound one has no business there."""
    assert not any(isinstance(a, Bound) for a in e.free_symbols), f"a bound index leaks from {e}"
    return {a for a in e.free_symbols if isinstance(a, Index)}


def placements(es, world):
    """The world at every position of the free indices of the expressions."""
    index = sorted(set().union(*map(free, es)), key=str)
    for at in itertools.product(*(range(int(value(i.size, world))) for i in index)):
        yield {**world, **dict(zip(index, at, strict=True))}


def slope(function, world, wrt, step=None):
    """d function(world) / d wrt by a central difference, to about 50 digits."""
    step = step or MP.mpf(10) ** -30

    def at(shift):
        if not isinstance(wrt, Elem):
            return function({**world, wrt: world[wrt] + shift})
        where = tuple(int(value(a, world)) for a in wrt.index)
        tensor = dict(world[wrt.tensor])
        if where in tensor:  # outside the axes there is nothing to move
            tensor[where] += shift
        return function({**world, wrt.tensor: tensor})

    return (at(step) - at(-step)) / (2 * step)


def close(a, b, digits=40):
    """Equal to that many digits (absolute below 1)."""
    return abs(a - b) <= MP.mpf(10) ** -digits * max(1, abs(a), abs(b))


def random_world(rng, sizes, symbols, ties=False):
    """Draw values, labels and positive ones as declared.

    They have too many digits for ties, or so few that zeros and equal values are common.
    """
    world = {s: MP.mpf(n) for s, n in sizes.items()}

    def draw(s):
        if getattr(s, "labels", None) is not None:
            return rng.randrange(int(value(s.labels, world)))
        number = MP.mpf(rng.randrange(1, 10**30)) / 10**30
        positive = s.is_positive or getattr(s, "positive_elements", False)
        if ties:
            return MP.mpf(rng.randrange(1, 3) if positive else rng.randrange(-1, 2))
        if positive:
            return number + MP.mpf("0.1")
        return rng.choice((-1, 1)) * (number + MP.mpf("0.05"))

    for s in symbols:
        if isinstance(s, TensorSymbol):
            ranges = [range(int(value(a, world))) for a in s.axes]
            world[s] = {at: draw(s) for at in itertools.product(*ranges)}
        else:
            world[s] = draw(s)
    return world
