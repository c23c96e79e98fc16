"""The pass ``split``: element-wise bodies become single operations on whole arrays.

Each part of a body is computed over its own labels: in ``s[n,j] - log(S[n])`` the logarithm is
taken once for each n.  Parts without labels stay whole, as scalar statements.
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp
from sympy.core.expr import Expr

from symdl.program.arithmetic import Arithmetic
from symdl.program.ir import (
    Apply,
    Const,
    Map,
    Operand,
    Program,
    Read,
    Slot,
    Statement,
    operand,
)

__all__ = ["split"]


def split(program: Program) -> Program:
    """Split every element-wise body that is not a scalar into single operations."""
    names = {s.target.name for s in program.statements} | {s.name for s in program.slots.values()}
    found: list[Statement] = []
    bodies = 0
    for statement in program.statements:
        if isinstance(statement, Map) and (statement.labels or _moves(statement)):
            bodies += 1
            found.extend(Splitting(statement, names).run())
        else:
            found.append(statement)
    count = sum(isinstance(s, Apply) for s in found)
    return program.changed(
        found, "split", f"{bodies} element-wise bodies became {count} operations on arrays"
    )


def _moves(statement: Map) -> bool:
    """Whether a scalar statement has array operands after all (an element at a fixed place)."""
    return any(isinstance(o, Read) and o.slot.rank for o in statement.operands)


class Splitting:
    """The operations of one body so far."""

    def __init__(self, statement: Map, names: set[str]) -> None:
        self.statement = statement
        self.operands = statement.symbols
        self.sizes = statement.sizes
        self.order = tuple(dict.fromkeys((*statement.labels, *self.sizes)))
        self.names = names
        self.found: list[Statement] = []
        self.memory: dict[object, Operand] = {}
        self._labels: dict[Expr, frozenset[str]] = {}

    def run(self) -> list[Statement]:
        """Return the operations, the last of which makes the target."""
        s = self.statement
        value = Arithmetic(self).value(s.body)
        last = self.found[-1] if self.found else None
        if (
            isinstance(last, Apply)
            and isinstance(value, Read)
            and (value.slot, value.at) == (last.target, s.labels)
            and value.slot.kind == s.target.kind
        ):
            self.found[-1] = Apply(s.target, s.labels, last.op, last.args)
        elif not s.labels and isinstance(value, Read):
            self.found.append(Map(s.target, (), (value,), operand(0)))
        else:
            self.found.append(Apply(s.target, s.labels, "copy", (value,)))
        first = self.found[0]
        assert isinstance(first, (Apply, Map))
        self.found[0] = type(first)(**{**first.__dict__, "note": s.note})
        return self.found

    def labels(self, e: Expr) -> frozenset[str]:
        """Return the labels that ``e`` varies along."""
        if e not in self._labels:
            parts = [self.labels(a) for a in e.args]
            own = self.operands[e].labels if e in self.operands else ()
            self._labels[e] = frozenset(own).union(*parts)
        return self._labels[e]

    def constant(self, e: Expr) -> bool:
        """Whether ``e`` is known when buffers are made."""
        return not any(s in self.operands for s in e.free_symbols)

    def scalar(self, e: Expr) -> Operand:
        """Return ``e``, which varies along no label."""
        if self.constant(e):
            return Const(e)
        if e in self.operands:
            o = self.operands[e]
            if isinstance(o, Read) and not o.slot.rank:
                return o
        if e not in self.memory:
            original, e = e, self._hoisted(e)
            used = [s for s in self.operands if s in e.free_symbols]
            body = e.xreplace({s: operand(k) for k, s in enumerate(used)})
            target = self.new((), "real")
            self.found.append(Map(target, (), tuple(self.operands[s] for s in used), body))
            self.memory[original] = Read(target)
            e = original
        return self.memory[e]

    def _hoisted(self, e: Expr) -> Expr:
        """Give the costly parts of a scalar statements of their own, which may then be shared."""
        new: dict[Expr, Expr] = {}
        for part in sp.preorder_traversal(e):
            costly = part.is_Function or (part.is_Pow and not part.exp.is_Integer)
            if costly and part != e and part not in new and not self.constant(part):
                found = self.scalar(part)
                new[part] = sp.Symbol(f"_{len(self.operands)}", real=True)
                self.operands[new[part]] = found
        return e.xreplace(new)

    def apply(self, op: str, args: Iterable[Operand], kind: str = "real") -> Operand:
        """Return the result of an operation, computed once for equal operands."""
        args = tuple(args)
        key = (op, args, kind)
        if key not in self.memory:
            seen = {name for a in args for name in a.labels}
            labels = tuple(name for name in self.order if name in seen)
            target = self.new(labels, kind)
            self.found.append(Apply(target, labels, op, args))
            self.memory[key] = Read(target, labels)
        return self.memory[key]

    def new(self, labels: tuple[str, ...], kind: str) -> Slot:
        """Return a slot for a value in between."""
        number = 1
        while (name := f"{self.statement.target.name}_{number}") in self.names:
            number += 1
        self.names.add(name)
        return Slot(name, tuple(sp.sympify(self.sizes[n], strict=True) for n in labels), kind)
