"""Names as they are shown: a name taken apart into base, accent and labels; letters of indices."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.notation.binders import Binder, letters, rename
from symdl.notation.indices import Index
from symdl.notation.tensors import real
from symdl.notation.walk import free_indices

__all__ = ["GREEK", "Name", "distinct_indices", "loss_name", "named", "taken_apart"]

_GREEK = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon
phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
"""
GREEK = frozenset(_GREEK.split())
_ACCENTS = ("bar", "hat", "tilde")
_NUMBERED = re.compile(r"([A-Za-z]+)(\d+)\Z")


@dataclass(frozen=True)
class Name:
    """A name such as ``dense_1.Wbar``: owner ``dense_1``, base ``W``, accent ``bar``, labels."""

    base: str
    accent: str = ""
    labels: tuple[str, ...] = ()
    owner: str = ""


def taken_apart(name: str) -> Name:
    """Take a name apart for display.

    >>> taken_apart("zbar")
    Name(base='z', accent='bar', labels=(), owner='')
    >>> taken_apart("target_o1").labels, taken_apart("W5").labels
    (('o1',), ('5',))
    >>> taken_apart("g_clippedbar").accent  # the adjoint of g_clipped
    'bar'
    """
    owner, _, local = name.rpartition(".")
    if "_" in local and local.endswith("bar") and not local.endswith("_bar"):
        local = local.removesuffix("bar") + "_bar"
    first, *labels = [p for p in local.split("_") if p] or [local]
    accent = ""
    if labels and labels[-1] in _ACCENTS:
        accent = labels.pop()
    else:
        for word in _ACCENTS:
            stem = first.removesuffix(word)
            if stem != first and (len(stem) <= 3 or stem in GREEK or _NUMBERED.match(stem)):
                first, accent = stem, word
    numbered = _NUMBERED.match(first)
    if numbered and (len(numbered[1]) == 1 or numbered[1] in GREEK):
        first, labels = numbered[1], [numbered[2], *labels]
    if labels and not (len(first) == 1 or first in GREEK) and not _is_short(labels):
        return Name(local.removesuffix("_" + accent) if accent else local, accent, (), owner)
    return Name(first, accent, tuple(labels), owner)


def loss_name(taken: Iterable[sp.Symbol]) -> sp.Symbol:
    """A name for the loss that follows a formula whose output is a tensor."""
    names = {v.name for v in taken}
    return real(next(n for n in ("L", "E", "J", "loss") if n not in names))


def _is_short(labels: list[str]) -> bool:
    """True for labels that read as an index: o1, 2, new; False for the rest of a long name."""
    return all(len(p) <= 3 for p in labels)


def distinct_indices(found: Iterable[Expr]) -> dict[Index, Index]:
    """New names for the indices of ``found`` that would be shown under the name of another one."""
    present = frozenset().union(*(free_indices(e) for e in found))
    taken: set[str] = set()
    new: dict[Index, Index] = {}
    for i in sorted(present, key=lambda i: (i.uid > 0, i.uid, i.name, str(i.size))):
        if i.uid > 0 or i.name in taken:
            name = next(c for c in letters(i.size) if c not in taken | _others(present, i))
            new[i] = Index(name, i.size)
            taken.add(name)
        else:
            taken.add(i.name)
    return new


def _others(present: frozenset[Index], i: Index) -> set[str]:
    return {j.name for j in present if j is not i and j.uid <= 0}


def named(e: Binder, taken: frozenset[str]) -> tuple[Expr, tuple[Index, ...]]:
    """Open a binder with readable indices, called by no name that is ``taken`` or read inside.

    The rows of a batch, n, are named first.
    """
    used = {*taken, *(s.name for s in e.free_symbols if s.is_Symbol)}
    index = []
    for b in e.bounds:
        name = next(c for c in letters(b.size) if c not in used)
        used.add(name)
        index.append(Index(name, b.size))
    body = rename(e.body, dict(zip(e.bounds, index, strict=True)))
    return body, tuple(sorted(index, key=lambda i: (i.name != "n", i.name)))
