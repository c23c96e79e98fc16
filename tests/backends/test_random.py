"""Random index equations and random bodies against plain loops."""

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from symdl.formula import Equation
from symdl.notation.binders import Peak, total
from symdl.notation.indicators import UnitStep
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import TensorSymbol
from tests.backends.check import agrees

SIZES = {size_of(name): size for name, size in (("A", 2), ("B", 3), ("C", 4))}
INDICES = [Index(name, size) for name, size in zip("ijk", SIZES, strict=True)]
INDICES += [Index(name, size) for name, size in zip("pq", SIZES, strict=False)]


@st.composite
def element(draw, name, indices):
    """A tensor of rank 0 to 3, read at some of the indices; the same one may stand twice."""
    at = draw(st.lists(st.sampled_from(indices), max_size=3))
    tensor = TensorSymbol(
        f"{name}{len(at)}" + "".join(str(i.size) for i in at), [i.size for i in at]
    )
    return tensor[tuple(at)] if at else sp.Symbol(f"{name}0", real=True)


@st.composite
def product(draw, indices):
    names = draw(st.lists(st.sampled_from("xyzuv"), min_size=1, max_size=4))
    return sp.Mul(*(draw(element(name, indices)) for name in names))


@st.composite
def body(draw, indices, depth=3):
    if depth == 0:
        return draw(element(draw(st.sampled_from("xyz")), indices))
    inner = body(indices, depth - 1)
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(inner) + draw(inner)
    if kind == 1:
        return draw(inner) * draw(inner)
    if kind == 2:
        return draw(inner) / (1 + draw(inner) ** 2)
    if kind == 3:
        return sp.tanh(draw(inner)) - sp.Rational(draw(st.integers(-3, 3)), 2)
    if kind == 4:
        return sp.Max(draw(inner), draw(inner)) * UnitStep(draw(inner), 0)
    if kind == 5:
        condition = draw(element("x", indices)) > draw(element("y", indices))
        return sp.Piecewise((draw(inner), condition), (draw(inner), True))
    if kind == 6:
        free = draw(st.sampled_from(indices))
        fresh = Index(free.name + "s", free.size)
        return total(draw(inner).xreplace({free: fresh}), fresh)
    if kind == 7:
        free = draw(st.sampled_from(indices))
        fresh = Index(free.name + "m", free.size)
        return Peak(draw(inner).xreplace({free: fresh}) + 0, fresh)
    if kind == 8:
        return sp.exp(-sp.Abs(draw(inner)))
    return draw(inner)


def check(rhs, indices, dtype):
    free = [i for i in indices if i in rhs.free_symbols]
    out = TensorSymbol("out", [i.size for i in free])
    lhs = out[tuple(free)] if free else sp.Symbol("out", real=True)
    e = Equation(lhs, rhs)
    inputs = sorted(rhs.atoms(TensorSymbol), key=str)
    inputs += sorted(
        (s for s in rhs.atoms(sp.Symbol) if type(s) is sp.Symbol and s not in SIZES), key=str
    )
    agrees([e], inputs, [e.variable], SIZES, dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@given(data=st.data())
def test_contractions(dtype, data):
    rhs = data.draw(product(INDICES))
    present = [i for i in INDICES if i in rhs.free_symbols]
    summed = data.draw(st.lists(st.sampled_from(present), unique=True)) if present else []
    order = data.draw(st.permutations([i for i in INDICES if i not in summed]))
    check(total(rhs, *summed) if summed else rhs, order, dtype)


@given(data=st.data())
def test_bodies(data):
    rhs = data.draw(body(INDICES[:3]))
    check(rhs, data.draw(st.permutations(INDICES[:3])), "float64")
