"""What text may ask for, held against limits before SymPy is asked to compute it.

First the text itself (length, characters, brackets), then the tree that was read (nodes, depth,
the work it will make), then each single operation: how many bits its exact number would have, and
which degree.  So no short text can keep the machine busy.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import InputError, SymdlError
from symdl.notation.binders import Binder
from symdl.notation.indicators import Delta, InRange, UnitStep

if TYPE_CHECKING:
    from lark import Token, Tree

__all__ = ["Gauge", "check_text", "measure", "shown", "wrong"]

MAX_CHARACTERS = 20_000
MAX_DEPTH = 100  # of brackets, and of the tree: SymPy recurses a few frames for each level
MAX_NODES = 2_000
MAX_WORK = 4_000  # about a second
MAX_BITS = 4_096  # of an exact number
MAX_ROOT_BITS = 256  # of a number under a root, which SymPy looks for factors in
MAX_DEGREE = 1_000
MAX_EXP = 2**32  # of a number under exp
MAX_ARGUMENTS = 16  # of max and min, which compare each pair

_BRANCHING = ("abs", "max", "min", "sign")  # SymPy asks about their arguments, again and again
# what SymPy raises, in its depth, where an operation has no value or a node of ours is in its way
_REFUSED_BY_SYMPY = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NotImplementedError,
    TypeError,
    ValueError,
)
_CLOSES = {")": "(", "]": "["}


def wrong(at: Tree[Token] | Token, found: str, expected: str, hint: str = "") -> InputError:
    """Return the error that says where, what was found, what was expected and what to try."""
    place = at if isinstance(at, str) else at.meta
    return _wrong((place.line or 1, place.column or 1), found, expected, hint)


def _wrong(place: tuple[int, int], found: str, expected: str, hint: str = "") -> InputError:
    parts = [f"found {found}", f"expected {expected}", *([hint] if hint else [])]
    return InputError(f"line {place[0]}, column {place[1]}: {'; '.join(parts)}.")


def shown(text: str) -> str:
    """Return ``text`` quoted for a message: one line, no invisible characters, not long.

    >>> print(shown("x"), shown(chr(0)))
    'x' the character U+0000
    """
    if len(text) == 1 and not text.isprintable():
        return f"the character U+{ord(text):04X}"
    text = "".join(c if c.isprintable() else "?" for c in text)
    return f"'{text}'" if len(text) <= 32 else f"'{text[:28]}...'"


def check_text(text: object, expected: str) -> str:
    """Return ``text`` if it is a str of an allowed length, its characters shown, brackets paired.

    >>> check_text("f(x]", "a formula")
    Traceback (most recent call last):
    symdl.errors.InputError: line 1, column 4: found ']'; expected ')' for the '(' in column 2.
    """
    if not isinstance(text, str):
        raise InputError(f"{expected} is read from a str, not from {type(text).__name__}")
    if not text.strip():
        raise _wrong((1, 1), "no text", expected)
    if len(text) > MAX_CHARACTERS:
        limit = f"at most {MAX_CHARACTERS} characters"
        raise _wrong((1, 1), f"{len(text)} characters", limit, "try several equations")
    opened: list[tuple[str, tuple[int, int]]] = []
    line, start = 1, -1
    for at, c in enumerate(text):
        if c == "\n":
            line, start = line + 1, at
        elif c in "([":
            opened.append((c, (line, at - start)))
            if len(opened) > MAX_DEPTH:
                limit = f"at most {MAX_DEPTH} brackets inside each other"
                raise _wrong((line, at - start), "one more open bracket", limit)
        elif c in _CLOSES:
            _close(c, opened, (line, at - start))
        elif unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn") and c not in "\t\r":
            raise _wrong((line, at - start), shown(c), "visible characters", "delete it")
    if opened:
        c, place = opened[-1]
        raise _wrong(place, f"'{c}', which is never closed", f"a closing {_partner(c)}")
    return text


def _partner(opening: str) -> str:
    return "')'" if opening == "(" else "']'"


def _close(c: str, opened: list[tuple[str, tuple[int, int]]], place: tuple[int, int]) -> None:
    if not opened:
        raise _wrong(place, f"'{c}'", f"no closing bracket, since no {_CLOSES[c]!r} is open")
    opening, (_, column) = opened.pop()
    if opening != _CLOSES[c]:
        expected = f"{_partner(opening)} for the '{opening}' in column {column}"
        raise _wrong(place, f"'{c}'", expected)


@dataclass(frozen=True)
class _Measure:
    """What is counted of a subtree."""

    size: int = 1  # nodes
    depth: int = 1
    level: int = 0  # branching functions inside each other
    bound: int = 0  # indices bound inside each other
    calls: int = 0  # functions of constants inside each other; 0 if a variable is in it
    width: int = 1  # arguments, where a maximum has maxima as arguments
    constant: bool = True
    work: float = 0.0


def measure(tree: Tree[Token], also_branching: Iterable[str] = ()) -> None:
    """Refuse a tree that is too large, too deep, or would take SymPy too long to build.

    The work is counted as what SymPy does: it looks into a whole subtree for each node, twice as
    long for each maximum or absolute value inside another, compares the arguments of a
    maximum in pairs, evaluates constants with more digits the deeper they are, and tries the orders
    of the indices of a sum.
    """
    branching = {*_BRANCHING, *also_branching}
    found: dict[int, _Measure] = {}
    for t in tree.iter_subtrees():  # from the leaves up, without recursion
        found[id(t)] = _measured(t, [found[id(c)] for c in t.children if id(c) in found], branching)
    top = found[id(tree)]
    limits = (
        (top.depth, MAX_DEPTH, "levels of operations inside each other"),
        (top.size, MAX_NODES, "names, numbers and operations"),
        (
            int(top.work),
            MAX_WORK,
            "units of work (max, abs and sums inside each other multiply it)",
        ),
    )
    for count, limit, what in limits:
        if count > limit:
            raise wrong(tree, f"{count} {what}", f"at most {limit}", "try several equations")


def _measured(t: Tree[Token], inner: list[_Measure], branching: set[str]) -> _Measure:
    size = 1 + sum(m.size for m in inner)
    level = max((m.level for m in inner), default=0)
    bound = max((m.bound for m in inner), default=0)
    calls = max((m.calls for m in inner), default=0)
    width = 1
    constant = t.data not in ("name", "access", "bind") and all(m.constant for m in inner)
    work = sum(m.work for m in inner) + size / 10
    name = str(t.children[0]) if t.data in ("call", "bind") else ""
    if t.data == "call" and name in branching:
        if name in ("max", "min"):
            width = sum(m.width for m in inner)
        work += max(1, width**2 // 2) * 2.0 ** min(level, 60)
        level += 1
    elif t.data == "bind" and not isinstance(t.children[1], str):
        bound += len(t.children[1].children)
        work += math.factorial(min(bound, 8)) * size / 10
    if t.data in ("call", "power", "term") and constant:
        calls += 1
        work += 0.4 * calls**2
    depth = 1 + max((m.depth for m in inner), default=0)
    return _Measure(size, depth, level, bound, calls * constant, width, constant, work)


class Gauge:
    """Upper bounds on what an operation would make, each found before it is done."""

    def __init__(self) -> None:
        self._bits: dict[Expr, int] = {}
        self._degree: dict[Expr, Fraction] = {}

    def bits(self, e: Expr) -> int:
        """The bits of the largest number that products and powers in ``e`` can come to."""
        if e.is_Rational:
            return (max(abs(int(e.p)), int(e.q)) - 1).bit_length()
        if e not in self._bits:
            inner = [self.bits(a) for a in e.args]
            if e.is_Mul:
                found = sum(inner)
            elif e.is_Pow and e.exp.is_Rational:
                found = math.ceil(inner[0] * _size(e.exp))
            else:
                found = max(inner, default=0)
            self._bits[e] = found
        return self._bits[e]

    def degree(self, e: Expr) -> Fraction:
        """The degree of ``e`` in whatever it is a polynomial of, reciprocals counted as well."""
        if e.is_number:
            return Fraction(0)
        if e not in self._degree:
            if e.is_Mul:
                found = sum((self.degree(a) for a in e.args), Fraction(0))
            elif e.is_Add:
                found = max(self.degree(a) for a in e.args)
            elif e.is_Pow:
                found = max(self.degree(e.base), Fraction(1)) * self.coefficient(e.exp)
            else:
                found = Fraction(1)
            self._degree[e] = found
        return self._degree[e]

    def coefficient(self, e: Expr) -> Fraction:
        """The size of the largest number that can stand as a coefficient or a term in ``e``."""
        if e.is_number:
            return _size(e)
        if e.is_Add:
            return max(self.coefficient(a) for a in e.args)
        if e.is_Mul:
            return math.prod((self.coefficient(a) for a in e.args), start=Fraction(1))
        if e.is_Pow and e.exp.is_Rational:
            return Fraction(2 ** min(self.bits(e), MAX_BITS))
        return Fraction(1)

    def number(self, at: Token) -> Expr:
        """Return the exact number, unless it has too many digits or too large an exponent."""
        mantissa, _, exponent = str(at).lower().partition("e")
        power = exponent.lstrip("+-0")
        digits = len(mantissa) + (int(power or 0) if len(power) < 6 else 10**6)
        if digits > MAX_BITS * math.log10(2):
            raise wrong(at, shown(str(at)), "a number of at most 1,200 digits")
        return _exact(Fraction(str(at)))

    def product(self, at: Tree[Token] | Token, parts: Sequence[Expr]) -> None:
        """Refuse a product with too large a number or of too high a degree."""
        degree = sum(map(self.degree, parts), Fraction(0))
        self._within(at, sum(map(self.bits, parts)), degree)

    def sum(self, at: Tree[Token] | Token, parts: Sequence[Expr]) -> None:
        """Refuse a sum whose like terms would get too large a common denominator."""
        common: dict[Expr, int] = {}
        for term in (t for p in parts for t in sp.Add.make_args(p)):
            number, rest = term.as_coeff_Mul()
            common[rest] = math.lcm(common.get(rest, 1), int(number.q) if number.is_Rational else 1)
            self._within(at, common[rest].bit_length(), Fraction(0))

    def power(self, at: Tree[Token] | Token, base: Expr, exponent: Expr) -> None:
        """Refuse a power with too large a number, of too high a degree, or without a value."""
        if base == 0 and exponent.is_extended_negative:
            raise wrong(at, "a division by zero", "a divisor that is not zero")
        if base is sp.E:
            self.exp(at, exponent)
        if base in (0, 1, -1, sp.E):
            return
        times = self.coefficient(exponent)
        bits = self.bits(base)
        if not exponent.is_Integer and base.as_coeff_Mul()[0].is_Rational:
            root = self.bits(base.as_coeff_Mul()[0])
            if root > MAX_ROOT_BITS:
                raise wrong(at, f"a root of a number of {root} bits", f"at most {MAX_ROOT_BITS}")
        if base.is_number and not base.is_Rational:
            bits = max(bits, abs(_magnitude(at, base)))
        least = Fraction(0 if base.is_number else 1)
        self._within(at, math.ceil(bits * times), max(self.degree(base), least) * times)

    def exp(self, at: Tree[Token] | Token, argument: Expr) -> None:
        """Refuse an exponential of too large a number, also where a logarithm makes it a power."""
        for term in sp.Add.make_args(argument):
            if term.is_number and _magnitude(at, term) > math.log2(MAX_EXP):
                raise wrong(at, "an exponential of a huge number", "a number below 2**32 in size")
        for log in argument.atoms(sp.log):
            self.power(at, log.args[0], _exact(self.coefficient(argument)))

    def argument(self, at: Tree[Token] | Token, argument: Expr) -> None:
        """Refuse a huge constant as the argument of any other function."""
        if argument.is_number and _magnitude(at, argument) > MAX_BITS:
            raise wrong(at, "a function of a huge number", f"a number below 2**{MAX_BITS} in size")

    def make(self, at: Tree[Token] | Token, what: str, make: Callable[[], Expr]) -> Expr:
        """Make something, say where it went wrong if it does, and judge what comes out."""
        try:
            made = make()
        except SymdlError as error:
            raise wrong(at, f"{what} that does not fit ({error})", "sizes that agree") from error
        except _REFUSED_BY_SYMPY as error:
            raise wrong(at, f"{what} without a value ({error})", "real arguments") from error
        return self.result(at, made)

    def result(self, at: Tree[Token] | Token, value: Expr) -> Expr:
        """Return ``value``, or refuse it: infinite, undefined, not real, or perhaps zero."""
        if any(a in (sp.zoo, sp.oo, -sp.oo, sp.nan) for a in (value, *value.args)):
            raise wrong(at, "a division by zero or log(0)", "a finite value")
        if any(a is sp.I for a in (value, *value.args)):
            raise _not_real(at)
        composed = value.is_Add or value.is_Mul or value.is_Pow or isinstance(value, sp.log)
        if composed and value.is_number:
            _magnitude(at, value)
        return value

    def whole(self, at: Tree[Token] | Token, value: Expr) -> Expr:
        """Return the finished ``value`` once all of it is finite, real and within limits."""
        numbers = value.atoms(sp.Number, type(sp.I), type(sp.zoo))
        if any(not a.is_Rational for a in numbers if a is not sp.I):
            raise wrong(at, "a division by zero or log(0)", "a finite value")
        if sp.I in numbers:
            raise _not_real(at)
        self._within(at, max(map(self.bits, numbers), default=0), Fraction(0))
        return value

    def _within(self, at: Tree[Token] | Token, bits: int, degree: Fraction) -> None:
        if bits > MAX_BITS:
            found = f"an exact number of about {_count(bits)} bits"
            raise wrong(at, found, f"at most {MAX_BITS}", "try a smaller exponent, or a symbol")
        if degree > MAX_DEGREE:
            found = f"a power of degree {_count(math.ceil(degree))}"
            raise wrong(at, found, f"at most {MAX_DEGREE}", "try a smaller exponent, or a symbol")


def _magnitude(at: Tree[Token] | Token, e: Expr) -> int:
    """The number of bits before the point of the constant ``e``, which is real and not zero."""
    if e.is_Rational:
        return int(e.p).bit_length() - int(e.q).bit_length() + 1
    if e.has(Binder, Delta, InRange, UnitStep):
        return 0
    value = e.evalf(15, maxn=60)
    if not value.is_Float:
        if sp.im(value).is_nonzero:
            raise _not_real(at)
        return 0
    _, man, exponent, count = value._mpf_
    if not man or value._prec == 1:
        found = "a constant that cannot be told from zero"
        raise wrong(at, found, "its exact value", "write it in lowest terms, such as 0")
    return int(exponent + count)


def _not_real(at: Tree[Token] | Token) -> InputError:
    found = "a value that is not real (a root or logarithm of a negative number)"
    return wrong(at, found, "a real one")


def _size(e: Expr) -> Fraction:
    """The absolute value of the constant ``e``, rounded up unless it is rational."""
    if e.is_Rational:
        return Fraction(abs(int(e.p)), int(e.q))
    value = e.evalf(5, maxn=60)
    if not value.is_Float:
        return Fraction(1)
    _, man, exponent, _ = value._mpf_
    return Fraction(man + 1) * Fraction(2) ** max(min(exponent, 2 * MAX_BITS), -MAX_BITS)


def _exact(x: Fraction) -> Expr:
    return sp.Rational(x.numerator, x.denominator)


def _count(n: int) -> str:
    return str(n) if n < 10**12 else f"2**{n.bit_length() - 1}"
