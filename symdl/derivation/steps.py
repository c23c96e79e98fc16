"""Steps: rule applications as a reader sees them, made by walking the tree of the derivative."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.tree import Deriv, Node, Rewrite
from symdl.derivation.shown import Evaluated
from symdl.derivation.writing import chosen
from symdl.formula import Equation

__all__ = ["LEVELS", "Applied", "Claim", "Derived", "Equal", "Note", "Step", "goal_of", "steps_of"]

LEVELS = ("brief", "normal", "full")


@dataclass(frozen=True)
class Applied:
    """The claim that a rule was rightly applied, given definitions."""

    node: Node
    definitions: tuple[Equation, ...] = ()


@dataclass(frozen=True)
class Derived:
    """The claim that a whole tree concludes the derivative, on written-out instances too."""

    node: Node
    definitions: tuple[Equation, ...] = ()


@dataclass(frozen=True)
class Equal:
    """The claim that two expressions are equal, given definitions and assumptions."""

    lhs: Expr
    rhs: Expr
    definitions: tuple[Equation, ...] = ()
    assumptions: tuple[Equation, ...] = ()


Claim: TypeAlias = Applied | Derived | Equal


@dataclass(frozen=True)
class Note:
    """A remark: a key of the catalogue of words, and the equation or expression it is about."""

    key: str
    lhs: Expr
    rhs: Expr | None = None

    def written(
        self, show: Callable[[Expr], str], numbers: Mapping[Expr, str] | None = None
    ) -> str:
        """The equation or the expression; for a name, with the number that it comes to."""
        parts = [show(self.lhs)] if self.rhs is None else [show(self.lhs), show(self.rhs)]
        if self.key == "where" and numbers and self.lhs in numbers:
            parts.append(numbers[self.lhs])
        return " = ".join(parts)


@dataclass(frozen=True)
class Step:
    """``lhs`` = each of ``sides`` by ``rule``; ``claims`` are what a verdict on it must judge.

    With ``last`` the children are read first: a rewriting follows what it rewrites.  ``value`` is
    what to evaluate where numbers are asked for (by default the last side).
    """

    rule: str
    lhs: Expr
    sides: tuple[Expr, ...]
    claims: tuple[Claim, ...] = ()
    children: tuple[Step, ...] = ()
    conditions: tuple[sp.Basic, ...] = ()
    notes: tuple[Note, ...] = ()
    section: str = ""
    last: bool = False
    value: Expr | None = None

    def read(self, depth: int = 0) -> Iterator[tuple[int, Step]]:
        """This step and those below it in reading order, each with its depth."""
        if not self.last:
            yield depth, self
        for child in self.children:
            yield from child.read(depth if self.last else depth + 1)
        if self.last:
            yield depth, self


def goal_of(node: Node) -> Deriv:
    """The derivative that a tree is about, below the rewritings of its result."""
    while isinstance(node.rule, Rewrite):
        node = node.children[0]
    return node.before


def steps_of(
    node: Node,
    level: str = "normal",
    shown: Mapping[Expr, Expr] | None = None,
    definitions: tuple[Equation, ...] = (),
) -> Step:
    """The steps of a rule tree.

    ``brief`` shows the result and its rewritings, ``full`` every rule application; ``normal``
    folds into the line above what has no premises (constants, elementary functions).  ``shown``
    gives another way of writing a derivative: dy/dx for d/dx [f(x)].
    """
    chosen("level", level, LEVELS)
    shown = shown or {}
    goal = shown.get(goal_of(node), goal_of(node))
    if isinstance(node.rule, Rewrite):
        return Step(
            node.name,
            goal,
            _distinct((node.before, node.middle, node.after), goal),
            (Applied(node, definitions),),
            tuple(steps_of(c, level, shown, definitions) for c in node.children),
            tuple(dict.fromkeys(_conditions(node, (), {}))),
            last=True,
        )
    folded = tuple(c for c in node.children if _is_light(c, level))
    kept = tuple(c for c in node.children if not _is_light(c, level))
    middle, inner = _middle(node)
    partly = middle.xreplace({inner.get(c.before, c.before): _result(c, inner) for c in folded})
    below = tuple(d for c in folded for d in c.walk())
    start = (node.before,) if goal != node.before else ()
    return Step(
        node.name,
        goal,
        _distinct((*start, middle, partly, node.after), goal),
        tuple(Applied(n) for n in (node, *below)),
        tuple(steps_of(c, level, shown, definitions) for c in kept),
        tuple(dict.fromkeys(_conditions(node, folded, {}))),
    )


def _is_light(node: Node, level: str) -> bool:
    if level == "full":
        return False
    if level == "brief" or not node.children:
        return True
    return node.name in ("constant factor", "sum", "power") and all(
        _is_light(c, level) and not c.children for c in node.children
    )


def _middle(node: Node) -> tuple[Expr, dict[Expr, Evaluated]]:
    """The middle form; where it takes a premise d/dv [f(v)] at v = u, that is written so."""
    inner: dict[Expr, Evaluated] = {}
    new: dict[Expr, Expr] = {}
    known = {c.before for c in node.children}
    for d in node.middle.atoms(Deriv) - known:
        for c in node.children:
            if c.before.expr == d.expr and c.before.wrt != d.wrt:
                new[d] = inner[c.before] = Evaluated(c.before, c.before.wrt, d.wrt)
    return node.middle.xreplace(new), inner


def _result(node: Node, inner: Mapping[Expr, Evaluated]) -> Expr:
    found = inner.get(node.before)
    return node.after if found is None else node.after.subs(found.args[1], found.args[2])


def _conditions(node: Node, below: tuple[Node, ...], at: Mapping[Expr, Expr]) -> Iterator[sp.Basic]:
    """The side conditions that are not plainly true, written with what stands in the formula.

    ``below`` are the premises that are read on the same line; ``at`` says where inner variables
    are taken: u = -x.
    """
    for c in node.conditions:
        held = c.xreplace(at)
        if held not in (True, sp.true):
            yield held.reversed if held.args[0].is_number else held
    inner = _middle(node)[1]
    for n in below:
        found = inner.get(n.before)
        here = {found.args[1]: found.args[2].xreplace(at)} if found is not None else {}
        yield from _conditions(n, n.children, {**at, **here})


def _distinct(sides: tuple[Expr, ...], lhs: Expr) -> tuple[Expr, ...]:
    """Drop what was already said."""
    return tuple(s for s in dict.fromkeys(sides) if s != lhs)
