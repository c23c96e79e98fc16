"""The derivative from first principles: the difference quotient, and its limit for h -> 0.

Every function of x + h is written with its value at x and with small quantities that go to 0 with
h: e^(x+h) = e^x (1 + (e^h - 1)).  Over one fraction each term of the numerator then holds a small
quantity, which is divided by h: h/h is 1, and the others have elementary limits of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp
from sympy.core.expr import Expr
from sympy.printing.precedence import PRECEDENCE

from symdl.calculus.elimination import divisors, simplest
from symdl.calculus.tree import Deriv, Node, Rewrite, Rule
from symdl.errors import Impossible, NotSupported
from symdl.notation.binders import Binder
from symdl.notation.functions import HYPERBOLIC, by_exponentials
from symdl.notation.normal import is_zero
from symdl.notation.tensors import Elem

__all__ = [
    "Conjugate", "ElementaryLimit", "Increment", "LawsOfPart", "Lim", "LimitDefinition",
    "LimitLaws", "LimitOfPart", "difference_quotient", "first_principles", "taken_at_zero",
]  # fmt: skip

_LARGEST_POWER = 24  # of a sum that is multiplied out


class Lim(Expr):
    """The limit of ``e`` for ``h`` -> 0, written but not yet taken."""

    is_commutative = True
    is_real = True
    precedence = PRECEDENCE["Mul"]
    __slots__ = ()

    def __new__(cls, e: Expr, h: sp.Symbol) -> Expr:
        return Expr.__new__(cls, sp.sympify(e, strict=True), h)

    @property
    def expr(self) -> Expr:
        """What the limit is taken of."""
        return self.args[0]

    @property
    def h(self) -> sp.Symbol:
        """What goes to 0."""
        return self.args[1]

    def _sympystr(self, printer: Any) -> str:
        e, h = (printer._print(a) for a in self.args)
        return f"lim[{h}→0] {f'({e})' if self.expr.is_Add else e}"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        e, h = (printer._print(a) for a in self.args)
        body = rf"\left({e}\right)" if self.expr.is_Add else e
        shown = rf"\lim_{{{h} \to 0}} {body}"
        return shown if exp is None else rf"\left({shown}\right)^{{{exp}}}"


class Increment(sp.Symbol):
    """What goes to 0: a symbol that is written last, as in x + h."""


class LimitDefinition(Rule):
    """f'(x) = lim (f(x + h) - f(x))/h."""

    name = "limit definition"


class ElementaryLimit(Rule):
    """(e^t - 1)/t -> 1, log(1 + t)/t -> 1, sin(t)/t -> 1, (cos t - 1)/t -> 0 for t -> 0."""

    name = "elementary limit"


class LimitOfPart(Rule):
    """g(r)/h = g(r)/r * r/h where r goes to 0 with h: an elementary limit at t = r."""

    name = "substitution in a limit"


class Conjugate(Rule):
    """(sqrt(a) - sqrt(b))/h = (a - b)/h / (sqrt(a) + sqrt(b))."""

    name = "conjugate"


@dataclass(frozen=True)
class LawsOfPart(Rule):
    """lim f(h) = f(0) for continuous f, with the limits of parts of f in their places."""

    name = "limit laws"
    form: Expr


@dataclass(frozen=True)
class LimitLaws(Rewrite):
    """The limit of sums, products and quotients; what is continuous at h = 0 is taken there.

    ``form`` is what stands under the limit, with the limits of its parts in their places.
    """

    form: Expr = sp.S.Zero


_ELEMENTARY: Mapping[str, tuple[Callable[[Expr], Expr], Expr]] = {  # of g(t)/t for t -> 0
    "exp": (lambda t: sp.exp(t) - 1, sp.S.One),
    "log": (lambda t: sp.log(1 + t), sp.S.One),
    "sin": (sp.sin, sp.S.One),
    "cos": (lambda t: sp.cos(t) - 1, sp.S.Zero),
}


