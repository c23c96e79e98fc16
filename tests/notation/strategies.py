"""Random index expressions: a few tensors over two symbolic sizes, and all the notation has."""

import random

import sympy as sp
from hypothesis import settings
from hypothesis import strategies as st

from symdl.notation.binders import Peak, Total
from symdl.notation.indicators import Delta, UnitStep
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import Elem, TensorSymbol, real
from symdl.notation.walk import variables
from tests.notation.naive import random_world

A, B = size_of("A"), size_of("B")
i, k, j = Index("i", A), Index("k", A), Index("j", B)
FREE = (i, k, j)

s, t = real("s"), real("t")
q = sp.Symbol("q", positive=True)
u, v = TensorSymbol("u", (A,)), TensorSymbol("v", (B,))
W, M, T = TensorSymbol("W", (A, B)), TensorSymbol("M", (A, A)), TensorSymbol("T", (A, B, A))
P = TensorSymbol("P", (A,), positive=True)
R = TensorSymbol("R", (A, B), positive=True)
c = TensorSymbol("c", (A,), labels=B)  # c[i] is a place in the axis of size B
d = TensorSymbol("d", (B,), labels=A)

SCALARS, TENSORS, POSITIVE, LABELS = (s, t), (u, v, W, M, T), (P, R), (c, d)
SYMBOLS = (*SCALARS, q, *TENSORS, *POSITIVE, *LABELS)
SIZES = ({A: 1, B: 1}, {A: 2, B: 3}, {A: 3, B: 2})


def many(times):
    """So many times the examples of the profile, for what is quick and must not fail."""
    profile = settings.default
    assert profile is not None
    return settings(max_examples=times * profile.max_examples)


def worlds(seed, ties=False):
    """A random world at each of the sizes tried."""
    rng = random.Random(seed)
    return [random_world(rng, sizes, SYMBOLS, ties) for sizes in SIZES]


@st.composite
def places(draw, size, scope, inside=True):
    """An index expression over an axis: an index in scope, a label, a number, a shifted index."""
    own = [a for a in scope if a.size == size]
    kinds = ["index"] * 6 * bool(own) + ["label"] + ["number", "shifted"] * (not inside)
    kind = draw(st.sampled_from(kinds))
    if kind == "index":
        return draw(st.sampled_from(own))
    if kind == "shifted" and own:
        return draw(st.sampled_from(own)) + draw(st.sampled_from((-1, 1)))
    labels = {A: d, B: c}[size]
    over = [a for a in scope if a.size == labels.axes[0]]
    if kind == "label" and over:
        return Elem(labels, draw(st.sampled_from(over)))
    return Elem(labels, 0) if inside else sp.Integer(draw(st.integers(0, 1)))


@st.composite
def reads(draw, scope, tensors=TENSORS, inside=False):
    """An element of a tensor, transposed, diagonal, labelled, shifted or at a number."""
    tensor = draw(st.sampled_from(tensors))
    return Elem(tensor, *(draw(places(size, scope, inside)) for size in tensor.axes))


@st.composite
def binders(draw, scope, body, kind=Total, most=3):
    """A sum over 1 to 3 fresh indices, or a maximum over one."""
    count = draw(st.integers(1, most))
    sizes = [draw(st.sampled_from((A, B))) for _ in range(count)]
    new = tuple(Index(f"{'pqr'[n]}{len(scope)}", size) for n, size in enumerate(sizes))
    return kind(draw(body((*scope, *new))), *new)


def deltas(scope):
    """Delta of two places of one axis, sometimes with a shift or a factor 2."""
    pair = st.sampled_from((A, B)).flatmap(lambda n: st.tuples(places(n, scope), places(n, scope)))
    shift = st.sampled_from((0, 0, 0, 1, -1))
    factor = st.sampled_from((1, 1, 1, 2))
    return st.builds(lambda ab, n, m: Delta(m * ab[0] - ab[1] + n), pair, shift, factor)


