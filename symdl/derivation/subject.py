"""What is differentiated with respect to what: reading the arguments of ``derive``."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import place_of
from symdl.errors import InputError, NotSupported
from symdl.formula import Equation, Formula
from symdl.notation.entry import from_sympy
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.text import parse, parse_equation
from symdl.notation.walk import free_indices, variables

_MOST_OPERATIONS = 2_000  # of one equation, about what text may hold
_DEEPEST = 60
_ELEMENT = re.compile(r"\s*([^\W\d][\w.]*)\s*\[((?:\s*\w{1,20}\s*,?)+)\]\s*\Z")

__all__ = ["find", "plain_symbols", "read_subject", "read_variable"]


def read_subject(what: object) -> Expr | Formula:
    """An expression or a formula, from text, a SymPy expression, an equation or a formula.

    Raises NotSupported for more operations than a derivation can show.
    """
    for e in _parts(what):
        _check_length(e)
    if isinstance(what, Formula):
        return what
    if isinstance(what, str):
        if "=" in what.replace("==", "").replace("<=", "").replace(">=", ""):
            return _formula(Equation(*parse_equation(what)))
        return parse(what)
    if isinstance(what, Equation):
        return _formula(what)
    if isinstance(what, sp.Eq):
        return _formula(Equation(from_sympy(what.lhs), from_sympy(what.rhs)))
    if isinstance(what, (Expr, int)):
        return from_sympy(what)
    raise InputError(f"derive needs a formula, an expression or text, not {type(what).__name__}")


def _parts(what: object) -> Iterable[object]:
    if isinstance(what, Formula):
        return (e.rhs for e in what.equations)
    return (what.rhs,) if isinstance(what, (Equation, sp.Eq)) else (what,)


def _check_length(e: object) -> None:
    if not isinstance(e, sp.Basic):
        return
    _check_depth(e)
    walk = sp.preorder_traversal(e)
    if next(itertools.islice(walk, _MOST_OPERATIONS, None), None) is not None:
        raise NotSupported(
            f"an expression of more than {_MOST_OPERATIONS} operations in one equation; give names "
            "to its parts, each in an equation of its own: Formula([Eq(u, ...), Eq(y, ...)], ...)"
        )


def _check_depth(e: sp.Basic) -> None:
    level: set[sp.Basic] = {e}
    for _ in range(_DEEPEST):
        level = {a for b in level for a in b.args}
        if not level:
            return
    raise NotSupported(
        f"an expression of more than {_DEEPEST} operations inside each other; give names to its "
        "parts, each in an equation of its own: Formula([Eq(u, ...), Eq(y, ...)], ...)"
    )


def _formula(equation: Equation) -> Formula:
    inputs = sorted(variables(equation.rhs), key=lambda v: str(v.name))
    return Formula(equation, output=equation.variable, inputs=inputs)


def read_variable(x: object, known: frozenset[sp.Symbol], e: Expr) -> Expr:
    """The symbol, or the element at free indices, that ``x`` names among ``known``."""
    if isinstance(x, str) and "[" in x:
        x = _element(x, known, e)
    if isinstance(x, sp.Indexed):
        x = from_sympy(x)
    if isinstance(x, Elem):
        find(x.tensor, known)
        return x
    v = find(x, known)
    return place_of(v, frozenset(i.name for i in free_indices(e)))


def _element(text: str, known: frozenset[sp.Symbol], e: Expr) -> Expr:
    """``W[a,b]``: an index of ``e`` by its name, a number, or a new index over that axis."""
    match = _ELEMENT.match(text)
    if match is None:
        raise InputError(f"{text!r} is not an element such as W[a,b]")
    t = find(match[1], known)
    names = [p.strip() for p in match[2].split(",")]
    if not isinstance(t, TensorSymbol) or len(names) != t.rank:
        axes = list(t.axes) if isinstance(t, TensorSymbol) else "none"
        raise InputError(f"{text!r} does not fit the axes of {t}: {axes}")
    free = {i.name: i for i in free_indices(e)}
    at = []
    for p, size in zip(names, t.axes, strict=True):
        new = sp.Integer(int(p)) if p.isdecimal() else Index(p, size)
        at.append(free.get(p, new))
    return t[tuple(at)]


def find(x: object, known: Iterable[sp.Symbol]) -> sp.Symbol:
    """The variable called or equal to ``x``; an absent one is an error that names those there."""
    known = sorted(known, key=lambda v: str(v.name))
    if x in known:
        return x
    name = x.strip() if isinstance(x, str) else x.name if isinstance(x, sp.Symbol) else None
    if name is None:
        raise InputError(f"{x!r} is neither a name, a symbol nor an element such as W[i,j]")
    found = [v for v in known if v.name == name]
    if len(found) != 1:
        there = ", ".join(str(v) for v in known) or "none"
        raise InputError(f"there is no variable {name}; the variables are: {there}")
    return found[0]


def plain_symbols(*given: object) -> Mapping[sp.Symbol, sp.Symbol]:
    """The caller's symbols without assumptions, by the real ones that stand for them inside."""
    plain = {
        s
        for e in given
        if isinstance(e, sp.Basic)
        for s in e.free_symbols
        if type(s) is sp.Symbol and s.is_real is None
    }
    return {from_sympy(s): s for s in plain}
