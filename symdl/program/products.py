"""Contractions as matrix products over memory as it lies: no copy, no transposition.

Neighbouring axes that lie side by side in all three arrays count as one.  What then has more than
rows, columns and one summed axis is a loop over products.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.program.ir import Contract, Read, Slot

__all__ = ["Matrix", "Product", "as_product"]

Group = tuple[str, ...]


@dataclass(frozen=True)
class Matrix:
    """An array as a matrix: the distance of its rows, and whether it lies transposed."""

    read: Read
    lead: Expr
    turned: bool


@dataclass(frozen=True)
class Product:
    """out = alpha left right + beta out, for each of loops.

    left[rows, summed], right[summed, columns], out[rows, columns]; alpha and beta are scalars
    """

    statement: Contract
    rows: Expr
    columns: Expr
    summed: Expr
    left: Matrix
    right: Matrix
    out: Matrix
    loops: tuple[str, ...]
    row_labels: Group
    column_labels: Group
    summed_labels: Group
    split: str | None = None  # the label of rows or columns of which each thread makes a part
    alpha: Expr = sp.S.One
    beta: Expr = sp.S.Zero


def as_product(s: Contract, orders: Mapping[Slot, tuple[int, ...]]) -> Product | None:
    """Return a contraction as a matrix product, or nothing where it is none.

    >>> n, i, j = sp.symbols("N D K", positive=True, integer=True)
    >>> x, W, z = Slot("x", (n, i)), Slot("W", (i, j)), Slot("z", (n, j))
    >>> s = Contract(z, ("n", "j"), Read(x, ("n", "i")), Read(W, ("i", "j")))
    >>> p = as_product(s, {x: (0, 1), W: (0, 1), z: (1, 0)})
    >>> p.rows, p.columns, p.summed, p.left.turned, p.right.turned
    (K, N, D, True, True)
    """
    target = Read(s.target, s.labels)
    if not (s.left.plain and s.right.plain):
        return None
    lists: list[list[Group]] = [
        [(n,) for n in memory(r, orders)] for r in (target, s.left, s.right)
    ]
    _merge(lists)
    out, one, two = lists
    if not out or not one or not two:
        return None
    summed = [g for g in one if g in two and g not in out]
    stray = [g for g in (*one, *two) if g not in out and g not in summed]
    if len(summed) != 1 or stray:
        return None
    for rows_of, columns_of, left, right in (
        (one, two, s.left, s.right),
        (two, one, s.right, s.left),
    ):
        rows = [g for g in out if g in rows_of and g not in columns_of]
        columns = [g for g in out if g in columns_of and g not in rows_of]
        for row, column in itertools.product(rows, columns):
            if out[-1] != column:
                continue
            unit = {*rows_of[-1:]} <= {row, summed[0]} and {*columns_of[-1:]} <= {column, summed[0]}
            if unit:
                return _product(
                    s, (row, column, summed[0]), (left, rows_of), (right, columns_of), out
                )
    return None


def memory(r: Read, orders: Mapping[Slot, tuple[int, ...]]) -> tuple[str, ...]:
    """The labels of a plain access as they lie in memory."""
    return tuple(str(r.at[k]) for k in orders[r.slot])


def _merge(lists: list[list[Group]]) -> None:
    """Join groups that lie side by side wherever either of them stands."""
    again = True
    while again:
        again = False
        for groups in lists:
            for a, b in itertools.pairwise(groups):
                if all(_beside(other, a, b) for other in lists):
                    for other in lists:
                        if a in other:
                            k = other.index(a)
                            other[k : k + 2] = [a + b]
                    again = True
                    break
            if again:
                break


def _beside(groups: Sequence[Group], a: Group, b: Group) -> bool:
    if a not in groups and b not in groups:
        return True
    return a in groups and b in groups and groups.index(b) == groups.index(a) + 1


def _product(
    s: Contract,
    roles: tuple[Group, Group, Group],
    left: tuple[Read, list[Group]],
    right: tuple[Read, list[Group]],
    out: list[Group],
) -> Product:
    row, column, summed = roles
    sizes = s.sizes
    rest = [n for g in out if g not in (row, column) for n in g]
    return Product(
        s,
        _count(row, sizes), _count(column, sizes), _count(summed, sizes),
        _matrix(left, row, summed, sizes),
        _matrix(right, summed, column, sizes),
        _matrix((Read(s.target, s.labels), out), row, column, sizes),
        tuple(rest),
        row, column, summed,
    )  # fmt: skip


def _count(group: Group, sizes: Mapping[str, Expr]) -> Expr:
    return sp.Mul(*(sizes[n] for n in group))


def _matrix(
    held: tuple[Read, list[Group]], first: Group, second: Group, sizes: Mapping[str, Expr]
) -> Matrix:
    read, groups = held
    turned = groups[-1] == first
    outer = second if turned else first
    inner = groups[groups.index(outer) + 1 :]
    return Matrix(read, sp.Mul(*(_count(g, sizes) for g in inner)), turned)
