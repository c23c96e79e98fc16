"""The sign of an expression on a domain, by an argument that is checked.

Elements, sums and everything but sums, products, powers and exponentials are put behind symbols
whose sign is known.  What is left is a fraction of polynomials; it is factored, the factored form
is compared with the expression by the normal form, and the sign of each factor is found: from the
signs of its terms, or, in one variable, from the exact count of its roots.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

import mpmath
import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.elimination import simplest
from symdl.errors import SymdlError
from symdl.evidence.domain_points import Domain, drawn, shown_values
from symdl.evidence.evaluate import NO_VALUE, evaluate, precise
from symdl.evidence.verdict import Verdict
from symdl.notation.binders import ArgPeak, Binder, Peak, Total
from symdl.notation.functions import HYPERBOLIC, by_exponentials
from symdl.notation.indicators import Delta, InRange, UnitStep
from symdl.notation.normal import equal
from symdl.notation.tensors import Elem

__all__ = ["Domain", "as_fraction", "judge_nonnegative", "roots_in", "sign"]

POSITIVE, NONNEGATIVE, ZERO, NONPOSITIVE, NEGATIVE = "> 0", ">= 0", "= 0", "<= 0", "< 0"
_FLIPPED = {
    POSITIVE: NEGATIVE, NONNEGATIVE: NONPOSITIVE, ZERO: ZERO,
    NONPOSITIVE: NONNEGATIVE, NEGATIVE: POSITIVE,
}  # fmt: skip
_UP = (POSITIVE, NONNEGATIVE, ZERO)
_POINTS = 24


def judge_nonnegative(e: Expr, domain: Domain | None = None, strict: bool = False) -> Verdict:
    """Judge e >= 0 (or e > 0) on a domain, for all sizes.

    >>> x = sp.Symbol("x", real=True)
    >>> judge_nonnegative(sp.exp(x) + sp.exp(-x) - 2).level
    'proved'
    >>> judge_nonnegative(x**2 - x).level
    'refuted'
    """
    domain = domain or {}
    found = sign(e, domain)
    wanted = (POSITIVE,) if strict else _UP
    if found in wanted:
        return Verdict("proved", f"{found} by the signs of its factors")
    seen = _negative_point(e, domain)
    if seen is not None:
        return seen
    return Verdict("unknown", "no argument for the sign was found, and no point against it")


def sign(e: Expr, domain: Domain | None = None) -> str | None:
    """The sign that could be proved on the whole domain, or None.

    >>> x = sp.Symbol("x", real=True)
    >>> sign(x**2 + 1), sign(x**3 - x), sign(x**3 - x, {x: sp.Interval.open(0, 1)})
    ('> 0', None, '< 0')
    """
    try:
        return _joined(_rational_sign(c) for c in _cases(_behind_symbols(e, domain or {})))
    except (SymdlError, sp.PolynomialError, NotImplementedError):
        return None


# -------------------------------------------------------------------------- behind symbols


def _behind_symbols(e: Expr, domain: Domain) -> tuple[Expr, dict[Expr, sp.Set]]:
    """Sums and elements as symbols of a known sign, and the sets of the other symbols."""
    names: dict[Expr, Expr] = {}
    ranges: dict[Expr, sp.Set] = {}

    def visit(a: Expr) -> Expr:
        if a in names:
            return names[a]
        if isinstance(a, Binder):
            names[a] = _with_sign(_binder_sign(a, domain))
        elif isinstance(a, Elem):
            set_ = domain.get(a.tensor)
            if a.tensor.positive_elements:
                set_ = sp.Interval.open(0, sp.oo).intersect(set_ or sp.Reals)
            names[a] = _with_range(set_, ranges)
        elif isinstance(a, sp.Symbol) and a in domain:
            names[a] = _with_range(domain[a], ranges)
        elif isinstance(a, (Delta, InRange)) or (
            isinstance(a, UnitStep) and (a.args[1].is_number and 0 <= a.args[1] <= 1)
        ):
            names[a] = sp.Dummy("i", nonnegative=True)
        elif a.args:
            return a.func(*(visit(b) for b in a.args))
        else:
            return a
        return names[a]

    return visit(e), ranges


def _with_sign(found: str | None) -> sp.Dummy:
    known = {
        POSITIVE: "positive", NEGATIVE: "negative", NONNEGATIVE: "nonnegative",
        NONPOSITIVE: "nonpositive", ZERO: "zero",
    }  # fmt: skip
    return sp.Dummy("s", **{known.get(found or "", "real"): True})


def _binder_sign(b: Binder, domain: Domain) -> str | None:
    if isinstance(b, (Total, Peak)):
        return sign(b.open()[0], domain)
    return NONNEGATIVE if isinstance(b, ArgPeak) else None


def _with_range(found: sp.Set | None, ranges: dict[Expr, sp.Set]) -> sp.Symbol:
    if found == sp.Interval.open(0, sp.oo):
        return sp.Dummy("x", positive=True)
    name = sp.Dummy("x", real=True)
    if found is not None and found != sp.Reals:
        ranges[name] = found
    return name


def _cases(pair: tuple[Expr, dict[Expr, sp.Set]]) -> Iterator[Expr]:
    """The expression with each bounded symbol written with one that is only positive."""
    e, ranges = pair
    choices = [[(x, v) for v in _covering(found)] for x, found in ranges.items()]
    for chosen in itertools.product(*choices):
        yield e.xreplace(dict(chosen))


def _covering(found: sp.Set) -> list[Expr]:
    """Expressions of a positive symbol (or numbers) whose values together are the whole set."""
    if isinstance(found, sp.FiniteSet):
        return list(found)
    if not isinstance(found, sp.Interval):
        raise SymdlError(f"a domain is an Interval or a FiniteSet, not {found}")
    low, high = found.start, found.end
    s = sp.Dummy("g", positive=True)
    if low == -sp.oo and high == sp.oo:
        return [sp.Dummy("x", real=True)]
    ends = [low] if low != -sp.oo and not found.left_open else []
    ends += [high] if high != sp.oo and not found.right_open else []
    if high == sp.oo:
        return [low + s, *ends]
    if low == -sp.oo:
        return [high - s, *ends]
    return [(low + high * s) / (1 + s), *ends]


def _joined(signs: Iterable[str | None]) -> str | None:
    """What holds in every case."""
    found = set(signs)
    for weaker in (POSITIVE, NEGATIVE, ZERO, NONNEGATIVE, NONPOSITIVE):
        allowed = {
            NONNEGATIVE: set(_UP), NONPOSITIVE: {ZERO, NEGATIVE, NONPOSITIVE},
        }.get(weaker, {weaker})  # fmt: skip
        if found <= allowed:
            return weaker
    return None


# --------------------------------------------------------------------- fractions of polynomials


def _rational_sign(e: Expr) -> str | None:
    """The sign of an expression of symbols whose assumptions are all that is known of them."""
    direct = _structural(e)
    if direct is not None:
        return direct
    for form in dict.fromkeys((e, simplest(e))):
        plain, back = as_fraction(form)
        found = _factored_sign(plain)
        if found is not None and equal(_written(plain, back), e):
            return found
    return None


def as_fraction(e: Expr) -> tuple[Expr, dict[Expr, Expr]]:
    """A factored fraction of polynomials in symbols, and what the symbols stand for."""
    names: dict[Expr, sp.Symbol] = {}
    shown = e.replace(lambda a: isinstance(a, HYPERBOLIC), by_exponentials)
    plain = _abstract(shown, names, _units(shown))
    back = {s: a for a, s in names.items()}
    return sp.factor(sp.cancel(sp.together(plain))), back


def _units(e: Expr) -> dict[Expr, Expr]:
    """For each monomial m of the exponents of ``e``, the largest c with all exp(k c m), k whole."""
    found: dict[Expr, Expr] = {}
    for a in e.atoms(sp.exp):
        for m, c in sp.expand(a.args[0]).as_coefficients_dict().items():
            found[m] = sp.gcd(found[m], c) if m in found else abs(c)
    return found


def _abstract(e: Expr, names: dict[Expr, sp.Symbol], units: Mapping[Expr, Expr]) -> Expr:
    if e.is_Rational or isinstance(e, sp.Symbol):
        return e
    if isinstance(e, sp.exp):
        out = sp.S.One
        for m, c in sp.expand(e.args[0]).as_coefficients_dict().items():
            unit = units.get(m)
            if unit is None:
                return _named(e, names)
            out *= _named(sp.exp(unit * m), names) ** (c / unit)
        return out
    if e.is_Add or e.is_Mul:
        return e.func(*(_abstract(a, names, units) for a in e.args))
    if e.is_Pow and e.exp.is_Integer:
        return _abstract(e.base, names, units) ** e.exp
    return _named(e, names)


def _named(e: Expr, names: dict[Expr, sp.Symbol]) -> sp.Symbol:
    if e not in names:
        names[e] = _with_sign(_structural(e))
    return names[e]


def _written(e: Expr, back: Mapping[Expr, Expr]) -> Expr:
    return e.xreplace(dict(back))


def _factored_sign(e: Expr) -> str | None:
    return _product(_power(_factor_sign(*_base(f)), _base(f)[1]) for f in sp.Mul.make_args(e))


def _base(f: Expr) -> tuple[Expr, Expr]:
    return (f.base, f.exp) if f.is_Pow and f.exp.is_Integer else (f, sp.S.One)


def _factor_sign(f: Expr, exponent: Expr) -> str | None:
    found = _structural(f)
    if found is None and len(f.free_symbols) == 1 and f.is_polynomial():
        return _sign_by_roots(f, next(iter(f.free_symbols)))
    return found


def _sign_by_roots(f: Expr, x: sp.Symbol) -> str | None:
    """A polynomial of one symbol without roots where the symbol lives has the sign of one value."""
    if any(not c.is_Rational for c in sp.Poly(f, x).coeffs()):
        return None
    if roots_in(f, x):
        return None
    at = sp.S.One if x.is_positive else sp.S.NegativeOne if x.is_negative else sp.S.Zero
    value = f.subs(x, at)
    found = POSITIVE if value > 0 else NEGATIVE
    if at == 0 and x.is_nonnegative and value == 0:
        return None
    return found


def roots_in(f: Expr, x: sp.Symbol) -> list[Expr]:
    """The real roots of a polynomial with rational coefficients, where ``x`` can be."""
    keep = []
    for r in sp.Poly(f, x).real_roots(multiple=False):
        root = r[0]
        if not (
            (x.is_positive and root <= 0)
            or (x.is_negative and root >= 0)
            or (x.is_nonnegative and root < 0)
            or (x.is_nonpositive and root > 0)
        ):
            keep.append(root)
    return keep


# -------------------------------------------------------------------------------- by structure


def _structural(e: Expr) -> str | None:
    """The sign that follows from the parts."""
    if e.is_number:
        return _known(e)
    if e.is_Add:
        return _sum(_structural(a) for a in e.args)
    if e.is_Mul:
        return _product(_structural(a) for a in e.args)
    if e.is_Pow and not isinstance(e, sp.exp) and e.exp.is_Rational:
        return _power(_structural(e.base), e.exp)
    if isinstance(e, (sp.Piecewise, sp.Max)):
        parts = [_structural(a[0] if isinstance(e, sp.Piecewise) else a) for a in e.args]
        if isinstance(e, sp.Max) and POSITIVE in parts:
            return POSITIVE
        if isinstance(e, sp.Max) and any(p in _UP for p in parts):
            return NONNEGATIVE
        return _joined(parts)
    if isinstance(e, sp.log):
        return _rational_sign(e.args[0] - 1) if _rational_sign(e.args[0]) == POSITIVE else None
    if isinstance(e, (sp.tanh, sp.sinh)):
        return _structural(e.args[0])
    if isinstance(e, (sp.exp, sp.cosh)):
        return POSITIVE if e.args[0].is_real else None
    return _known(e)


def _known(e: Expr) -> str | None:
    if e.is_zero:
        return ZERO
    if e.is_positive:
        return POSITIVE
    if e.is_negative:
        return NEGATIVE
    if e.is_nonnegative:
        return NONNEGATIVE
    return NONPOSITIVE if e.is_nonpositive else None


def _sum(signs: Iterable[str | None]) -> str | None:
    found = [s for s in signs if s != ZERO]
    if not found:
        return ZERO
    for strict, weak in ((POSITIVE, NONNEGATIVE), (NEGATIVE, NONPOSITIVE)):
        if all(s in (strict, weak) for s in found):
            return strict if strict in found else weak
    return None


def _times(a: str | None, b: str | None) -> str | None:
    if ZERO in (a, b):
        return ZERO
    if a is None or b is None:
        return None
    if a in (NEGATIVE, NONPOSITIVE):
        return _times_up(_FLIPPED[a], _FLIPPED[b])
    return _times_up(a, b)


def _times_up(a: str, b: str) -> str:
    if b in (NEGATIVE, NONPOSITIVE):
        return _FLIPPED[_times_up(a, _FLIPPED[b])]
    return POSITIVE if a == b == POSITIVE else NONNEGATIVE


def _product(signs: Iterable[str | None]) -> str | None:
    out: str | None = POSITIVE
    for s in signs:
        out = _times(out, s)
    return out


def _power(base: str | None, exponent: Expr) -> str | None:
    if exponent.is_negative and base == ZERO:
        return None
    nonzero = base in (POSITIVE, NEGATIVE) or exponent.is_negative
    if exponent.is_Integer and exponent % 2 == 0:
        return POSITIVE if nonzero else ZERO if base == ZERO else NONNEGATIVE
    if not exponent.is_Integer and base not in _UP:
        return None
    if exponent.is_negative:
        return {NONNEGATIVE: POSITIVE, NONPOSITIVE: NEGATIVE}.get(base or "", base)
    return base


# ---------------------------------------------------------------------------------- by points


def _negative_point(e: Expr, domain: Domain) -> Verdict | None:
    ctx = precise()
    for seed in range(_POINTS):
        try:
            world, index = drawn(e, domain, seed)
            value = evaluate(e, world, index)
        except NO_VALUE:
            continue
        if value < -(ctx.mpf(10) ** -30):
            shown = shown_values(e, world, index)
            return Verdict("refuted", "negative", (*shown, ("value", mpmath.nstr(value, 12))))
    return None
