"""Matrix expressions: what each one means in indices.

A vector is a column.  ``element(form, row, column)`` writes a form back in index notation by the
definition of each operation; it knows nothing of how a form was recognised, so it judges that.
"""

from __future__ import annotations

import itertools
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.derivation.shown import InPlaceOf
from symdl.errors import Mismatch
from symdl.notation.binders import Total
from symdl.notation.indicators import Delta
from symdl.notation.indices import fresh
from symdl.notation.tensors import Elem, TensorSymbol

__all__ = [
    "Apply",
    "Diag",
    "Dot",
    "Eye",
    "Form",
    "Hadamard",
    "InMatrix",
    "Leaf",
    "Ones",
    "Plus",
    "Raised",
    "Scaled",
    "Transposed",
    "element",
]

Shape = tuple[Expr, Expr]


class Form(Expr):
    """Common to all matrix expressions; they are written, not calculated with."""

    is_commutative = True
    is_real = True
    __slots__ = ()

    @property
    def shape(self) -> Shape:
        """Rows and columns."""
        return self.args[0].shape

    def _sympystr(self, printer: Any) -> str:
        from symdl.derivation.plain_printer import plain_text

        return plain_text(self)

    def at(self, row: Expr, column: Expr) -> Expr:
        """The element in that row and column, in index notation."""
        raise NotImplementedError


def element(form: Form, row: Expr = sp.S.Zero, column: Expr = sp.S.Zero) -> Expr:
    """The element of a form in index notation; an axis of size 1 is read at 0.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> n, i = indices("n:N i:D")
    >>> x, w = (Leaf(v, v) for v in tensors("x[n,i] w[i]", n, i))
    >>> element(Dot(x, w), n)
    sum[i](w[i]*x[n, i])
    """
    return form.at(row, column)


class Leaf(Form):
    """A scalar, a vector or a matrix, and the symbol under which it is shown.

    ``turned``: the derivative for a matrix in numerator layout, whose rows are the columns of it.
    """

    __slots__ = ()

    def __new__(cls, v: sp.Symbol, shown: Expr, turned: bool = False) -> Any:
        return Expr.__new__(cls, v, shown, sp.true if turned else sp.false)

    @property
    def axes(self) -> tuple[Expr, ...]:
        """The sizes of the tensor's axes."""
        v = self.args[0]
        return v.axes if isinstance(v, TensorSymbol) else ()

    @property
    def shape(self) -> Shape:
        rows, columns = (*self.axes, sp.S.One, sp.S.One)[:2]
        return (columns, rows) if self.args[2] else (rows, columns)

    def at(self, row: Expr, column: Expr) -> Expr:
        v = self.args[0]
        place = (column, row) if self.args[2] else (row, column)
        return Elem(v, *place[: len(self.axes)]) if self.axes else v


class Ones(Form):
    """All elements are 1."""

    __slots__ = ()

    @property
    def shape(self) -> Shape:
        return self.args

    def at(self, row: Expr, column: Expr) -> Expr:
        return sp.S.One


class Eye(Form):
    """The identity matrix."""

    __slots__ = ()

    @property
    def shape(self) -> Shape:
        return self.args[0], self.args[0]

    def at(self, row: Expr, column: Expr) -> Expr:
        return Delta(row - column)


class Transposed(Form):
    """Rows and columns exchanged."""

    __slots__ = ()

    def __new__(cls, form: Form) -> Any:
        if isinstance(form, Transposed):
            return form.args[0]
        if isinstance(form, (Diag, Eye)):
            return form
        if isinstance(form, Ones):
            return Ones(*reversed(form.args))
        if isinstance(form, Dot):
            return Dot(*(Transposed(f) for f in reversed(form.args)))
        if isinstance(form, Scaled):
            return Scaled(form.args[0], Transposed(form.args[1]))
        if form.shape == (1, 1):
            return form
        return Expr.__new__(cls, form)

    @property
    def shape(self) -> Shape:
        rows, columns = self.args[0].shape
        return columns, rows

    def at(self, row: Expr, column: Expr) -> Expr:
        return element(self.args[0], column, row)


