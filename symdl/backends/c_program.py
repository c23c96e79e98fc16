"""From the equations of training to C functions: which nests, over which memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.backends.c_scalars import CScalarPrinter
from symdl.backends.c_source import CFunction, CModule
from symdl.backends.use import Use
from symdl.errors import NotSupported
from symdl.program.ir import Apply, Contract, Program, Slot, Statement
from symdl.program.memory import batch_innermost, in_place
from symdl.program.nests import Nest, Node, Order, loop_nests, reads_of, writes_of
from symdl.program.passes import for_loops
from symdl.program.products import Product
from symdl.program.slices import Shares, own_rows, phases, shared
from symdl.program.update import Update

__all__ = [
    "CUpdate",
    "Change",
    "Written",
    "arguments_text",
    "hyper_text",
    "overwritten_early",
    "units_text",
    "write_update_function",
    "write_use",
]

TINY = 128  # multiplications below which plain loops are faster than a product's call
SHORT = 16  # a sum so short that it can be written out
FEW = 4096  # multiplications with short sums, vectorised over another axis, that loops do faster


@dataclass(frozen=True)
class Written:
    """A C function with what is needed to give it memory."""

    function: CFunction
    nodes: tuple[Node, ...]
    orders: Mapping[Slot, Order]
    use: Use
    program: Program


@dataclass(frozen=True)
class Change:
    """What a function changes of the optimizer.

    into     what is made -> what it takes the place of
    scalars  what the function is given by value
    nodes    how its nodes are changed before they are written
    """

    into: Mapping[Slot, Slot]
    scalars: tuple[Slot, ...]
    nodes: Callable[[Sequence[Node]], tuple[Node, ...]]


def write_use(
    use: Use, module: CModule, batch: Expr | None, change: Change | None = None
) -> Written:
    """Write the function of a use into a module."""
    into = {} if change is None else change.into
    fixed = {s for slots in use.vectors.values() for s in slots} | into.keys()
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
    for slot in (*outside, *use.given, *into):
        orders.setdefault(slot, tuple(range(slot.rank)))
    shares = Shares(program, {}, _whole)
    if module.threads and batch is not None:
        shares = shared(program, batch, orders, module.likely)
    program = shares.program
    nodes = loop_nests(program, orders, tiny=tiny, outside=outside, into=into, split=shares.split)
    if change is not None:
        nodes = change.nodes(nodes)
    found = phases(nodes, shares.mine) if module.threads else []
    own: frozenset[Slot] = frozenset()
    if found and batch is not None:
        own = own_rows(found, batch, shares.mine, {*outside, *use.given})
        own = frozenset() if _loops_over_products(nodes) else own
    function = module.add(
        use.name,
        nodes,
        orders,
        given=use.given,
        outside=tuple(outside),
        result=use.result if scalar else None,
        scalars=() if change is None else change.scalars,
        same=into,
        phases=found,
        mine=shares.mine,
        own=own,
        batch=batch,
    )
    return Written(function, nodes, orders, use, program)


def _loops_over_products(nodes: Sequence[Node]) -> bool:
    """Whether some product is one of many: its places along rows are worked out elsewhere."""
    return any(isinstance(n, Product) and n.loops for n in nodes)


def _whole(s: Statement) -> None:
    """No statement is split."""


def _tiny(module: CModule) -> Callable[[Contract], bool]:
    """Whether plain loops compute a product faster than a call of BLAS."""
    numbers = {k: sp.Integer(v) for k, v in module.numbers.items()}

    def tiny(s: Contract) -> bool:
        sizes = {n: e.xreplace(numbers) for n, e in s.sizes.items()}
        if not all(e.is_Integer for e in sizes.values()):
            return False
        every = math.prod(int(e) for e in sizes.values())
        short = math.prod(int(e) for n, e in sizes.items() if n not in s.labels) <= SHORT
        return every <= TINY or (short and every <= FEW)

    return tiny


@dataclass(frozen=True)
class CUpdate:
    """The update of all parameters: its pointers are slots of vectors, then buffers."""

    function: CFunction
    nodes: tuple[Node, ...]
    orders: Mapping[Slot, Order]
    update: Update
    copied: tuple[tuple[Slot, Slot], ...] = ()


def write_update_function(
    update: Update, module: CModule, name: str = "update", *, uses_up: bool = True
) -> CUpdate:
    """Write an update: one pass over the vectors where the formula allows it."""
    program = update.plan.program
    into = {update.weight_new: update.weight, **{n: o for o, n in update.state}}
    vectors = [update.weight, update.gradient, *(o for o, _ in update.state)]
    every = dict.fromkeys([*program.given, *(s.target for s in program.statements), *vectors])
    orders: dict[Slot, Order] = {s: tuple(range(s.rank)) for s in every}
    split = shared(program, update.weight.axes[0], orders, {}).split if module.threads else _whole
    nodes = loop_nests(program, orders, into=into, split=split)
    early = overwritten_early(nodes, into)
    if early:
        raise NotSupported(f"the state {into[early[0]].name} is read after its new value is made")
    heirs = _heirs(update.gradient, nodes, orders, into) if uses_up else []
    scalars = [*update.hyper, *([update.count] if update.count is not None else [])]
    function = module.add(
        name,
        nodes,
        orders,
        given=(),
        outside=vectors,
        result=None,
        scalars=scalars,
        same={**into, **dict.fromkeys(heirs, update.gradient)},
        phases=phases(nodes, {}) if module.threads else (),
    )
    return CUpdate(function, nodes, orders, update)


def _heirs(
    old: Slot, nodes: Sequence[Node], orders: Mapping[Slot, Order], placed: Collection[Slot]
) -> list[Slot]:
    """The arrays that may lie where one lies that is used up, each made as another is read last."""
    readers = [k for k, n in enumerate(nodes) if old in reads_of(n)]
    if not readers or not all(_by_element(nodes[k]) for k in readers):
        return []
    last = nodes[readers[-1]]
    later = {s for n in nodes[readers[-1] + 1 :] for s in reads_of(n)}
    for new in sorted(later & writes_of(last) - set(placed), key=lambda s: s.name):
        if in_place(last, old, new, orders):
            return [new, *_heirs(new, nodes, orders, placed)]
    return []


def _by_element(node: Node) -> bool:
    """Whether each thread reads no element but those that it writes."""
    return isinstance(node, Nest) and all(isinstance(s, Apply) for s in node.body)


def overwritten_early(nodes: Sequence[Node], into: Mapping[Slot, Slot]) -> list[Slot]:
    """New values that are written before another node reads the old ones."""
    found = []
    for number, node in enumerate(nodes):
        for new in writes_of(node):
            old = into.get(new)
            if old is not None and any(old in reads_of(n) for n in nodes[number + 1 :]):
                found.append(new)
    return found


def arguments_text(update: Update) -> str:
    """The arguments of an update after its pointers and sizes."""
    given = [f"hyper[{k}]" for k in range(len(update.hyper))]
    return "".join(f", {g}" for g in [*given, *(["count"] if update.count is not None else [])])


def hyper_text(e: Expr, update: Update) -> str:
    """An expression in the hyper-parameters of an update, over the array that holds them."""
    places = {slot.name: f"hyper[{k}]" for k, slot in enumerate(update.hyper)}
    return CScalarPrinter({s: places[s.name] for s in e.free_symbols}).text(e)


def units_text(update: Update) -> str:
    """The source of ``state_units``: what each vector of the state is kept divided by."""
    lines = [f"    units[{k}] = {hyper_text(u, update)};" for k, u in enumerate(update.units)]
    head = '__attribute__((visibility("default"))) void state_units('
    return f"{head}const double *hyper, double *units) {{\n" + "\n".join(lines) + "\n}\n"
