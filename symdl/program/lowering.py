"""The pass ``lower``: equations become statements over named axes."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import NotSupported
from symdl.formula import Equation, Variable
from symdl.notation.binders import ArgPeak, Binder, Peak, Total, letters
from symdl.notation.indices import Bound, Index
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import is_size
from symdl.program.contraction import Factor, lower_product
from symdl.program.ir import (
    Gather,
    Map,
    Operand,
    Place,
    Program,
    Read,
    Reduce,
    Slot,
    Stage,
    Statement,
    operand,
)

__all__ = ["lower"]


def lower(
    equations: Sequence[Equation],
    keep: Collection[Variable],
    hints: Mapping[Expr, int] | None = None,
) -> Program:
    """Lower equations; ``hints`` are likely sizes, by which the order of products is chosen.

    >>> import sympy as sp
    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> from symdl.notation.binders import total
    >>> n, i, j = indices("n:N i:D j:K")
    >>> x, W, b, z = tensors("x[n,i] W[i,j] b[j] z[n,j]", n, i, j)
    >>> dense = Equation(z[n, j], total(x[n, i] * W[i, j], i) + b[j])
    >>> print(lower([dense], {z}))
    t1[n,j] = contract W[i,j] x[n,i]
    z[n,j] = b[j] + t1[n,j]
    """
    work = Lowering(equations, hints or {})
    for equation in equations:
        work.equation(equation)
    kept = tuple(work.slot(v) for v in sorted(keep, key=str))
    count = len(work.statements)
    statements = tuple(work.statements)
    stage = Stage("lower", f"{len(equations)} equations became {count} statements", statements)
    return Program(statements, kept, dict(work.slots), (stage,))


class Lowering:
    """The statements so far, and the slot of each variable."""

    def __init__(self, equations: Sequence[Equation], hints: Mapping[Expr, int]) -> None:
        self.statements: list[Statement] = []
        self.slots: dict[Variable, Slot] = {}
        self.hints = hints
        self._taken: set[str] = set()
        self._made: set[Slot] = set()
        self._count = 0
        for equation in equations:  # the names of variables come before those of temporaries
            for v in (equation.variable, *_variables(equation.rhs)):
                self.slot(v)

    def slot(self, variable: Variable) -> Slot:
        """Return the slot of a variable; equal names are told apart."""
        if variable not in self.slots:
            name, number = variable.name, 1
            while name in self._taken:
                number += 1
                name = f"{variable.name}_{number}"
            self._taken.add(name)
            axes = variable.axes if isinstance(variable, TensorSymbol) else ()
            labels = variable.labels if isinstance(variable, TensorSymbol) else None
            self.slots[variable] = Slot(name, axes, "real" if labels is None else "label")
        return self.slots[variable]

    def temporary(self, axes: Iterable[Expr], kind: str = "real") -> Slot:
        """Return a new slot for a value in between."""
        self._count += 1
        while f"t{self._count}" in self._taken:
            self._count += 1
        return Slot(f"t{self._count}", tuple(axes), kind)

    def equation(self, equation: Equation) -> None:
        """Add the statements of one equation."""
        target = self.slot(equation.variable)
        if target in self._made:
            raise NotSupported(f"{equation.variable} is defined twice")
        self._made.add(target)
        Scope(self, equation).assign(target, equation.rhs)


class Scope:
    """The lowering of one equation: its labels, and the operands of the body being read."""

    def __init__(self, work: Lowering, equation: Equation) -> None:
        self.work = work
        self.note = str(equation)
        self.labels: dict[Index, str] = {}
        self.sizes: dict[str, Expr] = {}
        self.left = tuple(self.label(i) for i in equation.index)

    def label(self, index: Index) -> str:
        """Return the label of an index; equal names are told apart."""
        if index not in self.labels:
            wishes = itertools.chain((index.name,) if not index.uid else (), letters(index.size))
            name = next(w for w in wishes if w not in self.sizes)
            self.labels[index] = name
            self.sizes[name] = index.size
        return self.labels[index]

    def meet(self, body: Expr) -> None:
        """See the indices of an opened body first in the order of its fullest element."""
        for i in _indices_met(body):
            self.label(i)

    def add(self, statement: Statement) -> None:
        """Append a statement; the first of an equation carries its text."""
        self.work.statements.append(statement)

    def ordered(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Order labels as they were first seen: those of the left side come first."""
        wanted = set(labels)
        return tuple(name for name in self.sizes if name in wanted)

    def assign(self, target: Slot, rhs: Expr) -> None:
        """Make ``target`` the value of ``rhs``."""
        before = len(self.work.statements)
        body = Body(self)
        value = body.visit(rhs)
        last = self.work.statements[-1] if len(self.work.statements) > before else None
        if last is not None and self._is_all(value, body, last):
            self.work.statements[-1] = _retarget(last, target, self.note)
            return
        operands, value = body.used(value)
        self.add(Map(target, self.left, operands, value, self.note))

    def _is_all(self, value: Expr, body: Body, last: Statement) -> bool:
        """Whether the last statement already is the whole right side, in the order of the left."""
        read = body.operands.get(value)
        return (
            isinstance(read, Read)
            and read.slot == last.target
            and last.labels == self.left == read.at
        )

    def materialise(self, e: Expr, labels: tuple[str, ...]) -> Read:
        """Return ``e`` as a read, through a temporary unless it is one already."""
        body = Body(self)
        value = body.visit(e)
        read = body.operands.get(value)
        if isinstance(read, Read) and read.slot.kind == "real":
            return read
        met = dict.fromkeys(self.label(i) for i in _indices_met(e))
        labels = tuple(dict.fromkeys(n for n in (*met, *labels) if n in labels))
        target = self.work.temporary(self.sizes[name] for name in labels)
        operands, value = body.used(value)
        self.add(Map(target, labels, operands, value, self.note))
        return Read(target, labels)

    def free(self, e: Expr) -> tuple[str, ...]:
        """Return the labels of the free indices of ``e``."""
        return self.ordered(self.label(i) for i in _free(e))


