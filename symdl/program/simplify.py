"""The passes ``simplify`` and ``fuse``: cheap algebra that saves work, and bodies put together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import lru_cache

import sympy as sp
from sympy.core.expr import Expr

from symdl.notation.indicators import UnitStep
from symdl.program.ir import Map, Operand, Place, Program, Read, Slot, Statement, operand

__all__ = ["fuse", "scale", "simplify"]


def simplify(program: Program) -> Program:
    """Read the sign of z off max(0, z) where that is at hand: z itself need not be kept."""
    relus = dict(_relus(program.statements))
    found, count = [], 0
    for s in program.statements:
        new = _sign_of_relu(s, relus) if isinstance(s, Map) else s
        count += new is not s
        found.append(new)
    return program.changed(found, "simplify", f"{count} steps read off max(0, z) instead of z")


def _relus(statements: tuple[Statement, ...]) -> list[tuple[Slot, Slot]]:
    """The pairs (z, h) of statements h = max(0, z)."""
    plain = sp.Max(0, operand(0))
    return [
        (s.operands[0].slot, s.target)
        for s in statements
        if isinstance(s, Map) and s.body == plain
        if isinstance(s.operands[0], Read) and s.operands[0].at == s.labels
    ]


def _sign_of_relu(s: Map, relus: dict[Slot, Slot]) -> Map:
    new: dict[Expr, Expr] = {}
    operands = list(s.operands)
    for symbol, o in s.symbols.items():
        step = UnitStep(symbol, 0)
        if isinstance(o, Read) and o.slot in relus and s.body.has(step):
            operands.append(Read(relus[o.slot], o.at))
            new[step] = UnitStep(operand(len(operands) - 1), 0)
    return _compact(replace(s, operands=tuple(operands), body=s.body.xreplace(new))) if new else s


def fuse(program: Program) -> Program:
    """Put an element-wise body into its only reader.

    A sum is not put into a sum: (z - m) - log S must not become z - (m + log S), whose
    rounding is another.
    """
    statements = {s.target: s for s in program.statements}
    readers: dict[Slot, list[Slot]] = {}
    for s in program.statements:
        for r in s.reads:
            readers.setdefault(r.slot, []).append(s.target)
    count = 0
    for slot in [s.target for s in program.statements]:
        where = readers.get(slot, [])
        if slot in program.keep or len(where) != 1:
            continue
        made, joined = statements[slot], _join(statements[where[0]], statements[slot])
        if joined is None:
            continue
        statements[where[0]] = joined
        del statements[slot]
        count += 1
        for r in made.reads:
            uses = [t for t in readers[r.slot] if t not in (slot, where[0])]
            again = [where[0]] * sum(o.slot == r.slot for o in joined.reads)
            readers[r.slot] = [*uses, *again]
    text = f"{count} element-wise bodies put into their reader"
    return program.changed(statements.values(), "fuse", text)


def _join(reader: Statement, made: Statement) -> Statement | None:
    if not isinstance(reader, Map) or not isinstance(made, Map):
        return None
    symbol, read = next(
        (k, o) for k, o in reader.symbols.items() if isinstance(o, Read) and o.slot == made.target
    )
    if not read.plain or not _keeps_rounding(reader.body, symbol, made.body):
        return None
    names = dict(zip(made.labels, read.labels, strict=True))
    operands = [*reader.operands]
    new: dict[Expr, Expr] = {}
    for inner, o in made.symbols.items():
        moved = _relabel(o, names)
        if moved in operands:
            new[inner] = operand(operands.index(moved))
        else:
            new[inner] = operand(len(operands))
            operands.append(moved)
    inner_body = _renumbered(made.body, tuple(new.items()))
    body = _put(reader.body, symbol, inner_body)
    return _compact(replace(reader, operands=tuple(operands), body=body))


def _relabel(o: Operand, names: dict[str, str]) -> Operand:
    if isinstance(o, Read):
        return Read(o.slot, tuple(names.get(p, p) if isinstance(p, str) else p for p in o.at))
    return Place(names[o.label], o.size) if isinstance(o, Place) else o


def _keeps_rounding(body: Expr, symbol: sp.Symbol, inner: Expr) -> bool:
    """Whether putting ``inner`` for ``symbol`` leaves each sum, and each exp, as it was written."""
    places = [e for e in sp.preorder_traversal(body) if symbol in e.args]
    if not places:
        return True
    if len(places) > 1 or sum(a == symbol for a in places[0].args) > 1:
        return bool(inner.is_Atom)
    (place,) = places
    if place.is_Add:
        return not inner.is_Add
    if place.is_Mul:
        spread = inner.is_Add and any(a.is_Number for a in place.args)
        return not spread and not (inner.has(sp.exp) and place.has(sp.exp))
    return True


def _compact(s: Map) -> Map:
    """Drop operands that the body no longer reads, and number the rest."""
    used = [(k, o) for k, o in s.symbols.items() if k in s.body.free_symbols]
    new = {k: operand(number) for number, (k, _) in enumerate(used)}
    body = _renumbered(s.body, tuple(new.items()))
    return replace(s, operands=tuple(o for _, o in used), body=body)


@lru_cache(maxsize=4096)  # the layers of a net repeat each other
def _renumbered(body: Expr, new: tuple[tuple[Expr, Expr], ...]) -> Expr:
    moved = {old: after for old, after in new if old != after}
    return body.xreplace(moved) if moved else body


@lru_cache(maxsize=4096)
def _put(body: Expr, symbol: sp.Symbol, inner: Expr) -> Expr:
    return body.xreplace({symbol: inner})


def scale(program: Program, nonzero: Collection[Expr] = ()) -> Program:
    """Take scalar divisors out of a sum that divides: r / (x/c + e) is r c / (x + c e).

    A multiplication of scalars then stands for a pass over the array.  Only divisors are taken
    out, and factors known to be ``nonzero``: nothing is divided by that might be 0.
    """
    found, count = [], 0
    for s in program.statements:
        new = _Scaling(s, nonzero).run() if isinstance(s, Map) and s.labels else s
        count += new is not s
        found.append(new)
    return program.changed(found, "scale", f"{count} scalars taken out of divisors")


class _Scaling:
    """The pass ``scale`` in one body."""

    def __init__(self, s: Map, nonzero: Collection[Expr]) -> None:
        self.s = s
        scalars = {
            k: sp.Symbol(o.slot.name, real=True)
            for k, o in s.symbols.items()
            if isinstance(o, Read) and not o.slot.rank
        }
        self.arrays = s.symbols.keys() - scalars.keys()
        back = {name: k for k, name in scalars.items()}
        self.nonzero = {e.xreplace(back) for e in nonzero}

    def run(self) -> Map:
        body = self.s.body.replace(lambda e: e.is_Mul, self._change)
        return replace(self.s, body=body) if body != self.s.body else self.s

    def _scalar(self, e: Expr) -> bool:
        return not e.free_symbols & self.arrays

    def _change(self, product: Expr) -> Expr:
        factors = sp.Mul.make_args(product)
        if not any(self._scalar(f) and not f.is_number for f in factors):
            return product
        return sp.Mul(*(self._scaled(f) for f in factors))

    def _scaled(self, f: Expr) -> Expr:
        if not (f.is_Pow and f.exp == -1 and f.base.is_Add):
            return f
        arrays = [t for t in f.base.args if not self._scalar(t)]
        if len(arrays) != 1:
            return f
        divisor, inner = self._divisor(arrays[0])
        rest = sp.Add(*(t for t in f.base.args if self._scalar(t)))
        return f if divisor == 1 else divisor / (inner + rest * divisor)

    def _divisor(self, term: Expr) -> tuple[Expr, Expr]:
        """Split a term into a scalar divisor and the rest, out of a square root too."""
        divisor, rest = sp.S.One, sp.S.One
        for f in sp.Mul.make_args(term):
            if f in self.nonzero or (self._scalar(f) and f.is_Pow and f.exp == -1):
                divisor /= f
            elif f.is_Pow and f.exp == sp.S.Half and f.base.is_Mul:
                inner, left = self._divisor(f.base)
                above, below = inner.as_numer_denom()
                divisor, rest = divisor * sp.sqrt(above) / sp.sqrt(below), rest * sp.sqrt(left)
            else:
                rest *= f
        return divisor, rest
