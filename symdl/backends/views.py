"""Arrays and their views in generated code: which name, made where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp
from sympy.core.expr import Expr

from symdl.backends.names import Names
from symdl.backends.scalars import ScalarPrinter, number_text
from symdl.errors import NotSupported
from symdl.program.ir import Apply, Const, Map, Operand, Place, Read, Slot
from symdl.program.plan import Plan

__all__ = ["Arrays", "Text"]


@dataclass
class Text:
    """The two halves of a generated function: what is made once, and what each call does."""

    build: list[str] = field(default_factory=list)
    call: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)  # functions of NumPy and helpers


class Arrays:
    """The names of slots, views and constants in one generated function."""

    def __init__(
        self, plan: Plan, text: Text, names: Names, sizes: Mapping[sp.Symbol, str]
    ) -> None:
        self.plan = plan
        self.text = text
        self.names = names
        self.sizes = sizes
        self.slots: dict[Slot, str] = {}
        self.moving: set[Slot] = set()  # slots whose array is given anew by each call
        self.alias = plan.called()
        self._array_only = _array_only(plan)
        self.cells_of: dict[str, str] = {}
        self.cells: dict[Slot, str] = {}  # scalars that live in a vector outside
        self.joined: dict[tuple[Slot, Slot], str] = {}  # a matrix and the row behind it, as one
        self._with_ones: dict[str, str] = {}  # by the array: it and the row of ones behind it
        self._views: dict[object, str] = {}

    def size(self, e: Expr) -> str:
        """Return a size as Python text."""
        if e.is_Integer:
            return str(int(e))
        if isinstance(e, sp.Symbol):
            if e not in self.sizes:
                raise NotSupported(f"the size {e} has no value in generated code")
            return self.sizes[e]
        inner = {s: self.size(s) for s in e.free_symbols}
        return f"int({ScalarPrinter(inner).text(e)})"

    def shape(self, sizes: Sequence[Expr]) -> str:
        """Return a shape as Python text."""
        inner = ", ".join(self.size(s) for s in sizes)
        return f"({inner},)" if len(sizes) == 1 else f"({inner})"

    def given(self, slot: Slot, name: str, moving: bool) -> None:
        """Declare an array that comes from outside, as it lies in memory."""
        self.slots[slot] = name
        if moving:
            self.moving.add(slot)

    def target(self, slot: Slot) -> str:
        """Return the array of a slot, made or taken over from another on first use."""
        if slot in self.slots:
            return self.slots[slot]
        if not slot.rank:
            self.slots[slot] = self.names.new(slot.name)
            return self.slots[slot]
        known = self.alias.get(slot, slot)
        if known != slot:
            if known not in self.slots:
                self._make(known, slot)
            self.slots[slot] = self.slots[known]
        else:
            self._make(slot, slot)
        return self.slots[slot]

    def _make(self, slot: Slot, first: Slot) -> None:
        """Make the array called like ``slot``, whose memory is that of ``first``."""
        name = self.slots[slot] = self.names.new(slot.name)
        other = self.plan.shares.get(first)
        if other is None and first in self.plan.bordered:
            self._make_bordered(name, slot)
            return
        if other is None:
            self.text.used.add("buffer")
            kind = {"real": "dtype", "flag": "bool", "label": "np.intp"}[slot.kind]
            value = f"buffer({self.shape(self.plan.shape(slot))}, {kind})"
        else:
            value = self.slots[other]
            if first in self.plan.parts:
                value = f"{value}[:{self.size(self.plan.shape(slot)[0])}]"
            elif value in self._with_ones:
                self._with_ones[name] = self._with_ones[value]
        self.text.build.append(f"{name} = {value}")

    def _make_bordered(self, name: str, slot: Slot) -> None:
        """Make an array with a row of ones behind it."""
        self.text.used.add("buffer")
        whole = self._with_ones[name] = self.names.new(f"{slot.name}_and_1")
        first, *rest = (self.size(s) for s in self.plan.shape(slot))
        shape = ", ".join([f"{first} + 1", *rest])
        self.text.build.append(f"{whole} = buffer(({shape}), dtype)")
        self.text.build.append(f"{whole}[-1] = 1")
        self.text.build.append(f"{name} = {whole}[:-1]")

    def with_ones(self, read: Read) -> str:
        """Return the array of an access with the row of ones that lies behind it."""
        return self._with_ones[self.slots[read.slot]]

    def order(self, read: Read) -> tuple[str | int, ...]:
        """The labels and fixed places of an access as they lie in memory."""
        return tuple(read.at[k] for k in self.plan.orders[read.slot])

    def labels(self, o: Operand) -> tuple[str, ...]:
        """The labels of an operand as they lie in memory, each once."""
        if isinstance(o, Read):
            return Read(o.slot, self.order(o)).labels
        return o.labels

    def view(self, o: Operand, wanted: Sequence[str]) -> str:
        """Return ``o`` with its axes as ``wanted``, broadcasting over those that it lacks."""
        if isinstance(o, Const):
            return self.constant(o.value)
        if isinstance(o, Place):
            return self._aligned(self._range(o), (o.label,), wanted, False, o)
        name = self.slots[o.slot]
        if not o.slot.rank:
            return self._cell(name) if wanted and o.slot.kind == "real" else name
        at = self.order(o)
        moving = o.slot in self.moving
        if len(set(at)) != len(at) or any(isinstance(p, int) for p in at):
            name, labels = self._diagonal(name, at, moving)
        else:
            labels = tuple(str(p) for p in at)
        return self._aligned(name, labels, wanted, moving, o.slot.name)

    def _cell(self, name: str) -> str:
        """Return a scalar as an array without axes: operations take it faster than a float."""
        if name not in self.cells_of:
            cell = self.cells_of[name] = self.names.new(name + "_cell")
            self.text.build.append(f"{cell} = np.empty((), dtype)")
            self.text.call.append(f"{cell}[()] = {name}")
        return self.cells_of[name]

    def only_in_arrays(self, slot: Slot) -> bool:
        """Whether a scalar is read by operations on arrays alone, and so can live in a cell."""
        return slot in self._array_only

    def new_cell(self, slot: Slot) -> str:
        """Return the cell that a scalar lives in."""
        name = self.slots[slot] = self.names.new(slot.name)
        self.text.build.append(f"{name} = np.empty((), dtype)")
        self.cells_of[name] = name
        return name

    def _diagonal(
        self, name: str, at: tuple[str | int, ...], moving: bool
    ) -> tuple[str, tuple[str, ...]]:
        """Take fixed places, and the diagonal where a label stands twice."""
        where = ", ".join(str(p) if isinstance(p, int) else ":" for p in at)
        text = f"{name}[{where}]" if any(isinstance(p, int) for p in at) else name
        rest = [p for p in at if isinstance(p, str)]
        labels = tuple(dict.fromkeys(rest))
        if len(labels) != len(rest):
            letters = {p: chr(ord("a") + k) for k, p in enumerate(labels)}
            spec = "".join(letters[p] for p in rest) + "->" + "".join(letters.values())
            text = f'np.einsum("{spec}", {text})'
        return self._named(text, f"{name}_at", moving), labels

    def _aligned(
        self,
        name: str,
        labels: tuple[str, ...],
        wanted: Sequence[str],
        moving: bool,
        stem: object,
    ) -> str:
        there = [w for w in wanted if w in labels]
        if len(there) != len(labels):
            raise NotSupported(f"{stem} has an axis that its statement lacks")
        order = tuple(labels.index(w) for w in there)
        text = name
        suffix = ""
        if order != tuple(range(len(order))):
            backwards = order == tuple(reversed(range(len(order))))
            text = f"{text}.T" if backwards else f"{text}.transpose({order})"
            suffix += "_T"
        inside = [w in labels for w in wanted]
        while inside and not inside[0]:
            inside.pop(0)  # leading axes are broadcast by themselves
        if not all(inside):
            where = ", ".join(":" if here else "None" for here in inside)
            text, suffix = f"{text}[{where}]", suffix + "_col"
        return self._named(text, name + suffix, moving) if text != name else name

    def _named(self, text: str, stem: str, moving: bool) -> str:
        """Return a name for a view: made once, or by each call for what a call is given."""
        key = (text, moving)
        if key not in self._views:
            name = self.names.new(stem)
            (self.text.call if moving else self.text.build).append(f"{name} = {text}")
            self._views[key] = name
        return self._views[key]

    def named(self, text: str, stem: str, *reads: Read) -> str:
        """Return a name for a further view of the given accesses."""
        return self._named(text, stem, any(r.slot in self.moving for r in reads))

    def constant(self, e: Expr) -> str:
        """Return a number as an array without axes: operations take it faster than a float."""
        if e in (sp.true, sp.false):
            return str(bool(e))
        if e.is_number:
            text = number_text(e)
            stem = {"0.0": "zero", "1.0": "one", "0.5": "half", "2.0": "two"}.get(text, "c")
        else:
            text, stem = self.constant_text(e), "c"
        return self._named(f"np.array({text}, dtype)", stem, False)

    def constant_text(self, e: Expr) -> str:
        """Return a number that depends on sizes as Python text."""
        printer = ScalarPrinter({s: self.size(s) for s in e.free_symbols})
        text = printer.text(e)
        self.text.used |= printer.used
        return text

    def whole(self, o: Operand, wanted: Sequence[str]) -> str:
        """Return a whole number or an array of them."""
        if isinstance(o, Const):
            return self.size(o.value) if not o.value.is_Integer else str(int(o.value))
        return self.view(o, wanted)

    def _range(self, o: Place) -> str:
        return self._named(f"np.arange({self.size(o.size)})", f"places_{o.label}", False)


def _array_only(plan: Plan) -> set[Slot]:
    """The scalars that only operations on arrays read."""
    found = {s.target for s in plan.program.statements if isinstance(s, Map) and not s.labels}
    found -= set(plan.program.keep)
    for s in plan.program.statements:
        if not (isinstance(s, Apply) and s.labels):
            found -= {r.slot for r in s.reads}
    return found
