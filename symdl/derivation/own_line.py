"""A reader's own line in place of one of a derivation: read, put in, and judged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.differentiate import gradient
from symdl.calculus.tree import Deriv
from symdl.derivation.derivation import Derivation, Line
from symdl.derivation.matrix_forms import InMatrix
from symdl.derivation.meaning import meaning_of
from symdl.derivation.shown import plain
from symdl.derivation.steps import Equal, Note, Step
from symdl.errors import InputError
from symdl.formula import Equation
from symdl.notation.indices import Index
from symdl.notation.normal import equal
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.text import parse
from symdl.notation.walk import free_indices, inline, variables

__all__ = ["with_line"]

_DERIVATIVE = "diff"  # how a derivative is typed: diff(E, o1)
_NAME = r"(?<![\w.]){}(?!\w)"


def with_line(d: Derivation, k: int, text: str | Expr) -> Derivation:
    """The derivation with the right side of line ``k`` replaced by the reader's own.

    The new line claims that it equals what stood there, so its verdict says whether the line still
    holds; the other lines keep theirs.  Lines count from 0, as in ``lines``.

    >>> from symdl.derivation.derive import derive
    >>> d = derive("x*exp(-x**2)", "x")
    >>> [with_line(d, 1, text).lines[1].verdict.level for text in ("-2*x*exp(-x**2)", "-2*exp(x)")]
    ['proved', 'refuted']
    """
    read = d.read()
    if isinstance(k, bool) or k not in range(len(read)):
        raise InputError(f"there is no line {k!r}; the {len(read)} lines count from 0")
    old, line = read[k][1], d.bare_lines[k]
    own = text if isinstance(text, Expr) else _Typed(d, line).read(text)
    new = _replaced(old, line, own, _claim(d, line, own))
    return replace(d, steps=_put(d.steps, old, new))


@dataclass(frozen=True)
class _Typed:
    """What names mean in a line that is typed."""

    d: Derivation
    line: Line

    def read(self, text: str) -> Expr:
        """The expression; raises InputError with the column for what is not understood."""
        scalars = {n: v for n, v in self.known.items() if not isinstance(v, TensorSymbol)}
        found = parse(
            text,
            indices=self.indices,
            tensors={n: v for n, v in self.known.items() if isinstance(v, TensorSymbol)},
            symbols={n: v for n, v in scalars.items() if n.isidentifier()},
            functions={_DERIVATIVE: self._derivative},
        )
        for v in sorted(variables(found) - set(self.known.values()), key=str):
            raise InputError(self._unknown(text, v))
        stray = free_indices(found) - free_indices(self.line.lhs)
        if stray:
            names = ", ".join(sorted(i.name for i in stray))
            raise InputError(f"the index {names} of {text!r} is neither on the left nor summed")
        return found

    @cached_property
    def known(self) -> dict[str, sp.Symbol]:
        """The variables of the derivation by the name that is typed: a dot becomes _."""
        read = (*self._expressions, *_names(self.d))
        found: set[sp.Symbol] = set().union(*(variables(e) for e in read))
        return {v.name.replace(".", "_"): v for v in found}

    @property
    def _expressions(self) -> Iterable[Expr]:
        yield from self.d.expressions
        for _, step in self.d.read():
            yield from (plain(e) for e in (step.lhs, *step.sides))

    @cached_property
    def indices(self) -> dict[str, Index]:
        """The indices of the line, and those of other lines where a name has one size."""
        near = frozenset().union(*(free_indices(e) for e in (self.line.lhs, *self.line.sides)))
        found = {i.name: i for i in near}
        others = set().union(*(free_indices(e) for e in self._expressions))
        for i in sorted(others, key=str):
            alike = {k.size for k in others if k.name == i.name}
            if i.uid == 0 and len(alike) == 1:
                found.setdefault(i.name, i)
        return found

    def _unknown(self, text: str, v: sp.Symbol) -> str:
        place = re.search(_NAME.format(re.escape(v.name)), text)
        column = f"column {place.start() + 1}: " if place else ""
        near = get_close_matches(v.name, self.known, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        names = ", ".join(sorted(self.known))
        return f"{column}the name {v.name} does not occur in this derivation{hint} (known: {names})"

    def _derivative(self, *args: Expr) -> Expr:
        """``diff(E, o1)``: a derivative that the derivation speaks of, or of any expression."""
        if len(args) != 2 or not isinstance(args[1], (sp.Symbol, Elem)):
            raise InputError(f"a derivative is typed {_DERIVATIVE}(y, x), for a variable x")
        return Deriv(*args)


def _claim(d: Derivation, line: Line, own: Expr) -> Equal:
    """What stood in the line equals the reader's own, given the formula and the adjoints."""
    before = _meant(d, line.sides[-1] if line.sides else line.lhs)
    after = _meant(d, own)
    if equal(before, after):
        return Equal(before, after)
    return Equal(before, after, (*d.given, *d.extra), _assumptions(d))


def _meant(d: Derivation, e: Expr) -> Expr:
    """The expression with every derivative carried out, or as its adjoint, and without names."""
    e = inline(plain(e), _names(d))
    return _mapped(e, lambda a: _derivative(d, a)) if e.has(Deriv) else e


def _names(d: Derivation) -> dict[Expr, Expr]:
    """What the names of long expressions stand for."""
    own = {k: e for k, e in d.meaning.items() if not isinstance(k, Deriv) and k != e}
    return {k: e for k, e in own.items() if not str(k).startswith("_")}  # not dL/dW as a matrix


def _derivative(d: Derivation, e: Deriv) -> Expr:
    known = meaning_of(e, d.meaning)
    if known is not None:
        return known
    if isinstance(e.expr, (sp.Symbol, Elem)) and e.expr != e.wrt:
        there = ", ".join(f"{_DERIVATIVE}({k.expr}, {k.wrt})" for k in d.meaning if _is(k, Deriv))
        raise InputError(
            f"{_DERIVATIVE}({e.expr}, {e.wrt}) does not occur in this derivation; there are: "
            f"{there or 'none'}"
        )
    return gradient(e.expr, e.wrt).after


def _is(e: Expr, kind: type) -> bool:
    return isinstance(e, kind)


def _mapped(e: Expr, new: Callable[[Deriv], Expr]) -> Expr:
    if isinstance(e, Deriv):
        return new(e)
    return e.func(*(_mapped(a, new) for a in e.args)) if e.has(Deriv) else e


def _assumptions(d: Derivation) -> tuple[Equation, ...]:
    claims = (c for _, s in d.read() for c in s.claims if isinstance(c, Equal))
    return tuple(dict.fromkeys(a for c in claims for a in c.assumptions))


def _replaced(old: Step, line: Line, own: Expr, claim: Equal) -> Step:
    """The line as it was shown, with the reader's right side and what it takes the place of."""
    stood = Note("own", line.lhs, line.sides[-1]) if line.sides else Note("own", line.lhs)
    return replace(
        old,
        lhs=plain(line.lhs) if isinstance(line.lhs, InMatrix) else line.lhs,
        sides=(own,),
        claims=(*old.claims, claim),
        conditions=line.conditions,
        notes=(*old.notes, stood),
        value=None,
    )


def _put(steps: tuple[Step, ...], old: Step, new: Step) -> tuple[Step, ...]:
    """The steps with that very one replaced, which is the first of those that read alike."""
    for place, s in enumerate(steps):
        if s is old:
            return (*steps[:place], replace(new, children=s.children), *steps[place + 1 :])
        below = _put(s.children, old, new)
        if below is not s.children:
            return (*steps[:place], replace(s, children=below), *steps[place + 1 :])
    return steps
