"""The same derivation in the notation, layout and style that a reader asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.derivation.derivation import Derivation
from symdl.derivation.lets import with_names
from symdl.derivation.matrix_steps import in_matrices
from symdl.derivation.scalars import in_scalars
from symdl.derivation.styles import in_style
from symdl.derivation.writing import Writing
from symdl.errors import InputError
from symdl.formula import Formula
from symdl.notation.binders import Binder
from symdl.notation.tensors import Elem, TensorSymbol

__all__ = ["prepared", "written_as"]


def prepared(
    subject: Expr | Formula,
    x: Any,
    writing: Writing,
    sizes: Mapping[str, int] | None = None,
    names: Mapping[str, Any] | None = None,
) -> tuple[Expr | Formula, Any]:
    """What is derived for what: written out element by element for scalar notation.

    Raises InputError where the notation does not fit what is derived.
    """
    indexed = _is_indexed(subject)
    if writing.notation != "scalar":
        if sizes is not None or names is not None:
            raise InputError("sizes and names are for scalar notation: add notation='scalar'")
        if writing.notation is not None and not indexed:
            raise InputError(
                f"{writing.notation} notation needs indices, but this is written in scalar "
                "symbols; declare tensors as in symdl.tensors('x[n,i]', n, i)"
            )
        return subject, x
    if not indexed:
        return subject, x
    if not isinstance(subject, Formula):
        raise InputError("scalar notation of an expression with indices: give it a name, 'y = ...'")
    found = in_scalars(subject, sizes, names)
    return found.formula, found.named(x)


def written_as(d: Derivation, writing: Writing) -> Derivation:
    """The derivation in another style and notation, its long expressions named."""
    if writing.style is not None:
        d = in_style(d, writing.style)
    if writing.notation == "matrix":
        d = in_matrices(d, writing)
    return with_names(d)


def _is_indexed(subject: Expr | Formula) -> bool:
    if isinstance(subject, Formula):
        found: tuple[sp.Symbol, ...] = (*subject.given, *subject.defined)
        return any(isinstance(v, TensorSymbol) for v in found)
    return bool(subject.has(Elem, Binder))
