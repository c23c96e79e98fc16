"""The names under which NumPy knows SymPy's functions, asked of SymPy's own printer.

The functions that NumPy lacks have names too: a backend writes them itself.
"""

from __future__ import annotations

import re

import sympy as sp
from sympy.core.expr import Expr
from sympy.printing.numpy import NumPyPrinter

from symdl.errors import NotSupported
from symdl.notation.functions import erfc

__all__ = ["ufunc_name"]

_WRITTEN = {sp.erf: "erf", sp.erfc: "erfc", erfc: "erfc"}

_CALL = re.compile(r"numpy\.([a-z_0-9]+)\((?:_\d+(?:, )?)+\)\Z")


def ufunc_name(e: Expr) -> str:
    """Return the function of arrays that computes the function at the head of ``e``.

    >>> ufunc_name(sp.tanh(sp.Symbol("x"))), ufunc_name(sp.asinh(sp.Symbol("x")))
    ('tanh', 'arcsinh')
    """
    if e.func in _WRITTEN:
        return _WRITTEN[e.func]
    args = [sp.Symbol(f"_{k}", real=True) for k in range(len(e.args))]
    plain = e.func(*args)
    match = _CALL.match(_printed(plain)) if e.args and plain.func is e.func else None
    if match is None:
        raise NotSupported(f"{e.func.__name__} has no NumPy function; a formula for it is needed")
    return match.group(1)


def _printed(e: Expr) -> str:
    try:
        return str(NumPyPrinter({"strict": True}).doprint(e))
    except Exception as error:  # a printer may fail in any way on a class it does not know
        raise NotSupported(f"SymPy cannot print {e.func.__name__} as NumPy: {error}") from error
