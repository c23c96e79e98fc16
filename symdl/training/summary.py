"""The table of a model: its layers, what they put out, and how many weights they have."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray
from rich.box import ASCII
from rich.console import Console
from rich.table import Table

from symdl.training.layers import Layer
from symdl.training.network import layer_names

__all__ = ["show", "summary_text"]

_WIDTH = 88


def summary_text(name: str, layers: Sequence[Layer], weights: Mapping[str, NDArray[Any]]) -> str:
    """Return the table as text; without weights, while the input is unknown, counts are open."""
    table = Table("layer", "output", "activation", "weights", box=ASCII, title=f"Model: {name}")
    table.add_column("count", justify="right")
    units: object = "?"
    for layer, layer_name in zip(layers, layer_names(layers), strict=True):
        units = layer.units_out or units
        own = {k: w for k, w in weights.items() if k.startswith(f"{layer_name}.")}
        shapes = ", ".join(f"{k.removeprefix(layer_name)[1:]} {w.shape}" for k, w in own.items())
        count = f"{sum(w.size for w in own.values()):,}" if weights else "?"
        applied = "" if layer.applied is None else layer.applied.name
        table.add_row(layer_name, f"(N, {units})", applied, shapes, count)
    text = io.StringIO()
    Console(file=text, width=_WIDTH, color_system=None).print(table)
    total = f"{sum(w.size for w in weights.values()):,}" if weights else "known with the input size"
    return f"{text.getvalue()}Total number of weights: {total}"


def show(text: str) -> None:
    """Print text as it is, without wrapping or colours of its own."""
    Console().print(text, markup=False, highlight=False, soft_wrap=True)
