r"""Expressions as LaTeX.

Every formula that leaves symdl as LaTeX is printed here from an expression.  Names are made of
letters, digits and escaped characters alone, so that text from outside is never a command.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import sympy as sp
from sympy.core.expr import Expr
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import PRECEDENCE

from symdl.calculus.limit import Lim
from symdl.calculus.tree import Deriv
from symdl.derivation.matrix_forms import Form
from symdl.derivation.matrix_printer import LATEX_SIGNS, form_text
from symdl.derivation.names import GREEK, named, taken_apart
from symdl.derivation.order import fraction, terms
from symdl.derivation.shown import (
    Elided,
    ElidedSum,
    Evaluated,
    InPlaceOf,
    Nabla,
    Second,
    Times,
    TotalDeriv,
    is_ordinary,
)
from symdl.notation.binders import Binder
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.notation.indices import Bound, Index
from symdl.notation.tensors import Elem
from symdl.notation.walk import free_indices

__all__ = ["FormulaPrinter", "latex", "latex_name", "latex_text"]

_MATH_ESCAPES = {
    "_": r"\_", "{": r"\{", "}": r"\}", "$": r"\$", "%": r"\%", "#": r"\#", "&": r"\&",
    "\\": r"\backslash ", "^": r"\wedge ", "~": r"\sim ", " ": r"\ ",
}  # fmt: skip
_TEXT_ESCAPES = {
    "_": r"\_", "{": r"\{", "}": r"\}", "$": r"\$", "%": r"\%", "#": r"\#", "&": r"\&",
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip
_ENDS_IN_WORD = re.compile(r"\\mathrm\{[^{}]*\}(?:[_^]\{[^{}]*(?:\{[^{}]*\})?[^{}]*\})*$")
_ACCENTS = {"bar": r"\bar", "hat": r"\hat", "tilde": r"\tilde"}


def latex(e: Expr, numbers: Mapping[Expr, str] | None = None) -> str:
    r"""Print an expression as LaTeX; where ``numbers`` are given they stand for their symbols.

    >>> x, y = sp.symbols("x y", real=True)
    >>> latex(y * (1 - y)), latex(-x + y)
    ('y \\left(1 - y\\right)', 'y - x')
    >>> latex(x * y, {x: "2", y: "-3"})
    '2 \\times \\left(-3\\right)'
    """
    return FormulaPrinter(numbers or {}).doprint(e)


def latex_text(text: str) -> str:
    r"""Escape words for LaTeX's text mode.

    >>> latex_text("50 % of {x}_1")
    '50 \\% of \\{x\\}\\_1'
    """
    return "".join(_TEXT_ESCAPES.get(c, c if c.isprintable() else "?") for c in text)


def latex_name(name: str) -> str:
    r"""Print a name.

    >>> [latex_name(n) for n in ("W5", "target_o1", "zbar", "epsilon", "learning_rate")]
    ['W_{5}', '\\mathrm{target}_{o_{1}}', '\\bar{z}', '\\epsilon', '\\mathrm{learning\\_rate}']
    >>> latex_name("dense_1.W"), latex_name(r"\input{x}")
    ('W^{(\\mathrm{dense\\_1})}', '\\mathrm{\\backslash input\\{x\\}}')
    """
    base, below, above = _scripts(name)
    shown = base + (f"_{{{below}}}" if below else "")
    return shown + (f"^{{({above})}}" if above else "")


def _scripts(name: str) -> tuple[str, str, str]:
    """Base, subscript and owner of a name, each as LaTeX."""
    parts = taken_apart(name)
    base = _word(parts.base)
    if parts.accent:
        wide = parts.accent == "bar" and len(parts.base) > 1 and parts.base not in GREEK
        accent = r"\overline" if wide else _ACCENTS[parts.accent]
        base = f"{accent}{{{base}}}"
    below = ", ".join(latex_name(p) for p in parts.labels)
    return base, below, _word(parts.owner) if parts.owner else ""


def _word(word: str) -> str:
    if word in GREEK:
        return "\\" + word
    if word.isascii() and ((len(word) == 1 and word.isalpha()) or word.isdecimal()):
        return word
    inside = "".join(_MATH_ESCAPES.get(c, c if c.isprintable() else "?") for c in word)
    return rf"\mathrm{{{inside}}}" if word.isascii() else rf"\text{{{latex_text(word)}}}"


class FormulaPrinter(LatexPrinter):
    """SymPy's LaTeX printer with the names, the order and the objects of symdl."""

    def __init__(self, numbers: Mapping[Expr, str]) -> None:
        super().__init__({"order": "none"})
        self._numbers = numbers
        self._taken: frozenset[str] = frozenset()
        self._own: tuple[tuple[type, Callable[..., str]], ...] = (
            (Elem, self._elem),
            (Binder, self._binder),
            (Deriv, self._deriv),
            (Times, self._times),
            (Elided, self._elided),
            (Evaluated, self._evaluated),
            (InPlaceOf, self._in_place),
            (Nabla, self._nabla),
            (Second, self._second),
            (Form, lambda e: form_text(e, self._print, LATEX_SIGNS)),
            (Delta, self._delta),
            (InRange, self._in_range),
            (UnitStep, self._step),
            (sp.Symbol, self._symbol),
        )

    def doprint(self, expr: Expr) -> str:
        """Print a whole expression; no bound index is called like a free one in it."""
        self._taken = frozenset(i.name for i in free_indices(expr))
        return super().doprint(expr)

    def _print(self, expr: Expr, **kwargs: object) -> str:
        if isinstance(expr, sp.Basic):
            if expr in self._numbers:
                return self._number(self._numbers[expr])
            for kind, show in self._own:
                if isinstance(expr, kind):
                    exp = kwargs.get("exp")
                    return show(expr) if exp is None else self._raised(show(expr), str(exp))
        return super()._print(expr, **kwargs)

    @staticmethod
    def _raised(shown: str, exp: str) -> str:
        return rf"\left({shown}\right)^{{{exp}}}"

    @staticmethod
    def _number(shown: str) -> str:
        return rf"\left({shown}\right)" if shown.startswith("-") else shown

    def parenthesize(
        self, item: Expr, level: int, is_neg: bool = False, strict: bool = False
    ) -> str:
        """Add brackets round what SymPy takes for an atom and is none."""
        if (
            isinstance(item, (Binder, Deriv, Times, Elided, Evaluated))
            and level >= PRECEDENCE["Pow"]
        ):
            return rf"\left({self._print(item)}\right)"
        if isinstance(item, Elem) and level >= PRECEDENCE["Pow"] and "^" in self._print(item):
            return rf"\left({self._print(item)}\right)"
        return super().parenthesize(item, level, is_neg=is_neg, strict=strict)

    def _symbol(self, e: sp.Symbol) -> str:
        return latex_name(e.name)

    def _print_Symbol(self, e: sp.Symbol, style: str = "plain") -> str:
        return latex_name(e.name)

    def _in_place(self, e: InPlaceOf) -> str:
        return str(self._print(e.meant if e.meant in self._numbers else e.shown))

    def _nabla(self, e: Nabla) -> str:
        of, at = e.args
        if isinstance(at, Elem):
            name, index = latex_name(at.tensor.name), " ".join(self._print(p) for p in at.index)
            return rf"\left(\nabla_{{{name}}} {self._print(of)}\right)_{{{index}}}"
        return rf"\nabla_{{{self._print(at)}}} {self._print(of)}"

    def _second(self, e: Second) -> str:
        of, one, two = (self._print(a) for a in e.args)
        return rf"\frac{{\partial^{{2}} {of}}}{{\partial {one} \, \partial {two}^{{\top}}}}"

    def _elem(self, e: Elem) -> str:
        base, below, owner = _scripts(e.tensor.name)
        above = ", ".join(p for p in (owner, below) if p)
        short = all(_is_short(p) for p in e.index)
        index = (" " if short else ", ").join(self._print(p) for p in e.index)
        return f"{base}^{{({above})}}_{{{index}}}" if above else f"{base}_{{{index}}}"

    def _binder(self, e: Binder) -> str:
        body, index = named(e, self._taken)
        names = ", ".join(latex_name(i.name) for i in index)
        outside, self._taken = self._taken, self._taken | {i.name for i in index}
        shown = self._print(body)
        self._taken = outside
        if body.is_Add or body.could_extract_minus_sign():
            shown = rf"\left({shown}\right)"
        return rf"{e.latex_symbol}_{{{names}}} {shown}"

    def _deriv(self, e: Deriv) -> str:
        d = "d" if isinstance(e, TotalDeriv) or is_ordinary(e) else r"\partial "
        over, under = self._print(e.expr), self._print(e.wrt)
        if isinstance(e.expr, (sp.Symbol, Elem)):
            return rf"\frac{{{d}{over}}}{{{d}{under}}}"
        return rf"\frac{{{d.strip()}}}{{{d}{under}}}\left[{over}\right]"

    def _times(self, e: Times) -> str:
        sign = r" \times " if self._numbers else r" \cdot "
        first, *rest = (self._factor(f) for f in e.args)
        return sign.join((first, *(rf"\left({f}\right)" if f.startswith("-") else f for f in rest)))

    def _elided(self, e: Elided) -> str:
        show = self._print if isinstance(e, ElidedSum) else self._factor
        return e.written(show, r" \cdot ", r"\cdots")

    def _evaluated(self, e: Evaluated) -> str:
        body, variable, value = (self._print(a) for a in e.args)
        return rf"\left.{body}\right|_{{{variable} = {value}}}"

    def _delta(self, e: Delta) -> str:
        found = e.args[0].as_coefficients_dict()
        if len(found) == 2 and sorted(found.values()) == [-1, 1] and 1 not in found:
            between = " " if all(_is_short(t) for t in found) else ", "
            return r"\delta_{" + between.join(sorted(self._print(t) for t in found)) + "}"
        return rf"\left[{self._print(e.args[0])} = 0\right]"

    def _in_range(self, e: InRange) -> str:
        inside, size = (self._print(a) for a in e.args)
        return rf"\left[0 \le {inside} < {size}\right]"

    def _step(self, e: UnitStep) -> str:
        sign = r"\ge" if e.at_zero == 1 else ">"
        half = "" if e.at_zero in (0, 1) else rf"_{{{self._print(e.at_zero)}}}"
        return rf"\left[{self._print(e.args[0])} {sign} 0\right]{half}"

    def _print_Relational(self, expr: Expr) -> str:
        """What is measured stands first: the size of d is at most delta."""
        turned = expr.rhs.has(sp.Abs) and not expr.lhs.has(sp.Abs)
        return str(super()._print_Relational(expr.reversed if turned else expr))

    def _print_Add(self, e: Expr, order: object = None) -> str:
        shown = ""
        for negative, t in terms(e):
            bracket = t.is_Add or isinstance(t, (sp.Piecewise, Lim))
            text = rf"\left({self._print(t)}\right)" if bracket else self._print(t)
            turned = isinstance(t, Times) and text.startswith("-")
            minus = negative != turned
            sign = ("-" if minus else "") if not shown else (" - " if minus else " + ")
            shown += sign + text.removeprefix("-" if turned else "")
        return shown

    def _print_Mul(self, e: Expr) -> str:
        f = fraction(e)
        lead, above = self._coefficient(f.coefficient, f.above, bool(f.below))
        ends = (Binder, sp.Piecewise, Deriv, Evaluated, Lim) if f.below else (Binder, sp.Piecewise)
        last = [a for a in above if isinstance(a, ends)]
        over = self._product([*lead, *(a for a in above if a not in last)], alone=bool(f.below))
        if f.below or (f.coefficient.q > 1 and not _in_front(f.coefficient, f.above, f.below)):
            q = [] if f.coefficient.q == 1 else [sp.Integer(f.coefficient.q)]
            over = rf"\frac{{{over or '1'}}}{{{self._product([*q, *f.below], alone=True)}}}"
        elif f.coefficient.q > 1:
            front = rf"\frac{{{f.coefficient.p}}}{{{f.coefficient.q}}}"
            over = front + (self._sign(front, over) + over if over else "")
        tail = self._product(last)
        between = (" \\times " if self._numbers else " ") if over and tail else ""
        return ("-" if f.negative else "") + over + between + tail

    def _coefficient(
        self, c: sp.Rational, above: tuple[Expr, ...], below: bool
    ) -> tuple[list[Expr], list[Expr]]:
        front = _in_front(c, above, ()) and not below
        lead = [] if c.p == 1 or front else [sp.Integer(c.p)]
        return lead, list(above)

    def _product(self, found: list[Expr], alone: bool = False) -> str:
        if alone and len(found) == 1:
            return self._print(found[0])
        if len(found) == 1 and isinstance(found[0], sp.Add):
            return self._factor(found[0])
        shown = ""
        for f in found:
            piece = self._factor(f)
            shown += (self._sign(shown, piece) if shown else "") + piece
        return shown

    def _sign(self, before: str, after: str) -> str:
        digits = after[0].isdigit() or after.startswith((r"\left(-", r"\frac{1"))
        if self._numbers:
            return r" \times "
        if (before[-1].isdigit() and digits) or r"\partial" in before + after:
            return r" \cdot "
        if after.startswith(r"\mathrm") or _ENDS_IN_WORD.search(before):
            return r" \, "
        return " "

    def _factor(self, f: Expr) -> str:
        shown = self._print(f)
        open_end = (
            f.is_Add
            or isinstance(f, (Times, Elided, sp.Piecewise, Lim))
            or (f.is_number and f.is_negative)
        )
        return rf"\left({shown}\right)" if open_end else shown


def _is_short(place: Expr) -> bool:
    """True for what can stand beside another index without a comma."""
    return isinstance(place, (Index, Bound, Elem)) or bool(place.is_Integer)


def _in_front(c: sp.Rational, above: tuple[Expr, ...], below: tuple[Expr, ...]) -> bool:
    """True where 1/2 stands before a bracket or a sum rather than under a line: 1/2 (t - y)^2."""
    if below or not above or c.q == 1:
        return False
    return any(isinstance(a.base if a.is_Pow else a, (sp.Add, Binder)) for a in above)
