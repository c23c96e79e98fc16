"""Gradients along the depth of a net."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from symdl.book.pictures.picture import COLOURS, DASHES, Picture, plot

__all__ = ["by_depth"]

_MARKERS = ("o", "s", "^", "D")


def by_depth(norms: Mapping[str, Sequence[float]]) -> Picture:
    """The gradient's norm of each layer over that of the last, on a logarithmic scale.

    ``norms`` are those of the first to the last layer, by the name of the net.
    """
    return plot("by_depth", "The gradient of each layer, at the start", partial(_by_depth, norms))


def _by_depth(norms: Mapping[str, Sequence[float]], figure: Any) -> str:
    axes, said = figure.add_subplot(), []
    for k, (name, found) in enumerate(norms.items()):
        layers, ratios = range(1, len(found) + 1), [v / found[-1] for v in found]
        axes.semilogy(
            layers, ratios, color=COLOURS[k], linestyle=DASHES[k], marker=_MARKERS[k],
            markersize=3.5, label=name, gid=f"net-{k + 1}",
        )  # fmt: skip
        said.append(f"{name}, layer 1: {ratios[0]:.2g}")
    axes.set_xlabel("layer")
    axes.set_ylabel("norm, over that of the last")
    axes.set_xlim(0.5, max(map(len, norms.values())) + 0.5)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(loc="lower right")
    return "; ".join(said)
