"""Points that show what a form loses: the whole range of a type, its edges, kinks and zeros."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from sympy.core.expr import Expr

from symdl.calculus.adjoint import bar
from symdl.calculus.compose import Renaming
from symdl.calculus.stabilise import stabilise
from symdl.errors import NotSupported
from symdl.formula import Formula, Variable
from symdl.notation.indicators import UnitStep
from symdl.notation.tensors import TensorSymbol
from symdl.notation.walk import inline
from symdl.verify.points import arguments, size_symbols

__all__ = ["Sample", "numbers", "samples", "sizes_for"]

Array = NDArray[Any]

_WIDTH = 3  # of a row, where a formula mixes its elements
_NEAR = 3  # neighbours of a kink on each side
_TARGETS = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.25, 0.25, 0.5))  # rows that sum to 1


@dataclass(frozen=True)
class Sample:
    """A value for everything that a formula is given; one number of it sweeps over a range.

    kink  whether it lies on a kink or is one of the numbers next to it
    """

    values: Mapping[Variable, Any]
    moving: Variable
    place: tuple[int, ...]
    kink: bool = False

    @property
    def number(self) -> Any:
        """The number that sweeps."""
        value = self.values[self.moving]
        return value[self.place] if self.place else value

    def moved(self, number: Any) -> Sample:
        """The same point with another number; arrays then hold exact numbers."""
        value: Any = number
        if self.place:
            value = np.array(self.values[self.moving], object)
            value[self.place] = number
        return replace(self, values={**self.values, self.moving: value})

    def __str__(self) -> str:
        shown = {v: a.tolist() if isinstance(a, np.ndarray) else a for v, a in self.values.items()}
        return ", ".join(f"{v} = {a!s}" for v, a in shown.items())


def numbers(domain: sp.Set, dtype: np.dtype[Any], count: int) -> Array:
    """Numbers of a domain: magnitudes spread over the whole range, and evenly where functions bend.

    >>> x = numbers(sp.S.Reals, np.dtype("float32"), 100)
    >>> float(x.min()) == -float(np.finfo("float32").max), 0.0 in x
    (True, True)
    """
    info = np.finfo(dtype)
    tiny, most = float(info.smallest_subnormal), float(info.max)
    low, high = np.log2(tiny), np.log2(most)
    spread = 2.0 ** np.linspace(low, high, count // 4, endpoint=False)
    bends = np.linspace(0, 1.2 * high * np.log(2), count // 8)[1:]
    close = 10.0 ** np.linspace(-3, 1.5, count // 8)
    # where e^x, e^2x and e^(-x^2/2) leave the range, and the largest numbers
    ends = [k * np.log(v) for v in (most, float(info.tiny), tiny) for k in (0.5, 1.0)]
    ends += [np.sqrt(-2 * np.log(v)) for v in (float(info.tiny), tiny)]
    edges = [
        tiny,
        np.sqrt(tiny) * np.sqrt(float(info.tiny)),
        float(info.tiny),
        float(info.eps),
        0.5,
        1.0,
        most,
        *np.abs(ends),
    ]
    sizes = np.concatenate([spread, bends, close, edges, [0.0]])
    if isinstance(domain, sp.Interval) and (domain.start, domain.end) == (0, 1):
        inside = sizes[(sizes > 0) & (sizes < 0.5)]
        every = np.concatenate([inside, 1 - inside]).astype(dtype)
        return np.unique(every[(every > 0) & (every < 1)])
    with np.errstate(over="ignore"):
        every = np.concatenate([sizes, -sizes]).astype(dtype)
    every = every[np.isfinite(every)]
    if isinstance(domain, sp.Interval):
        every = every[[domain.contains(sp.Float(float(v))) == True for v in every]]  # noqa: E712
    return np.unique(every)


def kinks_of(formula: Formula, v: Variable, dtype: np.dtype[Any]) -> Array:
    """The numbers at which the scalar formula, or the form of it that runs, changes its branch.

    >>> from symdl.catalog.activations import HARD_SIGMOID
    >>> kinks_of(HARD_SIGMOID, HARD_SIGMOID.inputs[0], np.dtype("float32"))[[0, 3, -1]]
    array([-3.0000007, -3.       ,  3.0000007], dtype=float32)
    """
    found: set[float] = set()
    for one in (formula, stabilise(formula).formula):
        constants = Renaming(dict(formula.hyper), {})
        known: dict[Expr, Expr] = {}
        for e in map(constants.equation, one.equations):
            known[e.lhs] = rhs = inline(e.rhs, known)
            found |= {float(z) for where in _borders(rhs) for z in _zeros(where, v)}
    near = [np.array(sorted(found), dtype)]
    for way in (-np.inf, np.inf):
        beside = near[0]
        for _ in range(_NEAR):
            beside = np.nextafter(beside, dtype.type(way))
            near.append(beside)
    return np.unique(np.concatenate(near))


def _borders(e: Expr) -> Iterator[Expr]:
    """What changes its sign where ``e`` changes its branch."""
    extremes = e.atoms(sp.Max, sp.Min)
    every = sorted({a for m in extremes for a in m.args} - extremes, key=str)
    yield from (a - b for a, b in itertools.combinations(every, 2))
    for a in e.atoms(sp.Abs, sp.sign, UnitStep):
        yield a.args[0]
    for a in e.atoms(sp.Rel):
        yield a.lhs - a.rhs


def _zeros(e: Expr, v: Variable) -> Sequence[Expr]:
    """Where an expression of ``v`` alone is 0 that is linear but for |v|."""
    if e.free_symbols != {v}:
        return ()
    u = sp.Dummy("u", real=True)
    found: list[Expr] = []
    for sign in (1, -1):
        line = e.xreplace({sp.Abs(v): sign * v}).xreplace({v: u})
        if line.is_polynomial(u) and sp.degree(line, u) == 1:
            found += sp.solve(line, u)
    return found


def sizes_for(formula: Formula) -> dict[sp.Symbol, int]:
    """One row; of one element, unless the formula mixes the elements of a row."""
    symbols = size_symbols(formula)
    mixes = isinstance(formula.output, TensorSymbol) or bool(formula.assumptions)
    mixes |= any(isinstance(v, TensorSymbol) and v.labels is not None for v in formula.inputs)
    return {s: _WIDTH if mixes and s != symbols[-1] else 1 for s in symbols}


def samples(
    formula: Formula, wrt: Sequence[Variable], dtype: np.dtype[Any], count: int
) -> Iterator[Sample]:
    """Sweep each variable of ``wrt`` over its domain, at a few values of all others.

    Raises NotSupported for a domain that cannot be swept.
    """
    sizes = sizes_for(formula)
    seeds = _seeds(formula, sizes, dtype)
    for v in wrt:
        moving = numbers(formula.domain_of(v), dtype, count)
        kinks = set() if isinstance(v, TensorSymbol) else set(kinks_of(formula, v, dtype).tolist())
        moving = np.unique(np.concatenate([moving, np.array(sorted(kinks), dtype)]))
        others = [o for o in arguments(formula) if o != v]
        bases = list(itertools.product(*(_rows(formula, o, sizes, dtype) for o in others)))
        for place, around in _around(formula, v, sizes, dtype):
            for k, x in enumerate(moving):
                values = dict(zip(others, bases[k % len(bases)], strict=True))
                values |= seeds[k % len(seeds)] if seeds else {}
                yield Sample({**values, v: _with(around, place, x)}, v, place, float(x) in kinks)


def _seeds(
    formula: Formula, sizes: Mapping[sp.Symbol, int], dtype: np.dtype[Any]
) -> list[dict[Variable, Any]]:
    """The adjoints of a tensor output: each of its elements alone."""
    output = formula.output
    if not isinstance(output, TensorSymbol):
        return []
    shape = tuple(int(a.xreplace(dict(sizes))) for a in output.axes)
    count = math.prod(shape)
    return [{bar(output): np.eye(count, dtype=dtype)[k].reshape(shape)} for k in range(count)]


def _with(around: Any, place: tuple[int, ...], x: Any) -> Any:
    if not place:
        return x
    out = around.copy()
    out[place] = x
    return out


def _around(
    formula: Formula, v: Variable, sizes: Mapping[sp.Symbol, int], dtype: np.dtype[Any]
) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Where a number moves in ``v``, and what the rest of ``v`` is."""
    if not isinstance(v, TensorSymbol):
        yield (), None
        return
    for row in _rows(formula, v, sizes, dtype):
        yield (0,) * len(v.axes), row
        if row.size == 1:
            return


