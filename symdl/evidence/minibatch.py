"""The mean of a mini-batch: unbiased, with a variance that falls as 1/m.

Drawn independently the variance is s/m.  Drawn without replacement from N examples, two distinct
draws have a covariance c that follows from the whole: the mean of all N examples never changes, so
0 = N s + N (N - 1) c.  That gives the factor (N - m)/(N - 1).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.elimination import simplest, solve_linear
from symdl.errors import Impossible, InputError
from symdl.evidence.judge import judge_equation
from symdl.evidence.moments import law, mean, variance
from symdl.evidence.verdict import Verdict, weakest
from symdl.notation.binders import Total
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import TensorSymbol, real

__all__ = ["MiniBatch", "minibatch"]


@dataclass(frozen=True)
class MiniBatch:
    """The mean of m gradients out of N: its mean and its variance, drawn in either way.

    batch        the mean over the batch, in index notation
    spread       the variance of one example's gradient (over the N examples)
    independent  the variance of the mean of m independent draws
    covariance   of two distinct draws without replacement
    without      the variance of the mean of m draws without replacement
    """

    m: sp.Symbol
    n: sp.Symbol
    mean_gradient: sp.Symbol
    spread: sp.Symbol
    batch: Expr
    mean: Expr
    independent: Expr
    covariance: Expr
    without: Expr

    @property
    def factor(self) -> Expr:
        """By how much drawing without replacement lowers the variance."""
        return simplest(self.without / self.independent)

    def verdicts(self) -> tuple[tuple[str, Verdict], ...]:
        """What is claimed of the batch, judged."""
        one, whole = {self.m: sp.S.One}, {self.m: self.n}
        ends = (
            judge_equation(self.without.xreplace(one), self.spread),
            judge_equation(self.without.xreplace(whole), sp.S.Zero),
        )
        falls = judge_equation(self.independent * self.m, self.independent.xreplace(one))
        return (
            ("the mean of a batch is the whole gradient",
             judge_equation(self.mean, self.mean_gradient)),
            ("m times the variance of a batch is that of one draw", falls),
            ("without replacement: one draw has s, all together have none", weakest(ends)),
            ("without replacement: all batches of 2 out of 4 written out", self.judge_on(4, 2)),
        )  # fmt: skip

    def judge_on(self, n: int, m: int) -> Verdict:
        """Compare with all batches of m out of n symbolic gradients, written out."""
        if not 1 <= m <= n or n < 2:
            raise InputError(
                f"batches of {m} out of {n}: 1 <= m <= n is needed, and n of 2 or more"
            )
        g = [real(f"g{k}") for k in range(n)]
        mu = sp.Add(*g) / n
        spread = sp.Add(*((a - mu) ** 2 for a in g)) / n
        batches = list(itertools.combinations(g, m))
        found = sp.Add(*((sp.Add(*b) / m - mu) ** 2 for b in batches)) / len(batches)
        there = {self.spread: spread, self.m: sp.Integer(m), self.n: sp.Integer(n)}
        seen = judge_equation(found, self.without.xreplace(there))
        if seen.level == "proved":
            return Verdict("instance", f"all {len(batches)} batches of {m} out of {n}")
        return seen

    def verify(self) -> Verdict:
        """The weakest of the verdicts."""
        return weakest(v for _, v in self.verdicts())


def minibatch() -> MiniBatch:
    """Derive the mean and the variance of the gradient of a mini-batch.

    >>> minibatch().independent
    s/m
    """
    m, n = size_of("m"), size_of("N")
    g, k = TensorSymbol("g", (m,)), Index("k", m)
    mu, s = real("mu"), sp.Symbol("s", nonnegative=True)
    batch = Total(g[k], k) / m
    draws = {g: law(mu, s)}
    c = real("c")
    covariance = solve_linear(_variance_of_sum(n, s, c), c)
    if covariance is None:
        raise Impossible("the covariance of two draws is not determined")
    covariance = simplest(covariance)
    without = simplest(_variance_of_sum(m, s, covariance) / m**2)
    return MiniBatch(
        m, n, mu, s, batch, mean(batch, draws), variance(batch, draws), covariance, without
    )


def _variance_of_sum(count: Expr, s: Expr, c: Expr) -> Expr:
    """The variance of a sum: the variances, and twice the covariance of each pair."""
    return count * s + count * (count - 1) * c
