"""Data races of two threads, found by listing every byte that each thread reads and writes.

Nothing of the analysis that decides where threads wait is used here: only the nodes of each phase,
which part of a loop a thread runs, and where arrays lie.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import sympy as sp

from symdl.program.ir import Gather, Read
from symdl.program.nests import Nest, Single, statements_of

WIDTH = {"real": 4, "flag": 1, "label": 8}


@dataclass(frozen=True)
class Threaded:
    """A function for two threads: its phases, where its arrays lie, and the sizes.

    start  the first byte of each buffer in their common memory
    same   slots that live in the array of others
    """

    phases: tuple
    orders: dict
    sizes: dict
    start: dict
    mine: dict
    own: frozenset
    batch: sp.Expr | None
    same: dict

    def number(self, size):
        return int(sp.sympify(size).xreplace({s: sp.Integer(v) for s, v in self.sizes.items()}))

    def part(self, size, me):
        """The places along an axis that a thread takes, as the generated code shares it out."""
        n = self.number(size)
        middle = n // 2 if n < 64 else (n // 2 + 15) // 16 * 16
        return range(middle, n) if me else range(middle)

    def bytes_of(self, slot, places, me):
        """The bytes of some elements: an array's name, or the common memory, and a number."""
        axes = [self.number(a) for a in slot.axes]
        base, shift = slot, 0
        if slot in self.mine:
            base = self.mine[slot]
            shift = me * int(sp.prod(axes))
        base = self.same.get(base, base)
        where, first = ("memory", self.start[base]) if base in self.start else (base.name, 0)
        row = slot.axes.index(self.batch) if slot in self.own else None
        width = WIDTH[slot.kind]
        for at in places:
            lengths, here = list(axes), list(at)
            if row is not None:  # each thread has its rows in one piece
                mine = self.part(self.batch, me)
                rest = int(sp.prod(axes)) // axes[row]
                lengths[row], here[row] = len(mine), at[row] - mine.start
                assert 0 <= here[row] < len(mine), f"{slot.name} is read at the other's rows"
            index = 0
            for k in self.orders[slot]:
                index = index * lengths[k] + here[k]
            if row is not None:
                index += mine.start * rest
            byte = first + (index + shift) * width
            yield from ((where, byte + k) for k in range(width))

    def elements(self, at, ranges, slot):
        """The places of an access when its labels run over ranges."""
        labels = [p for p in dict.fromkeys(at) if isinstance(p, str)]
        for values in itertools.product(*(ranges[label] for label in labels)):
            known = dict(zip(labels, values, strict=True))
            yield tuple(known[p] if isinstance(p, str) else p for p in at)


@dataclass(frozen=True)
class Access:
    """What one node reads and writes in one thread: the tag of each byte is (slot, place)."""

    reads: dict
    writes: dict
    numbers: frozenset  # single numbers that it reads
    makes: frozenset  # and those to which it adds a part


def access(f, node, me):
    """List what a thread does in a node; nothing where the first thread runs it alone."""
    reads, writes, numbers, makes = {}, {}, set(), set()
    split = None if isinstance(node, Single) else node.split
    alone = not isinstance(node, Single) and split is None
    if alone and me:
        return Access(reads, writes, frozenset(), frozenset())
    local = node.local if isinstance(node, Nest) else frozenset()
    made = {s.target for s in statements_of(node)}
    for s in statements_of(node):
        sizes = s.sizes
        if isinstance(s, Gather):
            sizes = {**sizes, **{f"at{k}": a for k, a in enumerate(s.source.axes)}}
        ranges = {n: range(f.number(e)) for n, e in sizes.items()}
        if split is not None:
            ranges[split] = f.part(sizes[split], me)
        for r in s.reads:
            if not r.slot.rank:
                numbers.add(r.slot)
            elif r.slot not in made:
                tag(f, reads, r, ranges, me)
        if not s.target.rank:
            makes.add(s.target)
        elif s.target not in local:
            tag(f, writes, Read(s.target, s.labels), ranges, me)
    return Access(reads, writes, frozenset(numbers), frozenset(makes))


def tag(f, found, r, ranges, me):
    slot = r.slot
    for at in f.elements(r.at, ranges, slot):
        whole = f.mine.get(slot)  # a part is read later as an element of the array of all parts
        name = (whole.name, (me, *at)) if whole is not None else (f.same.get(slot, slot).name, at)
        for byte in f.bytes_of(slot, [at], me):
            found[byte] = name


def races(f):
    """Describe each pair of accesses without a barrier in between of which one is a write."""
    found = []
    for number, phase in enumerate(f.phases):
        done = [[access(f, node, me) for node in phase] for me in range(2)]
        for one, two in ((0, 1), (1, 0)):
            written = {b: t for a in done[one] for b, t in a.writes.items()}
            for a in done[two]:
                found += [
                    f"phase {number}: {written[b]} is written by thread {one}, {t} {verb} by {two}"
                    for verb, what in (("read", a.reads), ("written", a.writes))
                    for b, t in what.items()
                    if b in written
                ]
        added = {s for node in phase if isinstance(node, Nest)
                 for s in access(f, node, 0).makes}  # fmt: skip
        for me in range(2):
            found += [f"phase {number}: {s.name} is read before its parts are added up"
                      for a in done[me] for s in a.numbers & added]  # fmt: skip
    return found


def lost(f):
    """Describe each read that does not find what was made: it was overwritten, or never made."""
    memory, found = {}, []
    made = {s.target for phase in f.phases for n in phase for s in statements_of(n)}
    made |= set(f.mine.values())
    kept = {f.same.get(slot, slot).name for slot in made if slot in f.same}
    names = {slot.name for slot in made} - kept
    for phase in f.phases:
        for me in range(2):
            for node in phase:
                a = access(f, node, me)
                found += [
                    f"{t} is read, but {memory.get(b)} is there"
                    for b, t in a.reads.items()
                    if t[0] in names and memory.get(b) != t
                ]
                memory |= a.writes
    return found
