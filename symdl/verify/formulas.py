"""Property tests of a formula: its derivative, its compiled value and its compiled gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdl.errors import InputError, SymdlError
from symdl.evidence.evaluate import define
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.networks import judge_running_form
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Formula, Variable
from symdl.notation.tensors import TensorSymbol
from symdl.training.compile import compile_formula
from symdl.training.gradient import compile_gradient
from symdl.verify.gradients import GradientCheck, check_gradient
from symdl.verify.points import Point, arguments, as_stated, continuous, point_of

__all__ = ["FormulaCheck", "check_formula", "gradient_checks", "value_verdict"]

Array = NDArray[Any]
Run = Callable[..., Any]

_ROUNDING = 1e-12  # of the compiled value, against the largest element


@dataclass(frozen=True)
class FormulaCheck:
    """What was checked of a formula, each with its verdict.

    points  how many points of the domain the compiled functions were tried at
    kinks   how many elements of gradients were left out because the slopes differ there
    """

    verdicts: tuple[tuple[str, Verdict], ...]
    points: int
    kinks: int

    @property
    def ok(self) -> bool:
        """True if nothing was refuted and nothing is unknown."""
        return all(v.ok for _, v in self.verdicts)

    @property
    def level(self) -> str:
        """The level of the weakest verdict."""
        return weakest(v for _, v in self.verdicts).level

    def __str__(self) -> str:
        return "\n".join(f"{what}: {verdict}" for what, verdict in self.verdicts)


def check_formula(formula: Formula, *, points: int = 5, seed: int = 0) -> FormulaCheck:
    """Judge a formula of any kind: an activation, a loss, a layer.

    Its adjoints are judged step by step.  Then sizes and values are drawn from its domain: the
    compiled value is compared with the formula at 50 digits, and the compiled gradient with
    Richardson differences of the value (for a tensor y, of sum c y with random c).  Elements on
    kinks are counted and left out.

    Raises InputError for what is no formula, NotSupported for a domain that cannot be drawn from.

    >>> from symdl.catalog.activations import TANH
    >>> check_formula(TANH).ok
    True
    """
    if not isinstance(formula, Formula):
        raise InputError(f"check_formula judges a Formula, not {formula!r}")
    if points < 1:
        raise InputError(f"points must be 1 or more, not {points}")
    generator = np.random.default_rng(seed)
    tried = [point_of(formula, generator) for _ in range(points)]
    wrt = tuple(v for v in _differentiable(formula) if continuous(formula, v))
    found: list[tuple[str, Verdict]] = []
    if wrt:
        stated = as_stated(formula)
        moved = dict(zip(arguments(formula), arguments(stated), strict=True))
        found += judge_adjoint(stated, tuple(moved[v] for v in wrt))
    found.append(("the form that runs", judge_running_form(formula)))
    try:
        found.append(("compiled value", value_verdict(compile_formula(formula), tried)))
        run = compile_gradient(formula, wrt) if wrt else None
    except SymdlError as error:
        failed = Verdict("unknown", str(error))
        return FormulaCheck((*found, ("compiled code", failed)), points, 0)
    checks = {} if run is None else gradient_checks(run, wrt, tried, generator)
    found += [(f"compiled gradient of {v}", _said(check)) for v, check in checks.items()]
    return FormulaCheck(tuple(found), points, sum(c.kinks for c in checks.values()))


def _said(check: GradientCheck) -> Verdict:
    """A verdict that reads alike on every machine: the tolerance, not the deviation."""
    if not check.ok:
        return check.verdict
    kinks = f", {check.kinks} on kinks left out" if check.kinks else ""
    within = f"within {check.tolerance:.0e} of differences"
    return Verdict("float", f"{check.compared} elements {within}{kinks}")


def _differentiable(formula: Formula) -> tuple[Variable, ...]:
    given = (*formula.inputs, *formula.parameters)
    return tuple(v for v in given if not (isinstance(v, TensorSymbol) and v.labels is not None))


def value_verdict(run: Run, points: Sequence[Point]) -> Verdict:
    """Compare a compiled formula with the naive interpreter at 50 digits, at each point."""
    for point in points:
        formula = point.formula
        computed = run(*point.values)
        outputs = (formula.output, *(new for _, new in formula.state))
        world = define(point.equations, point.world)
        for v, ours in zip(outputs, computed if len(outputs) > 1 else (computed,), strict=True):
            pairs = list(_pairs(ours, world.values[v]))
            scale = max(1.0, *(abs(float(exact)) for _, exact, _ in pairs))
            for got, exact, at in pairs:
                off = float(abs(world.ctx.mpf(got) - exact)) / scale
                if not off <= _ROUNDING:
                    shown = (("point", repr(point)), ("element", f"{v}{at}"))
                    both = (("compiled", repr(got)), ("formula", world.ctx.nstr(exact, 17)))
                    return Verdict("refuted", "the compiled value is another one", (*shown, *both))
    within = f"within {_ROUNDING:.0e} of 50 digits"
    return Verdict("float", f"{len(points)} points of the domain, {within}")


def _pairs(ours: Any, exact: Any) -> Iterator[tuple[float, Any, list[int]]]:
    if not isinstance(exact, dict):
        yield float(ours), exact, []
        return
    array = np.asarray(ours)
    for at, value in exact.items():
        yield float(array[at]), value, list(at)


def gradient_checks(
    run: Run, wrt: Sequence[Variable], points: Sequence[Point], generator: np.random.Generator
) -> dict[Variable, GradientCheck]:
    """Compare what ``run`` returns after the value with differences of that value.

    ``run`` takes the values of a point, and the adjoint of the output where that is a tensor.
    """
    checks: dict[Variable, list[GradientCheck]] = {v: [] for v in wrt}
    for point in points:
        formula, given = point.formula, arguments(point.formula)
        output = formula.output
        seed: tuple[Array, ...] = ()
        if isinstance(output, TensorSymbol):
            axes = [point.world.size(s) for s in output.axes]
            seed = (generator.standard_normal(axes),)
        _, *gradients = run(*point.values, *seed)
        for v, gradient in zip(wrt, gradients, strict=True):
            place = given.index(v)

            def value(
                x: Array, place: int = place, point: Point = point, seed: Any = seed
            ) -> float:
                moved = [*point.values[:place], x, *point.values[place + 1 :]]
                y = run(*moved, *seed)[0]
                return float((y * seed[0]).sum()) if seed else float(y)

            checks[v].append(check_gradient(value, gradient, point.values[place]))
    return {v: _together(found) for v, found in checks.items()}


def _together(found: Sequence[GradientCheck]) -> GradientCheck:
    compared = [c for c in found if c.compared] or list(found)
    worst = max(compared, key=lambda c: (c.largest != c.largest, c.largest))
    return GradientCheck(
        worst.largest,
        sum(c.compared for c in found),
        sum(c.kinks for c in found),
        worst.tolerance,
        worst.worst,
    )
