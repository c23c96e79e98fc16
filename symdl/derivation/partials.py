"""Gradient vectors, Jacobians and Hessians: partial derivatives, each with its derivation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.differentiate import gradient as differentiated
from symdl.calculus.elimination import simplest
from symdl.calculus.tree import Deriv, Node
from symdl.derivation.derivation import Derivation
from symdl.derivation.indexed import Found, indexed_hessian, indexed_jacobian
from symdl.derivation.notations import written_as
from symdl.derivation.plain_printer import plain_text
from symdl.derivation.printer import latex
from symdl.derivation.steps import Derived, goal_of, steps_of
from symdl.derivation.subject import plain_symbols, read_subject, read_variable
from symdl.derivation.writing import NOTATIONS, Writing, chosen
from symdl.errors import InputError, NotSupported
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Formula
from symdl.notation.binders import Binder, rename
from symdl.notation.tensors import Elem, TensorSymbol, real
from symdl.notation.walk import variables

__all__ = ["Partials", "gradient", "hessian", "jacobian"]


@dataclass(frozen=True)
class Partials:
    """Partial derivatives in rows and columns, each with its derivation.

    name      gradient, jacobian or hessian
    entries   the derivation of each element; one in index notation stands for all
    first     the first derivatives that a Hessian starts from
    checks    what was judged beside the lines of the derivations, each with its verdict
    """

    name: str
    entries: tuple[tuple[Derivation, ...], ...]
    first: tuple[Derivation, ...] = ()
    checks: tuple[tuple[str, Verdict], ...] = ()

    @property
    def derivations(self) -> tuple[Derivation, ...]:
        """All derivations in reading order."""
        return (*self.first, *(d for row in self.entries for d in row))

    @property
    def result(self) -> Any:
        """The matrix (SymPy's ``Matrix``); in index notation the element."""
        if self.indexed:
            return self.entries[0][0].result
        return sp.Matrix([[d.result for d in row] for row in self.entries])

    @property
    def indexed(self) -> bool:
        """True where one element in index notation stands for all."""
        return self.entries[0][0].goal.has(Elem)

    def entry(self, row: int, column: int = 0) -> Derivation:
        """The derivation of one element, counted from 0."""
        try:
            return self.entries[row][column]
        except IndexError:
            shape = f"{len(self.entries)} by {len(self.entries[0])}"
            raise InputError(f"there is no element ({row}, {column}); it is {shape}") from None

    def verify(self) -> Verdict:
        """The verdict on the whole: that of its weakest line or check."""
        return weakest([d.verify() for d in self.derivations] + [v for _, v in self.checks])

    def latex(self) -> str:
        """The result as LaTeX, without the derivations."""
        if self.indexed:
            d = self.entries[0][0]
            return f"{latex(d.goal)} = {latex(d.result)}"
        rows = (" & ".join(latex(d.result) for d in row) for row in self.entries)
        body = r" \\ ".join(rows)
        return rf"{_SYMBOL[self.name]} = \begin{{pmatrix}} {body} \end{{pmatrix}}"

    def markdown(self, lang: str = "en", *, verdicts: bool = True) -> str:
        """Every derivation, and the result at the end."""
        parts = [d.markdown(lang, verdicts=verdicts) for d in self.derivations]
        return "\n".join((*parts, f"$$\n{self.latex()}\n$$\n"))

    def text(self, lang: str = "en", *, verdicts: bool = True) -> str:
        """Every derivation, and the result at the end, for the terminal."""
        parts = [d.text(lang, verdicts=verdicts) for d in self.derivations]
        ends = (f"  {plain_text(d.goal)} = {plain_text(d.result)}" for r in self.entries for d in r)
        return "\n".join((*parts, *ends)) + "\n"

    def json(self) -> dict[str, Any]:
        """The rule tree of every element, and the checks."""
        checks = [{"what": what, "level": v.level, "reason": v.reason} for what, v in self.checks]
        return {
            "kind": self.name,
            "first": [d.json() for d in self.first],
            "entries": [[d.json() for d in row] for row in self.entries],
            "checks": checks,
        }

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"


_SYMBOL = {"gradient": r"\nabla f", "jacobian": "J", "hessian": "H"}


def gradient(what: Expr | str, x: Sequence[Expr | str] | None = None) -> Partials:
    """The gradient vector of a scalar expression: one partial derivative a variable.

    ``x`` are symbols or names, by default all that are read, by name.

    >>> gradient("x**2*y + y", ["x", "y"]).result
    Matrix([
    [   2*x*y],
    [x**2 + 1]])
    """
    e, name = _scalar(what)
    back = plain_symbols(what, *(x or ()))
    at = _variables(x, variables(e), e)
    return Partials("gradient", tuple((_partial(e, Deriv(name, v), v, back),) for v in at))


def jacobian(
    what: Sequence[Expr | str] | Expr | str | Formula,
    x: Sequence[Expr | str] | Expr | str,
    *,
    notation: str | None = None,
    layout: str = "denominator",
) -> Partials:
    """The Jacobian: row i, column j holds the derivative of the i-th expression for x_j.

    ``what`` and ``x`` are an expression and a symbol or several of each.  For a formula in index
    notation ``x`` is one tensor, and the element dy[n, j]/dx[m, i] stands for all; for vectors,
    ``notation="matrix"`` and ``layout`` are those of ``symdl.derive``.

    >>> jacobian(["x*y", "x + sin(y)"], ["x", "y"]).result
    Matrix([
    [y,      x],
    [1, cos(y)]])
    """
    if isinstance(what, Formula):
        return _of_tensors("jacobian", what, x, Writing(notation, layout))
    _check_scalar(notation)
    found = [_scalar(w) for w in _several(what)]
    known = frozenset().union(*(variables(e) for e, _ in found))
    whole = sp.Add(*(e for e, _ in found))
    at = _variables(_several(x), known, whole)
    back = plain_symbols(*_several(what), *_several(x))
    taken = {v.name for v in known}
    names = [n for n in (f"f{k}" for k in range(1, 999)) if n not in taken]
    rows = []
    for (e, own), shown in zip(found, names, strict=False):
        name = own if own.name not in ("f", "f_0") else real(shown)
        rows.append(tuple(_partial(e, Deriv(name, v), v, back) for v in at))
    return Partials("jacobian", tuple(rows))


def hessian(
    what: Expr | str | Formula,
    x: Sequence[Expr | str] | Expr | str | None = None,
    *,
    notation: str | None = None,
) -> Partials:
    """The Hessian: row i, column j holds d/dx_j of df/dx_i; that it is symmetric is judged.

    For a formula of a scalar loss in index notation ``x`` is one tensor, and the element
    d^2 L/dW[i, j] dW[k, l] stands for all; ``notation="matrix"`` writes that for a vector as a
    matrix.

    >>> hessian("x**2*y", ["x", "y"]).result
    Matrix([
    [2*y, 2*x],
    [2*x,   0]])
    """
    if isinstance(what, Formula):
        return _of_tensors("hessian", what, x, Writing(notation))
    _check_scalar(notation)
    e, name = _scalar(what)
    asked = None if x is None else _several(x)
    at = _variables(asked, variables(e), e)
    back = plain_symbols(what, *(asked or ()))
    first = tuple(_partial(e, Deriv(name, v), v, {}) for v in at)
    rows = tuple(tuple(_partial(d.result, Deriv(d.goal, v), v, back) for v in at) for d in first)
    checks = []
    for i in range(len(at)):
        for j in range(i):
            verdict = judge_equation(rows[i][j].result, rows[j][i].result)
            what_ = f"{plain_text(rows[i][j].goal)} = {plain_text(rows[j][i].goal)}"
            checks.append((what_, verdict))
    return Partials("hessian", rows, first, tuple(checks))


def _scalar(what: object) -> tuple[Expr, sp.Symbol]:
    """A scalar expression and the symbol that stands for it: that of its equation, or f."""
    subject = read_subject(what)
    if isinstance(subject, Formula):
        e, name = inlined(subject.output, subject.equations), subject.output
    else:
        e = subject
        name = real("f" if "f" not in {v.name for v in variables(e)} else "f_0")
    if e.has(Elem, Binder) or isinstance(name, TensorSymbol):
        raise NotSupported("in index notation, give a Formula and one of its tensors")
    return e, name


def _several(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple, sp.MatrixBase)) else [x]