class Body:
    """A scalar expression, read: operands take the places of elements and of bound sums."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.operands: dict[Expr, Operand] = {}
        self._symbols: dict[Operand, Expr] = {}
        self._seen: dict[Expr, Expr] = {}

    def use(self, o: Operand) -> Expr:
        """Return the symbol of an operand."""
        if o not in self._symbols:
            symbol = operand(len(self._symbols))
            self._symbols[o] = symbol
            self.operands[symbol] = o
        return self._symbols[o]

    def used(self, value: Expr) -> tuple[tuple[Operand, ...], Expr]:
        """Return the operands that ``value`` reads, and ``value`` over them, numbered anew."""
        old = [s for s in self.operands if s in value.free_symbols]
        new = {s: operand(k) for k, s in enumerate(old)}
        return tuple(self.operands[s] for s in old), value.xreplace(new)

    def visit(self, e: Expr) -> Expr:
        """Return ``e`` over operand symbols."""
        if e not in self._seen:
            self._seen[e] = self._visit(e)
        return self._seen[e]

    def _visit(self, e: Expr) -> Expr:
        if isinstance(e, Elem):
            return self.use(read_element(e, self.scope))
        if isinstance(e, Total):
            return self._total(e)
        if isinstance(e, (Peak, ArgPeak)):
            return self.use(lower_peak(e, self.scope))
        if isinstance(e, Binder):
            raise NotSupported(f"lowering {type(e).__name__}")
        if isinstance(e, Index):
            return self.use(Place(self.scope.label(e), e.size))
        if isinstance(e, Bound):
            raise NotSupported(f"the index {e} stands outside its binder")
        if isinstance(e, TensorSymbol):
            raise NotSupported(f"tensor {e.name} without indices in a formula")
        if isinstance(e, sp.Symbol):
            return e if is_size(e) else self.use(Read(self.scope.work.slot(e)))
        if not e.args:
            return e
        args = tuple(self.visit(a) for a in e.args)
        return e.func(*args)

    def _total(self, e: Total) -> Expr:
        """Lower a sum: a sum of products to contractions, else materialise and reduce."""
        scope = self.scope
        body, index = e.open()
        scope.meet(body)
        summed = tuple(scope.label(i) for i in index)
        if body.is_Add and any(_worth_contracting(t, scope) for t in body.args):
            return sp.Add(*(self.visit(Total(t, *index)) for t in body.args))
        factor: Expr = sp.S.One
        inside = [f for a in sp.Mul.make_args(body) for f in _unpowered(a)]
        factors: list[Factor] = []
        for f in inside:
            labels = scope.free(f)
            if set(labels) & set(summed):
                factors.append(Factor(f, labels))
            else:
                factor *= self.visit(f)
        seen = {name for f in factors for name in f.labels}
        for name in summed:
            if name not in seen:  # the body does not depend on it
                factor *= scope.sizes[name]
        if not factors:
            return factor
        live = tuple(name for name in summed if name in seen)
        return factor * self.use(lower_product(factors, live, scope))


def lower_peak(e: Peak | ArgPeak, scope: Scope) -> Read:
    """Lower a maximum, or the place of one."""
    body, index = e.open()
    scope.meet(body)
    summed = {scope.label(i) for i in index}
    inside = scope.free(body)
    source = scope.materialise(body, inside)
    labels = tuple(name for name in inside if name not in summed)
    kind, made = ("max", "real") if isinstance(e, Peak) else ("argmax", "label")
    if not summed & set(inside):
        if kind == "max":
            return source
        raise NotSupported("the argmax over an index that the body does not depend on")
    if kind == "argmax" and len(summed) > 1:
        raise NotSupported("argmax over several indices at once")
    target = scope.work.temporary((scope.sizes[name] for name in labels), made)
    scope.add(Reduce(target, labels, kind, source, scope.note))
    return Read(target, labels)


def read_element(e: Elem, scope: Scope) -> Read:
    """Lower the access of an element."""
    slot = scope.work.slot(e.tensor)
    at = tuple(_place(p, e, axis, scope) for axis, p in enumerate(e.index))
    if not any(isinstance(p, Read) for p in at):
        return Read(slot, at)  # type: ignore[arg-type]
    found = {name for p in at for name in _labels_of(p)}
    labels = scope.ordered(found)
    target = scope.work.temporary((scope.sizes[name] for name in labels), slot.kind)
    scope.add(Gather(target, labels, slot, at, scope.note))
    return Read(target, labels)


def _labels_of(p: str | int | Read) -> tuple[str, ...]:
    if isinstance(p, Read):
        return p.labels
    return (p,) if isinstance(p, str) else ()


def _place(p: Expr, e: Elem, axis: int, scope: Scope) -> str | int | Read:
    size = e.tensor.axes[axis]
    if isinstance(p, Index):
        return scope.label(p)
    if p.is_Integer:
        return int(p)
    if isinstance(p, Elem) and p.tensor.labels is not None:
        if p.tensor.labels != size:
            raise NotSupported(
                f"labels {p.tensor.name} lie in an axis of size {p.tensor.labels}, but index "
                f"axis {axis + 1} of {e.tensor.name}, of size {size}"
            )
        return read_element(p, scope)
    if isinstance(p, ArgPeak) and p.size == size:
        return lower_peak(p, scope)
    raise NotSupported(
        f"the access {e} reads axis {axis + 1} at {p}; windows (affine indices) would be needed"
    )


def _retarget(last: Statement, target: Slot, note: str) -> Statement:
    return replace(last, target=target, note=note)  # type: ignore[call-arg]


def _unpowered(f: Expr) -> Iterable[Expr]:
    """A small whole power of an element is that many factors; anything else is one."""
    if f.is_Pow and isinstance(f.base, Elem) and f.exp == 2:
        return (f.base, f.base)
    return (f,)


def _worth_contracting(term: Expr, scope: Scope) -> bool:
    """Whether a term is a product of factors of which none has all the labels."""
    every = set(scope.free(term))
    sets = [set(scope.free(f)) for f in sp.Mul.make_args(term)]
    return bool(every) and all(s != every for s in sets)


def _indices_met(e: Expr) -> list[Index]:
    """The free indices of ``e`` in the order of its fullest element: so its arrays lie."""
    elements = sorted(e.atoms(Elem), key=lambda a: (-a.tensor.rank, str(a)))
    return [i for a in elements for i in a.index if isinstance(i, Index)]


def _free(e: Expr) -> list[Index]:
    """The free indices of ``e``, in a settled order."""
    found = e.free_symbols
    return sorted((s for s in found if isinstance(s, Index)), key=lambda s: (s.name, s.uid))


def _variables(e: Expr) -> list[Variable]:
    found = {a.tensor for a in e.atoms(Elem)}
    for a in e.atoms(sp.Symbol):
        if type(a) is sp.Symbol and not is_size(a):
            found.add(a)
    return sorted(found, key=str)
