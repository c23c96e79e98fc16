"""The pass ``unroll``: a program of known sizes as a list of scalar assignments.

Each statement is written out at every position.  For networks of a few numbers a scalar operation
of Python costs a tenth of a call on an array, so the list runs faster than any array code.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import NotSupported
from symdl.formula import Formula
from symdl.program.exponentials import one_form as as_one_form
from symdl.program.ir import (
    Apply,
    Const,
    Contract,
    Map,
    Operand,
    Place,
    Program,
    Reduce,
    Slot,
    Statement,
)

__all__ = ["Straight", "absorbed", "operations", "unroll", "unroll_update"]

Sizes = Mapping[Expr, int]
At = tuple[int, ...]


@dataclass
class Straight:
    """Assignments in order of evaluation, over the symbols of single elements.

    slots  the symbols of the elements of each slot, in the order of its axes
    """

    sizes: Sizes
    assignments: list[tuple[sp.Symbol, Expr]] = field(default_factory=list)
    slots: dict[Slot, dict[At, sp.Symbol]] = field(default_factory=dict)

    def elements(self, slot: Slot) -> dict[At, sp.Symbol]:
        """The symbols of a slot, made when they are first asked for."""
        if slot not in self.slots:
            ranges = [range(_number(a, self.sizes)) for a in slot.axes]
            self.slots[slot] = {
                at: sp.Symbol("_".join([slot.name, *map(str, at)]), real=True)
                for at in itertools.product(*ranges)
            }
        return self.slots[slot]


def operations(program: Program, sizes: Sizes) -> int:
    """About how many scalar operations a program takes."""
    return sum(_operations(s, sizes) for s in program.statements)


def _operations(s: Statement, sizes: Sizes) -> int:
    positions = math.prod(_number(size, sizes) for size in s.sizes.values())
    return positions * (max(1, int(s.body.count_ops())) if isinstance(s, Map) else 1)


def unroll(program: Program, sizes: Sizes, *, one_form: bool = True) -> Straight:
    """Write a program out.

    one_form  whether the code notices an overflow, so that one form serves on both sides of zero

    Raises NotSupported for reading through labels.

    >>> import sympy as sp
    >>> from symdl.formula import Equation
    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> from symdl.notation.binders import total
    >>> from symdl.program.lowering import lower
    >>> i, j = indices("i:D j:K")
    >>> x, W, z = tensors("x[i] W[i,j] z[j]", i, j)
    >>> p = lower([Equation(z[j], total(x[i] * W[i, j], i))], {z})
    >>> for name, value in unroll(p, {i.size: 2, j.size: 2}).assignments:
    ...     print(name, "=", value)
    z_0 = W_0_0*x_0 + W_1_0*x_1
    z_1 = W_0_1*x_0 + W_1_1*x_1
    """
    straight = Straight(sizes)
    for s in program.statements:
        _unroll(s, straight, one_form)
    return straight


def _unroll(s: Statement, straight: Straight, one: bool) -> None:
    known = {label: _number(size, straight.sizes) for label, size in s.sizes.items()}
    inner = [label for label in known if label not in s.labels]
    body = _body(s, straight.sizes, one)
    targets = straight.elements(s.target)
    for at, symbol in targets.items():
        here = dict(zip(s.labels, at, strict=True))
        terms = []
        for places in itertools.product(*(range(known[label]) for label in inner)):
            where = {**here, **dict(zip(inner, places, strict=True))}
            values = [_element(o, where, straight) for o in s.operands_read]
            terms.append(body(values))
        straight.assignments.append((symbol, _together(s, terms)))


def _body(s: Statement, sizes: Sizes, one: bool) -> _Body:
    if isinstance(s, Map):
        body = s.body.xreplace(_whole(sizes))
        return _Body(tuple(s.symbols), as_one_form(body) if one else body)
    symbols = tuple(sp.Symbol(f"_{k}", real=True) for k in range(len(s.operands_read)))
    if isinstance(s, Contract) or (isinstance(s, Apply) and s.op == "multiply"):
        return _Body(symbols, sp.Mul(*symbols))
    if (isinstance(s, Reduce) and s.kind in ("sum", "max", "argmax")) or (
        isinstance(s, Apply) and s.op == "copy"
    ):
        return _Body(symbols, symbols[0])
    raise NotSupported(f"{type(s).__name__.lower()} of {s.target.name} as scalars")


@dataclass(frozen=True)
class _Body:
    """A scalar expression of the operands."""

    symbols: tuple[sp.Symbol, ...]
    value: Expr

    def __call__(self, values: Sequence[Expr]) -> Expr:
        return self.value.xreplace(dict(zip(self.symbols, values, strict=True)))


def _together(s: Statement, terms: list[Expr]) -> Expr:
    if isinstance(s, Reduce) and s.kind == "max":
        return sp.Max(*terms)
    if isinstance(s, Reduce) and s.kind == "argmax":
        return _first_largest(terms)
    return sp.Add(*terms)


def _first_largest(terms: list[Expr]) -> Expr:
    """The first place that no later term exceeds."""
    cases = [
        (sp.Integer(k), sp.And(*(sp.Ge(term, other) for other in terms[k + 1 :])))
        for k, term in enumerate(terms)
    ]
    return sp.Piecewise(*cases)


def _element(o: Operand, where: Mapping[str, int], straight: Straight) -> Expr:
    if isinstance(o, Const):
        return o.value.xreplace(_whole(straight.sizes))
    if isinstance(o, Place):
        return sp.Integer(where[o.label])
    if o.slot.kind != "real" and o.slot not in straight.slots:
        raise NotSupported(f"labels {o.slot.name} as scalars")
    at = tuple(where[p] if isinstance(p, str) else p for p in o.at)
    return straight.elements(o.slot)[at]


def _whole(sizes: Sizes) -> dict[Expr, sp.Integer]:
    return {s: sp.Integer(n) for s, n in sizes.items()}


def _number(size: Expr, sizes: Sizes) -> int:
    value = sp.sympify(size, strict=True).xreplace(_whole(sizes))
    if not value.is_Integer:
        raise NotSupported(f"the size {size} is not known")
    return int(value)


def unroll_update(
    formula: Formula, straight: Straight, pairs: Sequence[tuple[Slot, Slot]]
) -> tuple[list[sp.Symbol], list[tuple[list[sp.Symbol], list[sp.Symbol]]]]:
    """Write an update out for each element of the pairs (weight, gradient), one after another.

    Returns the new weights, and for each state its old elements and its new ones.  A scalar factor
    of the gradient is taken into the adjoints that gradients are made from, where those are fewer.

    Raises NotSupported where a scalar of the update has the name of one of the network.
    """
    weights = [w for slot, _ in pairs for w in straight.elements(slot).values()]
    gradients = [g for _, slot in pairs for g in straight.elements(slot).values()]
    w, g = formula.inputs[:2]
    new = _fresh_symbols(straight, formula)
    factor = _factor(formula, g)
    scaled = absorbed(straight, gradients, factor) if factor != 1 else set()
    moving = {w, g, *(v for pair in formula.state for v in pair)}
    new_weights: list[sp.Symbol] = []
    states: list[tuple[list[sp.Symbol], list[sp.Symbol]]] = [([], []) for _ in formula.state]
    for k, (weight, gradient) in enumerate(zip(weights, gradients, strict=True)):
        own: dict[Expr, Expr] = {w: weight, g: gradient}
        own |= {old: new(f"{old.name}_{k}") for old, _ in formula.state}
        for e in formula.equations:
            rhs = e.rhs.xreplace({factor * g: g, -factor * g: -g}) if gradient in scaled else e.rhs
            if e.rhs.free_symbols & (moving | own.keys()):
                own[e.lhs] = new(f"{e.lhs.name}_{k}")
                straight.assignments.append((own[e.lhs], rhs.xreplace(own)))
            elif k == 0:
                straight.assignments.append((e.lhs, rhs))
        new_weights.append(own[formula.output])
        for (before, after), (old, following) in zip(states, formula.state, strict=True):
            before.append(own[old])
            after.append(own[following])
    return new_weights, states


def _fresh_symbols(straight: Straight, formula: Formula) -> Callable[[str], sp.Symbol]:
    """What makes symbols that neither the network nor the update has."""
    taken = {s.name for elements in straight.slots.values() for s in elements.values()}
    taken |= {s.name for v, e in straight.assignments for s in (v, *e.free_symbols)}
    scalars = {s.name for s in (*(h for h, _ in formula.hyper), *formula.inputs[2:])}
    scalars |= {e.lhs.name for e in formula.equations}
    clash = sorted(scalars & taken)
    if clash:
        raise NotSupported(f"{', '.join(clash)} is a name of the network and of its optimizer")
    taken |= scalars

    def new(name: str) -> sp.Symbol:
        while name in taken:
            name += "_"
        taken.add(name)
        return sp.Symbol(name, real=True)

    return new


def _factor(formula: Formula, g: Expr) -> Expr:
    """The scalar c where the gradient stands in one term c g or -c g alone; else 1."""
    sides = [e.rhs for e in formula.equations if e.rhs.has(g)]
    if len(sides) != 1:
        return sp.S.One
    terms = [t for t in sp.Add.make_args(sides[0]) if t.has(g)]
    if len(terms) != 1 or g not in terms[0].args:
        return sp.S.One
    factor = terms[0] / g
    factor = -factor if factor.could_extract_minus_sign() else factor
    hyper = {s for s, _ in formula.hyper}
    return factor if factor.free_symbols <= hyper else sp.S.One


def absorbed(straight: Straight, gradients: list[sp.Symbol], factor: Expr) -> set[sp.Symbol]:
    """Scale the adjoints from which gradients are made by sums and products; return those.

    Backpropagation is linear in the adjoints, so a factor of the first ones reaches all that
    follow from them.  Nothing is done where more adjoints than gradients would be scaled.
    """
    values = dict(straight.assignments)
    linear = _linear(values, set(gradients))
    scaled = linear & set(gradients)
    first = {v for v in linear if _degree(values[v], linear) == 0}
    if len(first) >= len(scaled):
        return set()
    named = {v: sp.Symbol(f"{v.name}_scaled", real=True) for v in linear - scaled}
    if {v.name for v in named.values()} & {s.name for e in values.values() for s in e.free_symbols}:
        return set()
    straight.assignments[:] = [
        (named.get(v, v), (factor * e if v in first else e).xreplace(named))
        for v, e in straight.assignments
    ]
    return scaled


def _linear(values: Mapping[sp.Symbol, Expr], results: set[sp.Symbol]) -> set[sp.Symbol]:
    """The symbols that may all be scaled alike, with nothing changed but the results."""
    read = {s for e in values.values() for s in e.free_symbols}
    fixed = {v for v in values if v not in read and v not in results} | (read & results)
    while True:
        for v in reversed(values):  # what is read by what is not scaled is not scaled
            if v in fixed:
                fixed |= values[v].free_symbols
        open_ = values.keys() - fixed
        curved = {v for v in open_ if _degree(values[v], open_) is None}
        if not curved:
            return set(open_)
        fixed |= curved


def _degree(e: Expr, scaled: AbstractSet[sp.Symbol]) -> int | None:
    """By which power of c the value changes where all of ``scaled`` are c times as large."""
    if not e.free_symbols & scaled:
        return 0
    if isinstance(e, sp.Symbol):
        return 1
    degrees = [_degree(a, scaled) for a in e.args]
    if e.is_Add:
        return 1 if all(d == 1 for d in degrees) else None
    return 1 if e.is_Mul and None not in degrees and sum(d or 0 for d in degrees) == 1 else None
