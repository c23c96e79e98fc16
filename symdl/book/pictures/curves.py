"""Curves of functions of one number, each with its derivative."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdl.book.pictures.picture import COLOURS, DASHES, INK, Picture, plot
from symdl.calculus.adjoint import adjoint
from symdl.derivation.plain_printer import plain_text
from symdl.evidence.judge import inlined
from symdl.evidence.pieces import pieces
from symdl.formula import Formula
from symdl.training.gradient import compile_gradient

__all__ = ["Curve", "activation", "curve_of", "draw_curve"]

Line = tuple[NDArray[np.float64], NDArray[np.float64]]

_POINTS = 121
_AT_A_JUMP = 1e-9  # so near to a jump a curve is drawn on both sides


@dataclass(frozen=True)
class Curve:
    """A function and its derivative between two numbers, by the code made from the formula.

    At ``cuts`` one of the two jumps or turns; between them both are smooth.
    """

    formula: Formula
    low: float
    high: float
    cuts: tuple[float, ...]

    def line(self, of: int) -> Line:
        """The function (0) or its derivative (1), interrupted at the cuts."""
        run = compile_gradient(self.formula)
        ends = (self.low, *self.cuts, self.high)
        share = _POINTS / (self.high - self.low)
        parts = []
        for left, right in pairwise(ends):
            x = np.linspace(left, right, max(2, round(share * (right - left))))
            x[0] += _AT_A_JUMP * (left in self.cuts)
            x[-1] -= _AT_A_JUMP * (right in self.cuts)
            parts.append(np.array([[*x, np.nan], [*(float(run(v)[of]) for v in x), np.nan]]))
        xs, ys = np.concatenate(parts, axis=1)[:, :-1]
        return xs, ys

    def points(self, of: int) -> list[tuple[float, float]]:
        """The values at the cuts themselves, where they differ from a side."""
        run = compile_gradient(self.formula)
        out = []
        for at in self.cuts:
            here, *sides = (float(run(v)[of]) for v in (at, at - _AT_A_JUMP, at + _AT_A_JUMP))
            if any(abs(here - side) > 1e-6 for side in sides):
                out.append((at, here))
        return out


def curve_of(f: Formula, low: float, high: float) -> Curve:
    """The curve of a formula in one scalar, cut where its function or its slope jumps."""
    (x,) = f.inputs
    constants = dict(f.hyper)
    slope = adjoint(f, (x,)).inlined(x).rhs
    both = (inlined(f.output, f.equations), inlined(slope, f.equations))
    found = {float(p.low) for e in both for p in pieces(e.xreplace(constants), x)[1:]}
    return Curve(f, low, high, tuple(sorted(c for c in found if low < c < high)))


def activation(f: Formula) -> Picture:
    """The curve of an activation in one number, with its derivative."""
    return plot(f.name, "The function and its derivative", partial(_activation, f))


def _activation(f: Formula, figure: Any) -> str:
    return draw_curve(figure.add_subplot(), curve_of(f, -4.0, 4.0), ("function", "derivative"))


def draw_curve(axes: Any, curve: Curve, words: tuple[str, str], part: str = "") -> str:
    """Draw both lines, named with the ``part``; return in words how far they reach."""
    x, y = map(plain_text, (*curve.formula.inputs, curve.formula.output))
    shown = (f"{words[0]} {y}", f"{words[1]} d{y}/d{x}")
    axes.axhline(0, color=INK, linewidth=0.7)
    if curve.low < 0 < curve.high:
        axes.axvline(0, color=INK, linewidth=0.7)
    said = []
    for k, name in enumerate(("value", "slope")):
        xs, ys = curve.line(k)
        colour = COLOURS[k]
        axes.plot(xs, ys, color=colour, linestyle=DASHES[k], label=shown[k], gid=name + part)
        for at in curve.points(k):
            axes.plot(*at, "o", color=colour, markersize=4.5, gid=f"{name}-at-{at[0]:g}{part}")
        said.append(f"{shown[k]}: {np.nanmin(ys):.4g} to {np.nanmax(ys):.4g}")
    axes.set_xlabel(x, style="italic")
    axes.set_xlim(curve.low, curve.high)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    return "; ".join(said)
