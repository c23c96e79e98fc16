"""A derivation in matrix notation: recognised line by line, each form proved by expanding it back.

A line for which there is no clean matrix form stays in indices and says why.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import bar, place_of
from symdl.calculus.tree import Deriv
from symdl.derivation.derivation import Derivation
from symdl.derivation.matrix_forms import InMatrix, Leaf
from symdl.derivation.matrix_recognise import Node, NoForm, recognised
from symdl.derivation.meaning import meaning_of
from symdl.derivation.names import distinct_indices, loss_name, taken_apart
from symdl.derivation.shown import Nabla, Second, plain
from symdl.derivation.steps import Equal, Note, Step
from symdl.derivation.writing import Writing
from symdl.notation.binders import loose, rename
from symdl.notation.indices import Bound, Index, fresh
from symdl.notation.tensors import Elem, TensorSymbol, real
from symdl.notation.walk import free_indices, variables

__all__ = ["in_matrices"]


def in_matrices(d: Derivation, writing: Writing) -> Derivation:
    """The same derivation in matrix notation.

    >>> from symdl.catalog.layers import DENSE
    >>> from symdl.derivation.derive import derive
    >>> print(in_matrices(derive(DENSE, "W"), Writing("matrix")).lines[-1].sides[-1])
    X^T Ybar
    """
    matrices = _Matrices(d, writing)
    steps = tuple(matrices.step(s) for s in d.steps)
    goal, result = matrices.side_by_side(d.goal, d.result)
    meaning = {**d.meaning, **matrices.meaning}
    return replace(d, steps=steps, goal=goal, result=result, meaning=meaning)


@dataclass(frozen=True)
class _Matrices:
    """What the lines of one derivation have in common: names, and which variables are adjoints."""

    d: Derivation
    writing: Writing
    adjoints: dict[sp.Symbol, Leaf] = field(default_factory=dict)
    meaning: dict[Expr, Expr] = field(default_factory=dict)  # of the elements of those

    @cached_property
    def found(self) -> frozenset[sp.Symbol]:
        """All variables of the derivation."""
        return frozenset().union(*(variables(e) for e in self.d.expressions))

    @cached_property
    def taken(self) -> frozenset[str]:
        """Their names."""
        return frozenset(v.name for v in self.found)

    # ------------------------------------------------------------------ lines

    def step(self, s: Step) -> Step:
        """The step in matrices, or in indices with a note."""
        below = tuple(self.step(c) for c in s.children)
        try:
            return replace(self._written(s), children=below)
        except NoForm as none:
            note = Note("indices", _readable(none.culprit))
            return replace(s, children=below, notes=(*s.notes, note))

    def _written(self, s: Step) -> Step:
        place = self._place(plain(s.lhs))
        lhs = self._form(s.lhs, *place)
        sides = self._sides(s, place)
        forms = (lhs, *sides)
        if all(e.shown == lhs.shown for e in forms):
            raise NoForm(s.lhs)
        return replace(
            s,
            lhs=lhs,
            sides=tuple(e for e in sides if e.shown != lhs.shown),
            claims=(*s.claims, *(self._claim(e) for e in forms)),
            notes=tuple(self._note(n) for n in s.notes),
        )

    def _sides(self, s: Step, place: tuple[Node, Node]) -> list[InMatrix]:
        """The sides that have a form; the last one must have it."""
        out: dict[Expr, InMatrix] = {}
        for e in s.sides:
            try:
                found = self._form(e, *place)
                out.setdefault(found.shown, found)
            except NoForm:
                if e is s.sides[-1]:
                    raise
        return list(out.values())

    def _claim(self, e: InMatrix) -> Equal:
        """What the form means in indices is what it was recognised from."""
        needs = e.meant.atoms(sp.log) or any(not p.exp.is_Integer for p in e.meant.atoms(sp.Pow))
        return Equal(self._adjoint_names(plain(e)), e.expanded, self.d.given if needs else ())

    def _note(self, n: Note) -> Note:
        try:
            place = self._place(plain(n.lhs))
            return replace(n, lhs=self._form(n.lhs, *place), rhs=self._form(n.rhs, *place))
        except NoForm:
            return n

    def side_by_side(self, goal: Expr, result: Expr) -> tuple[Expr, Expr]:
        """The goal and the result, both in matrices or neither."""
        try:
            place = self._place(plain(goal))
            return self._form(goal, *place), self._form(result, *place)
        except NoForm:
            return goal, result

    # ------------------------------------------------------------------ expressions

    def _place(self, lhs: Expr) -> tuple[Node, Node]:
        """The indices of rows and columns: those of the left side, exchanged where it is turned."""
        at = lhs.wrt if isinstance(lhs, Deriv) else lhs
        index = tuple(at.index) if isinstance(at, Elem) else ()
        if isinstance(lhs, Deriv) and free_indices(lhs.expr):
            return self._second(lhs)
        free = free_indices(lhs)
        if not isinstance(at, Elem):
            index = tuple(sorted(free, key=lambda i: i.sort_key()))
        if set(index) != free or len(index) > 2 or not all(isinstance(i, Index) for i in index):
            raise NoForm(lhs)
        row, column = (*index, None, None)[:2]
        turned = self._is_adjoint(lhs) and self.writing.layout == "numerator"
        return (column, row) if turned else (row, column)

    def _second(self, lhs: Deriv) -> tuple[Node, Node]:
        """A Hessian, or the Jacobian of a vector for a vector."""
        y, x = lhs.expr, lhs.wrt
        y = y.wrt if isinstance(y, Deriv) else y
        if not (_is_vector(y) and _is_vector(x)) or y.index == x.index:
            raise NoForm(lhs)
        pair = (y.index[0], x.index[0])
        return pair if self.writing.layout == "numerator" else pair[::-1]

    def _form(self, e: Expr, row: Node, column: Node) -> InMatrix:
        form = recognised(self._adjoint_names(plain(e)), row, column, self._leaf)
        return InMatrix(form, e, row or sp.S.Zero, column or sp.S.Zero)

    def _adjoint_names(self, e: Expr) -> Expr:
        """Derivatives as elements of tensors of their own."""
        if isinstance(e, Deriv):
            return self._named(e)
        if not e.has(Deriv):
            return e
        return e.func(*(self._adjoint_names(a) for a in e.args))

    def _named(self, e: Deriv) -> Expr:
        y, x = e.expr, e.wrt
        index = tuple(x.index) if isinstance(x, Elem) else ()
        axes = x.tensor.axes if isinstance(x, Elem) else ()
        inner = y.wrt if isinstance(y, Deriv) else y
        if _free(y):
            if not (_is_vector(inner) and _is_vector(x)) or inner.index == index:
                raise NoForm(e)
            index, axes = (*inner.index, *index), (*inner.tensor.axes, *axes)
        shown = self._shown(e)
        name = f"_{shown}"
        v = TensorSymbol(name, axes) if axes else real(name)
        jacobian = len(axes) == 2 and _is_vector(x)
        turned = self.writing.layout == ("denominator" if jacobian else "numerator")
        self.adjoints[v] = Leaf(v, shown, turned and bool(axes))
        at = place_of(v)
        value = meaning_of(e, self.d.meaning)
        if value is not None:
            pairs = zip(index, at.index, strict=True) if axes else ()
            self.meaning[at] = rename(value, dict(pairs))
        return Elem(v, *index) if index else v

    def _shown(self, e: Deriv) -> Expr:
        """dL/dW in the names of the matrices and in the style asked for."""
        x = self._name(e.variable)
        if isinstance(e.expr, Deriv):  # a second derivative
            return Second(e.expr.expr, self._name(e.expr.variable), x)
        y = self._whole(e.expr)
        local = _free(e.expr)
        if self.writing.style == "nabla" and not local:
            return Nabla(y, x)
        if self.writing.style == "bar" and not local:
            return self._name(bar(e.variable))
        return e.func(y, x)

    def _whole(self, e: Expr) -> Expr:
        """What is differentiated, in matrices."""
        if isinstance(e, sp.Symbol):
            return e
        if isinstance(e, Elem):
            return self._name(e.tensor)
        return recognised(e, None, None, self._leaf)

    # ------------------------------------------------------------------ names

    def _leaf(self, v: sp.Symbol) -> Leaf:
        if v in self.adjoints:
            return self.adjoints[v]
        u = self._bars.get(v)
        if u is None or self.writing.style in (None, "bar"):
            turned = u is not None and self.writing.layout == "numerator"
            return Leaf(v, self._name(v), turned)
        of = Nabla if self.writing.style == "nabla" else Deriv
        turned = self.writing.layout == "numerator"
        return Leaf(v, of(self._loss, self._name(u)), turned)

    @cached_property
    def _bars(self) -> dict[sp.Symbol, sp.Symbol]:
        """The variable of each adjoint."""
        return {bar(v): v for v in self.found}

    @cached_property
    def _loss(self) -> sp.Symbol:
        return loss_name(self.found)

    def _is_adjoint(self, lhs: Expr) -> bool:
        return isinstance(lhs, Deriv) or (isinstance(lhs, Elem) and lhs.tensor in self._bars)

    def _name(self, v: sp.Symbol) -> sp.Symbol:
        """A matrix has a capital letter where no other variable has that name."""
        owner, dot, local = v.name.rpartition(".")
        base = taken_apart(local).base
        capital = f"{owner}{dot}{base.upper()}{local[len(base) :]}"
        fits = isinstance(v, TensorSymbol) and v.rank == 2 and len(base) == 1 and base.isascii()
        return real(capital if fits and capital not in self.taken else v.name)


def _readable(e: Expr) -> Expr:
    """An expression from inside of a sum, with names for the indices of the sum."""
    opened = rename(e, {b: fresh(b.size) for b in loose(e)})
    return rename(opened, distinct_indices((opened,)))


def _is_vector(e: Expr) -> bool:
    return isinstance(e, Elem) and e.tensor.rank == 1 and isinstance(e.index[0], (Index, Bound))


def _free(e: Expr) -> bool:
    """True if ``e`` reads an index from outside."""
    return bool(free_indices(e) or loose(e))
