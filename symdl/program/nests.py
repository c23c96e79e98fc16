"""Loop nests: statements as loops over named axes, and neighbouring loops made one.

A ``Nest`` runs over its labels, outermost first, and computes its statements at each point.  A sum
or maximum over the innermost labels is kept in a variable; over other labels, in memory.  Matrix
products stay products (``Product``), and what has no axes is a ``Single`` value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from sympy.core.expr import Expr

from symdl.errors import NotSupported
from symdl.program.ir import (
    Apply,
    Contract,
    Gather,
    Map,
    Operand,
    Place,
    Program,
    Read,
    Reduce,
    Slot,
    Statement,
)
from symdl.program.products import Product, as_product

__all__ = ["Nest", "Node", "Order", "Single", "loop_nests", "reads_of", "writes_of"]

Order = tuple[int, ...]


@dataclass(frozen=True)
class Nest:
    """Statements computed at each point of the loops.

    loops  labels, outermost first
    local  values that no other node reads: they live in a variable for one point
    split  the loop of which each thread runs a part
    """

    loops: tuple[str, ...]
    sizes: Mapping[str, Expr]
    body: tuple[Statement, ...]
    local: frozenset[Slot] = frozenset()
    split: str | None = None

    @property
    def lengths(self) -> tuple[Expr, ...]:
        """The sizes of the loops."""
        return tuple(self.sizes[name] for name in self.loops)

    def depth(self, labels: Collection[str]) -> int:
        """How many loops must be open where something with these labels is at hand."""
        return max((k + 1 for k, name in enumerate(self.loops) if name in labels), default=0)

    def in_variable(self, s: Statement) -> bool:
        """Whether a sum or maximum is kept in a variable: its labels are those of outer loops."""
        return set(s.labels) == set(self.loops[: len(s.labels)])


@dataclass(frozen=True)
class Single:
    """A statement without axes."""

    statement: Statement


Node: TypeAlias = Nest | Product | Single


def reads_of(node: Node) -> set[Slot]:
    """The slots that a node reads."""
    return {r.slot for s in statements_of(node) for r in s.reads}


def writes_of(node: Node) -> set[Slot]:
    """The slots that a node makes."""
    return {s.target for s in statements_of(node)}


def statements_of(node: Node) -> tuple[Statement, ...]:
    """The statements of a node."""
    return node.body if isinstance(node, Nest) else (node.statement,)


def loop_nests(
    program: Program,
    orders: Mapping[Slot, Order],
    *,
    tiny: Callable[[Contract], bool] = lambda s: False,
    outside: Collection[Slot] = (),
    into: Mapping[Slot, Slot] | None = None,
    split: Callable[[Statement], str | None] = lambda s: None,
) -> tuple[Node, ...]:
    """Return the nodes that compute a program whose bodies have been split.

    orders   how the axes of a slot lie in memory
    tiny     the products that plain loops compute faster than a call
    outside  slots that must be in memory at the end
    into     new values that are written where the old ones were
    split    the label of which each thread computes a part, if threads share a statement
    """
    nodes: list[Node] = []
    for s in program.statements:
        node = _node(s, orders, tiny, split(s))
        _add(nodes, node, into or {})
    kept = {*program.keep, *outside, *(into or {})}
    readers = Counter(slot for n in nodes for slot in reads_of(n))
    return tuple(_localised(n, readers, kept) for n in nodes)


def _node(
    s: Statement,
    orders: Mapping[Slot, Order],
    tiny: Callable[[Contract], bool],
    split: str | None,
) -> Nest | Product | Single:
    if isinstance(s, Contract) and not tiny(s):
        product = as_product(s, orders)
        if product is not None:
            axes = (product.row_labels, product.column_labels, product.summed_labels)
            whole = split is None or (split,) not in axes
            return product if whole else replace(product, split=split)
    if not s.sizes:
        return Single(s)
    return Nest(_loops(s, orders), s.sizes, (s,), split=split)


def _loops(s: Statement, orders: Mapping[Slot, Order]) -> tuple[str, ...]:
    """The loops of one statement: as its fullest array lies in memory, what is summed inside."""
    every = tuple(s.sizes) if not isinstance(s, Gather) else s.labels
    if isinstance(s, Gather):
        return _memory(Read(s.target, s.labels), orders)
    if isinstance(s, Contract) or (isinstance(s, Reduce) and s.kind == "argmax"):
        first = _memory(Read(s.target, s.labels), orders)
        inner = [n for n in _memory(s.reads[0], orders) if n not in first]
        return tuple(dict.fromkeys((*first, *inner, *every)))
    accesses = [Read(s.target, s.labels), *s.reads]
    fullest = max(accesses, key=lambda r: len(r.labels))
    known = _memory(fullest, orders)
    return tuple(dict.fromkeys((*(n for n in every if n not in known), *known)))


def _memory(r: Read, orders: Mapping[Slot, Order]) -> tuple[str, ...]:
    at = [r.at[k] for k in orders[r.slot]]
    return tuple(dict.fromkeys(p for p in at if isinstance(p, str)))


# -- fusion


def _add(nodes: list[Node], node: Node, into: Mapping[Slot, Slot]) -> None:
    """Append a node, or put it into an earlier nest over the same axes.

    Only sums and the like move up past other arrays: an array made long before it is read would
    have to be kept.
    """
    if isinstance(node, Nest):
        small = all(isinstance(s, (Reduce, Contract)) for s in node.body)
        for place in range(len(nodes) - 1, -1, -1):
            other = nodes[place]
            joined = _joined(other, node) if isinstance(other, Nest) else None
            if joined is not None:
                nodes[place] = joined
                return
            if _depends(node, other, into) or not (small or isinstance(other, Single)):
                break
    nodes.append(node)


def _depends(node: Node, earlier: Node, into: Mapping[Slot, Slot]) -> bool:
    """Whether a node must stay behind an earlier one."""
    reads, writes = reads_of(node), writes_of(node)
    overwritten = {into[w] for w in writes if w in into}
    lost = {into[w] for w in writes_of(earlier) if w in into}
    return bool(reads & writes_of(earlier) or overwritten & reads_of(earlier) or lost & reads)


def _joined(first: Nest, second: Nest) -> Nest | None:
    """Both nests as one, or nothing where a point of one needs another point of the other."""
    if first.lengths != second.lengths or _argmax(first) or _argmax(second):
        return None
    names = dict(zip(second.loops, first.loops, strict=True))
    if first.split != (None if second.split is None else names[second.split]):
        return None
    moved = tuple(relabelled(s, names) for s in second.body)
    made = {s.target: s for s in first.body}
    for s in moved:
        if isinstance(s, Gather) and s.source in made:
            return None
        for r in s.reads:
            maker = made.get(r.slot)
            if maker is None:
                continue
            if isinstance(maker, (Reduce, Contract)) or r.at != maker.labels:
                return None
    return replace(first, body=(*first.body, *moved))


def _argmax(nest: Nest) -> bool:
    return any(isinstance(s, Reduce) and s.kind == "argmax" for s in nest.body)


def _localised(node: Node, readers: Mapping[Slot, int], kept: Collection[Slot]) -> Node:
    """The node with what it alone reads, of what it makes at each point, as local."""
    if not isinstance(node, Nest):
        return node
    reads = reads_of(node)
    own = {s.target for s in node.body if isinstance(s, (Apply, Gather))} - set(kept)
    return replace(node, local=frozenset(t for t in own if readers[t] == (t in reads)))


# -- labels


def relabelled(s: Statement, names: Mapping[str, str]) -> Statement:
    """Return a statement whose labels are called otherwise."""
    labels = tuple(names[n] for n in s.labels)
    if isinstance(s, Gather):
        at = tuple(_place(p, names) for p in s.at)
        return replace(s, labels=labels, at=at)
    changed = s.map_operands(lambda o: _operand(o, names))
    return replace(changed, labels=labels)


def _place(p: str | int | Read, names: Mapping[str, str]) -> str | int | Read:
    if isinstance(p, Read):
        return Read(p.slot, tuple(names[q] if isinstance(q, str) else q for q in p.at))
    return names[p] if isinstance(p, str) else p


def _operand(o: Operand, names: Mapping[str, str]) -> Operand:
    if isinstance(o, Read):
        return Read(o.slot, tuple(names[p] if isinstance(p, str) else p for p in o.at))
    return Place(names[o.label], o.size) if isinstance(o, Place) else o


def check_split(statements: Iterable[Statement]) -> None:
    """Raise where an element-wise body has not been split into single operations."""
    for s in statements:
        if isinstance(s, Map) and s.labels:
            raise NotSupported(f"{s.target.name} has a body that was not split")
