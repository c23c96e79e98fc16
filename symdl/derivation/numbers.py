"""Numbers beside symbols: values of every node, exact first and rounded only when printed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import InputError, Mismatch
from symdl.evidence.evaluate import World, evaluate, from_nested, precise
from symdl.notation.indices import Index
from symdl.notation.tensors import TensorSymbol

__all__ = ["Numbers", "decimal", "numbers_of", "written"]

_LONGEST = 200  # digits and exponents of a number from outside

Nested = Any  # a number, or a nested list of numbers


@dataclass(frozen=True)
class Numbers:
    """Values of variables and the way they are printed.

    ``given`` holds the text of the scalar values that came from outside; they are printed as given.
    """

    world: World
    given: Mapping[sp.Symbol, str]
    digits: int = 8

    def value(self, e: Expr, index: Mapping[Index, int] | None = None) -> Any:
        """The value of an expression, to 50 digits."""
        return evaluate(e, self.world, dict(index or {}))

    def array(self, e: Expr, index: Sequence[Index]) -> Nested:
        """The values of an expression over its free indices as nested lists."""
        sizes = [self.world.size(i.size) for i in index]
        return self._nested(e, index, sizes, {})

    def _nested(
        self, e: Expr, index: Sequence[Index], sizes: Sequence[int], at: dict[Index, int]
    ) -> Nested:
        if not index:
            return self.value(e, at)
        return [self._nested(e, index[1:], sizes[1:], {**at, index[0]: k}) for k in range(sizes[0])]

    def text(self, value: Any) -> str:
        """A number as it is printed."""
        return decimal(value, self.digits)

    def substitutes(self) -> dict[Expr, str]:
        """What stands for each scalar symbol when numbers are put in."""
        out: dict[Expr, str] = {}
        for v, value in self.world.values.items():
            if not isinstance(value, dict):
                out[v] = self.given.get(v) or self.text(value)
        return out


def decimal(value: Any, digits: int) -> str:
    """Round to so many decimals, half to even on the exact value.

    >>> decimal(precise().mpf("0.125"), 2), decimal(precise().mpf("-2"), 3)
    ('0.12', '-2.000')
    """
    exact = Decimal(str(value))
    if not exact.is_finite():
        return str(value)
    wide = Context(prec=max(60, exact.adjusted() + digits + 10))
    shown = exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN, context=wide)
    return f"{abs(shown) if shown == 0 else shown:f}"


def written(value: object) -> Fraction:
    """A number from outside as an exact fraction: 0.1 is 1/10, as it was written.

    >>> written(0.1), written("-2"), written(sp.Rational(1, 3))
    (Fraction(1, 10), Fraction(-2, 1), Fraction(1, 3))
    """
    if isinstance(value, sp.Rational):
        return Fraction(int(value.p), int(value.q))
    text = str(value)
    try:
        if len(text) <= _LONGEST and abs(Decimal(text.partition("/")[0]).adjusted()) < _LONGEST:
            return Fraction(text)
    except (ValueError, ArithmeticError):
        pass
    raise InputError(f"{text[:60]!r} is not a number that can be put in for a symbol")


def numbers_of(
    values: Mapping[sp.Symbol, object],
    sizes: Mapping[Expr, int],
    digits: int,
) -> Numbers:
    """Read values of symbols and of tensors (nested lists or arrays); shapes give sizes."""
    if not 0 <= digits <= 30:
        raise InputError(f"the number of decimals must be 0 to 30, not {digits}")
    ctx = precise()
    scalars = {v: written(x) for v, x in values.items() if not isinstance(v, TensorSymbol)}
    tensors = {v: _listed(x) for v, x in values.items() if isinstance(v, TensorSymbol)}
    known = _sizes(tensors, sizes)
    found: dict[sp.Symbol, Any] = {
        v: ctx.mpf(f.numerator) / f.denominator for v, f in scalars.items()
    }
    world = World(known, found, ctx)
    for t, nested in tensors.items():
        found[t] = from_nested(t, _exact(nested, ctx), world)
    given = {v: _as_given(f, digits, ctx) for v, f in scalars.items()}
    return Numbers(world, given, digits)


def _as_given(f: Fraction, digits: int, ctx: Any) -> str:
    """A given value in its own digits where they end, else rounded."""
    q = f.denominator
    for prime in (2, 5):
        while q % prime == 0:
            q //= prime
    if q != 1:
        return decimal(ctx.mpf(f.numerator) / f.denominator, digits)
    exact = Context(prec=400).divide(Decimal(f.numerator), Decimal(f.denominator))
    return f"{exact:f}"


def _listed(value: object) -> Nested:
    return value.tolist() if hasattr(value, "tolist") else value


def _exact(nested: Nested, ctx: Any) -> Nested:
    if isinstance(nested, (list, tuple)):
        return [_exact(x, ctx) for x in nested]
    f = written(nested)
    return ctx.mpf(f.numerator) / f.denominator


def _sizes(tensors: Mapping[TensorSymbol, Nested], sizes: Mapping[Expr, int]) -> dict[Expr, int]:
    """The sizes of the axes, read off the shapes; two that differ are an error."""
    known = dict(sizes)
    source: dict[Expr, str] = dict.fromkeys(known, "the sizes given")
    for t, nested in tensors.items():
        shape = _shape(nested)
        if len(shape) != t.rank:
            raise Mismatch(f"{t.name} has {t.rank} axes {t.axes}, but its value has shape {shape}")
        for place, (size, n) in enumerate(zip(t.axes, shape, strict=True)):
            here = f"axis {place + 1} of {t.name}"
            have = int(size) if size.is_Integer else known.get(size, n)
            if have != n:
                first = source.get(size, "the formula")
                raise Mismatch(f"{here} has size {n}, but {size} is {have} in {first}")
            if size.is_Symbol:
                known[size] = n
                source.setdefault(size, here)
    return known


def _shape(nested: Nested) -> tuple[int, ...]:
    if not isinstance(nested, (list, tuple)):
        return ()
    inner = {_shape(x) for x in nested}
    if len(inner) != 1:
        raise InputError("an array must have at least one element and rows of one length")
    return (len(nested), *inner.pop())


def flat(nested: Nested) -> Iterable[Any]:
    """All numbers of a nested list."""
    if not isinstance(nested, list):
        return (nested,)
    return itertools.chain.from_iterable(flat(x) for x in nested)
