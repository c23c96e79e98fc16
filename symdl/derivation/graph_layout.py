"""Where the nodes of a graph stand: in layers, with few crossings, each near what it is tied to."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

__all__ = ["Layout", "layout"]

Node: TypeAlias = Any  # hashable
Item: TypeAlias = (
    Hashable  # a node, or the bend (source, target, layer) of an edge that passes a layer
)

_SWEEPS = 12


@dataclass(frozen=True)
class Layout:
    """Layers from left to right, the items of each from top to bottom, and their heights ``y``.

    ``ways`` are the edges, each as the items from its source to its target.
    """

    layers: tuple[tuple[Item, ...], ...]
    y: Mapping[Item, float]
    ways: Mapping[tuple[Item, Item], tuple[Item, ...]]


def layout(
    reads: Mapping[Node, Sequence[Node]], extents: Mapping[Node, tuple[float, float]]
) -> Layout:
    """Place an acyclic graph; ``reads`` names what each node reads, every node after those.

    A node stands right of all that it reads, by the longest path; one that reads nothing stands
    directly left of what reads it first.  Each layer is ordered by the mean place of its
    neighbours (Sugiyama, Tagawa, Toda, 1981, Methods for Visual Understanding of Hierarchical
    System Structures).  ``extents`` are how far a node reaches up and down.

    >>> placed = layout({"x": [], "y": [], "q": ["x", "y"]}, dict.fromkeys("xyq", (1, 1)))
    >>> placed.layers, placed.y["x"], placed.y["q"]
    ((('x', 'y'), ('q',)), 0.0, 1.0)
    """
    rank = _ranks(reads)
    ways: dict[tuple[Item, Item], tuple[Item, ...]] = {
        (s, t): (s, *((s, t, k) for k in range(rank[s] + 1, rank[t])), t)
        for t, sources in reads.items()
        for s in sources
    }
    layers = _ordered(_from_the_end(reads, rank, ways), ways)
    y = _heights(layers, ways, extents)
    top = min(y.values(), default=0.0)
    return Layout(tuple(map(tuple, layers)), {i: at - top for i, at in y.items()}, ways)


def _ranks(reads: Mapping[Node, Sequence[Node]]) -> dict[Node, int]:
    rank: dict[Node, int] = {}
    for node, sources in reads.items():
        rank[node] = 1 + max((rank[s] for s in sources), default=-1)
    for node, sources in reads.items():
        users = [rank[t] for t, read in reads.items() if node in read]
        if not sources and users:
            rank[node] = min(users) - 1
    return rank


def _from_the_end(
    reads: Mapping[Node, Sequence[Node]],
    rank: Mapping[Node, int],
    ways: Mapping[tuple[Item, Item], tuple[Item, ...]],
) -> list[list[Item]]:
    """The layers as they are met walking back from the last node: a tree has no crossings so."""
    layers: list[list[Item]] = [[] for _ in range(1 + max(rank.values(), default=-1))]
    met: set[Item] = set()

    def walk(node: Node) -> None:
        met.add(node)
        layers[rank[node]].append(node)
        for s in reads[node]:
            for k, bend in enumerate(ways[s, node][1:-1], rank[s] + 1):
                layers[k].append(bend)
            if s not in met:
                walk(s)

    for node in reversed(list(reads)):
        if node not in met:
            walk(node)
    return layers


def _ties(
    ways: Mapping[tuple[Item, Item], tuple[Item, ...]],
) -> tuple[dict[Item, list[Item]], dict[Item, list[Item]]]:
    """What each item is tied to in the layer on its left, and in that on its right."""
    left: dict[Item, list[Item]] = {}
    right: dict[Item, list[Item]] = {}
    for way in ways.values():
        for a, b in pairwise(way):
            right.setdefault(a, []).append(b)
            left.setdefault(b, []).append(a)
    return left, right


def _ordered(
    layers: list[list[Item]], ways: Mapping[tuple[Item, Item], tuple[Item, ...]]
) -> list[list[Item]]:
    """The order with the fewest crossings among those that sweeps to and fro come by."""
    left, right = _ties(ways)
    best, fewest = layers, _crossings(layers, right)
    for k in range(_SWEEPS):
        if not fewest:
            break
        ties, order = (left, layers) if k % 2 == 0 else (right, layers[::-1])
        place: dict[Item, float] = {}
        swept = []
        for layer in order:
            known = {i: n for n, i in enumerate(layer)}
            mean = {i: _mean((place[j] for j in ties.get(i, ())), known[i]) for i in layer}
            swept.append(sorted(layer, key=lambda i, mean=mean: mean[i]))  # type: ignore[misc]
            place |= {i: float(n) for n, i in enumerate(swept[-1])}
        layers = swept if k % 2 == 0 else swept[::-1]
        if _crossings(layers, right) < fewest:
            best, fewest = layers, _crossings(layers, right)
    return best


def _mean(found: Iterable[float], otherwise: float) -> float:
    known = list(found)
    return sum(known) / len(known) if known else otherwise


def _crossings(layers: Sequence[Sequence[Item]], right: Mapping[Item, Sequence[Item]]) -> int:
    count = 0
    for layer, following in pairwise(layers):
        place = {i: n for n, i in enumerate(following)}
        ends = [sorted(place[t] for t in right.get(i, ())) for i in layer]
        edges = [e for found in ends for e in found]
        count += sum(a > b for n, a in enumerate(edges) for b in edges[n + 1 :])
    return count


def _heights(
    layers: Sequence[Sequence[Item]],
    ways: Mapping[tuple[Item, Item], tuple[Item, ...]],
    extents: Mapping[Node, tuple[float, float]],
) -> dict[Item, float]:
    """Each item as near to the mean of its neighbours as the others in its layer let it."""
    left, right = _ties(ways)
    bend = (min((up for up, _ in extents.values()), default=0.0) / 2,) * 2
    reach: dict[Item, tuple[float, float]] = {i: bend for layer in layers for i in layer}
    reach.update(extents)
    apart = {id(layer): _apart(layer, reach) for layer in layers}
    y = {i: at for layer in layers for i, at in zip(layer, apart[id(layer)], strict=True)}
    for k in range(_SWEEPS):
        ties, order = (right, layers[::-1]) if k % 2 == 0 else (left, layers)
        for layer in order:
            wanted = [_mean((y[j] for j in ties.get(i, ())), y[i]) for i in layer]
            y.update(zip(layer, _spaced(wanted, apart[id(layer)]), strict=True))
    return y


def _apart(layer: Sequence[Item], reach: Mapping[Item, tuple[float, float]]) -> list[float]:
    """Where the items stand when they are put one directly under the other."""
    out = [0.0] if layer else []
    for a, b in pairwise(layer):
        out.append(out[-1] + reach[a][1] + reach[b][0])
    return out


def _spaced(wanted: Sequence[float], apart: Sequence[float]) -> list[float]:
    """The places nearest to the wanted ones, by least squares, at least so far apart.

    Without the distances that is isotonic regression, by pooling neighbours that are out of order.
    """
    pools: list[tuple[float, int]] = []
    for want, distance in zip(wanted, apart, strict=True):
        at, size = want - distance, 1
        while pools and pools[-1][0] > at:
            before, count = pools.pop()
            at, size = (at * size + before * count) / (size + count), size + count
        pools.append((at, size))
    level = [at for at, size in pools for _ in range(size)]
    return [at + distance for at, distance in zip(level, apart, strict=True)]
