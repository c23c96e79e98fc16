"""Convex or not: functions with a chord, with their stationary points, and as surfaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from sympy.core.expr import Expr

from symdl.book.pictures.paths import walk
from symdl.book.pictures.picture import COLOURS, DASHES, INK, QUIET, Picture, plot
from symdl.catalog import optimizers as o
from symdl.derivation.plain_printer import plain_text
from symdl.evidence.minima import Landscape
from symdl.formula import Equation, Formula
from symdl.notation.tensors import real
from symdl.training.compile import compile_formula
from symdl.training.constants import with_constants

__all__ = ["Named", "chords", "starts", "surfaces"]

Named = Mapping[str, Expr]
Span = tuple[float, float]

_CELLS = 15
_STILL = 2e-3  # a path is drawn until its steps are smaller


def as_formula(e: Expr, *variables: sp.Symbol) -> Formula:
    """An expression as a formula of its variables."""
    f = real("f")
    return Formula(Equation(f, e), output=f, inputs=variables)


def chords(functions: Named, variable: sp.Symbol, ends: Span, span: Span) -> Picture:
    """Functions of one variable, each with the chord between two of its points."""
    draw = partial(_chords, functions, variable, ends, span)
    return plot("chords", "Losses and their chords between two weights", draw, (7.2, 3.0))


def _chords(functions: Named, variable: sp.Symbol, ends: Span, span: Span, figure: Any) -> str:
    x, said = np.linspace(*span, 121), []
    parts = figure.subplots(1, len(functions), squeeze=False)[0]
    for k, (axes, (name, e)) in enumerate(zip(parts, functions.items(), strict=True), 1):
        run = compile_formula(as_formula(e, variable))
        axes.plot(x, [run(float(v)) for v in x], color=COLOURS[0], label="loss", gid=f"value-{k}")
        left, middle, right = (float(run(v)) for v in (ends[0], sum(ends) / 2, ends[1]))
        axes.plot(
            ends, (left, right), color=COLOURS[1], linestyle=DASHES[1], marker="o", markersize=4.5,
            label="chord", gid=f"chord-{k}",
        )  # fmt: skip
        axes.plot(sum(ends) / 2, middle, "s", color=INK, markersize=5)
        axes.set_title(name)
        axes.set_xlabel(plain_text(variable), style="italic")
        axes.set_ylim(bottom=0)
        axes.legend(loc="upper right")
        said.append(f"{name}, in the middle: loss {middle:.4g}, chord {(left + right) / 2:.4g}")
    return "; ".join(said)


def starts(found: Landscape, rate: sp.Rational, begin: Sequence[float], steps: int) -> Picture:
    """A function with its stationary points, and descents from several starts."""
    draw = partial(_starts, found, rate, begin, steps)
    return plot("minima", "Descent from different starts", draw, (6.4, 3.6))


def _starts(
    found: Landscape, rate: sp.Rational, begin: Sequence[float], steps: int, figure: Any
) -> str:
    axes, surface = figure.add_subplot(), as_formula(found.f, found.variable)
    run, update = compile_formula(surface), with_constants(o.SGD, {o.rate.name: float(rate)})
    x = np.linspace(min(begin) - 0.1, max(begin) + 0.2, 121)
    axes.plot(x, [run(float(v)) for v in x], color=QUIET, linewidth=1.4, gid="value")
    for k, start in enumerate(begin):
        path = _moving(walk(surface, update, [start], steps)[:, 0])
        heights, colour = [run(float(v)) for v in path], COLOURS[k % len(COLOURS)]
        axes.plot(path, heights, ".-", color=colour, linewidth=1, markersize=5, gid=f"path-{k + 1}")
        axes.plot(path[0], heights[0], "s", color=colour, markersize=6)
    for p in found.points:
        at, height = float(p.at), float(p.value)
        below = p.kind == "minimum"
        axes.plot(at, height, "*" if below else "^", color=INK, markersize=9, zorder=5)
        axes.annotate(
            p.kind, (at, height), (0, -16 if below else 10), textcoords="offset points",
            ha="center", fontsize=9,
        )  # fmt: skip
    axes.margins(y=0.14)
    axes.set_xlabel(plain_text(found.variable), style="italic")
    return "; ".join(f"{p.kind}: {plain_text(p.at)}" for p in found.points)


def _moving(path: NDArray[np.float64]) -> NDArray[np.float64]:
    moves = np.flatnonzero(np.abs(np.diff(path)) > _STILL)
    return path[: moves[-1] + 2] if moves.size else path[:1]


def surfaces(functions: Named, variables: Sequence[sp.Symbol], span: Span) -> Picture:
    """Functions of two variables as surfaces."""
    draw = partial(_surfaces, functions, variables, span)
    return plot("surfaces", "Loss surfaces over weight and bias", draw, (7.4, 3.4))


def _surfaces(functions: Named, variables: Sequence[sp.Symbol], span: Span, figure: Any) -> str:
    said = []
    grid = np.linspace(*span, _CELLS + 1)
    for k, (name, e) in enumerate(functions.items()):
        axes = figure.add_subplot(1, len(functions), k + 1, projection="3d")
        heights = _heights(e, variables, grid)
        across, along = np.meshgrid(grid, grid)
        axes.plot_surface(
            across, along, heights, rcount=_CELLS + 1, ccount=_CELLS + 1, color="#dbe6f4",
            edgecolor=COLOURS[0], linewidth=0.4, shade=False, clip_on=False,
        )  # fmt: skip
        axes.set_title(name)
        axes.set_xlabel(plain_text(variables[0]), style="italic", labelpad=-8)
        axes.set_ylabel(plain_text(variables[1]), style="italic", labelpad=-8)
        axes.tick_params(pad=-3, labelsize=8)
        axes.tick_params(axis="z", pad=2)
        axes.locator_params(nbins=4)
        axes.view_init(elev=28, azim=-58)
        said.append(f"{name}: {heights.min():.3g} to {heights.max():.3g}")
    return "; ".join(said)


def _heights(
    e: Expr, variables: Sequence[sp.Symbol], grid: NDArray[np.float64]
) -> NDArray[np.float64]:
    run = compile_formula(as_formula(e, *variables))
    return np.array([[float(run(float(a), float(b))) for a in grid] for b in grid])
