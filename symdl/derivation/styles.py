"""The names of derivatives: Leibniz' dL/dW, adjoints Wbar, or nablas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sympy.core.expr import Expr

from symdl.calculus.adjoint import bar
from symdl.calculus.tree import Deriv
from symdl.derivation.derivation import Derivation
from symdl.derivation.names import loss_name
from symdl.derivation.shown import InPlaceOf, Nabla
from symdl.derivation.steps import Note, Step
from symdl.errors import InputError
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import variables

__all__ = ["in_style"]

Rewrite = Callable[[Expr], Expr]


def in_style(d: Derivation, style: str) -> Derivation:
    """The same derivation with the derivatives of the output named in a style.

    Local derivatives, of one node for the next, stay dy/dx.

    >>> from symdl.catalog.layers import DENSE
    >>> from symdl.derivation.derive import derive
    >>> print(in_style(derive(DENSE, "W"), "leibniz").goal)
    d(L)/dW[i, j]
    """
    rewrite = _of_adjoints(d, style) if isinstance(d.goal, Elem) else _of_derivatives(d, style)
    return replace(
        d,
        goal=rewrite(d.goal),
        result=rewrite(d.result),
        steps=tuple(_step(s, rewrite) for s in d.steps),
    )


def _of_derivatives(d: Derivation, style: str) -> Rewrite:
    """For a scalar output: its derivatives, which are written as Leibniz did, by other names."""
    goal = d.goal
    if not (isinstance(goal, Deriv) and goal.expr.is_Symbol):
        if style == "leibniz":
            return lambda e: e
        raise InputError(
            f"the style {style!r} names derivatives by an output: give a name to what is derived, "
            "as in 'y = x**2'"
        )

    def named(e: Expr) -> Expr:
        if style == "leibniz" or type(e) is not type(goal) or e.expr != goal.expr:
            return e
        return InPlaceOf(_adjoint(e) if style == "bar" else Nabla(e.expr, e.wrt), e)

    return lambda e: _mapped(e, named, Deriv)


def _of_adjoints(d: Derivation, style: str) -> Rewrite:
    """For a tensor output, whose adjoint is given: adjoints by other names."""
    found = frozenset().union(*(variables(e) for e in d.expressions))
    of = {bar(v): v for v in found if isinstance(v, TensorSymbol)}
    loss = loss_name(found)

    def named(e: Expr) -> Expr:
        if style == "bar" or e.tensor not in of:
            return e
        at = Elem(of[e.tensor], *e.index)
        return InPlaceOf(Deriv(loss, at) if style == "leibniz" else Nabla(loss, at), e)

    return lambda e: _mapped(e, named, Elem)


def _adjoint(e: Deriv) -> Expr:
    at = e.wrt
    return Elem(bar(at.tensor), *at.index) if isinstance(at, Elem) else bar(at)


def _mapped(e: Expr, named: Rewrite, kind: type) -> Expr:
    if isinstance(e, kind):
        return named(e)
    if not e.args or not e.has(kind):
        return e
    return e.func(*(_mapped(a, named, kind) for a in e.args))


def _step(s: Step, rewrite: Rewrite) -> Step:
    lhs = rewrite(s.lhs)
    sides = tuple(dict.fromkeys(rewrite(e) for e in s.sides))
    return replace(
        s,
        lhs=lhs,
        sides=tuple(e for e in sides if e != lhs),
        children=tuple(_step(c, rewrite) for c in s.children),
        notes=tuple(found for n in s.notes for found in _note(n, rewrite)),
    )


def _note(n: Note, rewrite: Rewrite) -> tuple[Note, ...]:
    """The note; what an adjoint means is said by its name in other styles."""
    lhs = rewrite(n.lhs)
    rhs = None if n.rhs is None else rewrite(n.rhs)
    told = n.key == "adjoint" and isinstance(lhs, InPlaceOf) and lhs.shown == rhs
    return () if told else (replace(n, lhs=lhs, rhs=rhs),)
