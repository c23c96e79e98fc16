"""Pictures of what was measured: bars of the workloads, and curves over sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any

from tests.benchmarks.contest import LIMITS, OURS

__all__ = ["COLOURS", "bars", "curves", "digits"]

# ours in strong colours, limits in black, the rest in colours of their own
COLOURS = {
    "symdl_compiled": "#0050b3", "symdl_numpy": "#1e88e5", "symdl_inner": "#64b5f6",
    "jax_jit": "#f4a261", "jax_scan": "#d9480f", "torch_eager": "#7b2d8b",
    "hand": "#6b8e23", "hand_flat": "#a3b18a", "products": "#000000", "hand_c": "#444444",
}  # fmt: skip


def bars(results: Sequence[Mapping[str, Any]], path: Path) -> None:
    """A panel a workload: the time of a step of each peer, fastest first, on a log scale."""
    from matplotlib.figure import Figure

    columns = min(3, len(results))
    rows = ceil(len(results) / columns)
    figure = Figure(figsize=(5.4 * columns, 3.3 * rows), layout="constrained")
    for k, found in enumerate(results):
        axes = figure.add_subplot(rows, columns, k + 1)
        r = found["ratios"]
        us, best = r["microseconds"], r.get("to best", {})
        order = sorted(us, key=us.__getitem__, reverse=True)
        for place, peer in enumerate(order):
            axes.barh(place, us[peer], color=COLOURS[peer], hatch="//" if peer in LIMITS else "",
                      edgecolor="white")  # fmt: skip
            ratio = f"  ({best[peer]:.2f})" if peer in best else ""
            weight = "bold" if peer in OURS else "normal"
            axes.text(us[peer], place, f" {digits(us[peer])} us{ratio}", va="center", fontsize=8,
                      fontweight=weight)  # fmt: skip
        axes.set_xscale("log")
        axes.minorticks_off()
        axes.set_xlim(min(us.values()) / 2, max(us.values()) * 12)
        axes.set_yticks(range(len(order)), order, fontsize=8)
        axes.tick_params(axis="x", labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(f"{found['workload']}: {found['title']}", fontsize=9, loc="left")
    threads, label = results[0]["threads"], results[0]["ratios"]["label"]
    figure.suptitle(
        f"Time of a training step (in brackets: relative to the best of the others), "
        f"{threads} threads, {label}",
        fontsize=10,
    )
    figure.savefig(path, dpi=130)


def digits(number: float) -> str:
    """Three digits, and no power of ten.

    >>> digits(0.12345), digits(12345.6)
    ('0.123', '12,346')
    """
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"


def curves(
    series: Mapping[str, Sequence[tuple[int, Mapping[str, Any]]]],
    figures: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, float]]],
    path: Path,
) -> None:
    """A column a series, a row a figure: each peer a line over the size, both scales logarithmic.

    figures  the label of each, and how it is read off what was measured: peer -> number
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    figure = Figure(figsize=(4.6 * len(series), 3.2 * len(figures)), layout="constrained")
    drawn: dict[str, Any] = {}
    for row, (label, of) in enumerate(figures.items()):
        for column, (name, points) in enumerate(series.items()):
            axes = figure.add_subplot(len(figures), len(series), row * len(series) + column + 1)
            for peer, colour in COLOURS.items():
                pairs = [(x, y) for x, found in points if (y := of(found).get(peer, 0.0)) > 0]
                if pairs:
                    drawn[peer] = _line(axes, pairs, peer, colour)
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.set_xticks([x for x, _ in points], [str(x) for x, _ in points], fontsize=8)
            axes.minorticks_off()
            axes.grid(alpha=0.3)
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=8)
            axes.set_xlabel(name, fontsize=9)
            axes.set_ylabel(label if column == 0 else "", fontsize=9)
    figure.legend(drawn.values(), drawn, loc="outside upper center", ncols=len(drawn), fontsize=9)
    figure.savefig(path, dpi=130)


def _line(axes: Any, pairs: Sequence[tuple[int, float]], peer: str, colour: str) -> Any:
    x, y = zip(*pairs, strict=True)
    style = "--" if peer in LIMITS else "-"
    width = 2.0 if peer in OURS else 1.2
    (line,) = axes.plot(x, y, style, color=colour, linewidth=width, marker="o", markersize=3.5)
    return line
