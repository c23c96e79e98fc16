"""What threshold units can compute: truth tables exactly, and separation or a proof against it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from symdl.errors import InputError, NotSupported
from symdl.evidence.judge import inlined
from symdl.evidence.verdict import Verdict
from symdl.formula import Formula

__all__ = [
    "Contradiction", "Separator", "judge_separable", "judge_truth_table", "separate", "truth_table",
]  # fmt: skip

Point = tuple[int | Fraction, ...]
_MOST_ROWS = 4000


def truth_table(formula: Formula) -> dict[Point, Fraction]:
    """The output of a gate for every choice of zeros and ones, in exact arithmetic."""
    out = inlined(formula.equation(formula.output).rhs, formula.equations)
    table: dict[Point, Fraction] = {}
    for bits in itertools.product((0, 1), repeat=len(formula.inputs)):
        value = out.subs(dict(zip(formula.inputs, bits, strict=True)))
        if not value.is_Rational:
            raise InputError(f"{formula.name} has no number at {bits}: {value}")
        table[bits] = Fraction(int(value.p), int(value.q))
    return table


def judge_truth_table(formula: Formula, wanted: Sequence[int]) -> Verdict:
    """Judge that a gate has this truth table (outputs for 00, 01, 10, 11, ...)."""
    found = truth_table(formula)
    if len(found) != len(wanted):
        raise InputError(f"a table of {len(found)} outputs is needed, not {len(wanted)}")
    for (at, value), right in zip(found.items(), wanted, strict=True):
        if value != right:
            point = [(str(x), str(k)) for x, k in zip(formula.inputs, at, strict=True)]
            both = (("left", str(value)), ("right", str(right)))
            return Verdict("refuted", "the outputs differ", (*point, *both))
    return Verdict("proved", f"all {len(found)} inputs in exact arithmetic")


@dataclass(frozen=True)
class Separator:
    """A unit that fires with a margin of 1 at some points and stays silent at the others."""

    weights: tuple[Fraction, ...]
    bias: Fraction

    def holds(self, points: Sequence[Point], labels: Sequence[int]) -> bool:
        """True if every point lies on its side, and not on the border."""
        return all(
            (sum((w * x for w, x in zip(self.weights, p, strict=True)), self.bias))
            * (1 if label else -1) > 0
            for p, label in zip(points, labels, strict=True)
        )  # fmt: skip


@dataclass(frozen=True)
class Contradiction:
    """Multipliers that add the inequalities of all points up to 0 > 0 (Farkas).

    The inequalities are w.x + b >= 0 at label 1 and -(w.x + b) > 0 at label 0, or strict on the
    other side: the contradiction holds in both conventions.
    """

    multipliers: tuple[Fraction, ...]

    def holds(self, points: Sequence[Point], labels: Sequence[int]) -> bool:
        """True if the weights and the bias cancel, and strict inequalities take part."""
        signs = [1 if label else -1 for label in labels]
        parts = list(zip(self.multipliers, signs, points, strict=True))
        sums = [sum(m * s * p[k] for m, s, p in parts) for k in range(len(points[0]))]
        bias = sum(m * s for m, s, _ in parts)
        both = {s for m, s, _ in parts if m > 0} == {1, -1}
        return all(m >= 0 for m in self.multipliers) and not any(sums) and bias == 0 and both


def separate(points: Sequence[Point], labels: Sequence[int]) -> Separator | Contradiction:
    """A threshold unit for the labels (1 fires, 0 is silent), or the proof that there is none.

    >>> corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    >>> separate(corners, [0, 1, 1, 0])
    Contradiction(multipliers=(Fraction(1, 1), Fraction(1, 1), Fraction(1, 1), Fraction(1, 1)))
    """
    rows: list[_Row] = []
    for k, (p, label) in enumerate(zip(points, labels, strict=True)):
        s = 1 if label else -1
        unit = tuple(Fraction(int(k == other)) for other in range(len(points)))
        rows.append(((*(Fraction(s * x) for x in p), Fraction(s)), Fraction(1), unit))
    stages = []
    for unknown in range(len(points[0]) + 1):
        stages.append(rows)
        rows = _eliminated(rows, unknown)
    for _, least, multipliers in rows:
        if least > 0:
            top = min(m for m in multipliers if m > 0)
            return Contradiction(tuple(m / top for m in multipliers))
    return _solved(stages)


_Row = tuple[tuple[Fraction, ...], Fraction, tuple[Fraction, ...]]  # a.u >= least, and its makers


def _eliminated(rows: Sequence[_Row], k: int) -> list[_Row]:
    """Fourier and Motzkin: rows without unknown ``k`` that follow from ``rows``."""
    out = [r for r in rows if r[0][k] == 0]
    up, down = ([r for r in rows if s * r[0][k] > 0] for s in (1, -1))
    if len(out) + len(up) * len(down) > _MOST_ROWS:
        raise NotSupported(f"more than {_MOST_ROWS} inequalities")
    for a, b in itertools.product(up, down):
        f, g = 1 / a[0][k], -1 / b[0][k]
        coefficients = tuple(f * p + g * q for p, q in zip(a[0], b[0], strict=True))
        makers = tuple(f * p + g * q for p, q in zip(a[2], b[2], strict=True))
        out.append((coefficients, f * a[1] + g * b[1], makers))
    return out


def _solved(stages: Sequence[Sequence[_Row]]) -> Separator:
    """Put values in for the unknowns, the last eliminated first."""
    count = len(stages)
    u = [Fraction(0)] * count
    for k in reversed(range(count)):
        lows: list[Fraction] = []
        highs: list[Fraction] = []
        for coefficients, least, _ in stages[k]:
            rest = least - sum(coefficients[m] * u[m] for m in range(k + 1, count))
            if coefficients[k] != 0:
                (lows if coefficients[k] > 0 else highs).append(rest / coefficients[k])
        u[k] = max(lows) if lows else min(highs) if highs else Fraction(0)
    return Separator(tuple(u[:-1]), u[-1])


def judge_separable(points: Sequence[Point], labels: Sequence[int]) -> Verdict:
    """Judge that one threshold unit gives these labels; refuted with the multipliers against it."""
    found = separate(points, labels)
    if not found.holds(points, labels):
        return Verdict("unknown", "what was found does not pass its own check")
    if isinstance(found, Separator):
        shown = ", ".join(map(str, found.weights))
        return Verdict("proved", f"weights {shown} and bias {found.bias}, checked at every point")
    pairs = zip(points, found.multipliers, strict=True)
    multipliers = tuple((f"multiplier of {p}", str(m)) for p, m in pairs)
    return Verdict("refuted", "the inequalities add up to 0 > 0", multipliers)
