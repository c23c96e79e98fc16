"""The pass ``branches``: choices by the sign of z become choices of the argument.

    e^-|z| if z < 0 else 1          is   e^min(0, z)
    a (e^z - 1) if z < 0 else z     is   max(0, z) + a (e^min(0, z) - 1)

Both are exact: the branch that is not taken is read at 0, where it is what it should be.
"""

from __future__ import annotations

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.core.expr import Expr

from symdl.program.ir import Map, Program

__all__ = ["branches"]

_BELOW = (sp.StrictLessThan, sp.LessThan)
_ABOVE = (sp.StrictGreaterThan, sp.GreaterThan)
_ODD = (expm1, log1p, sp.tanh, sp.sinh, sp.asinh, sp.atan, sp.sin, sp.tan, sp.Abs)


def branches(program: Program) -> Program:
    """Rewrite choices by sign where that is exact; a masked copy costs ten passes."""
    found, count = [], 0
    for s in program.statements:
        new = s
        if isinstance(s, Map) and s.labels and s.body.has(sp.Piecewise):
            body = s.body.replace(lambda e: isinstance(e, sp.Piecewise), unbranched)
            if body != s.body:
                count += 1
                new = Map(s.target, s.labels, s.operands, body, s.note)
        found.append(new)
    return program.changed(found, "branches", f"{count} choices by sign made without a mask")


def unbranched(e: sp.Piecewise) -> Expr:
    """Return an equal expression without a choice, or ``e`` itself.

    >>> z = sp.Symbol("z", real=True)
    >>> unbranched(sp.Piecewise((1, z > 0), (sp.exp(-sp.Abs(z)), True)))
    exp(Min(0, z))
    >>> unbranched(sp.Piecewise((z, z >= 0), (expm1(z), True)))
    expm1(Min(0, z)) + Max(0, z)
    """
    if len(e.args) != 2 or e.args[1].cond != True:  # noqa: E712  (SymPy's own true)
        return e
    (first, condition), (second, _) = e.args
    z = _sign_of(condition)
    if z is None:
        return e
    below, above = (first, second) if isinstance(condition, _BELOW) else (second, first)
    below, above = below.xreplace({sp.Abs(z): -z}), above.xreplace({sp.Abs(z): z})
    low, high = sp.Min(0, z), sp.Max(0, z)
    if not above.has(z) and below.xreplace({z: sp.S.Zero}) == above:
        return below.xreplace({z: low})
    if not below.has(z) and above.xreplace({z: sp.S.Zero}) == below:
        return above.xreplace({z: high})
    if _vanishes(below, z) and _vanishes(above, z):
        return above.xreplace({z: high}) + below.xreplace({z: low})
    return e


def _sign_of(condition: Expr) -> sp.Symbol | None:
    """Return z where the condition compares it with 0."""
    if not isinstance(condition, (*_BELOW, *_ABOVE)):
        return None
    z, zero = condition.args
    return z if zero == 0 and isinstance(z, sp.Symbol) else None


def _vanishes(e: Expr, z: sp.Symbol) -> bool:
    """Whether ``e`` is 0 at z = 0 in floating point too: by a factor that is."""
    if e in (z, 0):
        return True
    if e.is_Mul:
        return any(_vanishes(f, z) for f in e.args)
    if e.is_Pow:
        return bool(e.exp.is_positive) and _vanishes(e.base, z)
    return isinstance(e, _ODD) and _vanishes(e.args[0], z)
