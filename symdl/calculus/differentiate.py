"""Differentiation: the tree of rule applications, and its conclusion."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.contract import contract
from symdl.calculus.rules import RULES
from symdl.calculus.tree import Deriv, Node, Rule
from symdl.errors import Impossible, InputError, Mismatch, NotSupported
from symdl.notation.entry import from_sympy
from symdl.notation.indices import Bound, Index
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import is_size, variables

__all__ = ["differentiate", "gradient"]


def differentiate(e: Expr, wrt: Expr, rules: Sequence[Rule] = RULES) -> Node:
    """Return the rule tree of de/dwrt; its ``after`` is the derivative.

    Raises NotSupported where no rule applies: a missing rule is never a zero.

    >>> x = sp.Symbol("x", real=True)
    >>> differentiate(x**3 + sp.exp(x), x).after
    3*x**2 + exp(x)
    """
    d = Deriv(from_sympy(e), from_sympy(wrt))
    _check_wrt(d)
    return _node(d, tuple(rules))


def _check_wrt(d: Deriv) -> None:
    """Refuse what would otherwise come out as a silent zero."""
    wrt = d.wrt
    if not isinstance(wrt, (sp.Symbol, Elem)) or isinstance(wrt, (TensorSymbol, Index, Bound)):
        raise InputError(f"cannot differentiate with respect to {wrt}: name a symbol or an element")
    if is_size(wrt):
        raise Impossible(
            f"{wrt} is a size, a whole number: there is no derivative with respect to it"
        )
    if isinstance(wrt, Elem) and wrt.tensor.labels is not None:
        raise Impossible(f"{wrt} is a label, a whole number: there is no derivative for it")
    for v in variables(d.expr) - {d.variable}:
        if v.name == d.variable.name:
            raise Mismatch(
                f"two different symbols are called {v.name}: the expression reads {_described(v)}, "
                f"the derivative is asked for {_described(d.variable)}"
            )


def _described(v: sp.Symbol) -> str:
    if isinstance(v, TensorSymbol):
        positive = " of positive elements" if v.positive_elements else ""
        return f"a tensor over {list(v.axes)}{positive}"
    kind = "positive" if v.is_positive else "real" if v.is_real else "complex"
    return f"a {kind} scalar symbol"


def _node(d: Deriv, rules: tuple[Rule, ...]) -> Node:
    for rule in rules:
        expansion = rule.expand(d)
        if expansion is not None:
            if sp.false in expansion.conditions:
                raise Impossible(f"the {rule.name} rule does not hold for {d.expr}, anywhere")
            children = tuple(_node(p, rules) for p in expansion.premises)
            after = expansion.build(*(c.after for c in children))
            middle = expansion.build(*expansion.premises) if children else after
            return Node(rule, d, after, middle, children, expansion.conditions)
    raise NotSupported(f"no rule differentiates {d.expr} ({type(d.expr).__name__})")


def gradient(e: Expr, wrt: Expr, rules: Sequence[Rule] = RULES) -> Node:
    """``differentiate``, then contract the deltas."""
    node = differentiate(e, wrt, rules)
    return node.rewritten("contraction", contract(node.after))
