"""A verdict: how sure, why, and where it fails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["LEVELS", "Verdict", "negated", "weakest"]

LEVELS = ("refuted", "unknown", "float", "numeric", "instance", "proved")


@dataclass(frozen=True)
class Verdict:
    """What was seen of a claim, never more.

    proved     both sides reach the same normal form, every rule application was re-checked, and a
               written-out instance agrees with SymPy's own derivative
    instance   exactly equal on written-out small sizes
    numeric    equal to 50 digits at random points of the domain
    float      compiled code agrees within rounding
    refuted    false: ``counterexample`` says where, with both values
    unknown    not decided, and why; never a pass
    """

    level: str
    reason: str = ""
    counterexample: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ValueError(f"a verdict is one of {', '.join(LEVELS)}, not {self.level!r}")

    @property
    def ok(self) -> bool:
        """True unless refuted or unknown."""
        return self.level not in ("refuted", "unknown")

    def __str__(self) -> str:
        shown = f"{self.level}: {self.reason}" if self.reason else self.level
        if self.counterexample:
            shown += " at " + ", ".join(f"{k} = {v}" for k, v in self.counterexample)
        return shown


def weakest(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on a whole is that of its weakest part; nothing at all is unknown."""
    found = list(verdicts)
    if not found:
        return Verdict("unknown", "there was nothing to check")
    return min(found, key=lambda v: LEVELS.index(v.level))


def negated(verdict: Verdict) -> Verdict:
    """The verdict on "this does not hold": a counterexample proves it, a proof refutes it.

    >>> str(negated(Verdict("refuted", "the two sides differ", (("x", "1"),))))
    'proved: the two sides differ: x = 1'
    >>> negated(Verdict("numeric")).level
    'unknown'
    """
    if verdict.level == "refuted":
        where = ", ".join(f"{k} = {v}" for k, v in verdict.counterexample)
        return Verdict("proved", f"{verdict.reason}: {where}" if where else verdict.reason)
    if verdict.level in ("proved", "instance"):
        return Verdict("refuted", f"it does hold: {verdict.reason}")
    return Verdict("unknown", f"no counterexample was found: {verdict}")
