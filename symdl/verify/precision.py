"""How many units in the last place compiled values and gradients are off, over a whole type."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symdl.backends.function import Compiled
from symdl.errors import InputError
from symdl.formula import Formula, Variable
from symdl.training.choices import one_of
from symdl.training.run_formula import DTYPES, check_backend, name_of_dtype
from symdl.verify.precision_judge import Measured, judged
from symdl.verify.precision_run import compiled, swept

__all__ = ["GRADIENT_ULP", "VALUE_ULP", "Precision", "precision"]

VALUE_ULP, GRADIENT_ULP = 4.0, 8.0


@dataclass(frozen=True)
class Precision:
    """What was measured of a formula on one backend in one type.

    measured  the value first, then the gradients
    warned    the texts of the warnings that the code gave, each once
    """

    formula: str
    backend: str
    dtype: str
    measured: tuple[Measured, ...]
    warned: tuple[str, ...]

    @property
    def value(self) -> Measured:
        """What was measured of the value."""
        return self.measured[0]

    @property
    def gradients(self) -> tuple[Measured, ...]:
        """What was measured of the gradients."""
        return self.measured[1:]

    @property
    def ok(self) -> bool:
        """True within 4 ulp for the value and 8 for gradients, special values and all."""
        return self.within(VALUE_ULP, GRADIENT_ULP)

    def within(self, value: float, gradient: float) -> bool:
        """True if the value and every gradient are within these bounds."""
        return self.value.within(value) and all(m.within(gradient) for m in self.gradients)

    def __str__(self) -> str:
        lines = [f"{self.formula}, {self.backend}, {self.dtype}"]
        lines += [f"  {m}" for m in self.measured]
        return "\n".join([*lines, *(f"  warned: {w}" for w in self.warned)])


def precision(
    formula: Formula,
    *,
    dtype: str = "float64",
    backend: str = "numpy",
    points: int = 200,
    wrt: Iterable[Variable | str] | None = None,
    exact: bool = True,
    run: Callable[..., Any] | None = None,
) -> Precision:
    """Compare a compiled formula and its compiled gradients with the formula at many digits.

    Each variable of ``wrt``, by default all that are given and move over an interval, sweeps over
    the whole range of the type, at about ``points`` numbers: magnitudes spread by their logarithm,
    numbers where exponentials leave the range, kinks with their neighbours, subnormal and largest
    numbers; then 0, -0, inf, -inf, nan.  The truth is the formula as stated, and its derived
    adjoints, evaluated with as many digits as no sum in them loses.

    An error is counted in ulp / max(1, condition), where the condition of f is the sum of
    |x df/dx / f| over the elements of ``wrt``: no code does better with rounded x.  At a jump a
    point may lie on the side of one of its two next neighbours.  At +-inf the truth is the value
    far beyond the range, where 0 may have either sign; nan must stay nan, but for a derivative that
    is constant between jumps.

    ``exact`` is that of ``compile_gradient``: without it gradients are those of training on NumPy.
    ``run`` replaces the compiled code: a function of the arguments (and of the adjoint of a tensor
    output) that returns the value and the gradients.

    A formula of one scalar is run on all points at once, as an array.  Raises InputError for an
    unknown dtype, NotSupported for an unknown backend or a domain that cannot be swept.

    >>> from symdl.catalog.activations import RELU
    >>> print(precision(RELU, points=40))
    relu, numpy, float64
      value: 0 ulp
      gradient of x: 0 ulp
    """
    if not isinstance(formula, Formula):
        raise InputError(f"precision judges a Formula, not {formula!r}")
    if points < 8:
        raise InputError(f"points must be 8 or more, not {points}")
    check_backend(backend)
    known = one_of("dtype", name_of_dtype(dtype), DTYPES)
    chosen = swept(formula, wrt)
    code = run or compiled(formula, chosen, known, backend, exact)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        measured = judged(formula, chosen, np.dtype(known), points, code)
    used = code.backend if isinstance(code, Compiled) else backend
    warned = tuple(dict.fromkeys(str(w.message) for w in caught))
    return Precision(formula.name, used, known, measured, warned)