class Dot(Form):
    """The matrix product."""

    __slots__ = ()

    def __new__(cls, *forms: Form) -> Any:
        flat = [g for f in forms for g in (f.args if isinstance(f, Dot) else (f,))]
        flat = [f for f in flat if not isinstance(f, Eye)] or flat[:1]
        for left, right in itertools.pairwise(flat):
            if left.shape[1] != right.shape[0]:
                raise Mismatch(f"the product of matrices of shapes {left.shape} and {right.shape}")
        return flat[0] if len(flat) == 1 else Expr.__new__(cls, *flat)

    @property
    def shape(self) -> Shape:
        return self.args[0].shape[0], self.args[-1].shape[1]

    def at(self, row: Expr, column: Expr) -> Expr:
        left, right = self.args[0], self.args[1:]
        rest = Dot(*right)
        size = left.shape[1]
        if size == 1:
            return element(left, row) * element(rest, sp.S.Zero, column)
        k = fresh(size)
        return Total(element(left, row, k) * element(rest, k, column), k)


class Diag(Form):
    """The diagonal matrix of a vector."""

    __slots__ = ()

    def __new__(cls, vector: Form) -> Any:
        if vector.shape[1] != 1:
            raise Mismatch(f"Diag needs a column, not the shape {vector.shape}")
        return Expr.__new__(cls, vector)

    @property
    def shape(self) -> Shape:
        size = self.args[0].shape[0]
        return size, size

    def at(self, row: Expr, column: Expr) -> Expr:
        return Delta(row - column) * element(self.args[0], row)


class _SameShape(Form):
    """What is done element by element to forms of one shape."""

    __slots__ = ()

    def __new__(cls, *forms: Form) -> Any:
        flat = [g for f in forms for g in (f.args if isinstance(f, cls) else (f,))]
        if len({f.shape for f in flat}) > 1:
            raise Mismatch(f"shapes that differ: {', '.join(str(f.shape) for f in flat)}")
        return flat[0] if len(flat) == 1 else Expr.__new__(cls, *flat)


class Hadamard(_SameShape):
    """The product element by element."""

    __slots__ = ()

    def at(self, row: Expr, column: Expr) -> Expr:
        return sp.Mul(*(element(f, row, column) for f in self.args))


class Plus(_SameShape):
    """The sum."""

    __slots__ = ()

    def at(self, row: Expr, column: Expr) -> Expr:
        return sp.Add(*(element(f, row, column) for f in self.args))


class Scaled(Form):
    """A matrix times a scalar: a number, a symbol, or a form of shape 1 x 1."""

    __slots__ = ()

    def __new__(cls, c: Expr, form: Form) -> Any:
        return form if c == 1 else Expr.__new__(cls, c, form)

    @property
    def shape(self) -> Shape:
        return self.args[1].shape

    def at(self, row: Expr, column: Expr) -> Expr:
        c, form = self.args
        return _scalar(c) * element(form, row, column)


class Raised(Form):
    """Each element raised to a number."""

    __slots__ = ()

    def at(self, row: Expr, column: Expr) -> Expr:
        return element(self.args[0], row, column) ** self.args[1]


class Apply(Form):
    """A function of each element: ``Apply(exp(Z))``; scalars in it stay what they are."""

    __slots__ = ()

    @property
    def shape(self) -> Shape:
        return next(a for a in self.args[0].args if isinstance(a, Form)).shape

    def at(self, row: Expr, column: Expr) -> Expr:
        e = self.args[0]
        return e.func(*(element(a, row, column) if isinstance(a, Form) else a for a in e.args))


def _scalar(c: Expr) -> Expr:
    """A scalar in index notation, forms of shape 1 x 1 in it written out."""
    if isinstance(c, Form):
        return element(c)
    return c.func(*map(_scalar, c.args)) if c.has(Form) else c


class InMatrix(InPlaceOf):
    """A matrix form in place of the index expression that it was recognised from.

    ``args`` are the form, the index expression, and the indices of rows and columns.
    """

    __slots__ = ()

    @property
    def expanded(self) -> Expr:
        """The form written back in index notation."""
        return element(self.shown, *self.args[2:])
