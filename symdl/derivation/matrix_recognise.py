"""Recognise a matrix form in an index expression.

A sum of products is a network: its indices are the nodes, a factor that reads two of them is an
edge, one that reads a single index is a weight at that node.  Summing over an index with at most
two neighbours is a matrix product, two edges between the same nodes are a Hadamard product; what
cannot be reduced so has no clean matrix form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import sympy as sp
from sympy.core.expr import Expr

from symdl.derivation.matrix_forms import (
    Apply,
    Diag,
    Dot,
    Eye,
    Form,
    Hadamard,
    Leaf,
    Ones,
    Plus,
    Raised,
    Scaled,
    Transposed,
)
from symdl.derivation.order import factors, terms
from symdl.notation.binders import Binder, Total
from symdl.notation.indicators import Delta, UnitStep
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import free_indices

__all__ = ["Naming", "NoForm", "recognised"]

Naming = Callable[[sp.Symbol], Leaf]
Node = Index | None  # None stands for an axis of size 1


class NoForm(Exception):
    """There is no clean matrix form: ``culprit`` is the part that has none."""

    def __init__(self, culprit: Expr) -> None:
        super().__init__(str(culprit))
        self.culprit = culprit


def recognised(e: Expr, row: Node, column: Node, leaf: Naming = lambda v: Leaf(v, v)) -> Form:
    """The matrix whose element in ``row`` and ``column`` is ``e``; a missing one has size 1.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> n, i, j = indices("n:N i:D j:K")
    >>> x, g = tensors("x[n,i] g[n,j]", n, i, j)
    >>> recognised(Total(x[n, i] * g[n, j], n), i, j).func.__name__
    'Dot'
    """
    if not free_indices(e) <= {row, column}:
        raise NoForm(e)
    return _Recognition(leaf).matrix(e, row, column)


@dataclass
class _Network:
    """Weights at the nodes, edges between them (each held in one direction), and scalars."""

    scalars: list[Expr] = field(default_factory=list)
    weights: dict[Index, Form] = field(default_factory=dict)
    edges: dict[tuple[Index, Index], Form] = field(default_factory=dict)

    def weigh(self, i: Index, vector: Form) -> None:
        self.weights[i] = Hadamard(self.weights[i], vector) if i in self.weights else vector

    def join(self, i: Index, k: Index, matrix: Form) -> None:
        if (k, i) in self.edges:
            i, k, matrix = k, i, Transposed(matrix)
        have = self.edges.get((i, k))
        self.edges[i, k] = matrix if have is None else _parallel(have, matrix)

    def take(self, i: Index, k: Index) -> Form:
        """Remove the edge between two nodes; it is given with the rows of ``i``."""
        if (i, k) in self.edges:
            return self.edges.pop((i, k))
        return Transposed(self.edges.pop((k, i)))

    def neighbours(self, i: Index) -> list[Index]:
        return [a if b == i else b for a, b in self.edges if i in (a, b)]

    def reduce(self, i: Index, whole: Expr) -> None:
        """Sum over the index ``i``."""
        near = self.neighbours(i)
        weight = self.weights.pop(i, None)
        if len(near) > 2:
            raise NoForm(whole)
        if len(near) == 2:
            left, right = self.take(near[0], i), self.take(i, near[1])
            middle = () if weight is None else (Diag(weight),)
            self.join(near[0], near[1], Dot(left, *middle, right))
        elif near:
            column = Ones(i.size, sp.S.One) if weight is None else weight
            self.weigh(near[0], Dot(self.take(near[0], i), column))
        elif weight is None:
            self.scalars.append(i.size)
        else:
            self.scalars.append(_summed(weight))


def _parallel(a: Form, b: Form) -> Form:
    """Two edges between the same nodes."""
    if isinstance(a, Eye):
        return b if isinstance(b, Eye) else _on_the_diagonal(b)
    return _on_the_diagonal(a) if isinstance(b, Eye) else Hadamard(a, b)


def _on_the_diagonal(a: Form) -> Form:
    if isinstance(a, Diag):
        return a
    raise NoForm(a)


def _summed(weight: Form) -> Form:
    """The sum of the elements of a column: 1^T v, or u^T v for a product."""
    if isinstance(weight, Hadamard) and len(weight.args) == 2:
        return Dot(Transposed(weight.args[0]), weight.args[1])
    return Dot(Ones(sp.S.One, weight.shape[0]), weight)


@dataclass(frozen=True)
class _Recognition:
    leaf: Naming

    def matrix(self, e: Expr, row: Node, column: Node) -> Form:
        """The form of ``e``, of one row or column where there is no index for them."""
        if e.is_Add:
            return Plus(*(self._term(negative, t, row, column) for negative, t in terms(e)))
        network = _Network()
        bound: list[Index] = []
        for f in factors(list(_factors(e, bound))):
            self._put(network, f, (row, column))
        while bound:
            i = min(bound, key=lambda k: len(network.neighbours(k)))
            bound.remove(i)
            network.reduce(i, e)
        return _assembled(network, row, column)

    def _term(self, negative: bool, t: Expr, row: Node, column: Node) -> Form:
        form = self.matrix(t, row, column)
        return _scaled([sp.S.NegativeOne], form) if negative else form

    def _put(self, network: _Network, f: Expr, first: tuple[Node, Node]) -> None:
        free = sorted(free_indices(f), key=lambda i: i.sort_key())
        if len(free) > 2:
            raise NoForm(f)
        if not free:
            network.scalars.append(f if not f.has(Elem, Binder) else self.atom(f, None, None))
        elif len(free) == 1:
            network.weigh(free[0], self.atom(f, free[0], None))
        else:
            i, k = _direction(f, free, first)
            network.join(i, k, self.atom(f, i, k))

    def atom(self, f: Expr, row: Node, column: Node) -> Form:
        """A factor that is no product and no sum over an index."""
        if isinstance(f, Elem):
            return self._read(f, row, column)
        if isinstance(f, Delta) and _compares(f, row, column):
            return Eye(_size(row))
        if isinstance(f, Total):
            body, index = f.open()
            parts = [Total(t, *index) for t in body.args] if _is_wide(body) else [f]
            return self.matrix(sp.Add(*parts), row, column)
        if f.is_Add:
            return self.matrix(f, row, column)
        if f.is_Pow and f.exp.is_Rational:
            return Raised(self.matrix(f.base, row, column), f.exp)
        if isinstance(f, (sp.Function, sp.Pow, UnitStep)) and not isinstance(f, sp.Piecewise):
            return Apply(f.func(*(self._argument(a, row, column) for a in f.args)))
        raise NoForm(f)

    def _argument(self, a: Expr, row: Node, column: Node) -> Expr:
        return self.matrix(a, row, column) if a.has(Elem, Binder) else a

    def _read(self, f: Elem, row: Node, column: Node) -> Form:
        leaf = self.leaf(f.tensor)
        here = tuple(i for i in (row, column) if i is not None)
        if f.index == here and f.tensor.rank <= 2:
            return _upright(leaf, f.tensor)
        if f.index == here[::-1] and f.tensor.rank == 2:
            return Transposed(_upright(leaf, f.tensor))
        raise NoForm(f)


def _compares(f: Delta, row: Node, column: Node) -> bool:
    """True for the Kronecker delta of the two indices."""
    if row is None or column is None:
        return False
    return f.args[0] in (row - column, column - row)


def _direction(f: Expr, free: list[Index], first: tuple[Node, Node]) -> tuple[Index, ...]:
    """The order in which the matrices in ``f`` name its two indices."""
    if set(first) == set(free):
        return tuple(i for i in first if i is not None)
    found = [a.index for a in f.atoms(Elem) if set(a.index) == set(free)]
    return min(found, key=str, default=tuple(free))


def _upright(leaf: Leaf, v: TensorSymbol) -> Form:
    """The tensor with its own rows first, however its name is laid out."""
    return Transposed(leaf) if leaf.args[2] else leaf


def _factors(e: Expr, bound: list[Index]) -> Iterable[Expr]:
    """The factors of a product, those inside of sums over an index too."""
    for f in sp.Mul.make_args(e):
        if isinstance(f, Total):
            body, index = f.open()
            if not _is_wide(body):
                bound += index
                yield from _factors(body, bound)
                continue
        yield f


def _is_wide(body: Expr) -> bool:
    """True for a sum of terms that read more than two indices together: each is summed alone."""
    return bool(body.is_Add) and len(free_indices(body)) > 2


def _assembled(network: _Network, row: Node, column: Node) -> Form:
    u = network.weights.get(row) if row is not None else None
    v = network.weights.get(column) if column is not None else None
    if row is not None and column is not None and network.edges:
        middle = network.take(row, column)
        left = () if u is None else (Diag(u),)
        right = () if v is None else (Diag(v),)
        return _scaled(network.scalars, Dot(*left, middle, *right))
    scalars = network.scalars
    if row is None and column is None:
        forms = [f for f in scalars if isinstance(f, Form)] or [Ones(sp.S.One, sp.S.One)]
        return _scaled([*_without(scalars, forms[0])], forms[0])
    if u is None and v is None:
        return _scaled(scalars, Ones(_size(row), _size(column)))
    left = Ones(_size(row), sp.S.One) if u is None else u
    right = Ones(_size(column), sp.S.One) if v is None else v
    if column is None:
        return _scaled(scalars, left)
    return _scaled(scalars, Transposed(right) if row is None else Dot(left, Transposed(right)))


def _without(found: list[Expr], one: Expr) -> list[Expr]:
    return [f for f in found if f is not one]


def _size(i: Node) -> Expr:
    return sp.S.One if i is None else i.size


def _scaled(found: list[Expr], form: Form) -> Form:
    """A form times scalars; those that are in it already come to the front."""
    while isinstance(form, Scaled):
        found, form = [*found, form.args[0]], form.args[1]
    return Scaled(sp.Mul(*found), form)
