"""Losses as curves of one prediction, for given targets."""

from __future__ import annotations

from functools import partial
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.book.pictures.curves import curve_of, draw_curve
from symdl.book.pictures.picture import Picture, plot
from symdl.derivation.plain_printer import plain_text
from symdl.evidence.written_out import element_symbol, write_out
from symdl.formula import Equation, Formula
from symdl.notation.binders import Binder
from symdl.notation.tensors import TensorSymbol, real

__all__ = ["loss", "of_one"]

_STEEPEST = 6.0  # beyond it the picture is cut off
_CLIPPED = (0.01, 0.99)


def loss(f: Formula) -> Picture | None:
    """A loss and its slope over one prediction, a part of the picture for each target.

    None where the predictions of a row act together, or the target is a label or never 0 nor 1.
    """
    *before, _ = f.equations
    together = any(e.rhs.has(Binder) for e in before)
    targets = () if together or f.inputs[1].labels is not None else _targets(f)
    if not targets:
        return None
    wide = (5.4 if len(targets) == 1 else 7.2, 3.2)
    title = "The loss and its slope, for one prediction"
    return plot(f.name, title, partial(_loss, f, targets), wide)


def of_one(f: Formula, target: Expr) -> Formula:
    """The loss of one example with one prediction, in scalars; the target is put in.

    >>> from symdl.catalog.losses import MSE
    >>> print(*of_one(MSE, sp.Integer(1)).equations)
    L = (1 - y)**2
    """
    sizes = dict.fromkeys((s for v in f.inputs for s in v.axes), 1)
    prediction, given = f.inputs
    plain = {
        element_symbol(v, (0, 0)): target if v == given else _plain(v)
        for v in (*f.inputs, *f.defined)
        if isinstance(v, TensorSymbol)
    }
    equations = []
    for e in f.equations:
        index = dict.fromkeys(e.index, 0)
        sides = (write_out(side, sizes, index).xreplace(plain) for side in (e.lhs, e.rhs))
        equations.append(Equation(*sides))
    domain = {_plain(prediction): f.domain_of(prediction)}
    return Formula(
        equations, output=f.output, inputs=[_plain(prediction)], hyper=f.hyper, domain=domain,
        name=f.name, title=f.title, source=f.source,
    )  # fmt: skip


def _plain(v: TensorSymbol) -> sp.Symbol:
    return sp.Symbol(v.name, positive=True) if v.positive_elements else real(v.name)


def _targets(f: Formula) -> tuple[Expr, ...]:
    """The targets to draw: 0 for a value, the ends for a probability, all where they are few."""
    found = f.domain_of(f.inputs[1])
    if isinstance(found, sp.FiniteSet):
        return tuple(sorted(found, reverse=True))
    if found == sp.Reals:
        return (sp.S.Zero,)
    ends = (sp.S.One,) if f.assumptions else (sp.S.One, sp.S.Zero)
    return tuple(end for end in ends if end in found)


def _loss(f: Formula, targets: tuple[Expr, ...], figure: Any) -> str:
    (prediction, target), said = f.inputs, []
    unit = f.domain_of(prediction).is_subset(sp.Interval(0, 1))
    low, high = _CLIPPED if unit else (-3.0, 3.0)
    parts = figure.subplots(1, len(targets), squeeze=False, sharey=True)[0]
    for k, (axes, t) in enumerate(zip(parts, targets, strict=True), 1):
        name = f"target {plain_text(target)} = {t}"
        said.append(name)
        said.append(
            draw_curve(
                axes, curve_of(of_one(f, t), low, high), ("loss", "slope"), f"-{k}" if k > 1 else ""
            )
        )
        axes.set_title(name, pad=24)
    bottom, top = parts[0].get_ylim()
    parts[0].set_ylim(max(bottom, -_STEEPEST), min(top, _STEEPEST))
    return "; ".join(said)
