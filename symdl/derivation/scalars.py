"""A formula in index notation written out in scalar symbols, for a worked example."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.derivation.names import loss_name
from symdl.errors import InputError, Mismatch, NotSupported
from symdl.evidence.written_out import element_symbol, write_out
from symdl.formula import Equation, Formula, Variable
from symdl.notation.entry import from_sympy
from symdl.notation.tensors import TensorSymbol, real
from symdl.notation.walk import sizes_of

__all__ = ["Scalars", "in_scalars"]

_MOST = 400  # elements of all tensors together

Names = Mapping[str, Any]  # the names of the elements of a tensor, as nested lists


@dataclass(frozen=True)
class Scalars:
    """A formula written out, and the symbol of each element."""

    formula: Formula
    symbols: Mapping[tuple[Variable, tuple[int, ...]], sp.Symbol]

    def named(self, x: object) -> object:
        """The symbol of an element such as ``"W[0,1]"``; anything else as it is."""
        text = str(x).replace(" ", "")
        for (v, at), symbol in self.symbols.items():
            if text == f"{v.name}[{','.join(map(str, at))}]":
                return symbol
        rows = [s for (v, _), s in self.symbols.items() if v == x or v.name == text]
        if len(rows) == 1:
            return rows[0]
        if rows and not any(s.name == text for s in self.formula.given):
            names = ", ".join(s.name for s in rows)
            raise InputError(f"in scalar notation, name one element of {text}: {names}")
        return x


def in_scalars(
    formula: Formula,
    sizes: Mapping[str, int] | None = None,
    names: Names | None = None,
) -> Scalars:
    """Write every element of every tensor as a symbol of its own.

    ``sizes`` gives a number for each size; ``names`` gives the names of a tensor's elements as
    nested lists, whose lengths say the sizes too.  Names that are not given count from 1, and leave
    axes of size 1 out: W12 is the element of the first row and second column of W.  An output of
    several elements is followed by a loss whose slope for each of them is given.

    >>> from symdl.catalog.layers import DENSE
    >>> found = in_scalars(DENSE, {"N": 1, "D": 2, "K": 2}, {"b": ["b1", "c"]})
    >>> [str(e) for e in found.formula.equations]
    ['y1 = W11*x1 + W21*x2 + b1', 'y2 = W12*x1 + W22*x2 + c', 'L = g_y1*y1 + g_y2*y2']
    """
    variables = (*formula.given, *formula.defined)
    tensors = tuple(v for v in variables if isinstance(v, TensorSymbol))
    if not tensors:
        raise InputError("the formula is written in scalar symbols already")
    if any(v.labels is not None for v in tensors):
        raise NotSupported("labels in scalar notation; write the loss with one-hot targets")
    size = _sizes(formula, sizes or {}, names or {})
    symbols = _symbols(tensors, size, names or {})
    return Scalars(_written(formula, size, symbols), symbols)


def _sizes(formula: Formula, sizes: Mapping[str, int], names: Names) -> dict[Expr, int]:
    known = {s.name: s for e in formula.equations for s in sizes_of(e.lhs) | sizes_of(e.rhs)}
    tensors = {v.name: v for v in (*formula.given, *formula.defined)}
    found: dict[str, int] = {}
    for name, n in (*sizes.items(), *_lengths(names, tensors)):
        if name not in known:
            raise InputError(f"there is no size {name}; the sizes are: {', '.join(sorted(known))}")
        if type(n) is not int or n < 1:
            raise InputError(f"the size {name} must be a whole number from 1 on, not {n!r}")
        if found.setdefault(name, n) != n:
            raise Mismatch(f"the size {name} is {found[name]} and {n}")
    missing = sorted(known.keys() - found.keys())
    if missing:
        example = ", ".join(f"{m!r}: 2" for m in missing)
        raise InputError(f"scalar notation needs sizes: sizes={{{example}}}")
    return {known[name]: n for name, n in found.items()}


def _lengths(names: Names, tensors: Mapping[str, Variable]) -> Iterator[tuple[str, int]]:
    for name, nested in names.items():
        v = tensors.get(name)
        if not isinstance(v, TensorSymbol):
            there = ", ".join(sorted(k for k, t in tensors.items() if isinstance(t, TensorSymbol)))
            raise InputError(f"there is no tensor {name!r}; the tensors are: {there}")
        inner = nested
        for size in v.axes:
            if not isinstance(inner, (list, tuple)) or not inner:
                raise Mismatch(f"the names of {name} must be nested lists over {list(v.axes)}")
            if size.is_Symbol:
                yield size.name, len(inner)
            inner = inner[0]


def _symbols(
    tensors: tuple[TensorSymbol, ...], size: Mapping[Expr, int], names: Names
) -> dict[tuple[Variable, tuple[int, ...]], sp.Symbol]:
    shapes = {v: [int(s) if s.is_Integer else size[s] for s in v.axes] for v in tensors}
    count = sum(sp.prod(shape) for shape in shapes.values())
    if count > _MOST:
        raise InputError(f"{count} elements in scalar notation; take sizes for at most {_MOST}")
    found = {}
    for v, shape in shapes.items():
        for at in itertools.product(*map(range, shape)):
            own = _given(names[v.name], at, v) if v.name in names else _usual(v, at, shape)
            found[v, at] = real(own)
    taken = [s.name for s in found.values()]
    twice = sorted({n for n in taken if taken.count(n) > 1})
    if twice:
        raise InputError(f"two elements would be called {twice[0]}; give names=")
    return found


def _given(nested: Any, at: tuple[int, ...], v: TensorSymbol) -> str:
    for k in at:
        if not isinstance(nested, (list, tuple)) or len(nested) <= k:
            raise Mismatch(f"the names of {v.name} do not fit its axes {list(v.axes)}")
        nested = nested[k]
    if not (isinstance(nested, str) and nested.isidentifier()):
        raise InputError(f"{nested!r} is not a name for an element of {v.name}")
    return nested


def _usual(v: TensorSymbol, at: tuple[int, ...], shape: list[int]) -> str:
    places = [str(k + 1) for k, n in zip(at, shape, strict=True) if n > 1]
    close = max(shape) <= 9 and not v.name[-1].isdigit()
    return v.name + ("".join(places) if close else "".join(f"_{p}" for p in places))


def _written(
    f: Formula,
    size: Mapping[Expr, int],
    symbols: Mapping[tuple[Variable, tuple[int, ...]], sp.Symbol],
) -> Formula:
    new = {element_symbol(v, at): s for (v, at), s in symbols.items()}

    def places(v: Variable) -> list[sp.Symbol]:
        return [s for (t, _), s in symbols.items() if t == v] or [v]

    def out(e: Expr, index: Mapping[Expr, int]) -> Expr:
        return from_sympy(write_out(e, size, index).xreplace(new))

    equations = []
    for e in f.equations:
        axes = [int(i.size) if i.size.is_Integer else size[i.size] for i in e.index]
        for at in itertools.product(*map(range, axes)):
            index = dict(zip(e.index, at, strict=True))
            equations.append(Equation(out(e.lhs, index), out(e.rhs, index)))
    loss, slopes = _loss(places(f.output), [s.name for s in symbols.values()])
    equations += [Equation(loss, sp.Add(*(g * y for g, y in slopes.items())))] if slopes else []
    inputs = [s for v in (*f.inputs, *(old for old, _ in f.state)) for s in places(v)]
    return Formula(
        equations,
        output=loss,
        inputs=[*inputs, *slopes],
        parameters=[s for v in f.parameters for s in places(v)],
        random=[s for v in f.random for s in places(v)],
        hyper=f.hyper,
        title=f.title,
        source=f.source,
        name=f.name,
    )


def _loss(output: list[sp.Symbol], taken: list[str]) -> tuple[sp.Symbol, dict[sp.Symbol, Expr]]:
    """The output; for several elements, a loss and its given slope for each of them."""
    if len(output) == 1:
        return output[0], {}
    return loss_name(map(real, taken)), {real(f"g_{y.name}"): y for y in output}
