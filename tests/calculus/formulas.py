"""Random formulas of two to five equations, each reading what stands before it."""

import sympy as sp
from hypothesis import strategies as st

from symdl.calculus.adjoint import bar
from symdl.formula import Equation, Formula
from symdl.notation.binders import Total
from symdl.notation.tensors import Elem, TensorSymbol, real
from symdl.notation.walk import substitute, variables
from tests.notation.naive import MP, defined
from tests.notation.strategies import A, B, P, W, expressions, i, j, k, s, u, v

PLACES = {(): (), (A,): (i,), (B,): (j,), (A, B): (i, j)}
STAND_INS = {(): s, (A,): u, (B,): v, (A, B): W}  # the symbol that a variable is put in place of


@st.composite
def formulas(draw, kinks=True, most=5, output=None):
    """Equations h1 = ..., h2 = ..., with the last variable as the output."""
    count = draw(st.integers(2, most))
    known: list[sp.Symbol] = []
    equations: list[Equation] = []
    for n in range(count):
        shapes = sorted(PLACES, key=str)
        shape = draw(st.sampled_from(shapes))
        if n == count - 1 and output is not None:
            shape = output
        rhs = draw(expressions(scope=PLACES[shape], depth=2, kinks=kinks))
        for old in known:
            if draw(st.integers(0, 2)):
                rhs = _put_in(rhs, old)
        if known and known[-1] not in variables(rhs):
            rhs = rhs + draw(_read(known[-1], shape))
        name = f"h{n + 1}"
        new = TensorSymbol(name, shape) if shape else real(name)
        equations.append(Equation(new[PLACES[shape]] if shape else new, rhs))
        known.append(new)
    read = set().union(*(variables(e.rhs) for e in equations)) - set(known)
    inputs = sorted(read, key=str)
    return Formula(equations, output=known[-1], inputs=inputs, name="drawn")


def _put_in(e, new):
    shape = getattr(new, "axes", ())
    return substitute(e, STAND_INS[shape], lambda *at: Elem(new, *at) if shape else new)


def _read(new, shape):
    """A term that reads the variable before, so that the equations are a chain."""
    axes = getattr(new, "axes", ())
    at = [k if n == A else j for n in axes]
    if not axes:
        return st.sampled_from((new, new**2, sp.tanh(new)))
    element = Elem(new, *at)
    outside = [a for a in at if a not in PLACES[shape]]
    terms = (element**2, sp.exp(-(element**2)), element * Elem(P, k) if A in axes else element)
    summed = [Total(term, *outside) if outside else term for term in terms]
    return st.sampled_from(summed)


def with_bars(formula, world, rng):
    """The world with a random adjoint of a tensor output (a scalar one has 1)."""
    if not isinstance(formula.output, TensorSymbol):
        return world
    values = {at: MP.mpf(rng.randrange(-99, 99)) / 32 for at in world[formula.output]}
    return {**world, bar(formula.output): values}


def loss_of(formula, world):
    """sum ybar * y, or y itself."""
    there = defined(formula.equations, world)
    y = there[formula.output]
    if not isinstance(y, dict):
        return y
    return MP.fsum(world[bar(formula.output)][at] * y[at] for at in y)


def one_element(variable, world, rng):
    """The variable itself, or a random element of it at numbers."""
    if not isinstance(variable, TensorSymbol):
        return variable
    return Elem(variable, *rng.choice(sorted(world[variable])))
