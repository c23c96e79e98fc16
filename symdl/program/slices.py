"""Two threads for one step: which part of each array a thread makes, and where both must wait.

Each statement is split along one axis of its result, the batch where it has one.  A node that reads
what another thread made must come after a barrier; nodes that need none are brought forward, so
that, in a chain of layers, all products with the batch as their sum come after one barrier.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import sympy as sp
from sympy.core.expr import Expr

from symdl.program.ir import Apply, Contract, Gather, Program, Read, Reduce, Slot, Statement
from symdl.program.memory import Move, in_place
from symdl.program.nests import Nest, Node, Order, Single, reads_of, statements_of, writes_of
from symdl.program.products import Product

__all__ = ["Shares", "moves_by_phase", "own_rows", "phases", "shared"]

THREADS = 2


@dataclass(frozen=True)
class Shares:
    """How two threads share a program.

    program  with sums over the batch made in parts, one a thread, and added up
    mine     the slot of a thread's own part -> the array of all parts
    split    the label of which each thread computes a part, for each statement
    """

    program: Program
    mine: Mapping[Slot, Slot]
    split: Callable[[Statement], str | None]


def shared(
    program: Program,
    batch: Expr,
    orders: dict[Slot, Order],
    likely: Mapping[sp.Symbol, int],
) -> Shares:
    """Return how two threads share a program; ``orders`` take in the new slots.

    Rows are shared out.  A sum over them is made in parts where that moves less between the
    threads than sharing out the axes of the result: ``likely`` are the sizes by which that is
    judged.  Arrays that are normalized over the batch are shared out by their features.
    """
    across = _across(program, batch)
    mine: dict[Slot, Slot] = {}
    found: list[Statement] = []
    for s in program.statements:
        if not _in_parts(s, batch, across, likely):
            found.append(s)
            continue
        part = replace(s.target, name=f"{s.target.name}_mine")
        parts = replace(s.target, name=f"{s.target.name}_parts", axes=(_TWO, *s.target.axes))
        mine[part] = parts
        orders[part], orders[parts] = orders[s.target], (0, *(k + 1 for k in orders[s.target]))
        found.append(replace(s, target=part))
        both = tuple(Read(parts, (k, *s.labels)) for k in range(THREADS))
        found.append(Apply(s.target, s.labels, "add", both))
    text = f"{len(mine)} sums over the batch are made in parts, one a thread"
    changed = program.changed(found, "threads", text)

    def split(s: Statement) -> str | None:
        return _split(s, batch, across, orders, mine)

    return Shares(changed, mine, split)


_TWO = sp.Integer(THREADS)


def _split(
    s: Statement,
    batch: Expr,
    across: set[Slot],
    orders: Mapping[Slot, Order],
    mine: Mapping[Slot, Slot],
) -> str | None:
    rows = [n for n, size in s.sizes.items() if size == batch and n not in s.labels]
    if s.target in mine:
        return rows[0]
    if not s.labels:
        whole = isinstance(s, Contract) or (isinstance(s, Reduce) and s.kind == "sum")
        return rows[0] if whole and len(rows) == 1 else None
    if s.target.axes[0] == batch:
        features = s.target in across and s.target.rank > 1
        return s.labels[orders[s.target][0]] if features else s.labels[0]
    for r in s.reads:  # what a thread has made itself
        if r.slot in across and r.plain:
            own = r.at[orders[r.slot][0]]
            if own in s.labels:
                return str(own)
    return s.labels[0]


def _in_parts(
    s: Statement, batch: Expr, across: set[Slot], likely: Mapping[sp.Symbol, int]
) -> bool:
    """Whether a sum over rows is better made in parts."""
    if not (isinstance(s, Contract) or (isinstance(s, Reduce) and s.kind == "sum")):
        return False
    rows = [n for n, size in s.sizes.items() if size == batch and n not in s.labels]
    if not s.labels or len(rows) != 1 or batch in s.target.axes:
        return False
    if any(r.slot in across for r in s.reads):
        return False
    result = _elements(s.target.axes, likely)
    return result < sum(_elements(r.slot.axes, likely) for r in s.reads) / THREADS


def _elements(axes: Sequence[Expr], likely: Mapping[sp.Symbol, int]) -> float:
    return float(math.prod(_length(sp.sympify(a, strict=True), likely) for a in axes))


def _length(axis: Expr, likely: Mapping[sp.Symbol, int]) -> int:
    known = {s: sp.Integer(likely[s]) for s in axis.free_symbols if s in likely}
    size = axis.xreplace(known)
    return int(size) if size.is_Integer else _LIKELY


_LIKELY = 64  # the size taken for an axis of which nothing is known


def _across(program: Program, batch: Expr) -> set[Slot]:
    """The arrays of rows that meet, element by element, something made of all rows."""
    made = {s.target for s in program.statements}
    groups: dict[Slot, set[Slot]] = {t: {t} for t in made if t.rank > 1 and t.axes[0] == batch}
    found: set[Slot] = set()
    for s in program.statements:
        if not isinstance(s, Apply) or s.target not in groups:
            continue
        for r in s.reads:
            if r.slot in groups and r.at == s.labels and groups[r.slot] is not groups[s.target]:
                both = groups[r.slot] | groups[s.target]
                groups.update(dict.fromkeys(both, both))
            elif r.slot in made and r.slot.rank and r.slot.axes[0] != batch:
                found.add(s.target)
    return set().union(*(groups[t] for t in found))


def phases(nodes: Sequence[Node], mine: Mapping[Slot, Slot]) -> list[list[Node]]:
    """Return the nodes in phases: within one, no thread needs what another makes."""
    maker = {t: n for n in nodes for t in _made(n, mine)}
    left, found = list(nodes), []
    done: set[Slot] = set()
    while left:
        phase: list[Node] = []
        here: set[Slot] = set()
        waiting: list[Node] = []
        for node in left:
            if _ready(node, maker, done, here):
                phase.append(node)
                here |= _made(node, mine)
            else:
                waiting.append(node)
        done |= here
        left = waiting
        found.append(phase)
    return found


def _made(node: Node, mine: Mapping[Slot, Slot]) -> set[Slot]:
    """What a node makes; a part is part of the array of all parts."""
    own = writes_of(node)
    return own | {mine[t] for t in own if t in mine}


def _ready(node: Node, maker: Mapping[Slot, Node], done: set[Slot], here: set[Slot]) -> bool:
    own = writes_of(node)
    for s in statements_of(node):
        for r in s.reads:
            if r.slot not in maker or r.slot in done or r.slot in own:
                continue
            if r.slot not in here or not same_thread(node, r, maker[r.slot]):
                return False
    return True


def same_thread(node: Node, r: Read, maker: Node) -> bool:
    """Whether the thread that reads is the one that made what it reads."""
    if isinstance(maker, Single):
        return True  # each thread computes numbers for itself
    if isinstance(node, Single):
        return False
    if maker.split is None:
        return node.split is None
    made = [s for s in statements_of(maker) if s.target == r.slot]
    if not made:
        return False  # the parts of all threads
    (s,) = made
    if maker.split not in s.labels:
        return False
    return r.at[s.labels.index(maker.split)] == node.split


def own_rows(
    found: Sequence[Sequence[Node]],
    batch: Expr,
    mine: Mapping[Slot, Slot],
    kept: Collection[Slot],
) -> frozenset[Slot]:
    """The arrays whose rows are read by the thread alone that makes them.

    They lie apart for each thread: a processor that reads ahead would else fetch what the other
    one is writing.
    """
    maker = {t: n for phase in found for n in phase for t in _made(n, mine)}
    own = set()
    for node in (n for phase in found for n in phase):
        for s in statements_of(node):
            rows = [k for k, a in enumerate(s.target.axes) if a == batch]
            if isinstance(node, Single) or len(rows) != 1 or s.target in kept:
                continue
            if s.labels[rows[0]] == node.split:
                own.add(s.target)
    for node in (n for phase in found for n in phase):
        for s in statements_of(node):
            if isinstance(s, Gather):
                own.discard(s.source)
            for r in s.reads:
                if r.slot in own and not same_thread(node, r, maker[r.slot]):
                    own.discard(r.slot)
    return frozenset(own)


def moves_by_phase(
    found: Sequence[Sequence[Node]],
    buffers: Sequence[Slot],
    orders: Mapping[Slot, Order],
    *,
    mine: Mapping[Slot, Slot],
    own: Collection[Slot] = (),
) -> list[Move[Slot]]:
    """Return when each buffer takes its piece of memory, and gives it back.

    Memory is taken over after a barrier only, or in place by the thread that made it.
    """
    wanted = set(buffers)
    maker = {t: n for phase in found for n in phase for t in _made(n, mine)}
    first: dict[Slot, int] = {}
    last: dict[Slot, int] = {}
    readers: dict[Slot, list[Node]] = {}
    for number, phase in enumerate(found):
        for node in phase:
            for t in _made(node, mine):
                first[t] = last[t] = number
            for t in reads_of(node):
                last[t] = number
                readers.setdefault(t, []).append(node)
    home: dict[Slot, Slot] = {}
    for phase in found:
        for node in phase:
            taken: set[Slot] = set()
            for new in sorted(writes_of(node) & wanted, key=lambda t: t.name):
                for old in sorted(reads_of(node) & wanted - taken, key=lambda t: t.name):
                    alike = (old in own) == (new in own)  # else they lie otherwise in memory
                    alone = alike and readers[old] == [node] and _own(node, old, maker)
                    if alone and in_place(node, old, new, orders):
                        home[new] = home.get(old, old)
                        root = home[new]
                        last[root] = max(last[root], last[new])
                        taken.add(old)
                        break
    moves: list[Move[Slot]] = []
    roots = [t for t in buffers if t not in home]
    for number in range(len(found)):
        moves += [Move("give", t) for t in roots if first[t] < number and last[t] == number - 1]
        moves += [Move("take", t) for t in roots if first[t] == number]
    return [*moves, *(Move("share", new, old) for new, old in home.items())]


def _own(node: Node, old: Slot, maker: Mapping[Slot, Node]) -> bool:
    reads = [r for s in statements_of(node) for r in s.reads if r.slot == old]
    return isinstance(node, (Nest, Product)) and all(
        same_thread(node, r, maker[old]) for r in reads
    )
