"""Polynomials through a function, for the functions that generated code has to compute itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath

__all__ = ["Number", "interpolated", "precise"]

Number = Any  # an mpmath number
_DIGITS = 40


def precise() -> mpmath.ctx_mp.MPContext:
    """An mpmath context of its own with digits to spare for finding coefficients."""
    mp = mpmath.mp.clone()
    mp.dps = _DIGITS
    return mp


def interpolated(
    f: Callable[[Number], Number], low: Number, high: Number, degree: int
) -> tuple[float, ...]:
    """The polynomial through f at Chebyshev's points of low..high, the nearest up to a few %.

    The coefficient of the highest power stands first.

    >>> [round(c, 12) for c in interpolated(lambda x: 2 * x + 1, -1, 1, 1)]
    [2.0, 1.0]
    """
    mp, count = precise(), degree + 1
    angles = [mp.pi * (2 * k + 1) / (2 * count) for k in range(count)]
    points = [low + (high - low) * (1 + mp.cos(angle)) / 2 for angle in angles]
    powers = mp.matrix([[p**k for k in range(degree, -1, -1)] for p in points])
    found = mp.lu_solve(powers, mp.matrix([f(p) for p in points]))
    return tuple(float(c) for c in found)
