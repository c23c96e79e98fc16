"""Gradients of running code against Richardson-extrapolated or complex-step differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symdl.errors import InputError, Mismatch
from symdl.evidence.verdict import Verdict

if TYPE_CHECKING:
    from symdl.backends.step import Step
    from symdl.training.sequential import Sequential

__all__ = ["GradientCheck", "check_gradient", "check_model", "complex_step", "richardson"]

Array = NDArray[Any]
_WIDTHS = 5  # halvings of the first step


@dataclass(frozen=True)
class GradientCheck:
    """The comparison of a gradient with differences, element by element.

    largest   the largest |ours - theirs| / max(scale, |theirs|) over the elements compared
    compared  how many elements were compared
    kinks     how many elements were left out because the differences do not settle there
    worst     the place of the largest deviation, with both values
    """

    largest: float
    compared: int
    kinks: int
    tolerance: float
    worst: tuple[int, float, float]

    @property
    def ok(self) -> bool:
        """True if something was compared and nothing deviates by more than the tolerance."""
        return self.compared > 0 and self.largest <= self.tolerance

    @property
    def verdict(self) -> Verdict:
        """Float, refuted with the worst element, or unknown where nothing could be compared."""
        if self.compared == 0:
            return Verdict("unknown", f"all {self.kinks} elements lie on kinks")
        if self.ok:
            kinks = f", {self.kinks} on kinks left out" if self.kinks else ""
            return Verdict("float", f"{self.compared} elements within {self.largest:.1e}{kinks}")
        place, ours, theirs = self.worst
        point = (("element", str(place)), ("left", repr(ours)), ("right", repr(theirs)))
        return Verdict("refuted", "the gradient differs from the difference quotient", point)


def richardson(
    f: Callable[[Array], float], point: Array, place: int, width: float = 2.0**-6
) -> tuple[float, float]:
    """The derivative of ``f`` for one element by central differences, and an error estimate.

    Neville's scheme on (f(x + h) - f(x - h)) / 2h for h halved four times; the estimate is the
    difference of the two best extrapolations.  Source: Ridders (1982), Accurate computation of
    F'(x) and F'(x)F''(x).

    >>> value, error = richardson(lambda x: float(np.sin(x[0])), np.array([0.5]), 0)
    >>> abs(value - float(np.cos(0.5))) < 1e-10
    True
    """
    table: list[list[float]] = []
    best, error = float("nan"), float("inf")
    for k in range(_WIDTHS):
        h = width * 0.5**k
        row = [_central(f, point, place, h)]
        for m in range(1, k + 1):
            row.append(row[m - 1] + (row[m - 1] - table[k - 1][m - 1]) / (4.0**m - 1.0))
            spread = max(abs(row[m] - row[m - 1]), abs(row[m] - table[k - 1][m - 1]))
            if spread <= error:
                best, error = row[m], spread
        table.append(row)
    return best, error


def _central(f: Callable[[Array], float], point: Array, place: int, h: float) -> float:
    up, down = point.copy(), point.copy()
    up[place] += h
    down[place] -= h
    return (f(up) - f(down)) / float(up[place] - down[place])


def complex_step(f: Callable[[Array], complex], point: Array, place: int) -> float:
    """The derivative of a smooth ``f`` for one element: Im f(x + ih) / h with h = 1e-200.

    Exact to rounding where ``f`` is analytic and its code accepts complex numbers.
    Source: Squire, Trapp (1998), Using Complex Variables to Estimate Derivatives of Real Functions.

    >>> complex_step(lambda x: np.exp(x[0]), np.array([1.0]), 0) == float(np.exp(1.0))
    True
    """
    moved = point.astype(np.complex128)
    moved[place] += 1e-200j
    return float(np.imag(f(moved)) / 1e-200)


def _has_kink(f: Callable[[Array], Any], point: Array, place: int, bound: float) -> bool:
    """True if the slopes to the left and to the right stay apart as the step shrinks."""

    def gap(h: float) -> float:
        up, down = point.copy(), point.copy()
        up[place] += h
        down[place] -= h
        here = f(point)
        return abs(float((f(up) - here) / h - (here - f(down)) / h))

    wide, narrow = gap(2.0**-10), gap(2.0**-16)
    return narrow > bound and narrow > 0.5 * wide


def check_gradient(
    f: Callable[[Array], float],
    gradient: Array,
    point: Array,
    *,
    tolerance: float = 1e-6,
    smooth: bool = False,
    elements: int | None = None,
    seed: int = 0,
) -> GradientCheck:
    """Compare ``gradient`` with differences of ``f`` at ``point`` (both of any shape).

    With ``smooth=True`` complex steps are used, else Richardson differences, whose unsettled
    elements count as kinks and are left out.  ``elements`` limits the comparison to that many
    random elements.  Raises Mismatch where the shapes differ.

    >>> x = np.array([1.0, 2.0])
    >>> check_gradient(lambda v: float(v @ v), 2 * x, x).ok
    True
    >>> check_gradient(lambda v: float(v @ v), 2.002 * x, x).ok
    False
    """
    point, ours = np.asarray(point, dtype=np.float64), np.asarray(gradient, dtype=np.float64)
    if point.shape != ours.shape:
        raise Mismatch(f"the gradient has shape {ours.shape}, the point {point.shape}")
    if point.size == 0 or (elements is not None and elements < 1):
        raise InputError("there is nothing to check: give a point and elements of 1 or more")
    shape = point.shape

    def flat(v: Array) -> Any:
        return f(v.reshape(shape))

    places = np.arange(point.size)
    if elements is not None and elements < point.size:
        places = np.random.default_rng(seed).choice(point.size, elements, replace=False)
    return _compare(flat, ours.ravel(), point.ravel(), places, tolerance=tolerance, smooth=smooth)


def _compare(
    f: Callable[[Array], Any],
    ours: Array,
    point: Array,
    places: Array,
    *,
    tolerance: float,
    smooth: bool,
) -> GradientCheck:
    scale = max(1e-3, float(np.abs(ours).max(initial=0.0)))
    largest, kinks, worst = 0.0, 0, (int(places[0]), float("nan"), float("nan"))
    for k in map(int, places):
        theirs, error = (complex_step(f, point, k), 0.0) if smooth else richardson(f, point, k)
        unit = max(scale, abs(theirs))
        if not error <= 0.1 * tolerance * unit:
            closer = richardson(f, point, k, width=2.0**-12)
            if not closer[1] <= 0.1 * tolerance * unit:
                kinks += 1
                continue
            theirs = closer[0]
        deviation = abs(float(ours[k]) - theirs) / unit
        if not smooth and not deviation <= tolerance and _has_kink(f, point, k, tolerance * unit):
            kinks += 1
            continue
        if not deviation <= largest:  # a NaN is the worst
            largest, worst = deviation, (k, float(ours[k]), theirs)
    return GradientCheck(largest, len(places) - kinks, kinks, tolerance, worst)


def _twin(model: Sequential, x: Any) -> Sequential:
    """The same model with the same weights, in float64."""
    from symdl.training.sequential import Sequential

    assert model.setup is not None
    twin = Sequential(model.layers)
    twin.compile(optimizer=None, loss=model.setup.loss, dtype="float64")
    twin.predict(x)  # settles the number of columns
    twin.set_weights(model.get_weights())
    return twin


def _at_draws(step: Step, x: Any, y: Any, seed: int) -> tuple[float, dict[str, Array]]:
    """The loss in training and its gradients, at the random tensors of ``seed``."""
    before, step.generator = step.generator, np.random.default_rng(seed)
    try:
        return step.gradients(np.asarray(x), np.asarray(y))
    finally:
        step.generator = before


def check_model(
    model: Sequential,
    x: Any,
    y: Any,
    *,
    tolerance: float = 1e-6,
    elements: int = 40,
    seed: int = 0,
) -> dict[str, GradientCheck]:
    """Compare the compiled gradients of a model with differences of its loss, a check a tensor.

    The loss is that of training, with random tensors held fixed by ``seed``.  The differences are
    taken of the same model compiled in float64; a float32 model is granted a tolerance of 2e-4 for
    its own rounding.

    >>> from symdl.training.layers import Dense
    >>> from symdl.training.sequential import Sequential
    >>> model = Sequential([Dense(3, activation="tanh"), Dense(1)])
    >>> model.compile(optimizer="sgd", loss="mse")
    >>> x = np.array([[0.1, 0.2], [0.3, -0.4]])
    >>> all(check.ok for check in check_model(model, x, x[:, :1]).values())
    True
    """
    if model.setup is None:
        raise InputError("compile the model first: its gradients belong to a loss")
    model.evaluate(x, y)  # checks the data against the model
    _, ours = _at_draws(model.step, x, y, seed)
    bound = max(tolerance, 2e-4) if model.setup.dtype == "float32" else tolerance
    twin = _twin(model, x)
    out = {}
    for name, found in ours.items():
        weights = twin.step.parameters[name]

        def loss(value: Array, weights: Array = weights) -> float:
            before = weights.copy()
            weights[...] = value
            try:
                return _at_draws(twin.step, x, y, seed)[0]
            finally:
                weights[...] = before

        point = np.array(weights, dtype=np.float64)
        out[name] = check_gradient(
            loss, found, point, tolerance=bound, elements=elements, seed=seed
        )
    return out
