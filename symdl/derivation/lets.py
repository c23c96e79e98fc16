"""Long expressions are named: u1 = ..., where a side of a line would be wider than a page.

What occurs often or is long gets a name on a "where" line; the verdict on the line says that
putting the names back gives the same.  All forms of output show the same names, so the width is
measured in one of them, plain text.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import place_of
from symdl.calculus.limit import Lim
from symdl.calculus.tree import Deriv
from symdl.derivation.cut import MOST_PARTS, cut, parts_of
from symdl.derivation.derivation import Derivation
from symdl.derivation.matrix_forms import Eye, Form, InMatrix, Leaf, Ones, element
from symdl.derivation.plain_printer import plain_text
from symdl.derivation.shown import Evaluated, InPlaceOf, Nabla, plain
from symdl.derivation.steps import Equal, Note, Step
from symdl.formula import Equation
from symdl.notation.binders import Binder, letters, rename
from symdl.notation.indicators import Delta, InRange
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, TensorSymbol, real
from symdl.notation.walk import free_indices, inline, variables

__all__ = ["COLUMNS", "headline", "with_names"]

COLUMNS = 110  # characters of plain text: a side that is longer is written with names
_SHORT = 12  # characters: what is no longer has no name of its own
_LONG = 30  # characters: what is longer may have a name though it occurs once
# never taken apart
_WHOLE = (sp.Symbol, Elem, Deriv, Lim, InPlaceOf, Nabla, Evaluated, Delta, InRange)


def with_names(d: Derivation) -> Derivation:
    """The same derivation; sides of more than ``COLUMNS`` characters are written with names.

    What has more than ``MOST_PARTS`` parts is shown with its middle left out, and says so.

    >>> from symdl.derivation.derive import derive
    >>> d = derive("exp(-(a + b + c*x)**2)*(log(a + b + c*x) + d)*(sin(a + b + c*x) + f)", "x")
    >>> d.lines[0].notes[0].written(plain_text)
    'u1 = d + log(a + b + c·x)'
    """
    names = _Names(d)
    steps = tuple(names.step(s) for s in d.steps)
    own = {let.equation.lhs: let.equation.rhs for let in names.lets}
    return replace(d, steps=steps, meaning={**d.meaning, **own}) if steps != d.steps else d


def headline(d: Derivation) -> list[tuple[Expr, Expr]]:
    """The goal and the result as the lines show it, then what the names in it stand for.

    >>> from symdl.derivation.derive import derive
    >>> headline(derive("x**2", "x"))
    [(d(x**2)/dx, 2*x)]
    """
    steps = [s for _, s in d.read()]
    sides = (e for s in reversed(steps) for e in reversed(s.sides))
    result = next((e for e in sides if _is_shown_for(e, d.result)), d.result)
    out, read = [], result.atoms(sp.Symbol)
    for n in (n for s in reversed(steps) for n in reversed(s.notes) if n.key == "where"):
        if n.rhs is not None and _variable(n.lhs) in read:
            out.append((n.lhs, n.rhs))
            read = read | n.rhs.atoms(sp.Symbol)
    goal = cut(d.goal) if _is_huge(d.goal) else d.goal
    return [(goal, result), *reversed(out)]


def _is_shown_for(e: Expr, result: Expr) -> bool:
    """True for the result with names in it."""
    if isinstance(result, InMatrix):
        return isinstance(e, InMatrix) and e.args[1:] == result.args[1:]
    return isinstance(e, InPlaceOf) and e.meant == result


def _variable(name: Expr) -> sp.Symbol:
    return name.args[0] if isinstance(name, (Elem, Leaf)) else name


@dataclass(frozen=True)
class _Let:
    """A name as it is written, what it stands for, and that as an equation in indices.

    The value may hold names given before; the equation holds none.
    """

    name: Expr
    value: Expr
    equation: Equation


@dataclass
class _Names:
    """The names given so far, in the order in which the lines are read."""

    d: Derivation
    lets: list[_Let] = field(default_factory=list)
    written: dict[Expr, Expr] = field(default_factory=dict)  # each long side, with names

    @cached_property
    def taken(self) -> set[str]:
        """The names of all that is read in the derivation."""
        read = [e for _, s in self.d.read() for e in (s.lhs, *s.sides)]
        return {a.name for e in read for a in e.atoms(sp.Symbol)}

    def step(self, s: Step) -> Step:
        """The step and those below it, named in reading order."""
        first = tuple(self.step(c) for c in s.children) if s.last else ()
        old = len(self.lets)
        lhs = InPlaceOf(cut(s.lhs), s.lhs) if _is_huge(s.lhs) else s.lhs
        sides = tuple(self._side(e, s.section != "given") for e in s.sides)
        where = [Note("where", let.name, let.value) for let in self.lets[old:]]
        changed = [(a, b) for a, b in zip(s.sides, sides, strict=True) if a is not b]
        count = max((parts_of(e) for e in (s.lhs, *s.sides) if _is_huge(e)), default=0)
        return replace(
            s,
            lhs=lhs,
            sides=sides,
            claims=(*s.claims, *(self._claim(a, b) for a, b in changed if not _is_huge(a))),
            children=first or tuple(self.step(c) for c in s.children),
            notes=(*s.notes, *where, *((Note("cut", sp.Integer(count)),) if count else ())),
        )

    def _side(self, e: Expr, named: bool) -> Expr:
        if _is_huge(e):
            return InPlaceOf(cut(e), e)
        if not named or len(plain_text(e)) <= COLUMNS:
            return e
        if e not in self.written:
            old = e.shown if isinstance(e, InMatrix) else e
            new = self._shorter(old)
            around = InMatrix(new, *e.args[1:]) if isinstance(e, InMatrix) else InPlaceOf(new, e)
            self.written[e] = e if new == old else around
        return self.written[e]

    def _shorter(self, e: Expr) -> Expr:
        for let in self.lets:
            e = _put(let, e)
        while len(plain_text(e)) > COLUMNS:
            value = _worth_a_name(e)
            if value is None:
                break
            self.lets.append(self._let(value))
            e = _put(self.lets[-1], e)
        return e

    def _let(self, value: Expr) -> _Let:
        name, form = self._new_name(), isinstance(value, Form)
        sizes = value.shape if form else (i.size for i in _in_order(value))
        v = _variable_named(name, tuple(s for s in sizes if s != 1 or not form))
        at = place_of(v)
        meant = element(value, *(at.index if isinstance(at, Elem) else ())) if form else value
        for let in reversed(self.lets):
            meant = inline(meant, {let.equation.lhs: let.equation.rhs})
        shown = real(name.upper()) if form and 1 not in value.shape else v
        return _Let(Leaf(v, shown) if form else at, value, Equation(at, meant))

    def _new_name(self) -> str:
        """u1, u2, ...: the first one that reads like no other name."""
        own = {let.equation.variable.name for let in self.lets}
        for k in itertools.count(1):
            alike = {f"{u}{k}" for u in ("u", "U", "u_", "U_")}
            if not alike & (self.taken | own):
                return f"u{k}"
        raise AssertionError("there is always another number")

    def _claim(self, long: Expr, short: Expr) -> Equal:
        """The side with the names put back is the side as it was."""
        if isinstance(long, InMatrix):
            before, after = long.expanded, short.expanded
        else:
            table: dict[Expr, str] = {}
            before, after = (_no_derivatives(plain(e), table) for e in (long, short.args[0]))
        needs = before.has(sp.log) or any(not p.exp.is_Integer for p in before.atoms(sp.Pow))
        used = variables(after)
        lets = (let.equation for let in self.lets if let.equation.variable in used)
        return Equal(before, after, (*(self.d.given if needs else ()), *lets))


# ------------------------------------------------------------------ parts that may have a name


def _is_huge(e: Expr) -> bool:
    return not isinstance(e, InMatrix) and parts_of(e, MOST_PARTS + 1) > MOST_PARTS


def _worth_a_name(e: Expr) -> Expr | None:
    """The part whose name makes ``e`` shortest, of those that fit on a line themselves."""
    best, most = None, 0
    for part, count in Counter(_form_parts(e) if isinstance(e, Form) else _parts(e)).items():
        size = len(plain_text(part))
        if (_SHORT if count > 1 else _LONG) < size <= COLUMNS and count * size > most:
            best, most = part, count * size
    return best


def _form_parts(e: Form) -> Iterator[Form]:
    for a in sp.preorder_traversal(e):
        compound = isinstance(a, Form) and not isinstance(a, (Leaf, Eye, Ones)) and a != e
        if compound and (a.shape[0] != 1 or a.shape[1] == 1):  # a row has no name of its own
            yield a


def _parts(e: Expr) -> Iterator[Expr]:
    """What ``e`` is made of, as patterns: the same for the same with other indices."""
    for a in _inside(e):
        part = a.as_coeff_Mul()[1] if a.is_Mul else a
        if part.args and not isinstance(part, _WHOLE):
            below = part.is_Pow and part.exp.is_negative
            kept = below or part.has(Deriv, Delta, InRange) or plain(part) != part
            if variables(part) and not kept:
                yield _pattern(part)
            yield from _parts(part)


def _inside(e: Expr) -> tuple[Expr, ...]:
    if isinstance(e, _WHOLE):
        return ()
    if isinstance(e, Binder):
        return (e.open()[0],)
    if isinstance(e, sp.Piecewise):
        return tuple(v for v, _ in e.args)
    return tuple(a for a in e.args if isinstance(a, Expr))


def _put(let: _Let, e: Expr) -> Expr:
    """The name in place of what it stands for."""
    if isinstance(let.value, Form) or isinstance(e, Form):
        return e.xreplace({let.value: let.name})
    if isinstance(e, _WHOLE) or not variables(let.value) <= variables(e):
        return e
    if e.func is let.value.func and _pattern(e) == let.value:
        return Elem(let.name.tensor, *_in_order(e)) if isinstance(let.name, Elem) else let.name
    if isinstance(e, Binder):
        body, index = e.open()
        return e.func(_put(let, body), *index)
    if isinstance(e, sp.Piecewise):
        return sp.Piecewise(*((_put(let, v), c) for v, c in e.args))
    c, rest = e.as_coeff_Mul() if e.is_Mul else (sp.S.One, e)
    if c != 1:
        return sp.Mul(c, _put(let, rest), evaluate=not rest.is_Add)
    return e.func(*(_put(let, a) if isinstance(a, Expr) else a for a in e.args))


def _in_order(e: Expr) -> tuple[Index, ...]:
    """The free indices in the order in which they are read."""
    free = free_indices(e)
    return tuple(dict.fromkeys(a for a in sp.preorder_traversal(e) if a in free))


def _pattern(e: Expr) -> Expr:
    """The expression with its free indices called by their usual letters."""
    new: dict[Expr, Expr] = {}
    for i in _in_order(e):
        taken = {k.name for k in new.values()}
        new[i] = Index(next(c for c in letters(i.size) if c not in taken), i.size)
    return rename(e, new)


def _variable_named(name: str, axes: tuple[Expr, ...]) -> sp.Symbol:
    return TensorSymbol(name, axes) if axes else real(name)


def _no_derivatives(e: Expr, table: dict[Expr, str]) -> Expr:
    """Derivatives and limits as variables of their own, for they are not what is judged."""
    if not e.has(Deriv, Lim):
        return e
    if isinstance(e, (Deriv, Lim)):
        index = _in_order(e)
        name = table.setdefault(_pattern(e), f"_{len(table)}")
        v = _variable_named(name, tuple(i.size for i in index))
        return Elem(v, *index) if index else v
    if isinstance(e, Binder):
        body, index = e.open()
        return e.func(_no_derivatives(body, table), *index)
    return e.func(*(_no_derivatives(a, table) for a in e.args))
