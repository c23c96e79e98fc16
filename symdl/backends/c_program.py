"""From the equations of training to C functions: which nests, over which memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.backends.c_epoch import epoch_source
from symdl.backends.c_source import CFunction, CModule
from symdl.backends.given import size_value
from symdl.backends.use import Use
from symdl.errors import NotSupported
from symdl.program.ir import Contract, Program, Slot
from symdl.program.memory import batch_innermost
from symdl.program.nests import Node, Order, loop_nests, reads_of, writes_of
from symdl.program.passes import for_loops
from symdl.program.update import Update

__all__ = ["CUpdate", "Written", "write_update_function", "write_use"]

TINY = 128  # multiplications below which plain loops are faster than a product's call


@dataclass(frozen=True)
class Written:
    """A C function with what is needed to give it memory."""

    function: CFunction
    nodes: tuple[Node, ...]
    orders: Mapping[Slot, Order]
    use: Use
    program: Program


def write_use(use: Use, module: CModule, batch: Expr | None) -> Written:
    """Write the function of a use into a module."""
    fixed = {s for slots in use.vectors.values() for s in slots}
    tiny = _tiny(module)
    program, orders = batch_innermost(for_loops(use.program), batch, fixed, tiny)
    made = {s.target for s in program.statements}
    outside = dict.fromkeys(s for slots in use.vectors.values() for s in slots)
    if len(outside) != sum(len(slots) for slots in use.vectors.values()):
        raise NotSupported("one array at two places of a vector")
    scalar = not use.result.rank
    if use.result not in made:
        raise NotSupported(f"the output {use.result.name} is given, not computed")
    if not scalar:
        outside[use.result] = None
    for slot in (*outside, *use.given):
        orders.setdefault(slot, tuple(range(slot.rank)))
    nodes = loop_nests(program, orders, tiny=tiny, outside=outside)
    function = module.add(
        use.name,
        nodes,
        orders,
        given=use.given,
        outside=tuple(outside),
        result=use.result if scalar else None,
    )
    return Written(function, nodes, orders, use, program)


def _tiny(module: CModule) -> Any:
    def tiny(s: Contract) -> bool:
        sizes = [e.xreplace({k: sp.Integer(v) for k, v in module.numbers.items()})
                 for e in s.sizes.values()]  # fmt: skip
        return all(e.is_Integer for e in sizes) and math.prod(int(e) for e in sizes) <= TINY

    return tiny


@dataclass(frozen=True)
class CUpdate:
    """The update of all parameters: its pointers are slots of vectors, then buffers."""

    function: CFunction
    nodes: tuple[Node, ...]
    orders: Mapping[Slot, Order]
    update: Update
    copied: tuple[tuple[Slot, Slot], ...] = ()


def write_update_function(update: Update, module: CModule) -> CUpdate:
    """Write ``update``: one pass over the vectors where the formula allows it."""
    program = update.plan.program
    into = {update.weight_new: update.weight, **{n: o for o, n in update.state}}
    vectors = [update.weight, update.gradient, *(o for o, _ in update.state)]
    every = dict.fromkeys([*program.given, *(s.target for s in program.statements), *vectors])
    orders: dict[Slot, Order] = {s: tuple(range(s.rank)) for s in every}
    nodes = loop_nests(program, orders, into=into)
    early = _overwritten_early(nodes, into)
    if early:
        raise NotSupported(f"the state {into[early[0]].name} is read after its new value is made")
    scalars = [*update.hyper, *([update.count] if update.count is not None else [])]
    function = module.add(
        "update",
        nodes,
        orders,
        given=(),
        outside=vectors,
        result=None,
        scalars=scalars,
        same=into,
    )
    return CUpdate(function, nodes, orders, update)


def _overwritten_early(nodes: Sequence[Node], into: Mapping[Slot, Slot]) -> list[Slot]:
    """New values that are written before another node reads the old ones."""
    found = []
    for number, node in enumerate(nodes):
        for new in writes_of(node):
            old = into.get(new)
            if old is not None and any(old in reads_of(n) for n in nodes[number + 1 :]):
                found.append(new)
    return found


def update_caller(written: CUpdate) -> str:
    """The function that hands hyper-parameters over by value."""
    count = len(written.update.hyper)
    given = [f"hyper[{k}]" for k in range(count)]
    given += ["count"] if written.update.count is not None else []
    text = "".join(f", {g}" for g in given)
    return (
        '__attribute__((visibility("default"))) void update_all(void *const *a, const long *d, '
        f"const double *hyper, double count) {{\n    update(a, d{text});\n}}\n"
    )


def epoch_text(written: CUpdate, rows: Sequence[int] = (), batch: int | None = None) -> str:
    """The source of ``update_all`` and ``epoch``; with the bytes of a row where they are known."""
    words = {"batch": "r->batch", "given": "r->given", "table": "", "bytes": "r->row_bytes[g]"}
    if batch is not None:
        known = ", ".join(map(str, rows))
        words = {"batch": str(batch), "given": str(len(rows)), "bytes": "row_bytes[g]"}
        words["table"] = f"    static const long row_bytes[] = {{{known}}};\n"
    return update_caller(written) + "\n" + epoch_source(**words)


def count_of(slot: Slot, sizes: Mapping[sp.Symbol, int]) -> int:
    """The number of elements of a slot."""
    return math.prod(size_value(a, sizes) for a in slot.axes)
