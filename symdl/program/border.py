"""The pass ``border``: a bias rides in the product of matrices.

A matrix W[i,j] and a vector b[j] that lie one after another in memory are one matrix with a row
more.  Its product with h[n,i] beside a column of ones is sum_i h[n,i] W[i,j] + b[j]; and that of h
beside ones with d[n,j] is sum_n h[n,i] d[n,j] and, in the last row, sum_n d[n,j].  The ones are
written when buffers are made, so a bias costs no pass, forward or backward.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from sympy.core.expr import Expr

from symdl.program.ir import (
    Apply,
    Contract,
    Operand,
    Program,
    Read,
    Reduce,
    Slot,
    Statement,
    as_read,
)
from symdl.program.plan import Order

__all__ = ["Affine", "AffineAdjoint", "border"]

_TURNED: Order = (1, 0)
_NOTHING = Slot("")  # fields after ``note`` need defaults
_NO_READ = Read(_NOTHING)


@dataclass(frozen=True)
class Affine(Contract):
    """``target[n,j]``: the product of left[n,i] and right[i,j], plus bias[j]."""

    bias: Read = _NO_READ

    @property
    def operands_read(self) -> tuple[Operand, ...]:
        return (self.left, self.right, self.bias)

    def map_operands(self, change: Callable[[Operand], Operand]) -> Affine:
        left, right, bias = (as_read(change(o)) for o in self.operands_read)
        return replace(self, left=left, right=right, bias=bias)

    @property
    def joined(self) -> tuple[Slot, Slot]:
        """The matrix and the vector behind it that are read as one."""
        return self.right.slot, self.bias.slot


@dataclass(frozen=True)
class AffineAdjoint(Contract):
    """``target[i,j]``: the product of left[n,i] and right[n,j]; ``sums[j]``: the sum of right."""

    sums: Slot = _NOTHING

    @property
    def makes(self) -> tuple[Slot, ...]:
        return (self.target, self.sums)

    @property
    def joined(self) -> tuple[Slot, Slot]:
        """The matrix and the vector behind it that are written as one."""
        return self.target, self.sums


def border(
    program: Program,
    orders: Mapping[Slot, Order],
    vectors: Iterable[Sequence[Slot]],
    hints: Mapping[Expr, int] | None = None,
) -> tuple[Program, dict[Slot, Order], frozenset[Slot]]:
    """Return the program, the orders, and the slots that have a row of ones behind them.

    ``vectors`` are the slots that lie one after another in memory.  What is given, such as data,
    is copied beside a row of ones where it is not wider than the product (by likely sizes).
    """
    work = _Bordering(program, orders, dict(_neighbours(vectors)), hints or {})
    statements = work.run()
    text = f"{work.forward} biases and {work.backward} of their gradients ride in a product"
    if work.copies:
        text += f", for which {len(work.copies)} inputs are copied"
    changed = program.changed(statements, "border", text)
    return changed, {**orders, **dict.fromkeys(work.copies.values(), _TURNED)}, work.bordered


def _neighbours(vectors: Iterable[Sequence[Slot]]) -> Iterator[tuple[Slot, Slot]]:
    """The matrices that have a vector like one of their rows behind them."""
    for slots in vectors:
        for matrix, row in pairwise(slots):
            if matrix.rank == 2 and row.rank == 1 and matrix.axes[1:] == row.axes:
                yield matrix, row


class _Bordering:
    """Finds the sums and products to be joined, then writes the statements anew."""

    def __init__(
        self,
        program: Program,
        orders: Mapping[Slot, Order],
        rows: Mapping[Slot, Slot],
        hints: Mapping[Expr, int],
    ) -> None:
        self.statements, self.orders, self.rows, self.hints = (
            program.statements, orders, rows, hints,
        )  # fmt: skip
        self.defined, self.keep = program.defined, set(program.keep)
        self.given = set(program.given)
        self.uses = Counter(r.slot for s in program.statements for r in s.reads)
        self.names = {s.name for s in (*self.defined, *self.given)}
        self.copies: dict[Slot, Slot] = {}
        self.new: dict[Slot, Statement] = {}  # by the target of the statement it replaces
        self.gone: set[Slot] = set()
        self.notes: dict[Slot, str] = {}  # of sums whose work is now done by a product
        self.forward = self.backward = 0

    @property
    def bordered(self) -> frozenset[Slot]:
        """The slots that have ones behind them."""
        joined = [s for s in self.new.values() if isinstance(s, (Affine, AffineAdjoint))]
        return frozenset(s.left.slot for s in joined)

    def run(self) -> list[Statement]:
        """Return the new statements."""
        for s in self.statements:
            if isinstance(s, Apply) and s.op == "add":
                self._forward(s)
        for s in self.statements:
            if isinstance(s, Contract) and s.target in self.rows:
                self._backward(s)
        found: list[Statement] = []
        copied: set[Slot] = set()
        note = ""
        for s in self.statements:
            if s.target in self.gone:
                continue
            new = self.new.get(s.target, s)
            if note and isinstance(new, Apply) and not new.note:
                new = replace(new, note=note)
            note = self.notes.get(s.target, "")
            for r in new.reads:
                if r.slot in self.copies.values() and r.slot not in copied:
                    copied.add(r.slot)
                    found.append(self._copy(r))
            found.append(new)
        return found

    def _copy(self, r: Read) -> Statement:
        source = next(slot for slot, copy in self.copies.items() if copy == r.slot)
        labels = tuple(str(p) for p in r.at)
        return Apply(r.slot, labels, "copy", (Read(source, labels),))

    def _forward(self, s: Apply) -> None:
        """Join z[n,j] = (sum_i h[n,i] W[i,j]) + b[j]."""
        if self.orders.get(s.target) != _TURNED:
            return
        for bias, total in (s.args, s.args[::-1]):
            if not isinstance(bias, Read) or not isinstance(total, Read):
                continue
            c = self.defined.get(total.slot)
            if not isinstance(c, Contract) or total.at != s.labels or c.labels != s.labels:
                continue
            if self.uses[c.target] != 1 or c.target in self.keep:
                continue
            for kernel, h in ((c.left, c.right), (c.right, c.left)):
                n, j = s.labels
                if self.rows.get(kernel.slot) != bias.slot or bias.at != (j,):
                    continue
                if h.at != (n, kernel.at[0]) or kernel.at[1] != j:
                    continue
                ready = self._beside_ones(h, s.target)
                if ready is not None:
                    joined = Affine(s.target, s.labels, ready, kernel, c.note or s.note, bias)
                    self.new[s.target] = joined
                    self.notes[s.target] = s.note if c.note and c.note != s.note else ""
                    self.gone.add(c.target)
                    self.forward += 1
                return

    def _backward(self, c: Contract) -> None:
        """Join G[i,j] = sum_n h[n,i] d[n,j] and g[j] = sum_n d[n,j]."""
        row = self.defined.get(self.rows[c.target])
        if not isinstance(row, Reduce) or row.kind != "sum":
            return
        for h, d in ((c.left, c.right), (c.right, c.left)):
            i, j = c.labels
            if len(h.at) != 2 or h.at[1:] != (i,) or d.at != (h.at[0], j):
                continue
            if row.source.slot != d.slot or row.source.at[1:] != row.labels or not row.source.plain:
                continue
            ready = self._beside_ones(h, d.slot)
            if ready is not None:
                joined = AffineAdjoint(c.target, c.labels, ready, d, c.note, row.target)
                order = {s.target: k for k, s in enumerate(self.statements)}
                first, second = sorted((c.target, row.target), key=order.__getitem__)
                self.new[first] = joined
                self.gone.add(second)
                self.backward += 1
            return

    def _beside_ones(self, h: Read, product: Slot) -> Read | None:
        """Return ``h`` where it has ones behind it, or nothing where that does not pay."""
        if not h.plain or h.slot.rank != 2 or h.slot.kind != "real" or h.slot in self.keep:
            return None
        if h.slot not in self.given:
            return h if self.orders.get(h.slot) == _TURNED else None
        width, other = (self._likely(slot.axes[1]) for slot in (h.slot, product))
        if width is None or other is None or width > other:
            return None
        if h.slot not in self.copies:
            name = _free(f"{h.slot.name}_turned", self.names)
            self.copies[h.slot] = replace(h.slot, name=name)
        return Read(self.copies[h.slot], h.at)

    def _likely(self, size: Expr) -> int | None:
        return int(size) if size.is_Integer else self.hints.get(size)


def _free(name: str, names: Collection[str]) -> str:
    while name in names:
        name += "_"
    return name
