"""A walk through the whole catalogue: nothing in it is without source, domain, verdict, code."""

import random
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from symdl.backends.function import compile_function
from symdl.book.catalogue import entries
from symdl.calculus.compose import Renaming
from symdl.evidence.evaluate import World, define, precise
from symdl.notation.binders import ArgPeak, Peak, Total
from symdl.notation.indicators import UnitStep
from symdl.notation.tensors import TensorSymbol
from symdl.notation.walk import sizes_of
from symdl.training.gradient import compile_gradient

ENTRIES = entries()
DERIVED = [e for e in ENTRIES if e.has_gradient]
TOP = Path(__file__).parents[1]
KINKED = (sp.Piecewise, sp.Max, sp.Min, sp.Abs, UnitStep, Peak, ArgPeak)
SMOOTH = {"softsign": "x / (1 + |x|) has the slope 1 at 0 from both sides"}
ROOTS = {"unit_norm": "the norm of a column of zeros has no derivative"}
CTX = precise(50)
WIDTH = CTX.mpf(10) ** -17  # a central difference is exact to about 34 digits


def named(e):
    return f"{e.kind}-{e.name}".replace(" ", "_")


walk = pytest.mark.parametrize("e", ENTRIES, ids=named)
walk_derived = pytest.mark.parametrize("e", DERIVED, ids=named)


def test_names_are_unique():
    names = [e.name for e in ENTRIES]
    assert len(set(names)) == len(names) > 75


@walk
def test_it_says_where_it_comes_from_and_where_it_holds(e):
    f = e.formula
    assert f.source
    assert f.title
    assert (TOP / e.page).read_text(encoding="utf-8").startswith("# ")
    assert set(f.inputs) <= set(dict(f.domain)), "each input has its domain stated"
    for v in f.given:
        assert isinstance(f.domain_of(v), sp.Set)
        assert not f.domain_of(v).is_empty


@walk_derived
def test_its_kinks_are_stated(e):
    f = e.formula
    reads = any(eq.rhs.has(*KINKED) for eq in f.equations)
    if f.name in SMOOTH:
        assert reads
        assert not f.kinks
    else:
        assert bool(f.kinks) == (reads or f.name in ROOTS)


@walk
def test_everything_claimed_is_proved_or_says_less(e):
    assert e.ok, [(what, v) for what, v in e.verdicts if not v.ok]
    if e.has_gradient:
        levels = {v.level for what, v in e.verdicts if what.startswith(("adjoint", "gradient"))}
        assert levels == {"proved"}
        assert any(what.startswith("gradient of") for what, _ in e.verdicts)
    assert e.verdicts
    assert e.level == ("instance" if e.name == "minibatches" else "proved")


# ------------------------------------------------------------------- compiled value and gradient


def drawn(within, rng, world):
    """A number of a set; never on the kinks at whole numbers."""
    if isinstance(within, sp.FiniteSet):
        return CTX.mpf(int(rng.choice(sorted(within))))
    if isinstance(within, sp.Range):
        return rng.randrange(world.size(within.stop))
    if within in (sp.S.Naturals, sp.S.Naturals0):
        return CTX.mpf(rng.randint(1, 9))
    low = max(within.inf, -3)
    high = min(within.sup, low + 6 if low > -3 else 3)
    parts = CTX.mpf(2 * rng.randint(1, 511) + 1) / 1024
    return CTX.mpf(int(low)) + parts * int(high - low)


def a_world(f, seed):
    rng = random.Random(seed)
    read = frozenset().union(*(sizes_of(e.rhs) for e in f.equations))
    read |= {s for v in f.given if isinstance(v, TensorSymbol) for s in v.axes}
    sizes = {s: 2 + k % 3 for k, s in enumerate(sorted(read, key=str))}
    world = World(sizes, {}, CTX)
    for v in f.given:
        if v in dict(f.hyper):
            world.values[v] = CTX.mpf(str(sp.N(dict(f.hyper)[v], 50)))
        elif isinstance(v, TensorSymbol):
            places = product(*(range(world.size(s)) for s in v.axes))
            world.values[v] = {at: drawn(f.domain_of(v), rng, world) for at in places}
        else:
            world.values[v] = drawn(f.domain_of(v), rng, world)
    for a in f.assumptions:
        impose(a, world)
    return world


