"""A derivation: its lines in reading order, their verdicts, its numbers, and its renderings."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.tree import Deriv, Node
from symdl.derivation.matrix_forms import InMatrix
from symdl.derivation.names import distinct_indices
from symdl.derivation.numbers import Numbers, numbers_of
from symdl.derivation.plain_printer import plain_text
from symdl.derivation.shown import plain
from symdl.derivation.steps import Applied, Claim, Derived, Note, Step
from symdl.derivation.subject import find
from symdl.errors import InputError, SymdlError
from symdl.evidence import judge as evidence
from symdl.evidence.evaluate import World, define, evaluate, holds
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Equation
from symdl.notation.binders import rename
from symdl.notation.entry import to_sympy
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem
from symdl.notation.walk import free_indices, sizes_of, variables

__all__ = ["Derivation", "Judge", "Line"]

_CLOSE = 1e-9  # data given as rounded decimals may break an assumption by this much


class Judge(Protocol):
    """What gives verdicts; ``symdl.evidence.judge`` is one."""

    def judge_node(self, node: Node, definitions: Sequence[Equation] = ()) -> Verdict:
        """Judge one application of a rule."""

    def judge_derivative(self, node: Node, definitions: Sequence[Equation] = ()) -> Verdict:
        """Judge a whole tree and its result."""

    def judge_equation(
        self,
        lhs: Expr,
        rhs: Expr,
        definitions: Sequence[Equation] = (),
        assumptions: Sequence[Equation] = (),
    ) -> Verdict:
        """Judge an equality."""


@dataclass(frozen=True)
class Line:
    """One line: ``lhs`` = each of ``sides``, by ``rule``.

    ``value`` holds what the line comes to in numbers (nested lists for a tensor, over ``index``),
    and ``verdict`` what was seen of it; both are None where nobody asked.
    """

    rule: str
    lhs: Expr
    sides: tuple[Expr, ...]
    conditions: tuple[sp.Basic, ...] = ()
    notes: tuple[Note, ...] = ()
    section: str = ""
    depth: int = 0
    verdict: Verdict | None = None
    value: Any = None
    index: tuple[Index, ...] = ()


@dataclass(frozen=True)
class Derivation:
    """A derivative and how it comes about.

    goal     the derivative that was asked for, as it is written
    result   what it is
    steps    the rule applications, as trees
    meaning  what each derivative that occurs as a symbol stands for, to put numbers in
    extra    equations that give the adjoints their values
    defaults values of hyper-parameters where none are given
    """

    goal: Expr
    result: Expr
    steps: tuple[Step, ...]
    given: tuple[Equation, ...] = ()
    meaning: Mapping[Expr, Expr] = field(default_factory=dict)
    extra: tuple[Equation, ...] = ()
    defaults: Mapping[sp.Symbol, Expr] = field(default_factory=dict)
    title: str = ""
    source: str = ""
    judge: Judge = evidence
    numbers: Numbers | None = None

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The lines in reading order, with their verdicts."""
        return tuple(
            replace(line, verdict=v)
            for line, v in zip(self.bare_lines, self._verdicts, strict=True)
        )

    @cached_property
    def bare_lines(self) -> tuple[Line, ...]:
        """The lines in reading order, not judged."""
        return tuple(self._line(step, depth) for depth, step in self.read())

    def read(self) -> list[tuple[int, Step]]:
        """The steps in reading order; one that only repeats an earlier one is left out."""
        seen: set[object] = set()
        out = []
        for depth, step in (pair for s in self.steps for pair in s.read()):
            said = (step.lhs, step.sides, step.section)
            if said not in seen:
                seen.add(said)
                out.append((depth, step))
        return out

    def verify(self) -> Verdict:
        """The verdict on the whole: that of its weakest line."""
        return weakest(v for v in self._verdicts if v is not None)

    @cached_property
    def _verdicts(self) -> tuple[Verdict | None, ...]:
        return tuple(self.verdict_on(step) for _, step in self.read())

    def verdict_on(self, step: Step) -> Verdict | None:
        """The weakest verdict on the claims of a step; None for one that claims nothing."""
        if not step.claims:
            return None
        return weakest(self._verdict_on(c) for c in step.claims)

    @cached_property
    def _judged(self) -> dict[Claim, Verdict]:
        return {}

    def _verdict_on(self, c: Claim) -> Verdict:
        if c not in self._judged:  # several lines may rest on one claim
            self._judged[c] = self._judge(c)
        return self._judged[c]

    def _judge(self, c: Claim) -> Verdict:
        if isinstance(c, Applied):
            return self.judge.judge_node(c.node, c.definitions)
        if isinstance(c, Derived):
            return self.judge.judge_derivative(c.node, c.definitions)
        return self.judge.judge_equation(c.lhs, c.rhs, c.definitions, c.assumptions)

    def _line(self, step: Step, depth: int) -> Line:
        value, index = self._value(step)
        parts = (step.lhs, *step.sides)
        new = distinct_indices((*parts, *(a for c in step.conditions for a in c.args)))
        lhs, *sides = (rename(e, new) if new else e for e in parts)
        return Line(
            step.rule,
            lhs,
            tuple(sides),
            tuple(c.func(*(rename(a, new) for a in c.args)) for c in step.conditions),
            step.notes,
            step.section,
            depth,
            None,
            value,
            index,
        )

    def with_line(self, k: int, text: str | Expr) -> Derivation:
        """The derivation with the right side of line ``k`` (from 0) replaced by one's own.

        The line's verdict says whether it still holds, with a counterexample where it does not;
        the other lines keep their verdicts.  Names are those of the formula, ``diff(E, o1)`` is a
        derivative.  Raises InputError for a line that is not there and for text that is not
        understood.
        """
        from symdl.derivation.own_line import with_line

        return with_line(self, k, text)

    # ------------------------------------------------------------------ numbers

    def at(
        self,
        values: Mapping[Any, object],
        *,
        digits: int = 8,
        sizes: Mapping[Any, int] | None = None,
    ) -> Derivation:
        """The same derivation with numbers beside the symbols.

        Keys are symbols, tensors or names; a tensor takes a nested list or an array.  Values are
        exact as they are written (0.1 is 1/10), intermediates have 50 digits, and what is printed
        is rounded half to even.
        """
        known = self._leaves()
        found: dict[sp.Symbol, object] = {v: x for v, x in self.defaults.items() if v in known}
        found.update((find(k, known), x) for k, x in values.items())
        size = {_size_called(k, self._sizes()): n for k, n in (sizes or {}).items()}
        missing = [v for v in known if v not in found]
        if missing:
            names = ", ".join(sorted(str(v) for v in missing))
            raise InputError(f"no value was given for {names}")
        numbers = numbers_of(found, size, digits)
        world = define((*self.given, *self.extra), numbers.world)
        self._check_assumptions(world)
        out = replace(self, numbers=replace(numbers, world=world))
        out._check_conditions(world)
        return out

    def _check_conditions(self, world: World) -> None:
        """Values at which a step does not hold are an error; on a kink it has a value."""
        for _, step in self.read():
            for c in step.conditions:
                at = _broken(c, world)
                if at is None or (isinstance(c, sp.Ne) and self._value(step)[0] is not None):
                    continue
                where = f" at {at}" if at else ""
                raise InputError(
                    f"the step '{step.rule}' holds for {plain_text(c)}, which these values "
                    f"break{where}"
                )
        e = plain(self.result.xreplace(dict(self.meaning)))
        if self._known(e) and not free_indices(e) and not e.has(Deriv):
            try:
                evaluate(e, world)
            except (SymdlError, ArithmeticError, ValueError):
                raise InputError(
                    f"the result {plain_text(e)} has no value at these numbers"
                ) from None

    def _check_assumptions(self, world: World) -> None:
        """Values that break an assumption which the derivation uses are an error."""
        for n in (n for _, s in self.read() for n in s.notes if n.key == "assumption"):
            difference = plain(n.lhs) - plain(n.rhs)
            free = sorted(free_indices(difference), key=lambda i: i.sort_key())
            for at in itertools.product(*(range(world.size(i.size)) for i in free)):
                index = dict(zip(free, at, strict=True))
                found = evaluate(difference, world, index)
                if abs(found) > _CLOSE:
                    where = ", ".join(f"{i} = {k}" for i, k in zip(free, at, strict=True))
                    raise InputError(
                        f"the derivation assumes {n.lhs} = {n.rhs}, but the values given differ "
                        f"from that by {float(found):.3g} at {where}"
                    )

    @property
    def expressions(self) -> list[Expr]:
        """All sides of the formula's equations; without a formula, of all steps."""
        out = [e for d in (*self.given, *self.extra) for e in (d.lhs, d.rhs)]
        return out or [plain(e) for _, s in self.read() for e in (s.lhs, *s.sides)]

    def _leaves(self) -> frozenset[sp.Symbol]:
        defined = {d.variable for d in (*self.given, *self.extra)}
        read = frozenset().union(*(variables(e) for e in self.expressions)) - defined
        if self.given:
            return read
        return frozenset(variables(self.goal) | variables(self.result))

    def _sizes(self) -> frozenset[sp.Symbol]:
        return frozenset().union(*(sizes_of(e) for e in self.expressions))

    def _value(self, step: Step) -> tuple[Any, tuple[Index, ...]]:
        """The number or array that a step comes to; None where there is none to show."""
        if self.numbers is None:
            return None, ()
        e = step.value if step.value is not None else step.sides[-1] if step.sides else step.lhs
        e = plain(e.xreplace(dict(self.meaning)))
        index = _in_order(step.lhs, e)
        if e.has(Deriv) or len(index) > 2 or not self._known(e) or not _same_indices(step.lhs, e):
            return None, ()
        try:
            return self.numbers.array(e, index), index
        except (SymdlError, ArithmeticError, ValueError):
            return None, ()

    def array(self, e: Expr) -> Any:
        """The numbers of a tensor's elements ``e`` as nested lists; None where there are none."""
        at = e.index if isinstance(e, Elem) else ()
        e = plain(e.xreplace(dict(self.meaning)))
        if self.numbers is None or e.has(Deriv) or not self._known(e):
            return None
        return self.numbers.array(e, at)

    def _known(self, e: Expr) -> bool:
        return self.numbers is not None and variables(e) <= self.numbers.world.values.keys()

    def substitutes(self) -> dict[Expr, str]:
        """What is printed for each symbol and derivative where numbers are put in."""
        if self.numbers is None:
            return {}
        out = self.numbers.substitutes()
        for d, e in self.meaning.items():
            if not free_indices(e) and self._known(e):
                out[d] = out.get(e) or self.numbers.text(self.numbers.value(e))
        return out

    # ------------------------------------------------------------------ renderings

    def latex(self, *, lang: str = "en", document: bool = False, verdicts: bool = True) -> str:
        """LaTeX (amsmath): a fragment, or a document of its own."""
        from symdl.derivation import latex

        return latex.render(self, lang, document, verdicts)

    def markdown(self, lang: str = "en", *, verdicts: bool = True) -> str:
        """Markdown with mathematics as GitHub and Jupyter show it."""
        from symdl.derivation import markdown

        return markdown.render(self, lang, verdicts)

    def text(self, lang: str = "en", *, verdicts: bool = True) -> str:
        """Plain Unicode text for the terminal."""
        from symdl.derivation import text

        return text.render(self, lang, verdicts)

    def html(self, lang: str = "en", *, verdicts: bool = True) -> str:
        """A self-contained page with MathML."""
        from symdl.derivation import html

        return html.render(self, lang, verdicts)

    def json(self, *, verdicts: bool = True) -> dict[str, Any]:
        """The rule tree."""
        from symdl.derivation import json

        return json.tree(self, verdicts)

    def to_sympy(self) -> Expr:
        """The result in SymPy's own objects."""
        return to_sympy(plain(self.result))

    def _repr_latex_(self) -> str:
        from symdl.derivation import latex

        return latex.inline(self)

    def _repr_html_(self) -> str:
        from symdl.derivation import html

        return html.notebook(self)

    def __str__(self) -> str:
        return self.text(verdicts=False)


