"""The tree of rule applications whose conclusion is the derivative."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import sympy as sp
from sympy.core.expr import Expr

from symdl.notation.tensors import Elem

__all__ = ["Deriv", "Expansion", "Node", "Rewrite", "Rule"]


class Deriv(Expr):
    """The derivative of ``e`` with respect to ``wrt``, written but not yet carried out."""

    is_commutative = True
    is_real = True
    __slots__ = ()

    def __new__(cls, e: Expr, wrt: Expr) -> Expr:
        return Expr.__new__(cls, sp.sympify(e, strict=True), wrt)

    @property
    def expr(self) -> Expr:
        """What is differentiated."""
        return self.args[0]

    @property
    def wrt(self) -> Expr:
        """A scalar symbol, or an element of a tensor at free indices."""
        return self.args[1]

    @property
    def variable(self) -> sp.Symbol:
        """The symbol or tensor of ``wrt``."""
        return self.wrt.tensor if isinstance(self.wrt, Elem) else self.wrt

    def _sympystr(self, printer: Any) -> str:
        e, wrt = (printer._print(a) for a in self.args)
        return f"d({e})/d{wrt}"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        e, wrt = (printer._print(a) for a in self.args)
        if isinstance(self.expr, (sp.Symbol, Elem)):
            shown = rf"\frac{{\partial {e}}}{{\partial {wrt}}}"
        else:
            shown = rf"\frac{{\partial}}{{\partial {wrt}}}\left[{e}\right]"
        return shown if exp is None else rf"\left({shown}\right)^{{{exp}}}"


@dataclass(frozen=True)
class Expansion:
    """One application of a rule: the derivatives it asks for, and what it makes of them."""

    premises: tuple[Deriv, ...]
    build: Callable[..., Expr]
    conditions: tuple[sp.Basic, ...] = ()


class Rule:
    """A differentiation rule; the docstring of each is its identity."""

    name: ClassVar[str] = ""

    def expand(self, d: Deriv) -> Expansion | None:
        """Apply the rule to ``d``, or return None where it does not apply."""
        raise NotImplementedError


@dataclass(frozen=True)
class Rewrite:
    """A rule that changes the form of a result: contraction, rewriting through the output."""

    name: str


@dataclass(frozen=True)
class Node:
    """A rule applied: ``before`` = ``middle`` (children still to do) = ``after``."""

    rule: Rule | Rewrite
    before: Expr
    after: Expr
    middle: Expr
    children: tuple[Node, ...] = ()
    conditions: tuple[sp.Basic, ...] = ()

    @property
    def name(self) -> str:
        """The name of the rule."""
        return self.rule.name

    def walk(self) -> Iterator[Node]:
        """All nodes, children first."""
        for c in self.children:
            yield from c.walk()
        yield self

    def rewritten(self, name: str, after: Expr, conditions: tuple[sp.Basic, ...] = ()) -> Node:
        """This derivation, its conclusion rewritten; unchanged if ``after`` is the same."""
        if after == self.after:
            return self
        return Node(Rewrite(name), self.after, after, self.after, (self,), conditions)
