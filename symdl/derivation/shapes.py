"""The shapes of an equation written under it: x (1x8) W (8x8) + b (1x8) = y (1x8).

A sum over an index of a product of tensors is a matrix product: the factors are put in the order in
which their indices meet, and a factor that meets them the other way round is transposed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.derivation.arrays import whole
from symdl.derivation.plain_printer import plain_text
from symdl.derivation.printer import latex
from symdl.derivation.shown import Times
from symdl.errors import InputError, Mismatch, NotSupported
from symdl.formula import Equation, Formula
from symdl.notation.binders import Total
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import variables

__all__ = ["Factor", "ShapeLine", "in_one", "layers_of", "shape_lines"]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Factor:
    """What is shown, transposed or not, and its shape."""

    shown: Expr
    shape: Shape
    transposed: bool = False

    def text(self) -> str:
        """Plain text: ``W^T (8x3)``."""
        name = plain_text(self.shown) + ("^T" if self.transposed else "")
        return f"{name} ({'x'.join(map(str, self.shape))})" if self.shape else name

    def latex(self) -> str:
        """LaTeX, the shape below."""
        name = latex(self.shown) + (r"^{\top}" if self.transposed else "")
        size = r" \times ".join(map(str, self.shape))
        return rf"\underset{{{size}}}{{{name}}}" if self.shape else name


@dataclass(frozen=True)
class ShapeLine:
    """One equation: the products that are added up, and the result."""

    terms: tuple[tuple[Factor, ...], ...]
    result: Factor

    @property
    def is_product(self) -> bool:
        """True if the equation holds a matrix product."""
        return any(len(term) > 1 for term in self.terms)

    def text(self) -> str:
        """Plain text, what is computed first, the result last."""
        terms = (" · ".join(f.text() for f in term) for term in self.terms)
        return f"{' + '.join(terms)} = {self.result.text()}"

    def latex(self) -> tuple[str, str]:
        """The result and what it equals, as LaTeX."""
        terms = (r" \, ".join(f.latex() for f in term) for term in self.terms)
        return self.result.latex(), " + ".join(terms)


def shape_lines(formula: Formula, shapes: Mapping[str, Sequence[int]]) -> tuple[ShapeLine, ...]:
    """The equations of a formula with the shapes of everything in them.

    ``shapes`` gives the shape of each input and parameter by its name; a vector that is added to
    every row counts as one row.  Raises InputError where a shape is missing, and Mismatch where two
    of them do not fit together.

    >>> from symdl.catalog.layers import DENSE
    >>> for line in shape_lines(DENSE, {"x": (1, 8), "W": (8, 3), "b": (1, 3)}):
    ...     print(line.text())
    x (1x8) · W (8x3) + b (1x3) = y (1x3)
    """
    sizes = _sizes(formula, shapes)
    return tuple(_line(e, sizes) for e in formula.equations)


def in_one(lines: Sequence[ShapeLine]) -> Expr:
    """All lines put into the last one, as products of whole tensors to be shown.

    >>> from symdl.catalog.layers import DENSE_NO_BIAS
    >>> plain_text(in_one(shape_lines(DENSE_NO_BIAS, {"x": (1, 8), "W": (8, 3)})))
    'x · W'
    """
    known: dict[Expr, Expr] = {}
    for line in lines:
        if any(f.transposed for term in line.terms for f in term):
            raise NotSupported("a transposed tensor inside one expression")
        terms = (Times(*(f.shown.xreplace(known) for f in term)) for term in line.terms)
        known[line.result.shown] = sp.Add(*terms)
    return known[lines[-1].result.shown]


def layers_of(formula: Formula) -> int:
    """How many layers there are: products with a parameter, the input not counted.

    >>> from symdl.catalog.layers import DENSE
    >>> layers_of(DENSE)
    1
    """
    weights = set(formula.parameters)
    return sum(
        any(variables(total) & weights for total in e.rhs.atoms(Total)) for e in formula.equations
    )


# ----------------------------------------------------------------------------------------- sizes


def _sizes(formula: Formula, shapes: Mapping[str, Sequence[int]]) -> dict[Expr, int]:
    """The size of each axis, each with the place where it was first seen."""
    named = {v.name: v for v in formula.given if isinstance(v, TensorSymbol)}
    for name in shapes:
        if name not in named:
            raise InputError(f"there is no tensor {name}; there are: {', '.join(sorted(named))}")
    missing = sorted(set(named) - set(shapes))
    if missing:
        raise InputError(f"no shape was given for {', '.join(missing)}")
    known: dict[Expr, tuple[int, str]] = {}
    for name, v in named.items():
        start = _first_axis(shapes[name], v)
        for place, (size, number) in enumerate(_axes(v, shapes[name]), start):
            here = f"axis {place} of {name}, of shape {_written(shapes[name])},"
            have, first = known.setdefault(size, (number, here))
            if have != number:
                raise Mismatch(f"{first} has size {have}, but {here} has size {number}")
            if size.is_Integer and int(size) != number:
                raise Mismatch(f"{here} has size {number}, but the formula says {size}")
    return {size: number for size, (number, _) in known.items()}


def _first_axis(shape: Sequence[int], v: TensorSymbol) -> int:
    """The number of the first axis of ``v`` in its shape: the axis of a row such as 1x8 is 2."""
    return 2 if len(shape) > v.rank and shape[0] == 1 else 1


def _axes(v: TensorSymbol, shape: Sequence[int]) -> Iterator[tuple[Expr, int]]:
    given = tuple(shape)
    if v.rank == 1 and len(given) == 2 and 1 in given:  # a row or a column
        given = (given[0] * given[1],)
    if len(given) != v.rank:
        raise Mismatch(f"{v.name} has {v.rank} axes, but its shape is {_written(shape)}")
    return zip(v.axes, given, strict=True)


def _written(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


# ----------------------------------------------------------------------------------------- lines


def _line(e: Equation, sizes: Mapping[Expr, int]) -> ShapeLine:
    columns = len(e.index) == 1  # a vector alone is a column
    result = Factor(e.variable, _shape(e.index, sizes, columns))
    terms = tuple(_term(t, e, sizes) for t in sp.Add.make_args(e.rhs))
    order = sorted(terms, key=lambda term: len(term) == 1)  # products first
    return ShapeLine(tuple(order), result)


def _shape(index: Sequence[Index], sizes: Mapping[Expr, int], columns: bool = True) -> Shape:
    found = tuple(int(i.size) if i.size.is_Integer else sizes[i.size] for i in index)
    return found if len(found) != 1 else (*found, 1) if columns else (1, *found)


def _term(t: Expr, e: Equation, sizes: Mapping[Expr, int]) -> tuple[Factor, ...]:
    if isinstance(t, Total):
        body, _ = t.open()
        return _chain(list(sp.Mul.make_args(body)), e, sizes)
    columns = len(e.index) == 1
    if isinstance(t, Elem):
        return (Factor(t.tensor, _shape(t.index, sizes, columns)),)
    return (Factor(whole(t), _shape(e.index, sizes, columns)),)


def _chain(factors: list[Expr], e: Equation, sizes: Mapping[Expr, int]) -> tuple[Factor, ...]:
    """Order the factors of a sum: each begins with the index that the one before it ended with."""
    if not all(isinstance(f, Elem) and f.tensor.rank <= 2 for f in factors):
        raise NotSupported(f"the shapes of a sum over {sp.Mul(*factors)}")
    start = e.index[0] if e.index else None
    out: list[Factor] = []
    left, at = factors, start
    while left:
        f = next((f for f in left if at in f.index), left[0])
        turned = f.tensor.rank == 2 and f.index[0] != at
        index = tuple(reversed(f.index)) if turned else f.index
        out.append(Factor(f.tensor, _vector_or_matrix(index, at, sizes), turned))
        at = index[-1]
        left = [g for g in left if g is not f]
    return tuple(out)


def _vector_or_matrix(
    index: tuple[Index, ...], at: Index | None, sizes: Mapping[Expr, int]
) -> Shape:
    """A vector that ends a product is a column."""
    return _shape(index, sizes, columns=at is not None and index[0] == at)
