"""What running a step takes to know of its programs: plain data, which can be kept in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symdl.backends.kept import typed
from symdl.backends.lowered import Lowered
from symdl.backends.names import Names
from symdl.backends.numpy_clip import threshold_names
from symdl.backends.numpy_update import state_names
from symdl.backends.sizes import Size, size_data, size_from, size_number
from symdl.errors import Mismatch
from symdl.program.ir import Contract

__all__ = ["Optimizing", "Outline", "outline_from", "outline_of"]


@dataclass(frozen=True)
class Optimizing:
    """The keys of the optimizer's vectors, and its hyper-parameters with their defaults."""

    state: tuple[str, ...]
    hyper: tuple[tuple[str, float], ...]
    in_units: bool  # whether some vector is kept divided by something
    counted: bool  # whether the update reads the number of the step


@dataclass(frozen=True)
class Outline:
    """What a step must know to run functions that are there already.

    symbols      the names of the sizes, in the order in which functions take them
    thresholds   the hyper-parameters of a clipping; None where there is none
    by_tensor    whether that clips each tensor by itself
    constrained  whether parameters are brought back after an update
    places       slots that are read at a fixed place, that place, and the size of the axis
    products     the multiplications of the products of a training step
    """

    symbols: tuple[str, ...]
    optimizing: Optimizing | None
    thresholds: tuple[tuple[str, float], ...] | None
    by_tensor: bool
    constrained: bool
    places: tuple[tuple[str, int, Size], ...]
    products: tuple[Size, ...]

    def check(self, numbers: Mapping[str, int]) -> None:
        """Raise Mismatch where a fixed place lies beyond the end of its axis."""
        for name, place, size in self.places:
            length = size_number(size, numbers)
            if place >= length:
                raise Mismatch(f"{name} is read at place {place} of an axis of size {length}")


def outline_of(lowered: Lowered) -> Outline:
    """Say what is to be known of programs."""
    unique = Names()
    names = {s: unique.new(str(s)) for s in lowered.symbols}
    clip, optimizing = lowered.clip, None
    if lowered.update is not None:
        state, hyper, _ = state_names(lowered.update)
        defaults = [float(v) for _, v in lowered.update.formula.hyper]
        units = any(u != 1 for u in lowered.update.units)
        counted = lowered.update.count is not None
        pairs = tuple(zip(hyper, defaults, strict=True))
        optimizing = Optimizing(tuple(state), pairs, units, counted)
    thresholds = None
    if clip is not None:
        values = [float(v) for _, v in clip.running.hyper]
        thresholds = tuple(zip(threshold_names(clip), values, strict=True))
    products = (
        sp.Mul(*s.sizes.values())
        for name, use in lowered.uses.items()
        if name == "gradients"
        for s in use.program.statements
        if isinstance(s, Contract)
    )
    return Outline(
        tuple(names.values()),
        optimizing,
        thresholds,
        clip is not None and clip.by_tensor,
        bool(lowered.constraints),
        _places(lowered, names),
        tuple(size_data(e, names) for e in dict.fromkeys(products)),
    )


def _places(lowered: Lowered, names: Mapping[sp.Symbol, str]) -> tuple[tuple[str, int, Size], ...]:
    found = {
        (r.slot.name, place, size_data(axis, names)): None
        for use in lowered.uses.values()
        for s in use.program.statements
        for r in s.reads
        for place, axis in zip(r.at, r.slot.axes, strict=True)
        if isinstance(place, int)
    }
    return tuple(found)


def outline_from(data: Any) -> Outline:
    """Read an outline from what a file holds; raise ValueError or the like for anything else."""
    own, thresholds = data["optimizing"], data["thresholds"]
    optimizing = None
    if own is not None:
        state = tuple(typed(str, key) for key in own["state"])
        in_units, counted = (typed(bool, own[name]) for name in ("in_units", "counted"))
        optimizing = Optimizing(state, _values(own["hyper"]), in_units, counted)
    return Outline(
        tuple(typed(str, name) for name in data["symbols"]),
        optimizing,
        None if thresholds is None else _values(thresholds),
        typed(bool, data["by_tensor"]),
        typed(bool, data["constrained"]),
        tuple((typed(str, n), typed(int, k), size_from(size)) for n, k, size in data["places"]),
        tuple(map(size_from, data["products"])),
    )


def _values(data: Any) -> tuple[tuple[str, float], ...]:
    return tuple((typed(str, name), typed(float, value)) for name, value in data)
