"""Scalar assignments as the source of a function of plain Python floats."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.backends.names import Names
from symdl.backends.scalars import ScalarPrinter
from symdl.errors import NotSupported
from symdl.notation.functions import held, xlogy
from symdl.program.functions import ufunc_name

__all__ = ["Group", "named_once", "needed", "write_straight"]

_LONGEST = 100  # characters of a value that is put where it is read


@dataclass(frozen=True)
class Group:
    """An argument or a result that is a list of numbers."""

    name: str
    symbols: tuple[sp.Symbol, ...]


class _Printer(ScalarPrinter):
    """Prints with the functions of ``math``, which raise where an array would hold inf or nan."""

    def _quotient(self, top: str, under: Expr, factors: list[Expr]) -> str:
        text = " * ".join(self.text(f) for f in factors)
        return f"({top} / ({text}))" if len(factors) > 1 else f"({top} / {text})"

    def _pow(self, e: Expr) -> str:
        base, exponent = e.args
        if exponent == sp.S.Half:
            return self._call("sqrt", self.text(base))
        if exponent == 2 or (exponent.is_number and exponent.could_extract_minus_sign()):
            return super()._pow(e)
        if exponent.is_Integer:
            return f"({self.text(base)} ** {exponent})"
        return self._call("pow", self.text(base), self.text(exponent))

    def _function(self, e: Expr) -> str:
        if isinstance(e, (sp.Max, sp.Min)):
            return self._extreme(e)
        if isinstance(e, xlogy):
            x, y = (self.text(a) for a in e.args)
            near = e.args[1].is_Add and sp.S.One in e.args[1].args
            log = self._call("log1p", self.text(e.args[1] - 1)) if near else self._call("log", y)
            return f"(0.0 if {x} == 0 and {y} >= 0 else {x} * {log})"
        if isinstance(e, held):
            return super()._function(e)
        if not isinstance(e, sp.Function) or isinstance(e, (sp.Abs, sp.Piecewise)):
            return super()._function(e)
        if type(e).__module__.startswith("symdl.notation.indicators"):
            return super()._function(e)
        name = ufunc_name(e).replace("arc", "a")
        if name in ("sign", "absolute"):
            raise NotSupported(f"{name} of plain floats")
        return self._call(name, *(self.text(a) for a in e.args))

    def _extreme(self, e: Expr) -> str:
        """The larger or smaller one, and nan where one is nan, as arrays have it."""
        compare = "<=" if isinstance(e, sp.Max) else ">="
        first, *rest = sorted(e.args, key=lambda a: (a.is_number, str(a)))
        text = self.text(first)
        for a in rest:
            other = self.text(a)
            nan = "" if a.is_number else f" or {other} != {other}"
            text = f"({other} if {text} {compare} {other}{nan} else {text})"
        return text

    def _call(self, name: str, *args: str) -> str:
        if not hasattr(math, name):
            raise NotSupported(f"Python's math has no {name}")
        self.used.add(name)
        return f"{name}({', '.join(args)})"


def write_straight(
    name: str,
    assignments: Sequence[tuple[sp.Symbol, Expr]],
    *,
    groups: Sequence[Group],
    scalars: Sequence[sp.Symbol],
    results: Sequence[sp.Symbol | Group],
    about: str,
) -> str:
    """Write a module with a function of lists of floats, and of single floats; repeats once.

    It raises ArithmeticError or ValueError where a number overflows or leaves a function's domain.
    """
    wanted = {s for r in results for s in (r.symbols if isinstance(r, Group) else [r])}
    assignments = named_once(needed(assignments, wanted))
    names = Names()
    arguments = [names.new(g.name) for g in groups]
    known = {s: names.new(s.name) for g in groups for s in g.symbols}
    known |= {s: names.new(s.name) for s in scalars}
    arguments += [known[s] for s in scalars]
    printer = _Printer(known)
    body = []
    for argument, g in zip(arguments, groups, strict=False):
        left = [known[s] for s in g.symbols]
        body.append(f"{', '.join(left)}{',' if len(left) == 1 else ''} = {argument}")
    uses = _uses(assignments, wanted)
    for symbol, value in assignments:
        text = printer.text(value)
        if isinstance(value, sp.Symbol) or (uses[symbol] == 1 and len(text) < _LONGEST):
            known[symbol] = text  # read once: a name would only cost time
            continue
        known[symbol] = names.new(symbol.name)
        body.append(f"{known[symbol]} = {_bare(text)}")
    lines = [f"def {name}({', '.join(arguments)}):", f'    """{about}"""']
    lines += [f"    {line}" for line in body]
    lines += ["    return (", *(_result(r, known) for r in results), "    )"]
    head = f"from math import {', '.join(sorted(printer.used))}\n\n\n" if printer.used else "\n"
    return head + "\n".join(lines) + "\n"


def _result(r: sp.Symbol | Group, known: dict[sp.Symbol, str]) -> str:
    if not isinstance(r, Group):
        return f"        {_bare(known[r])},"
    inner = "\n".join(f"            {_bare(known[s])}," for s in r.symbols)
    return f"        [\n{inner}\n        ],"


def _uses(
    assignments: Sequence[tuple[sp.Symbol, Expr]], wanted: set[sp.Symbol]
) -> Counter[sp.Symbol]:
    """How often each value is written; a square writes its base twice."""
    uses: Counter[sp.Symbol] = Counter(dict.fromkeys(wanted, 1))
    for _, e in assignments:
        again = [a for a in sp.preorder_traversal(e) if _written_twice(a)]
        for part in (e, *again):
            uses.update(a for a in sp.preorder_traversal(part) if isinstance(a, sp.Symbol))
    return uses


def _written_twice(e: Expr) -> bool:
    """Whether the text of ``e`` holds its parts more than once."""
    return isinstance(e, (sp.Max, sp.Min, held, xlogy)) or bool(e.is_Pow and e.exp == 2)


def needed(
    assignments: Sequence[tuple[sp.Symbol, Expr]], wanted: set[sp.Symbol]
) -> list[tuple[sp.Symbol, Expr]]:
    """The assignments without those that no result depends on."""
    read, found = set(wanted), []
    for symbol, value in reversed(assignments):
        if symbol in read:
            read |= value.free_symbols
            found.append((symbol, value))
    return found[::-1]


def named_once(assignments: Sequence[tuple[sp.Symbol, Expr]]) -> list[tuple[sp.Symbol, Expr]]:
    """Give what is computed more than once a name of its own."""
    differences = {a for _, e in assignments for a in sp.preorder_traversal(e) if a.is_Add}
    plain = [(s, _same_sign(e, differences)) for s, e in assignments]
    counts: Counter[Expr] = Counter()
    for _, e in plain:
        _count(e, counts)
    taken = {s.name for s, _ in plain} | {f.name for _, e in plain for f in e.free_symbols}
    fresh = (sp.Symbol(n, real=True) for k in itertools.count() if (n := f"r{k}") not in taken)
    memo: dict[Expr, sp.Symbol] = {}
    found: list[tuple[sp.Symbol, Expr]] = []
    for symbol, e in plain:
        for part in sp.postorder_traversal(e):
            if part != e and part not in memo and counts[part] > 1 and _nameable(part):
                value = part.xreplace(memo)
                memo[part] = next(fresh)
                found.append((memo[part], value))
        found.append((symbol, e.xreplace(memo)))
        if _nameable(e):
            memo.setdefault(e, symbol)
    return found


def _count(e: Expr, counts: Counter[Expr]) -> None:
    """Count each part once for each place where it is written."""
    if not e.args:
        return
    counts[e] += 1
    if counts[e] == 1:
        for a in e.args:
            _count(a, counts)
            counts[a] += _written_twice(e)


def _same_sign(e: Expr, differences: set[Expr]) -> Expr:
    """Write (b - a)^2 as (a - b)^2 where a - b is at hand."""
    return e.replace(
        lambda p: p.is_Pow and p.exp.is_Integer and p.exp % 2 == 0 and -p.base in differences,
        lambda p: (-p.base) ** p.exp,
    )


def _nameable(e: Expr) -> bool:
    """Whether a part is worth a name: a number that takes work."""
    return bool(e.args) and isinstance(e, Expr) and not _is_negated(e)


def _is_negated(e: Expr) -> bool:
    return bool(e.is_Mul and len(e.args) == 2 and e.args[0] == -1)


def _bare(text: str) -> str:
    """Leave out brackets around everything."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for k, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0 and k < len(text) - 1:
            return text
    return text[1:-1]