@st.composite
def positives(draw, scope, depth=2):
    """Expressions that are positive wherever they can be evaluated."""
    kinds = ["symbol", "read", "square"]
    if depth > 0:
        kinds += ["exp", "product", "sum", "root", "reciprocal", "total"]
    kind = draw(st.sampled_from(kinds))
    less = {"scope": scope, "depth": depth - 1}
    if kind == "symbol":
        return q
    if kind == "read":
        return draw(reads(scope, POSITIVE, inside=True))
    if kind == "square":
        return 1 + draw(expressions(scope, depth - 1)) ** 2
    if kind == "exp":
        return sp.exp(draw(expressions(**less)))
    if kind == "product":
        return draw(positives(**less)) * draw(positives(**less))
    if kind == "sum":
        return draw(positives(**less)) + draw(positives(**less))
    if kind == "root":
        return sp.sqrt(draw(positives(**less)))
    if kind == "reciprocal":
        return 1 / draw(positives(**less))
    return draw(binders(scope, lambda inner: positives(inner, depth - 1), most=2))


@st.composite
def kinked(draw, scope, depth):
    """Functions with a kink: maxima, absolute values, steps, cases."""
    x, y = draw(expressions(scope, depth)), draw(expressions(scope, depth))
    kind = draw(st.sampled_from(("max", "min", "relu", "abs", "step", "cases", "peak")))
    if kind == "max":
        return sp.Max(x, y)
    if kind == "min":
        return sp.Min(x, y)
    if kind == "relu":
        return sp.Max(0, x)
    if kind == "abs":
        return sp.Abs(x)
    if kind == "step":
        return UnitStep(x, draw(st.sampled_from((0, 1, sp.S.Half)))) * y
    if kind == "cases":
        other = draw(reads(scope))  # cases within cases would be folded to conditions by SymPy
        return sp.Piecewise((y, other > draw(reads(scope))), (x, True))
    return draw(binders(scope, lambda inner: expressions(inner, depth), Peak, most=1))


@st.composite
def expressions(draw, scope=FREE, depth=3, kinks=True):
    """Index expressions of any kind, with free indices out of ``scope``."""
    if depth <= 0:
        numbers = st.sampled_from([sp.Rational(n, m) for n in (-2, 1, 3) for m in (1, 2)])
        return draw(st.one_of(reads(scope), reads(scope), st.sampled_from((*SCALARS, A)), numbers))
    less = {"scope": scope, "depth": depth - 1, "kinks": kinks}
    kinds = ["sum", "product", "total", "delta", "power", "log", "positive", "function"]
    kind = draw(st.sampled_from(kinds + ["kink"] * kinks + ["total", "product"]))
    if kind == "sum":
        return draw(expressions(**less)) + draw(expressions(**less))
    if kind == "product":
        return draw(expressions(**less)) * draw(expressions(**less))
    if kind == "total":
        return draw(binders(scope, lambda inner: expressions(inner, depth - 1, kinks)))
    if kind == "delta":
        return draw(deltas(scope)) * draw(expressions(**less))
    if kind == "power":
        return draw(expressions(**less)) ** draw(st.sampled_from((2, 3)))
    if kind == "log":
        return sp.log(draw(positives(scope, depth - 1)))
    if kind == "function":
        return draw(st.sampled_from((sp.tanh, sp.sin)))(draw(expressions(**less)))
    if kind == "kink":
        return draw(kinked(scope, depth - 1))
    return draw(positives(scope, depth - 1))


@st.composite
def derivatives(draw, depth=3, kinks=True):
    """An expression, and what to differentiate it for."""
    e = draw(expressions(depth=depth, kinks=kinks))
    return e, draw(targets(e))


@st.composite
def targets(draw, e):
    """What to differentiate ``e`` for: a scalar or an element that it nearly always reads.

    Elements are at free indices, at those of ``e`` itself, or at numbers.
    """
    read = sorted(variables(e) - set(LABELS), key=str)
    tensor = draw(st.sampled_from((*read, M) if len(read) < 2 else read))
    if not isinstance(tensor, TensorSymbol):
        return tensor
    where = draw(st.sampled_from(("free", "shared", "number", "number")))
    if where == "number":
        return Elem(tensor, *(draw(st.integers(0, 1)) for _ in range(tensor.rank)))
    if where == "free":
        return Elem(tensor, *(Index("abc"[n], size) for n, size in enumerate(tensor.axes)))
    own = {A: draw(st.permutations((i, k))), B: [j, j]}
    return Elem(tensor, *(own[size][n % 2] for n, size in enumerate(tensor.axes)))
