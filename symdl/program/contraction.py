"""Sums of products: pairwise contraction in a cheap order."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sympy as sp
from sympy.core.expr import Expr

from symdl.program.ir import Apply, Contract, Read, Reduce

if TYPE_CHECKING:
    from symdl.program.lowering import Scope

__all__ = ["Factor", "lower_product"]

_LIKELY = 64  # the size taken for an axis of which nothing is known


@dataclass(frozen=True)
class Factor:
    """A factor of the summed product, and its labels."""

    value: Expr
    labels: tuple[str, ...]


def lower_product(factors: list[Factor], summed: tuple[str, ...], scope: Scope) -> Read:
    """Lower the sum over ``summed`` of a product, two operands at a time."""
    groups: dict[frozenset[str], list[Expr]] = {}
    for f in factors:
        groups.setdefault(frozenset(f.labels), []).append(f.value)
    if len(groups) == 1 and len(factors) > 1:
        (labels,) = groups
        first, *rest = sorted((f.value for f in factors), key=_complexity)
        parts = [(first, labels), (sp.Mul(*rest), labels)]
    else:
        parts = [(sp.Mul(*values), labels) for labels, values in groups.items()]
    reads = [scope.materialise(value, scope.ordered(labels)) for value, labels in parts]
    wanted = set(itertools.chain.from_iterable(f.labels for f in factors)) - set(summed)
    return _pairwise(reads, wanted, scope)


def _complexity(e: Expr) -> tuple[int, str]:
    return int(e.count_ops()), str(e)


def _pairwise(reads: list[Read], wanted: set[str], scope: Scope) -> Read:
    """Contract the cheapest pair until one operand is left."""
    while len(reads) > 1:
        alone = [_sum_alone(r, reads, wanted, scope) for r in reads]
        reads = [r if done is None else done for r, done in zip(reads, alone, strict=True)]
        pairs = itertools.combinations(range(len(reads)), 2)
        a, b = min(pairs, key=lambda p: _cost(reads, p, wanted, scope))
        rest = [r for k, r in enumerate(reads) if k not in (a, b)]
        reads = [*rest, _contract(reads[a], reads[b], _needed(rest, wanted), scope)]
    (last,) = reads
    return _reduce(last, [n for n in last.labels if n in wanted], scope)


def _sum_alone(r: Read, reads: list[Read], wanted: set[str], scope: Scope) -> Read | None:
    """Sum the labels that no other operand and no output has."""
    others = _needed((o for o in reads if o is not r), wanted)
    lonely = [n for n in r.labels if n not in others]
    both = sum(o == r for o in reads) > 1  # equal operands share their labels
    if not lonely or both:
        return None
    return _reduce(r, [n for n in r.labels if n in others], scope)


def _needed(reads: Iterable[Read], wanted: set[str]) -> set[str]:
    return wanted.union(*(r.labels for r in reads))


def _cost(
    reads: list[Read], pair: tuple[int, int], wanted: set[str], scope: Scope
) -> tuple[float, float]:
    """Multiplications of a pairwise contraction, then the size of its result."""
    left, right = (reads[k] for k in pair)
    rest = [r for k, r in enumerate(reads) if k not in pair]
    union = set(left.labels) | set(right.labels)
    return _volume(union, scope), _volume(union & _needed(rest, wanted), scope)


def _volume(labels: Iterable[str], scope: Scope) -> float:
    return math.prod(_likely(scope.sizes[name], scope) for name in labels)


def _likely(size: Expr, scope: Scope) -> float:
    if size.is_Integer:
        return float(int(size))
    return float(scope.work.hints.get(size, _LIKELY))


def _contract(left: Read, right: Read, needed: set[str], scope: Scope) -> Read:
    union = scope.ordered((*left.labels, *right.labels))
    labels = tuple(name for name in union if name in needed)
    target = scope.work.temporary(scope.sizes[name] for name in labels)
    if labels == union:  # nothing to sum: a product with broadcasting
        scope.add(Apply(target, labels, "multiply", (left, right), scope.note))
    else:
        scope.add(Contract(target, labels, left, right, scope.note))
    return Read(target, labels)


def _reduce(source: Read, kept: list[str], scope: Scope) -> Read:
    if set(kept) == set(source.labels):
        return source
    labels = scope.ordered(kept)
    target = scope.work.temporary(scope.sizes[name] for name in labels)
    scope.add(Reduce(target, labels, "sum", source, scope.note))
    return Read(target, labels)
