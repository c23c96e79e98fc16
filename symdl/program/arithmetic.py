"""How the parts of a scalar expression become single operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy as sp
from sympy.core.expr import Expr
from sympy.logic.boolalg import And, Boolean, BooleanFunction, Not, Or

from symdl.errors import NotSupported
from symdl.notation.functions import held, xlogy
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.program.functions import ufunc_name
from symdl.program.ir import Const, Operand, Place, Read

if TYPE_CHECKING:
    from symdl.program.split import Splitting

__all__ = ["Arithmetic"]

_COMPARE = {
    sp.StrictGreaterThan: "greater",
    sp.GreaterThan: "greater_equal",
    sp.StrictLessThan: "less",
    sp.LessThan: "less_equal",
    sp.Equality: "equal",
    sp.Unequality: "not_equal",
}
_MULTIPLIED_OUT = 4  # whole powers up to this are products, beyond it np.power


class Arithmetic:
    """Reads an expression bottom up; each method returns the operand that holds the value."""

    def __init__(self, work: Splitting) -> None:
        self.work = work

    def value(self, e: Expr) -> Operand:
        """Return the operand that holds ``e``."""
        if not self.work.labels(e) and (self.work.constant(e) or self._only_scalars(e)):
            return self.work.scalar(e)
        if e in self.work.operands:
            return self.work.operands[e]
        for kind, method in _BY_CLASS:
            if isinstance(e, kind):
                found: Operand = method(self, e)
                return found
        name = ufunc_name(e)
        return self.work.apply(name, [self.number(a) for a in e.args])

    def _only_scalars(self, e: Expr) -> bool:
        """Whether no operand of ``e`` is an element of an array."""
        own = (self.work.operands[s] for s in e.free_symbols if s in self.work.operands)
        return all(isinstance(o, Read) and not o.slot.rank for o in own)

    def number(self, e: Expr) -> Operand:
        """Return the operand that holds ``e`` as a real number, not as a flag or a label."""
        return self._real(self.value(e))

    def _real(self, found: Operand) -> Operand:
        kind = found.slot.kind if isinstance(found, Read) else ""
        if kind in ("flag", "label") or isinstance(found, Place):
            return self.work.apply("copy", [found])
        return found

    # -- sums

    def _add(self, e: sp.Add) -> Operand:
        factor, terms = self._common(e)
        if factor != 1:
            inner = sp.Add(*terms)
            if inner.is_Add:
                return self._scaled(factor, self._sum(list(inner.args)))
            return self.value(sp.Mul(factor, inner, evaluate=False))
        return self._sum(terms)

    def _common(self, e: sp.Add) -> tuple[Expr, list[Expr]]:
        """Pull out a factor that all terms share and that varies along no label."""
        scalars = [self._scalar_factor(t) for t in e.args]
        first = scalars[0]
        if all(s in (first, -first) for s in scalars[1:]) and first not in (1, -1):
            first = -first if first.could_extract_minus_sign() else first
            return first, [t / first for t in e.args]
        return sp.S.One, list(e.args)

    def _scalar_factor(self, term: Expr) -> Expr:
        return sp.Mul(*(f for f in sp.Mul.make_args(term) if self._is_scalar(f)))

    def _is_scalar(self, e: Expr) -> bool:
        return not self.work.labels(e) and self._only_scalars(e)

    def _sum(self, terms: list[Expr]) -> Operand:
        """Add terms, the fullest first: (z - m) - log S, whose difference z - m is exact."""
        if all(self._is_scalar(t) for t in terms):
            return self.work.scalar(sp.Add(*terms))
        scalars = [t for t in terms if self._is_scalar(t)]
        arrays = [t for t in terms if not self._is_scalar(t)]
        arrays.sort(key=self._fullness)
        if scalars and arrays[0].could_extract_minus_sign():
            return self._rest(self.work.scalar(sp.Add(*scalars)), arrays)
        positive = [t for t in arrays if not t.could_extract_minus_sign()]
        first = positive[0] if positive else arrays[0]
        rest = [t for t in arrays if t is not first]
        total = self._rest(self.number(first), rest)
        if not scalars:
            return total
        scalar = sp.Add(*scalars)
        if scalar.could_extract_minus_sign():
            return self.work.apply("subtract", [total, self.work.scalar(-scalar)])
        return self.work.apply("add", [total, self.work.scalar(scalar)])

    def _rest(self, total: Operand, terms: list[Expr]) -> Operand:
        for t in terms:
            if t.could_extract_minus_sign():
                total = self.work.apply("subtract", [total, self.number(-t)])
            else:
                total = self.work.apply("add", [total, self.number(t)])
        return total

    def _fullness(self, e: Expr) -> tuple[int, int, int]:
        plain = e if not e.could_extract_minus_sign() else -e
        return (-len(self.work.labels(e)), 0 if plain in self.work.operands else 1, e.count_ops())

    # -- products

    def _mul(self, e: sp.Mul) -> Operand:
        scalars, above, below = [], [], []
        for f in e.args:
            if self._is_scalar(f):
                scalars.append(f)
            elif _squares_a_sum(f):
                above.append(f)
            elif f.is_Pow and f.exp.is_number and f.exp.could_extract_minus_sign():
                below.append(f.base if f.exp == -1 else f.base**-f.exp)
            else:
                above.append(f)
        return self._quotient(sp.Mul(*scalars), above, below)

    def _quotient(self, factor: Expr, above: list[Expr], below: list[Expr]) -> Operand:
        """A scalar times one product over another; what is narrow is brought together first."""
        narrow, under_narrow = self._narrow(above, below)
        if narrow:
            above = [f for f in above if f not in narrow]
            below = [f for f in below if f not in under_narrow]
            above = [self._monic(f) for f in above]
            factor *= sp.Mul(*(c for c, _ in above))
            left = self._quotient(factor, narrow, under_narrow)
            right = self._quotient(sp.S.One, [f for _, f in above], below)
            return self.work.apply("multiply", [left, right])
        if not above:
            under = self._product(below)
            return self.work.apply("divide", [self.work.scalar(factor), under])
        top = self._product(above)
        if not below:
            return self._scaled(factor, top)
        under = self._product(below)
        if len(under.labels) < len(top.labels) and self.work.constant(factor) and factor.is_nonzero:
            under, factor = self._scaled(1 / factor, under), sp.S.One
        elif len(top.labels) < len(under.labels):
            top, factor = self._scaled(factor, top), sp.S.One
        return self._scaled(factor, self.work.apply("divide", [self._real(top), under]))

    def _narrow(self, above: list[Expr], below: list[Expr]) -> tuple[list[Expr], list[Expr]]:
        """The factors that lack a label which another one has, if they leave one together."""
        labels = self.work.labels
        every = frozenset().union(*map(labels, (*above, *below)))
        parts = [[f for f in side if labels(f) < every] for side in (above, below)]
        together = frozenset().union(*map(labels, (*parts[0], *parts[1])))
        return (parts[0], parts[1]) if together < every else ([], [])

    def _monic(self, e: Expr) -> tuple[Expr, Expr]:
        """Take a constant out of a sum where its other terms have narrow parts to divide by it."""
        if not e.is_Add:
            return sp.S.One, e
        every = self.work.labels(e)
        full = [t for t in e.args if self._all_over(t, every)]
        if len(full) != 1:
            return sp.S.One, e
        factor = self._scalar_factor(full[0])
        if factor.is_number or not self.work.constant(factor) or not factor.is_nonzero:
            return sp.S.One, e
        return factor, sp.Add(*(t / factor for t in e.args))

    def _all_over(self, term: Expr, every: frozenset[str]) -> bool:
        """Whether each factor of a term but the scalars has all the labels."""
        factors = (f for f in sp.Mul.make_args(term) if not self._is_scalar(f))
        return all(self.work.labels(f) == every for f in factors)

    def _scaled(self, factor: Expr, found: Operand) -> Operand:
        if factor == 1:
            return self._real(found)
        if factor == -1:
            return self.work.apply("negative", [self._real(found)])
        return self.work.apply("multiply", [found, self.work.scalar(factor)])

    def _product(self, factors: list[Expr]) -> Operand:
        """Multiply, the factors with the fewest labels first, and flags among themselves."""
        values = [self.value(f) for f in factors]
        flags = sorted((v for v in values if _is_flag(v)), key=lambda v: len(v.labels))
        reals = [self._real(v) for v in values if not _is_flag(v)]
        if flags:
            mask = flags[0]
            for v in flags[1:]:
                mask = self.work.apply("logical_and", [mask, v], "flag")
            reals.append(self._real(mask))
        total, *rest = sorted(reals, key=lambda v: len(v.labels))
        for v in rest:
            total = self.work.apply("multiply", [total, v])
        return total

    # -- powers

    def _pow(self, e: sp.Pow) -> Operand:
        base, exponent = e.args
        if exponent == sp.S.Half:
            return self.work.apply("sqrt", [self.number(base)])
        if _squares_a_sum(e):
            return self.work.apply("square", [self.number(1 / base)])
        if exponent.is_number and exponent.could_extract_minus_sign():
            under = self.number(base if exponent == -1 else base**-exponent)
            return self.work.apply("divide", [Const(sp.S.One), under])
        if exponent == 2:
            return self.work.apply("square", [self.number(base)])
        if exponent.is_Integer and exponent <= _MULTIPLIED_OUT:
            half = self.number(base ** (exponent // 2))
            square = self.work.apply("square", [half])
            if exponent % 2 == 0:
                return square
            return self.work.apply("multiply", [square, self.number(base)])
        if exponent == sp.Rational(3, 2):
            b = self.number(base)
            return self.work.apply("multiply", [b, self.work.apply("sqrt", [b])])
        if base == 2:
            return self.work.apply("exp2", [self.number(exponent)])
        return self.work.apply("power", [self.number(base), self.number(exponent)])

    # -- choices

    def _extreme(self, e: sp.Max | sp.Min) -> Operand:
        op = "maximum" if isinstance(e, sp.Max) else "minimum"
        scalars = [a for a in e.args if self._is_scalar(a)]
        arrays = sorted((a for a in e.args if not self._is_scalar(a)), key=self._fullness)
        values = [self.number(a) for a in arrays]
        if scalars:
            values.append(self.work.scalar(e.func(*scalars)))
        total = values[0]
        for v in values[1:]:
            total = self.work.apply(op, [total, v])
        return total

    def _abs(self, e: sp.Abs) -> Operand:
        return self.work.apply("absolute", [self.number(e.args[0])])

    def _step(self, e: UnitStep) -> Operand:
        z, at_zero = self.number(e.args[0]), e.at_zero
        if at_zero in (0, 1):
            op = "greater" if at_zero == 0 else "greater_equal"
            return self.work.apply(op, [z, Const(sp.S.Zero)], "flag")
        return self.work.apply("heaviside", [z, self.number(at_zero)])

    def _delta(self, e: Delta) -> Operand:
        return self.work.apply("equal", self._places(e.args[0]), "flag")

    def _in_range(self, e: InRange) -> Operand:
        place, size = e.args
        below = self.work.apply("greater_equal", self._places(place), "flag")
        above = self.work.apply("less", self._places(place - size), "flag")
        return self.work.apply("logical_and", [below, above], "flag")

    def _places(self, e: Expr) -> list[Operand]:
        """Two whole numbers whose difference is ``e``: the positive and the negative terms."""
        sides: list[list[Operand]] = [[], []]
        for signed in sp.Add.make_args(e):
            negative = signed.could_extract_minus_sign()
            term = -signed if negative else signed
            if self.work.constant(term) and term.is_integer:
                found: Operand = Const(term)
            elif term in self.work.operands:
                found = self.work.operands[term]
            else:
                raise NotSupported(
                    f"comparing places with {term}: only i + j - k + 1 is understood"
                )
            whole = isinstance(found, (Place, Const)) or found.slot.kind == "label"
            if not whole:
                raise NotSupported(f"{term} compared with a place is not a label")
            sides[negative].append(found)
        return [self._place_sum(side) for side in sides]

    def _place_sum(self, side: list[Operand]) -> Operand:
        if not side:
            return Const(sp.S.Zero)
        total = side[0]
        for other in side[1:]:
            total = self.work.apply("add", [total, other], "label")
        return total

    def _xlogy(self, e: xlogy) -> Operand:
        """x log y, where y is put to 1 before the logarithm if x = 0 and y is not nan.

        For y = 1 + w it is x log1p w, and w that is put to 0.
        """
        near = e.args[1].is_Add and sp.S.One in e.args[1].args
        x, y = (self.number(a) for a in (e.args[0], e.args[1] - 1 if near else e.args[1]))
        one, least = (sp.S.Zero, sp.S.NegativeOne) if near else (sp.S.One, sp.S.Zero)
        nothing = self.work.apply("equal", [x, self.work.scalar(sp.S.Zero)], "flag")
        sound = self.work.apply("greater_equal", [y, self.work.scalar(least)], "flag")
        both = self.work.apply("logical_and", [nothing, sound], "flag")
        safe = self.work.apply("where", [both, self.work.scalar(one), y])
        return self.work.apply("multiply", [x, self.work.apply("log1p" if near else "log", [safe])])

    def _held(self, e: held) -> Operand:
        return self.value(e.as_run())

    def _piecewise(self, e: sp.Piecewise) -> Operand:
        *cases, last = e.args
        if last.cond != True:  # noqa: E712  (SymPy's own true)
            raise NotSupported(f"{e} has no value where none of its conditions holds")
        total = self.value(last.expr)
        total = total if isinstance(total, Const) else self._real(total)
        for case in reversed(cases):
            chosen = self.number(case.expr)
            total = self.work.apply("where", [self._condition(case.cond), chosen, total])
        return total

    def _condition(self, c: Boolean) -> Operand:
        if c in (sp.true, sp.false):
            return Const(c)
        if isinstance(c, (And, Or)):
            op = "logical_and" if isinstance(c, And) else "logical_or"
            total, *rest = (self._condition(a) for a in c.args)
            for v in rest:
                total = self.work.apply(op, [total, v], "flag")
            return total
        if isinstance(c, Not):
            return self.work.apply("logical_not", [self._condition(c.args[0])], "flag")
        plain = c.to_nnf(simplify=False) if isinstance(c, BooleanFunction) else c
        if plain != c:
            return self._condition(plain)
        op = _COMPARE.get(type(c), "")
        if not op:
            raise NotSupported(f"the condition {c}")
        return self.work.apply(op, [self.number(a) for a in c.args], "flag")

    def _boolean(self, e: Boolean) -> Operand:
        return self._condition(e)


def _squares_a_sum(e: Expr) -> bool:
    """Whether ``e`` is 1/s^2 for a sum s with |x|: the square of 1/s, since s^2 may overflow."""
    return bool(e.is_Pow and e.exp == -2 and e.base.is_Add and e.base.has(sp.Abs))


def _is_flag(o: Operand) -> bool:
    return isinstance(o, Read) and o.slot.kind == "flag"


_BY_CLASS = (
    (sp.Add, Arithmetic._add),
    (sp.Mul, Arithmetic._mul),
    (sp.Pow, Arithmetic._pow),
    ((sp.Max, sp.Min), Arithmetic._extreme),
    (sp.Abs, Arithmetic._abs),
    (UnitStep, Arithmetic._step),
    (Delta, Arithmetic._delta),
    (InRange, Arithmetic._in_range),
    (xlogy, Arithmetic._xlogy),
    (held, Arithmetic._held),
    (sp.Piecewise, Arithmetic._piecewise),
)