def _rows(
    formula: Formula, v: Variable, sizes: Mapping[sp.Symbol, int], dtype: np.dtype[Any]
) -> list[Any]:
    """A few values of a variable."""
    domain = formula.domain_of(v)
    if not isinstance(v, TensorSymbol):
        return [dtype.type(a) for a in _few(domain)]
    shape = tuple(int(a.xreplace(dict(sizes))) for a in v.axes)
    if v.labels is not None:
        return [np.full(shape, k) for k in range(int(v.labels.xreplace(dict(sizes))))]
    if shape[-1] == 1:
        return [np.full(shape, a, dtype) for a in _few(domain)]
    if domain == sp.Interval(0, 1):
        return [np.array([row], dtype) for row in _TARGETS]
    few = _few(domain)
    return [np.array([(few[0], few[k], few[-k])], dtype) for k in range(1, len(few))]


def _few(domain: sp.Set) -> list[float]:
    if isinstance(domain, sp.FiniteSet):
        return [float(a) for a in sorted(domain)]
    if isinstance(domain, sp.Interval) and (domain.start, domain.end) == (0, 1):
        return [0.25, 0.625, 2.0**-40] if domain.left_open else [0.25, 0.0, 1.0]
    if domain == sp.S.Reals or (isinstance(domain, sp.Interval) and domain.contains(-1.5)):
        return [0.75, 0.0, -1.5]
    if isinstance(domain, sp.Interval) and domain.end == sp.oo:
        low = float(domain.start)
        return [low + 0.75, low + 1.5]
    raise NotSupported(f"sweeping over {domain}")
