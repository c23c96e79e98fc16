"""Sums that cancel, written without the difference that loses digits; each is an equality.

error function   a + a erf u = a erfc(-u),  a - a erf u = a erfc u
hyperbolic       log cosh d = log1p(2 sinh(d/2)^2) near 0, |d| + log1p(e^-2|d|) - log 2 beyond
"""

from __future__ import annotations

import sympy as sp
from sympy.codegen.cfunctions import log1p
from sympy.core.expr import Expr

from symdl.notation.functions import erfc
from symdl.notation.walk import variables

__all__ = ["log_cosh", "with_erf_tails"]

_ERROR_FUNCTIONS = (sp.erf, sp.erfc, erfc)


def with_erf_tails(e: Expr) -> Expr:
    """Write each sum of a constant and an error function of ``e`` as one error function.

    >>> x = sp.Symbol("x", real=True)
    >>> with_erf_tails((1 + sp.erf(x)) / 2), with_erf_tails(sp.exp(x) - 1 + sp.erf(x))
    (erfc(-x)/2, exp(x) - erfc(x))
    """
    if not e.is_Add:
        return e
    terms = list(e.args)
    for term in e.args:
        found = [f for f in sp.Mul.make_args(term) if isinstance(f, _ERROR_FUNCTIONS)]
        if len(found) != 1 or not variables(found[0]):
            continue
        (f,) = found
        for constant, joined in _joined(f, term / f):
            if constant in terms:
                terms[terms.index(term)] = joined
                terms.remove(constant)
                break
    return sp.Add(*terms)


def _joined(f: Expr, a: Expr) -> tuple[tuple[Expr, Expr], ...]:
    """What a constant beside a f(u) makes of it: (constant, their sum)."""
    u = f.args[0]
    if isinstance(f, sp.erf):
        return (a, a * erfc(-u)), (-a, -a * erfc(u))
    return (-2 * a, -a * erfc(-u)), (-a, -a * sp.erf(u))


def log_cosh(d: Expr) -> Expr:
    """Log cosh d, exact near 0; neither case overflows, even where the other is taken.

    >>> x = sp.Symbol("x", real=True)
    >>> log_cosh(x).args[0]
    (log1p(2*sinh(Min(1, Abs(x))/2)**2), Abs(x) < 1)
    """
    size = sp.Abs(d)
    near = log1p(2 * sp.sinh(sp.Min(1, size) / 2) ** 2)
    far = size + log1p(sp.exp(-2 * size)) - sp.log(2)
    return sp.Piecewise((near, size < 1), (far, True))
