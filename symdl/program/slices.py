"""Two threads for one step: which part of each array a thread makes, and where both must wait.

Each statement is split along one axis of its result, the batch where it has one.  A node that reads
what another thread made must come after a barrier; nodes that need none are brought forward, so
that, in a chain of layers, all products with the batch as their sum come after one barrier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sympy.core.expr import Expr

from symdl.program.ir import Apply, Contract, Program, Read, Reduce, Slot, Statement
from symdl.program.memory import Pieces, in_place
from symdl.program.nests import Nest, Node, Order, Single, reads_of, statements_of, writes_of
from symdl.program.products import Product

__all__ = ["offsets_by_phase", "phases", "splitter"]


def splitter(
    program: Program, batch: Expr, orders: Mapping[Slot, Order]
) -> Callable[[Statement], str | None]:
    """Return the label along which a statement is split, for each statement.

    Arrays that are normalized over the batch are split along their features.
    """
    across = _across(program, batch)

    def split(s: Statement) -> str | None:
        if not s.labels:
            whole = isinstance(s, Contract) or (isinstance(s, Reduce) and s.kind == "sum")
            found = [n for n, size in s.sizes.items() if size == batch]
            return found[0] if whole and len(found) == 1 else None
        if s.target.axes[0] == batch and s.target not in across:
            return s.labels[0]
        if s.target.axes[0] == batch and s.target.rank > 1:
            return s.labels[orders[s.target][0]]
        return s.labels[0]

    return split


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


def phases(nodes: Sequence[Node]) -> list[list[Node]]:
    """Return the nodes in phases: within one, no thread needs what another makes."""
    maker = {t: n for n in nodes for t in writes_of(n)}
    left, found = list(nodes), []
    done: set[Slot] = set()
    while left:
        phase: list[Node] = []
        here: set[Slot] = set()
        waiting: list[Node] = []
        for node in left:
            if _ready(node, maker, done, here):
                phase.append(node)
                here |= writes_of(node)
            else:
                waiting.append(node)
        done |= here
        left = waiting
        found.append(phase)
    return found


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
    (s,) = (s for s in statements_of(maker) if s.target == r.slot)
    if maker.split not in s.labels:
        return False
    return r.at[s.labels.index(maker.split)] == node.split


def offsets_by_phase(
    found: Sequence[Sequence[Node]],
    buffers: Sequence[Slot],
    orders: Mapping[Slot, Order],
    size: Callable[[Slot], int],
) -> tuple[dict[Slot, int], int]:
    """Return where each buffer starts, and how long the memory is, in bytes.

    Memory is taken over after a barrier only, or in place by the thread that made it.
    """
    wanted = set(buffers)
    maker = {t: n for phase in found for n in phase for t in writes_of(n)}
    first: dict[Slot, int] = {}
    last: dict[Slot, int] = {}
    readers: dict[Slot, list[Node]] = {}
    for number, phase in enumerate(found):
        for node in phase:
            for t in writes_of(node):
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
                    alone = readers[old] == [node] and _own(node, old, maker)
                    if alone and in_place(node, old, new, orders):
                        home[new] = home.get(old, old)
                        root = home[new]
                        last[root] = max(last[root], last[new])
                        taken.add(old)
                        break
    memory, places = Pieces(), {}
    roots = [t for t in buffers if t not in home]
    for number in range(len(found)):
        for t in roots:
            if t in places and last[t] == number - 1:
                memory.give(places[t], size(t))
        for t in roots:
            if first[t] == number:
                places[t] = memory.take(size(t))
    return {t: places[home.get(t, t)] for t in buffers}, memory.end


def _own(node: Node, old: Slot, maker: Mapping[Slot, Node]) -> bool:
    reads = [r for s in statements_of(node) for r in s.reads if r.slot == old]
    return isinstance(node, (Nest, Product)) and all(
        same_thread(node, r, maker[old]) for r in reads
    )
