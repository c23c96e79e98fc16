"""The pictures of the entries of the catalogue."""

from __future__ import annotations

from symdl.book.catalogue import Entry
from symdl.book.pictures.curves import activation
from symdl.book.pictures.losses import loss
from symdl.book.pictures.paths import schedule, valley
from symdl.book.pictures.picture import Picture
from symdl.formula import Formula
from symdl.notation.tensors import TensorSymbol

__all__ = ["pictures_of"]


def pictures_of(entry: Entry) -> tuple[Picture, ...]:
    """What the page of an entry shows: a curve, a loss, a descent or a schedule, or nothing.

    >>> from symdl.book.catalogue import entry
    >>> [p.file for p in pictures_of(entry("tanh"))], pictures_of(entry("softmax"))
    (['tanh.svg'], ())
    """
    f = entry.formula
    if entry.kind == "activation" and _is_curve(f):
        return (activation(f),)
    if entry.kind == "optimizer":
        return (valley(f),)
    if entry.kind == "schedule":
        return (schedule(f),)
    found = loss(f) if entry.kind in ("loss", "activation with loss") else None
    return () if found is None else (found,)


def _is_curve(f: Formula) -> bool:
    scalar = not any(isinstance(v, TensorSymbol) for v in (*f.given, *f.defined))
    return scalar and not f.parameters
