"""Paths of descent, by the update formulas of the catalogue, and learning rates over the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from sympy.core.expr import Expr

from symdl.book.pictures.picture import COLOURS, DASHES, INK, QUIET, Picture, plot
from symdl.catalog import optimizers as o
from symdl.derivation.plain_printer import plain_text
from symdl.evidence.descent import Descent, descent
from symdl.formula import Equation, Formula
from symdl.notation.tensors import real
from symdl.training.compile import compile_formula
from symdl.training.constants import with_constants
from symdl.training.gradient import compile_gradient

__all__ = ["VALLEY", "parabolas", "schedule", "valley", "walk"]

U, V = real("u"), real("v")
VALLEY = U**2 / 2 + 5 * V**2
START = (-4.0, 1.5)
STEPS = 30
MARKERS = ("o", "s", "^")

# slow, good and too large on this valley; by default those of gradient descent
_RATES: Mapping[str, tuple[float, float, float]] = {
    "momentum": (0.002, 0.02, 0.1),
    "nesterov": (0.002, 0.02, 0.13),
    "adagrad": (0.1, 0.5, 2.0),
    "rmsprop": (0.02, 0.1, 0.5),
    "adadelta": (1.0, 30.0, 300.0),
    "adam": (0.05, 0.2, 1.0),
    "amsgrad": (0.05, 0.2, 1.0),
    "adamw": (0.05, 0.2, 1.0),
    "adamax": (0.05, 0.2, 1.0),
    "nadam": (0.05, 0.2, 1.0),
}
_PLAIN = (0.01, 0.1, 0.19)


def walk(
    surface: Formula, update: Formula, start: Sequence[float], steps: int
) -> NDArray[np.float64]:
    """The points that an optimizer comes by on a surface, by the code made from both formulas.

    >>> f = Formula(Equation(real("f"), VALLEY), output=real("f"), inputs=[U, V])
    >>> walk(f, with_constants(o.SGD, {"learning_rate": 0.1}), (1.0, 1.0), 1)[-1]
    array([0.9, 0. ])
    """
    slopes, run = compile_gradient(surface), compile_formula(update)
    states = [[0.0] * len(update.state) for _ in start]
    points = [list(start)]
    for k in range(1, steps + 1):
        _, *found = slopes(*points[-1])
        here = []
        for n, (w, slope) in enumerate(zip(points[-1], found, strict=True)):
            given = {o.w: w, o.g: float(slope), o.step: float(k)}
            out = run(*(given[v] for v in update.inputs), *states[n])
            new, *states[n] = out if update.state else (out,)
            here.append(float(new))
        points.append(here)
    return np.array(points)


def valley(update: Formula) -> Picture:
    """The paths of an optimizer at three rates down a long valley."""
    size = (7.2, 3.1)
    return plot(
        update.name, "Paths of descent at three learning rates", partial(_valley, update), size
    )


def _valley(update: Formula, figure: Any) -> str:
    surface = Formula(Equation(real("f"), VALLEY), output=real("f"), inputs=[U, V])
    axes = figure.add_subplot()
    _contours(axes, surface, (-4.6, 4.6), (-2.0, 2.0))
    said = []
    for k, rate in enumerate(_RATES.get(update.name, _PLAIN)):
        path = walk(surface, with_constants(update, {o.rate.name: rate}), START, STEPS)
        axes.plot(
            *path.T, color=COLOURS[k], linestyle=DASHES[k], linewidth=1.3, marker=MARKERS[k],
            markersize=3.2, label=f"{rate:g}", gid=f"path-{k + 1}",
        )  # fmt: skip
        said.append(
            f"learning rate {rate:g}, after {STEPS} steps: {path[-1][0]:.3g}, {path[-1][1]:.3g}"
        )
    axes.plot(*START, "o", color=INK, markersize=6, zorder=4)
    axes.plot(0, 0, "+", color=INK, markersize=11, markeredgewidth=2, zorder=4)
    axes.set_xlabel(plain_text(U), style="italic")
    axes.set_ylabel(plain_text(V), style="italic")
    axes.legend(title="learning rate", loc="center left", bbox_to_anchor=(1, 0.5))
    return "; ".join(said)


def _contours(
    axes: Any, surface: Formula, across: tuple[float, float], up: tuple[float, float]
) -> None:
    run = compile_formula(surface)
    x, y = np.linspace(*across, 61), np.linspace(*up, 41)
    heights = np.array([[run(float(a), float(b)) for a in x] for b in y])
    levels = np.linspace(0.25, np.sqrt(heights.max()), 9) ** 2
    axes.contour(x, y, heights, levels, colors="#c3c8d2", linewidths=0.8)
    axes.set_xlim(*across)
    axes.set_ylim(*up)
    axes.grid(visible=False)


def parabolas(
    f: Expr, variable: sp.Symbol, rates: Sequence[sp.Rational], start: float, steps: int
) -> Picture:
    """Gradient descent on a parabola, a part of the picture for each rate."""
    known = descent(f, variable, o.SGD, (o.w, o.g, o.rate))
    surface = Formula(Equation(real("f"), f), output=real("f"), inputs=[variable])
    paths = {
        r: walk(surface, with_constants(o.SGD, {o.rate.name: float(r)}), [start], steps)[:, 0]
        for r in rates
    }
    title = "Descent on a parabola at three learning rates"
    return plot("three_rates", title, partial(_parabolas, surface, known, paths), (7.6, 2.9))


def _parabolas(
    surface: Formula, known: Descent, paths: Mapping[Expr, NDArray[np.float64]], figure: Any
) -> str:
    run, said = compile_formula(surface), []
    widest = 1.1 * max(float(np.abs(p).max()) for p in paths.values())
    x = np.linspace(-widest, widest, 81)
    parts = figure.subplots(1, len(paths), sharey=True)
    for k, (axes, (rate, path)) in enumerate(zip(parts, paths.items(), strict=True)):
        heights = [run(float(v)) for v in path]
        axes.plot(x, [run(float(v)) for v in x], color=QUIET, linewidth=1.2)
        axes.plot(
            path, heights, color=COLOURS[k], linewidth=1.2, marker=MARKERS[k], markersize=4,
            gid=f"path-{k + 1}",
        )  # fmt: skip
        axes.plot(path[0], heights[0], "o", color=INK, markersize=6, zorder=4)
        shown = f"learning rate {float(rate):g}"
        axes.set_title(f"{shown}: {known.behaviour(rate)}")
        axes.set_xlabel(plain_text(known.variable), style="italic")
        said.append(f"{shown}, after {len(path) - 1} steps: {path[-1]:.3g}")
    return "; ".join(said)


def schedule(f: Formula) -> Picture:
    """The learning rate over the steps."""
    return plot(f.name, "The learning rate over the steps", partial(_schedule, f), (5.4, 2.8))


def _schedule(f: Formula, figure: Any) -> str:
    run, axes = compile_formula(f), figure.add_subplot()
    steps = np.arange(1, 1 + max(100, *(2 * int(value) for _, value in f.hyper)))
    rates = [float(run(float(t))) for t in steps]
    axes.plot(steps, rates, color=COLOURS[0], gid="value")
    axes.set_xlabel("step")
    axes.set_ylabel("learning rate")
    axes.set_ylim(0, 1.05 * max(rates))
    axes.set_xlim(0, steps[-1])
    return f"step 1: {rates[0]:.4g}; step {steps[-1]}: {rates[-1]:.4g}"