def _variables(
    x: Sequence[Expr | str] | None, known: frozenset[sp.Symbol], e: Expr
) -> list[sp.Symbol]:
    if x is None:
        found = sorted(known, key=lambda v: str(v.name))
    else:
        found = [read_variable(v, known, e) for v in x]
    if not found:
        raise InputError("there is no variable to differentiate for")
    if len(set(found)) < len(found):
        raise InputError(f"a variable is named twice: {', '.join(map(str, found))}")
    return found


def _partial(e: Expr, shown: Expr, v: sp.Symbol, back: Any) -> Derivation:
    """The derivative of ``e`` for ``v``, written as ``shown``."""
    node: Node = differentiated(e, v)
    node = node.rewritten("simplification", simplest(node.after))
    step = steps_of(node, "normal", {goal_of(node): shown})
    step = replace(step, claims=(*step.claims, Derived(node)))
    result = rename(node.after, dict(back)) if back else node.after
    return Derivation(shown, result, (step,))


_TENSORS: dict[str, Callable[[Formula, sp.Symbol], Found]] = {
    "jacobian": indexed_jacobian,
    "hessian": indexed_hessian,
}


def _check_scalar(notation: str | None) -> None:
    chosen("notation", notation, (None, *NOTATIONS))
    if notation not in (None, "scalar"):
        raise InputError(f"{notation} notation needs a Formula with indices")


def _of_tensors(name: str, formula: Formula, x: Any, writing: Writing) -> Partials:
    known = (*formula.inputs, *formula.parameters)
    if writing.notation == "scalar":
        raise NotSupported(f"the {name} of a formula with indices in scalar notation")
    if isinstance(x, (list, tuple)) or x is None:
        raise InputError(f"name one of the variables of the formula: {', '.join(map(str, known))}")
    v = read_variable(x, frozenset(known), formula.output)
    tensor = v.tensor if isinstance(v, Elem) else v
    first, whole, checks = _TENSORS[name](formula, tensor)
    first = tuple(written_as(d, writing) for d in first)
    return Partials(name, ((written_as(whole, writing),),), first, checks)