def _broken(c: sp.Basic, world: World) -> str | None:
    """The indices at which a condition does not hold; None if it holds, or cannot be looked at."""
    parts = [plain(a) for a in c.args]
    if not all(variables(a) <= world.values.keys() for a in parts if isinstance(a, Expr)):
        return None
    free = sorted(frozenset().union(*(free_indices(a) for a in parts)), key=lambda i: i.sort_key())
    for at in itertools.product(*(range(world.size(i.size)) for i in free)):
        if not holds(c, world, dict(zip(free, at, strict=True))):
            return ", ".join(f"{i} = {k}" for i, k in zip(free, at, strict=True))
    return None


def _same_indices(lhs: Expr, e: Expr) -> bool:
    return free_indices(lhs) == free_indices(e)


def _in_order(lhs: Expr, e: Expr) -> tuple[Index, ...]:
    """The free indices of ``e`` in the order in which ``lhs`` names them: of a matrix, its own."""
    free = free_indices(e)
    if isinstance(lhs, InMatrix):
        return tuple(i for i in lhs.args[2:] if i in free)
    named: list[Index] = []
    for a in sp.preorder_traversal(lhs):
        if isinstance(a, Elem):
            named += [i for i in a.index if i in free]
    rest = sorted(free - set(named), key=lambda i: i.sort_key())
    return tuple(dict.fromkeys([*named, *rest]))


def _size_called(key: object, known: frozenset[sp.Symbol]) -> sp.Symbol:
    name = key if isinstance(key, str) else getattr(key, "name", None)
    for s in known:
        if s.name == name:
            return s
    there = ", ".join(sorted(s.name for s in known)) or "none"
    raise InputError(f"there is no size {key}; the sizes are: {there}")
