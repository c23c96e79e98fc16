"""What a matrix form means to NumPy, for tests: nothing is shared with the expansion to indices."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import sympy as sp

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


def value(e: Any, arrays: dict[sp.Symbol, np.ndarray], sizes: dict[sp.Symbol, int]) -> Any:
    """The array of a form; vectors are columns, scalars have the shape (1, 1)."""

    def of(a: Any) -> Any:
        return value(a, arrays, sizes)

    def number(s: Any) -> int:
        return int(sp.sympify(s).subs(sizes))

    if not isinstance(e, Form):
        if e.has(Form):
            return e.func(*(sp.Float(float(np.squeeze(of(a)))) for a in e.args))
        return float(e.subs(sizes | {v: float(a) for v, a in arrays.items() if a.ndim == 0}))
    if isinstance(e, Leaf):
        a = arrays[e.args[0]]
        a = a.reshape(a.shape if a.ndim == 2 else (-1, 1))
        return a.T if e.args[2] else a
    if isinstance(e, Ones):
        return np.ones([number(s) for s in e.args])
    if isinstance(e, Eye):
        return np.eye(number(e.args[0]))
    if isinstance(e, Transposed):
        return of(e.args[0]).T
    if isinstance(e, Dot):
        return reduce(np.matmul, map(of, e.args))
    if isinstance(e, Diag):
        return np.diag(of(e.args[0])[:, 0])
    if isinstance(e, Hadamard):
        return reduce(np.multiply, map(of, e.args))
    if isinstance(e, Plus):
        return reduce(np.add, map(of, e.args))
    if isinstance(e, Scaled):
        return float(np.squeeze(of(e.args[0]))) * of(e.args[1])
    if isinstance(e, Raised):
        return of(e.args[0]) ** float(e.args[1])
    assert isinstance(e, Apply)
    f = e.args[0]
    functions = {sp.exp: np.exp, sp.tanh: np.tanh}
    return functions[type(f)](of(f.args[0]))