def difference_quotient(e: Expr, x: sp.Symbol, h: Expr) -> Expr:
    """(f(x + h) - f(x))/h.

    >>> x, h = sp.symbols("x h", real=True)
    >>> difference_quotient(x**2, x, h)
    (-x**2 + (h + x)**2)/h
    """
    return (e.xreplace({x: x + h}) - e) / h


def first_principles(e: Expr, x: sp.Symbol) -> Node:
    """Derive de/dx as the limit of the difference quotient.

    Raises NotSupported where the limit needs more than algebra and the elementary limits.

    >>> x = sp.Symbol("x", real=True)
    >>> first_principles(x**3, x).after
    3*x**2
    >>> first_principles(1 / (1 + sp.exp(-x)), x).after
    exp(-x)/(1 + exp(-x))**2
    """
    if e.has(Binder, Elem) or not isinstance(x, sp.Symbol):
        raise NotSupported(f"the limit definition is for scalar symbols; write {e} out in them")
    node = _definition(e, x)
    h = node.after.h
    plain = e.replace(lambda a: isinstance(a, HYPERBOLIC), by_exponentials)
    quotient = difference_quotient(plain, x, h)
    node = node.rewritten("function by definition", Lim(quotient, h))
    moving = _Moving(x, h)
    moved = moving.moved(plain)
    node = node.rewritten("addition theorem", Lim((moving.shown(moved) - plain) / h, h))
    above, below = _one_fraction(moved - plain)
    over = moving.shown_factors(below)
    node = node.rewritten("one fraction", Lim(moving.shown(above) / (h * over), h))
    return _settled(node, moving, above, below, tuple(sp.Ne(d, 0) for d in _sorted(divisors(e))))


def _definition(e: Expr, x: sp.Symbol) -> Node:
    taken = {s.name for s in e.free_symbols} | {x.name}
    name = next(n for n in ("h", "k", "s", *(f"h{k}" for k in range(99))) if n not in taken)
    h = Increment(name, real=True)
    quotient = Lim(difference_quotient(e, x, h), h)
    return Node(LimitDefinition(), Deriv(e, x), quotient, quotient)


def _settled(
    node: Node, moving: _Moving, above: Expr, below: Expr, conditions: tuple[sp.Basic, ...]
) -> Node:
    """Divide by h, and take the limit."""
    h = moving.h
    divided, parts = _divided(above, moving)
    under = moving.shown_factors(below)
    ratios = {p: s.meaning / h for p, s in parts.items()}
    node = node.rewritten("cancellation", Lim(moving.shown(divided).xreplace(ratios) / under, h))
    limits = {p: s.limit.before for p, s in parts.items()}
    form = (moving.shown(divided) / under).xreplace(limits)
    middle = taken_at_zero(form, h)
    after = middle.xreplace({s.limit.before: s.limit.after for s in parts.values()})
    if after.has(sp.zoo, sp.nan, sp.oo):
        raise Impossible(f"the difference quotient of {node.before} has no limit")
    lemmas = tuple(dict.fromkeys(s.limit for s in parts.values()))
    needs = tuple(dict.fromkeys((*conditions, *moving.conditions)))
    node = Node(LimitLaws("limit laws", form), node.after, after, middle, (node, *lemmas), needs)
    return node.rewritten("simplification", simplest(after))


def _sorted(found: set[Expr]) -> list[Expr]:
    return sorted(found, key=str)


@dataclass(frozen=True)
class _Small:
    """A quantity that goes to 0 with h; ``limit`` concludes the limit of ``meaning``/h."""

    symbol: sp.Symbol
    meaning: Expr
    limit: Node