def impose(a, world):
    """Scale the rows of t so that sum_j t[n, j] = 1."""
    assert isinstance(a.lhs, Total)
    assert a.rhs == 1
    t = next(v for v in world.values if isinstance(v, TensorSymbol) and a.lhs.has(v))
    rows = {at[:-1] for at in world.values[t]}
    for row in rows:
        inside = [at for at in world.values[t] if at[:-1] == row]
        total = sum(world.values[t][at] for at in inside)
        for at in inside:
            world.values[t][at] /= total


def array(v, world):
    value = world.values[v]
    if not isinstance(v, TensorSymbol):
        return float(value)
    kind = np.int64 if v.labels is not None else np.float64
    out = np.zeros([world.size(s) for s in v.axes], kind)
    for at, x in value.items():
        out[at] = x
    return out


def rounded(world):
    """The same world at numbers that float64 holds."""
    values = {}
    for v, x in world.values.items():
        labels = isinstance(v, TensorSymbol) and v.labels is not None
        if isinstance(x, dict):
            values[v] = x if labels else {at: CTX.mpf(float(y)) for at, y in x.items()}
        else:
            values[v] = CTX.mpf(float(x))
    return World(world.sizes, values, CTX)


def given_of(f):
    return (*f.inputs, *f.parameters, *f.random, *(old for old, _ in f.state))


def compiled(f, world):
    """The formula as a function: sizes that no array tells are given."""
    constants = Renaming(dict(f.hyper), {})
    equations = [constants.equation(e) for e in f.equations]
    outputs = (f.output, *(new for _, new in f.state))
    told = {s for v in given_of(f) if isinstance(v, TensorSymbol) for s in v.axes}
    sizes = {s: k for s, k in world.sizes.items() if s not in told}
    return outputs, compile_function(equations, given_of(f), outputs, sizes=sizes)


@walk
@pytest.mark.parametrize("seed", [1, 2])
def test_its_code_computes_its_value(e, seed):
    f = e.formula
    world = rounded(a_world(f, seed))
    truth = define(f.equations, world)
    outputs, function = compiled(f, world)
    found = function(*(array(v, world) for v in given_of(f)))
    values = found if len(outputs) > 1 else (found,)
    for v, x in zip(outputs, values, strict=True):
        np.testing.assert_allclose(x, array(v, truth), rtol=1e-12, atol=1e-14)


@walk_derived
@pytest.mark.parametrize("seed", [3, 4])
def test_its_code_computes_its_gradient(e, seed):
    f = e.formula
    world = rounded(a_world(f, seed))
    function = compile_gradient(f)
    rng = np.random.default_rng(seed)
    weights = None
    given = [array(v, world) for v in given_of(f)]
    if isinstance(f.output, TensorSymbol):
        weights = rng.integers(-64, 65, [world.size(s) for s in f.output.axes]) / 32
        given.append(weights)
    _, *gradients = function(*given)
    for bar, found in zip(function.outputs[1:], gradients, strict=True):
        v = next(x for x in given_of(f) if f"{x.name}bar" == bar.name)
        places = [None] if not isinstance(v, TensorSymbol) else list(world.values[v])
        for at in rng.permutation(len(places))[:4]:
            place = places[at]
            ours = found if place is None else found[place]
            theirs = float(difference(f, world, v, place, weights))
            assert ours == pytest.approx(theirs, rel=1e-11, abs=1e-13), (bar, place)


def difference(f, world, v, place, weights):
    """The central difference of sum(weights * output) as written, in the naive interpreter."""
    up, down = (weighed(f, moved(world, v, place, h), weights) for h in (WIDTH, -WIDTH))
    return (up - down) / (2 * WIDTH)


def moved(world, v, place, h):
    value = world.values[v]
    new = value + h if place is None else {**value, place: value[place] + h}
    return World(world.sizes, {**world.values, v: new}, CTX)


def weighed(f, world, weights):
    out = define(f.equations, world).values[f.output]
    if weights is None:
        return out
    return sum(CTX.mpf(float(weights[at])) * x for at, x in out.items())
