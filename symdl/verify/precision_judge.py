"""Numbers that code gives, judged against exact ones in units in the last place."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdl.calculus.adjoint import bar
from symdl.evidence.evaluate import precise
from symdl.formula import Formula, Variable
from symdl.verify.precision_points import Sample, samples, sizes_for
from symdl.verify.precision_run import run_all
from symdl.verify.precision_truth import Exact, Values, truth_of

__all__ = ["Measured", "judged"]

Array = NDArray[Any]
_CTX = precise(30)
_FAR = 10**400  # stands for infinity
_LEAST = sp.Rational(1, 2**1400)  # and for what is beside zero
_WIDE = np.dtype("float64")  # for as many digits as there are
_BESIDE = 2  # neighbours of a jump, on whose side of it rounding may put a point
_CLEAR = 0.5  # ulp: an error above this may be due to a jump


@dataclass(frozen=True)
class Measured:
    """The error of the value, or of the gradient of one variable, over all points.

    worst       the largest error, in ulp / max(1, condition); inf where something is not finite
    ulp         the largest error in plain ulp
    where       the point of the worst error
    found       what the code gives there
    exact       what the formula is there
    points      how many numbers were compared
    not_finite  how many of them are not finite although the truth is
    wrong       special values that are wrong, each as a text
    """

    what: str
    worst: float
    ulp: float
    where: str
    found: float
    exact: str
    points: int
    not_finite: int
    wrong: tuple[str, ...]

    def within(self, bound: float) -> bool:
        """True if all is finite, no special value is wrong, and no error is beyond the bound."""
        return self.worst <= bound and not self.not_finite and not self.wrong

    def __str__(self) -> str:
        text = f"{self.what}: {self.worst:.3g} ulp"
        if self.worst:
            text += f" at {self.where}: {self.found!r}, exact {self.exact}"
        if self.not_finite:
            text += f"; {self.not_finite} of {self.points} not finite"
        return text + "".join(f"; {w}" for w in self.wrong)


def judged(
    formula: Formula,
    wrt: tuple[Variable, ...],
    dtype: np.dtype[Any],
    count: int,
    run: Callable[..., Any],
) -> tuple[Measured, ...]:
    """Run the code at all samples; judge the value, then the gradient of each of ``wrt``."""
    every = _truths(formula, wrt, dtype, count)
    found = run_all(run, formula, wrt, [s for s, _ in every], dtype)
    special = list(_specials(formula, wrt, every))
    there = run_all(run, formula, wrt, [s for s, _ in special], dtype)
    out = []
    for k, v in enumerate((formula.output, *map(bar, wrt))):
        what = f"gradient of {wrt[k - 1]}" if k else "value"
        tally = _Tally(what, v, dtype)
        for (sample, exact), row in zip(every, found, strict=True):
            tally.add(sample, exact, row[k], partial(_beside, formula, wrt, sample, dtype))
        for (point, limit), row in zip(special, there, strict=True):
            tally.add_special(point, limit, row[k])
        out.append(tally.measured())
    return tuple(out)


@lru_cache(maxsize=8)
def _truths(
    formula: Formula, wrt: tuple[Variable, ...], dtype: np.dtype[Any], count: int
) -> tuple[tuple[Sample, Values], ...]:
    truth, sizes = truth_of(formula, wrt), sizes_for(formula)
    return tuple((s, truth.at(s.values, sizes, dtype)) for s in samples(formula, wrt, dtype, count))


def _specials(
    formula: Formula, wrt: tuple[Variable, ...], every: Sequence[tuple[Sample, Values]]
) -> Iterator[tuple[Sample, Values | None]]:
    """0, -0, inf, -inf and nan in the place of what moves; the truth is a limit, None for nan."""
    truth, sizes, seen = truth_of(formula, wrt), sizes_for(formula), set()

    def at(sample: Sample, number: Any) -> Values:
        return truth.at(sample.moved(number).values, sizes, _WIDE)

    for sample, _ in every:
        if sample.moving in seen:
            continue
        seen.add(sample.moving)
        yield sample.moved(math.nan), None
        domain = formula.domain_of(sample.moving)
        if domain.sup == sp.oo:
            yield sample.moved(math.inf), at(sample, _FAR)
        if domain.inf == -sp.oo:
            yield sample.moved(-math.inf), at(sample, -_FAR)
            for zero, beside in ((0.0, _LEAST), (-0.0, -_LEAST)):
                yield sample.moved(zero), _with_sign(at(sample, 0), at(sample, beside))


def _with_sign(there: Values, beside: Values) -> Values:
    """The values at 0, where those that are 0 take the sign that they have beside it."""
    return {
        k: beside[k] if not e.value and abs(beside[k].value) < 1 else e for k, e in there.items()
    }


def _beside(
    formula: Formula, wrt: tuple[Variable, ...], sample: Sample, dtype: np.dtype[Any]
) -> Iterator[Values]:
    """The truth at the next neighbours of a point."""
    truth, sizes = truth_of(formula, wrt), sizes_for(formula)
    for way in (-math.inf, math.inf):
        x = sample.number
        for _ in range(_BESIDE):
            x = np.nextafter(x, dtype.type(way))
            yield truth.at(sample.moved(x).values, sizes, dtype)


class _Tally:
    """The errors of one output so far."""

    def __init__(self, what: str, variable: Variable, dtype: np.dtype[Any]) -> None:
        self.what, self.variable, self.dtype = what, variable, dtype
        info = np.finfo(dtype)
        self.most, self.digits = _CTX.mpf(float(info.max)), int(info.nmant)
        self.least = int(info.minexp) - int(info.nmant)
        self.worst, self.ulp, self.points, self.not_finite = 0.0, 0.0, 0, 0
        self.at: tuple[Sample, float, Exact] | None = None
        self.wrong: list[str] = []
        self.varies = False

    def add(
        self, sample: Sample, exact: Values, found: Any, beside: Callable[[], Iterator[Values]]
    ) -> None:
        """Count every element at one point."""
        for place, number in self._own(exact):
            got = float(np.asarray(found)[place])
            self.points += 1
            self.varies |= number.condition > 0
            plain, error = self.errors(got, number)
            if error > _CLEAR and sample.kink:
                others = (self.errors(got, e[self.variable, place])[1] for e in beside())
                error = min(error, *others)
            if not math.isfinite(got) and abs(number.value) <= self.most:
                self.not_finite += 1
            self.ulp = max(self.ulp, plain)
            if error > self.worst:
                self.worst, self.at = error, (sample, got, number)

    def _own(self, exact: Values) -> Iterator[tuple[tuple[int, ...], Exact]]:
        return ((place, e) for (v, place), e in exact.items() if v == self.variable)

    def errors(self, got: float, exact: Exact) -> tuple[float, float]:
        """The error in ulp, and in ulp / max(1, condition)."""
        value = exact.value
        if abs(value) > self.most and math.isinf(got):
            plain = 0.0 if (got > 0) == (value > 0) else math.inf
        elif not math.isfinite(got):
            plain = math.inf
        else:
            top = _CTX.mag(value) - 1 if value else self.least
            top = min(top, int(np.finfo(self.dtype).maxexp) - 1)
            unit = _CTX.mpf(2) ** max(top - self.digits, self.least)
            plain = float(abs(_CTX.mpf(got) - value) / unit)
        return plain, plain / max(1.0, exact.condition)

    def add_special(self, sample: Sample, exact: Values | None, found: Any) -> None:
        """Judge one special value."""
        array = np.asarray(found)
        if exact is None:
            place = sample.place if array.ndim else ()
            if not np.isnan(array[place]) and (self.varies or self.what == "value"):
                self._say(sample, float(array[place]), "nan")
            return
        for place, number in self._own(exact):
            got = float(array[place])
            _, error = self.errors(got, number)
            signed = number.value and math.isfinite(sample.number)  # at +-inf either 0 will do
            sign = signed and abs(number.value) < 1 and not got
            if error > 4 or (sign and (math.copysign(1, got) > 0) != (number.value > 0)):
                self._say(sample, got, self._rounded(number.value))

    def _say(self, sample: Sample, got: float, exact: str) -> None:
        self.wrong.append(f"at {sample} it is {got!r}, not {exact}")

    def _rounded(self, value: Any) -> str:
        """A number as the type has it."""
        if abs(value) > self.most:
            return "inf" if value > 0 else "-inf"
        small = abs(value) < _CTX.mpf(2) ** (self.least - 1)
        return repr(math.copysign(0.0, value)) if small else str(_CTX.nstr(value, 6))

    def measured(self) -> Measured:
        """All that was counted."""
        where, found, exact = "", 0.0, ""
        if self.at is not None:
            sample, found, number = self.at
            where, exact = str(sample), _CTX.nstr(number.value, 17)
        return Measured(
            self.what,
            self.worst,
            self.ulp,
            where,
            found,
            exact,
            self.points,
            self.not_finite,
            tuple(self.wrong),
        )
