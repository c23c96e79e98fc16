"""Random rewrites of an expression: some that keep its value, and mistakes that people make."""

import sympy as sp
from hypothesis import reject
from hypothesis import strategies as st
from sympy.core.relational import Relational

from symdl.calculus.contract import contract
from symdl.notation.binders import Binder, Total, rename
from symdl.notation.indices import Bound, Index, fresh
from symdl.notation.normal import normal
from symdl.notation.tensors import Elem
from tests.notation.strategies import A, i, k, q, s


def regrouped(e):
    """Sums of products multiplied out by SymPy, outside binders."""
    return sp.expand(e)


def split(e):
    """Each sum of a sum is a sum of sums."""
    if not isinstance(e, Total):
        return e.func(*map(split, e.args)) if e.args and not isinstance(e, (Elem, Binder)) else e
    body, index = e.open()
    return sp.Add(*(Total(part, *index) for part in sp.Add.make_args(sp.expand(body))))


def reopened(e):
    """Every binder opened, and closed in another order."""
    if not isinstance(e, Binder):
        return e.func(*map(reopened, e.args)) if e.args and not isinstance(e, Elem) else e
    body, index = e.open()
    return e.func(reopened(body), *reversed(index))


def through_a_delta(e):
    """f(i) is the sum over a fresh index of delta(i, r) f(r)."""
    if i not in e.free_symbols:
        return e
    r = fresh(A)
    return Total(sp.Mul(_delta(i, r), rename(e, {i: r})), r)


def _delta(a, b):
    from symdl.notation.indicators import Delta

    return Delta(a - b)


def under_a_fraction(e):
    """e (q + s^2 + 1) / (q + s^2 + 1)."""
    return sp.Mul(e * (q + s**2 + 1), 1 / (q + s**2 + 1), evaluate=False)


SAME = (regrouped, split, reopened, through_a_delta, under_a_fraction, contract, normal)


@st.composite
def mistaken(draw, e):
    """One mistake somewhere inside: a wrong sign, index, factor or power, a lost term."""
    paths = list(_paths(e))
    path = draw(st.sampled_from(paths))
    try:
        return _changed(e, path, draw)
    except ValueError:  # SymPy refuses what is not real
        reject()


def _paths(e, at=()):
    if isinstance(e, sp.Expr):  # not a condition, nor a pair of a value and its condition
        yield at
    if not isinstance(e, (Elem, Relational)):
        for n, a in enumerate(e.args):
            if not isinstance(a, (Index, Bound)):
                yield from _paths(a, (*at, n))


def _changed(e, path, draw):
    if path:
        n, *rest = path
        args = list(e.args)
        args[n] = _changed(args[n], rest, draw)
        return e.func(*args)
    if isinstance(e, Elem):
        return draw(st.sampled_from(_misread(e)))
    if isinstance(e, Total):
        return draw(st.sampled_from((-e, e / e.bounds[0].size, Total(e.body**2, *e.bounds))))
    if (e.is_Add or e.is_Mul) and draw(st.booleans()):
        return e.func(*e.args[1:])
    return draw(st.sampled_from((-e, 2 * e, e + sp.Rational(1, 1000)))) if e.is_Rational else -e


def _misread(e):
    """Another index of the same axis, two places exchanged, or a wrong sign."""
    out = [-e]
    for n, a in enumerate(e.index):
        for other in (i, k):
            if e.tensor.axes[n] == other.size and a != other:
                out.append(Elem(e.tensor, *e.index[:n], other, *e.index[n + 1 :]))
    if len(set(e.tensor.axes)) < len(e.tensor.axes):
        out.append(Elem(e.tensor, *reversed(e.index)))
    return out
