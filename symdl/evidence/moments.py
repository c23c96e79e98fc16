"""Exact means and variances of polynomials in independent draws, sums over symbolic sizes included.

The mean of a product of draws from one law is a sum over the partitions of the factors: each block
gives a cumulant, where its indices are equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.contract import contract
from symdl.errors import NotSupported
from symdl.evidence.pieces import pieces
from symdl.notation.binders import Total
from symdl.notation.indicators import Delta, UnitStep
from symdl.notation.normal import normal
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import occurrences, variables

__all__ = [
    "STANDARD_NORMAL", "UNIFORM", "Density", "Law", "law", "law_from_density", "law_of", "mean",
    "noise_named", "variance",
]  # fmt: skip

Draws = Mapping[sp.Symbol, "Law"]
Domain = Mapping[sp.Symbol, sp.Set]


@dataclass(frozen=True)
class Density:
    """The density ``expr`` of a draw, in the symbol ``draw``, from ``low`` to ``high``."""

    draw: sp.Symbol
    expr: Expr
    low: Expr
    high: Expr


_DRAW = sp.Symbol("u", real=True)
UNIFORM = Density(_DRAW, sp.S.One, sp.S.Zero, sp.S.One)
STANDARD_NORMAL = Density(_DRAW, sp.exp(-(_DRAW**2) / 2) / sp.sqrt(2 * sp.pi), -sp.oo, sp.oo)


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


def law_of(
    e: Expr, draw: sp.Symbol, density: Density, order: int = 2, domain: Domain | None = None
) -> Law:
    """The law of a function ``e`` of one draw, by integrals between its kinks.

    >>> u = sp.Symbol("u", real=True)
    >>> law_of(sp.Max(0, u), u, STANDARD_NORMAL).powers
    (sqrt(2)/(2*sqrt(pi)), 1/2)
    """
    x = density.draw
    odds = _odds(variables(e) - {draw}, domain or {})
    shares = {s: q / (1 + q) for s, q in odds.items()}
    cut = pieces(e.xreplace({draw: x, **shares}), x, density.low, density.high)
    back = {q: s / (1 - s) for s, q in odds.items()}
    found = []
    for k in range(1, order + 1):
        parts = (sp.integrate(p.expr**k * density.expr, (x, p.low, p.high)) for p in cut)
        found.append(sp.simplify(sp.Add(*parts).xreplace(back)))
    return Law(tuple(found))


def _odds(names: Iterable[sp.Symbol], domain: Domain) -> dict[sp.Symbol, sp.Symbol]:
    """A positive symbol q for each symbol r = q / (1 + q) that lies between 0 and 1."""
    unit = sp.Interval(0, 1)
    inside = sorted((s for s in names if s in domain and domain[s].is_subset(unit)), key=str)
    return {s: sp.Symbol(f"odds_{s.name}", positive=True) for s in inside}


def noise_named(
    e: Expr, draws: Mapping[sp.Symbol, Density], order: int = 2, domain: Domain | None = None
) -> tuple[Expr, dict[sp.Symbol, Law]]:
    """Give each step of a draw in ``e`` a name of its own: a polynomial in draws, and their laws.

    Dropout's mask, a step of a uniform draw, becomes a draw that is 0 or 1.  ``domain`` says of a
    rate that it lies between 0 and 1.

    >>> u, r, x = sp.symbols("u r x", real=True)
    >>> below_one = {r: sp.Interval.Ropen(0, 1)}
    >>> e, laws = noise_named(x * UnitStep(u - r, 1), {u: UNIFORM}, domain=below_one)
    >>> e, [law.powers for law in laws.values()]
    (mask*x, [(1 - r, 1 - r)])
    """
    named: dict[Expr, Expr] = {}
    laws: dict[sp.Symbol, Law] = {}
    for step in sorted(e.atoms(UnitStep), key=str):
        inside = sorted(variables(step) & draws.keys(), key=str)
        if not inside:
            continue
        places = occurrences(step, inside[0])
        if len(inside) > 1 or len(places) > 1:
            raise NotSupported(f"the law of {step}: it reads more than one draw")
        (place,) = places
        named[step] = _mask(place, f"mask_{len(named) + 1}" if named else "mask")
        plain = sp.Symbol("u", real=True)
        seen = law_of(step.xreplace({place: plain}), plain, draws[inside[0]], order, domain)
        mask = named[step]
        laws[mask.tensor if isinstance(mask, Elem) else mask] = seen
    out = e.xreplace(named)
    for v in variables(out) & draws.keys():
        laws[v] = law_of(draws[v].draw, draws[v].draw, draws[v], order)
    return out, laws


def _mask(place: Expr, name: str) -> Expr:
    if isinstance(place, Elem):
        return Elem(TensorSymbol(name, place.tensor.axes), *place.index)
    return sp.Symbol(name, real=True)


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
