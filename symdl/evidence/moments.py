"""Exact means and variances of polynomials in independent draws, sums over symbolic sizes included.

The mean of a product of draws from one law is a sum over the partitions of the factors: each block
gives a cumulant, where its indices are equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.contract import contract
from symdl.errors import NotSupported
from symdl.notation.binders import Total
from symdl.notation.indicators import Delta
from symdl.notation.normal import normal
from symdl.notation.tensors import Elem
from symdl.notation.walk import variables

__all__ = ["Law", "law", "law_from_density", "mean", "variance"]

Draws = Mapping[sp.Symbol, "Law"]


@dataclass(frozen=True)
class Law:
    """The law of one draw, by its means of the powers 1, 2, ...

    Elements of a tensor are independent draws from the same law.
    """

    powers: tuple[Expr, ...]

    def cumulant(self, n: int) -> Expr:
        """The cumulant of order n, by the recursion from the means of the powers."""
        if n > len(self.powers):
            raise NotSupported(f"the mean of power {n} of a draw is not known")
        found = self.powers[n - 1]
        for k in range(1, n):
            found -= sp.binomial(n - 1, k - 1) * self.cumulant(k) * self.powers[n - k - 1]
        return sp.expand(found)


def law(mean: Expr, variance: Expr) -> Law:
    """A law of which the mean and the variance are known, and nothing else."""
    m, v = (sp.sympify(e, strict=True) for e in (mean, variance))
    return Law((m, v + m**2))


def law_from_density(density: Expr, draw: sp.Symbol, low: Expr, high: Expr, order: int = 2) -> Law:
    """A law by the integrals of its density."""
    return Law(
        tuple(
            sp.simplify(sp.integrate(draw**k * density, (draw, low, high)))
            for k in range(1, order + 1)
        )
    )


def mean(e: Expr, draws: Draws) -> Expr:
    """The mean of ``e``, a polynomial in the draws.

    >>> w, v = sp.symbols("w v", real=True)
    >>> mean((3 * w + 1) ** 2, {w: law(sp.Integer(0), v)})
    9*v + 1
    """
    return normal(contract(_mean(normal(e), draws)))


def variance(e: Expr, draws: Draws) -> Expr:
    """The variance of ``e``, a polynomial in the draws."""
    return normal(mean(e**2, draws) - mean(e, draws) ** 2)


def _mean(e: Expr, draws: Draws) -> Expr:
    return sp.Add(*(_term(t, draws) for t in sp.Add.make_args(sp.expand(e))))


def _term(term: Expr, draws: Draws) -> Expr:
    random, fixed = [], []
    opened: list[Expr] = []
    for f in sp.Mul.make_args(term):
        for part in _repeated(f, draws):
            if not (variables(part) & draws.keys()):
                fixed.append(part)
            elif isinstance(part, Total):
                body, index = part.open()
                opened += index
                random.append(body)
            else:
                random.append(part)
    product = sp.expand(sp.Mul(*random))
    if opened or product.is_Add or product.has(Total):
        if all(not isinstance(f, Total) for f in random) and not opened and not product.is_Add:
            raise NotSupported(f"the mean of {term}")
        inner = _mean(product, draws)
        return sp.Mul(*fixed) * (Total(inner, *opened) if opened else inner)
    return sp.Mul(*fixed) * _of_product(sp.Mul.make_args(product), draws)


def _repeated(f: Expr, draws: Draws) -> list[Expr]:
    if f.is_Pow and f.exp.is_Integer and f.exp > 0 and variables(f) & draws.keys():
        return [f.base] * int(f.exp)
    return [f]


def _of_product(factors: Sequence[Expr], draws: Draws) -> Expr:
    """Draws from different laws are independent: the means of their products multiply."""
    groups: dict[sp.Symbol, list[Expr]] = {}
    out = sp.S.One
    for f in (part for factor in factors for part in _repeated(factor, draws)):
        v = f.tensor if isinstance(f, Elem) else f
        if v in draws:
            groups.setdefault(v, []).append(f)
        elif variables(f) & draws.keys():
            raise NotSupported(f"the mean of {f}: it is no polynomial in the draws")
        else:
            out *= f
    for v, places in groups.items():
        out *= sp.Add(*(_blocks(p, draws[v]) for p in _partitions(places)))
    return out


def _blocks(partition: list[list[Expr]], of: Law) -> Expr:
    out = sp.S.One
    for block in partition:
        out *= of.cumulant(len(block))
        first = block[0]
        if isinstance(first, Elem):
            for other in block[1:]:
                pairs = zip(first.index, other.index, strict=True)
                out *= sp.Mul(*(Delta(a - b) for a, b in pairs))
    return out


def _partitions(items: list[Expr]) -> Iterator[list[list[Expr]]]:
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for p in _partitions(rest):
        yield [[first], *p]
        for k in range(len(p)):
            yield [*p[:k], [first, *p[k]], *p[k + 1 :]]