@dataclass
class _Moving:
    """f(x + h) written with the functions at x and with small quantities."""

    x: sp.Symbol
    h: sp.Symbol
    small: dict[Expr, _Small] = field(default_factory=dict)
    conditions: list[sp.Basic] = field(default_factory=list)

    def moved(self, e: Expr) -> Expr:
        if not e.has(self.x):
            return e
        if e == self.x:
            return self.x + self.h
        if e.is_Add or e.is_Mul:
            return e.func(*(self.moved(a) for a in e.args))
        if isinstance(e, sp.exp):
            return e * (1 + self._elementary("exp", self._difference(e.args[0]), e.args[0]))
        if isinstance(e, sp.log):
            (u,) = e.args
            self.conditions.append(sp.Gt(u, 0))
            return e + self._elementary("log", _tidied(self._difference(u) / u), u)
        if isinstance(e, (sp.sin, sp.cos)):
            return self._angle(e)
        if e.is_Pow:
            return self._power(e)
        raise NotSupported(
            f"no elementary limit is known for {type(e).__name__}({', '.join(map(str, e.args))}); "
            "its difference quotient needs one. The rules can derive it: method='rules'"
        )

    def _angle(self, e: Expr) -> Expr:
        (u,) = e.args
        r = self._difference(u)
        sine, cosine = (self._elementary(kind, r, u) for kind in ("sin", "cos"))
        if isinstance(e, sp.sin):
            return e * (1 + cosine) + sp.cos(u) * sine
        return e * (1 + cosine) - sp.sin(u) * sine

    def _power(self, e: Expr) -> Expr:
        base, n = e.args
        if n.is_Integer and abs(n) <= _LARGEST_POWER:
            return self.moved(base) ** n
        if n.is_Rational and n.q == 2 and abs(n) <= _LARGEST_POWER:
            return (sp.sqrt(base) + self._root(base)) ** n.p
        raise NotSupported(
            f"the power {n} of {base} needs the limit of ((1 + t)^({n}) - 1)/t, which is not "
            "among the elementary limits. The rules can derive it: method='rules'"
        )

    def _difference(self, u: Expr) -> Expr:
        return _tidied(u.xreplace({self.x: self.x + self.h}) - u)

    def _elementary(self, kind: str, r: Expr, u: Expr) -> sp.Symbol:
        """The small quantity g(r), where r goes to 0 as u moves by h."""
        g, value = _ELEMENTARY[kind]
        taken = {s.name for s in r.free_symbols}
        t = Increment("t" if "t" not in taken else "t_0", real=True)
        meaning = g(r)
        if meaning in self.small:
            return self.small[meaning].symbol
        if r == self.h:
            limit = Node(ElementaryLimit(), Lim(meaning / r, r), value, value)
            return self._new(meaning, limit)
        lemma = Node(ElementaryLimit(), Lim(g(t) / t, t), value, value)
        slope, inner = self._slope(r, u, sp.S.One / u if kind == "log" else sp.S.One)
        middle = slope * lemma.before
        after = (inner[0].after if inner else slope) * value
        limit = Node(LimitOfPart(), Lim(meaning / self.h, self.h), after, middle, (lemma, *inner))
        return self._new(meaning, limit)

    def _slope(self, r: Expr, u: Expr, scale: Expr) -> tuple[Expr, tuple[Node, ...]]:
        """The limit of r/h: a constant, or ``scale`` times the derivative of u."""
        slope = _tidied(r / self.h)
        if not slope.has(self.h):
            return slope, ()
        if slope.is_rational_function(self.h):
            node = self._continuous(slope)
            return node.before, (node,)
        inner = first_principles(u, self.x)
        node = Node(
            LimitDefinition(),
            Lim(slope, self.h),
            scale * inner.after,
            scale * Deriv(u, self.x),
            (inner,),
        )
        return node.before, (node,)

    def _root(self, u: Expr) -> sp.Symbol:
        """sqrt(u) at x + h less that at x, by multiplying with their sum."""
        there = sp.sqrt(u.xreplace({self.x: self.x + self.h}))
        meaning = there - sp.sqrt(u)
        if meaning in self.small:
            return self.small[meaning].symbol
        self.conditions.append(sp.Gt(u, 0))
        slope, inner = self._slope(self._difference(u), u, sp.S.One)
        below = there + sp.sqrt(u)
        rest = self._continuous(slope / below, inner)
        before = Lim(meaning / self.h, self.h)
        return self._new(meaning, Node(Conjugate(), before, rest.after, rest.before, (rest,)))

    def _continuous(self, form: Expr, inner: tuple[Node, ...] = ()) -> Node:
        """The limit of what is continuous at h = 0, given the limits of its parts."""
        before = Lim(form.xreplace({n.before: n.before.expr for n in inner}), self.h)
        middle = taken_at_zero(form, self.h)
        after = middle.xreplace({n.before: n.after for n in inner})
        return Node(LawsOfPart(form), before, after, middle, inner)

    def _new(self, meaning: Expr, limit: Node) -> sp.Symbol:
        found = _Small(sp.Dummy("small", real=True), meaning, limit)
        self.small[meaning] = found
        return found.symbol

    def shown(self, e: Expr) -> Expr:
        """With what the small quantities stand for."""
        return e.xreplace({s.symbol: s.meaning for s in self.small.values()})

    def shown_factors(self, e: Expr) -> Expr:
        """A product of sums, each multiplied out with what the small quantities stand for."""
        parts = []
        for f in sp.Mul.make_args(e):
            base, n = f.as_base_exp()
            plain = isinstance(f, sp.exp)
            parts.append(f if plain else sp.expand_mul(self.shown(base)) ** n)
        return sp.Mul(*parts)


