r"""Matrix forms as LaTeX and as plain text: X^T Zbar, Hadamard products, 1^T for sums, Diag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.tree import Deriv
from symdl.derivation.matrix_forms import (
    Apply,
    Diag,
    Dot,
    Eye,
    Form,
    Hadamard,
    Leaf,
    Ones,
    Plus,
    Raised,
    Scaled,
    Transposed,
)
from symdl.derivation.order import fraction
from symdl.derivation.shown import Nabla

__all__ = ["LATEX_SIGNS", "PLAIN_SIGNS", "Signs", "form_text"]

Show = Callable[[Expr], str]


@dataclass(frozen=True)
class Signs:
    """How the operations are written; ``{}`` stands for the operand."""

    one: str
    transposed: str
    diag: str
    hadamard: str
    divided: str
    power: str
    root: str
    bracket: str
    over: str
    dot: str
    exp: str


LATEX_SIGNS = Signs(
    r"\mathbf{1}", r"{}^{{\top}}", r"\operatorname{{Diag}}\left({}\right)", r" \odot ",
    r" \oslash ", r"{}^{{\odot {}}}", r"\sqrt{{{}}}", r"\left({}\right)", r"\frac{{{}}}{{{}}}",
    r" \, ", r"\exp\left({}\right)",
)  # fmt: skip
PLAIN_SIGNS = Signs(
    "1", "{}^T", "Diag({})", " ⊙ ", " ⊘ ", "{}^⊙{}", "√({})", "({})", "{}/{}", " ", "exp({})"
)

_SUM, _PRODUCT, _POWER, _ATOM = range(4)


def form_text(e: Form, show: Show, signs: Signs) -> str:
    """A form as text; ``show`` prints scalars and names.

    >>> x, g = (Leaf(s, s) for s in sp.symbols("x g", real=True))
    >>> form_text(Plus(x, Scaled(-sp.Integer(2), g)), str, PLAIN_SIGNS)
    'x - 2 g'
    """
    return _Writer(show, signs).text(e)


@dataclass(frozen=True)
class _Writer:
    show: Show
    signs: Signs

    def text(self, e: Form, within: int = _SUM) -> str:
        """The form, in brackets where it binds less than what it stands in."""
        rank, shown = self._shown(e)
        return self.signs.bracket.format(shown) if rank < within else shown

    def _shown(self, e: Form) -> tuple[int, str]:
        s = self.signs
        if isinstance(e, Leaf):
            return self._leaf(e)
        if isinstance(e, Ones):
            row = e.shape[0] == 1 and e.shape[1] != 1
            return (_POWER, s.transposed.format(s.one)) if row else (_ATOM, s.one)
        if isinstance(e, Eye):
            return _ATOM, "I"
        if isinstance(e, Diag):
            return _ATOM, s.diag.format(self.text(e.args[0]))
        if isinstance(e, Transposed):
            return _POWER, s.transposed.format(self.text(e.args[0], _ATOM))
        if isinstance(e, Apply):
            f = e.args[0]
            exp = isinstance(f, sp.exp)
            return _ATOM, s.exp.format(self.text(f.args[0])) if exp else self.show(f)
        if isinstance(e, Plus):
            return _SUM, self._sum(e)
        if isinstance(e, Dot):
            return _PRODUCT, s.dot.join(self.text(f, _POWER) for f in e.args)
        if isinstance(e, Scaled):
            return self._scalar_alone(e) if _is_scalar(e) else (_PRODUCT, self._scaled(e))
        return self._product(e)

    def _leaf(self, e: Leaf) -> tuple[int, str]:
        shown = self.show(e.args[1])
        if isinstance(e.args[1], (Deriv, Nabla)):
            return _PRODUCT, shown
        return (_POWER if "^" in shown else _ATOM), shown

    def _sum(self, e: Form) -> str:
        shown = ""
        for f in e.args:
            text = self.text(f, _PRODUCT)
            negative = text.startswith("-")
            sign = "" if not shown else " - " if negative else " + "
            shown += sign + (text.removeprefix("-") if shown else text)
        return shown

    def _scaled(self, e: Form) -> str:
        found = fraction(e.args[0])
        above = sp.Mul(found.coefficient.p, *found.above)
        below = sp.Mul(found.coefficient.q, *found.below)
        sign = "-" if found.negative else ""
        form, s = e.args[1], self.signs
        front = "" if above == 1 else self._scalar(above) + s.dot
        alone = not front and below == 1
        shown = self.text(form, _PRODUCT if alone or isinstance(form, Dot) else _POWER)
        if below == 1:
            return sign + front + shown
        under = self._scalar(below)
        if s is PLAIN_SIGNS:
            return f"{sign}{front}{shown}/{under if below.is_Atom else f'({under})'}"
        if above == 1 and isinstance(form, Plus):
            return sign + s.over.format(self.text(form), under)
        return sign + s.over.format(self._scalar(above), under) + s.dot + shown

    def _scalar_alone(self, e: Form) -> tuple[int, str]:
        c = e.args[0]
        return (_SUM if c.is_Add else _PRODUCT if c.is_Mul else _ATOM), self.show(c)

    def _scalar(self, c: Expr) -> str:
        if isinstance(c, Form):
            return self.text(c, _POWER)
        return self.signs.bracket.format(self.show(c)) if c.is_Add else self.show(c)

    def _product(self, e: Form) -> tuple[int, str]:
        """A Hadamard product, or a power of each element."""
        factors = e.args if isinstance(e, Hadamard) else (e,)
        above = [f for f in factors if not _is_below(f)]
        below = [_turned(f) for f in factors if _is_below(f)]
        if not below and len(above) == 1:
            return self._power(above[0])
        s = self.signs
        over = s.hadamard.join(self.text(f, _POWER) for f in above) or s.one
        if not below:
            return _PRODUCT, over
        under = s.hadamard.join(self.text(f, _POWER) for f in below)
        return _PRODUCT, over + s.divided + (s.bracket.format(under) if below[1:] else under)

    def _power(self, e: Form) -> tuple[int, str]:
        base, exponent = e.args
        if exponent == sp.Rational(1, 2):
            return _ATOM, self.signs.root.format(self.text(base))
        return _POWER, self.signs.power.format(self.text(base, _ATOM), self.show(exponent))


def _is_scalar(e: Form) -> bool:
    """True for a number or a symbol in place of a matrix."""
    c, form = e.args
    return isinstance(form, Ones) and (form.shape == (1, 1) or c == 0)


def _is_below(f: Form) -> bool:
    return isinstance(f, Raised) and bool(f.args[1] < 0)


def _turned(f: Form) -> Form:
    base, exponent = f.args
    return base if exponent == -1 else Raised(base, -exponent)