def taken_at_zero(form: Expr, h: sp.Symbol) -> Expr:
    """``form`` at h = 0; limits that stand in it stay as they are."""
    kept = {part: sp.Dummy("limit", real=True) for part in form.atoms(Lim)}
    there = form.xreplace(kept).xreplace({h: sp.S.Zero})
    return there.xreplace({name: part for part, name in kept.items()})


def _tidied(e: Expr) -> Expr:
    """Multiplied out, over one fraction, without common factors."""
    names: dict[Expr, sp.Symbol] = {}
    plain = _abstract(e, names)
    found = sp.cancel(plain) if plain.is_rational_function() else plain
    above, below = sp.fraction(found)
    back = {s: a for a, s in names.items()}
    return sp.expand(above.xreplace(back)) / sp.factor(below).xreplace(back)


def _one_fraction(e: Expr) -> tuple[Expr, Expr]:
    """Numerator, multiplied out, and denominator, in factors."""
    names: dict[Expr, sp.Symbol] = {}
    above, below = sp.fraction(sp.together(_abstract(e, names)))
    back = {s: a for a, s in names.items()}
    return sp.expand_mul(sp.expand(above).xreplace(back)), below.xreplace(back)


def _abstract(e: Expr, names: dict[Expr, sp.Symbol]) -> Expr:
    """Symbols in place of everything but sums, products and whole powers."""
    if e.is_Rational or e.is_Symbol:
        return e
    if e.is_Add or e.is_Mul:
        return e.func(*(_abstract(a, names) for a in e.args))
    if e.is_Pow and e.exp.is_Integer and not isinstance(e, sp.exp):
        return _abstract(e.base, names) ** e.exp
    return names.setdefault(e, sp.Dummy(str(e), positive=e.is_positive))


def _divided(above: Expr, moving: _Moving) -> tuple[Expr, dict[sp.Symbol, _Small]]:
    """The numerator divided by h, with a symbol for each small quantity divided by h."""
    smalls = [s for s in moving.small.values() if above.has(s.symbol)]
    names = {s.symbol: (sp.Dummy("part", real=True), s) for s in smalls}
    groups: dict[Expr, Expr] = {}
    for term in sp.Add.make_args(above):
        factors = sp.Mul.make_args(term)
        tiny = sp.Mul(*(f for f in factors if f.as_base_exp()[0] in (moving.h, *names)))
        groups[tiny] = groups.get(tiny, sp.S.Zero) + term / tiny
    out, parts = sp.S.Zero, {}
    for tiny, c in groups.items():
        if c == 0 or is_zero(c):
            continue
        if tiny.has(moving.h):
            out += c * (tiny / moving.h)
            continue
        first = next((f.as_base_exp()[0] for f in sp.Mul.make_args(tiny) if f != 1), None)
        if first is None:
            raise NotSupported(f"the terms {c} of the difference quotient do not cancel")
        part, small = names[first]
        parts[part] = small
        out += c * (tiny / first) * part
    return out, parts
