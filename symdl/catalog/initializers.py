"""Initial weights: a draw u (uniform on 0..1) or z (standard normal) scaled to a variance."""

from __future__ import annotations

import sympy as sp

from symdl.formula import Formula
from symdl.notation.tensors import real

__all__ = ["ALL", "GLOROT_NORMAL", "GLOROT_UNIFORM", "HE_NORMAL", "HE_UNIFORM", "ZEROS"]

w = real("w")
uniform, normal = real("u"), real("z")
fan_in, fan_out = sp.symbols("fan_in fan_out", integer=True, positive=True)
variance = sp.Symbol("variance", positive=True)

_GLOROT = (
    "Glorot, Bengio (2010), Understanding the difficulty of training deep feedforward networks"
)
_HE = "He, Zhang, Ren, Sun (2015), Delving Deep into Rectifiers"


def _drawn(name: str, title: str, var: sp.Expr, draw: sp.Symbol, source: str) -> Formula:
    """w = sqrt(3 var) (2u - 1) has variance var, for u uniform on 0..1; so has sqrt(var) z."""
    scaled = sp.sqrt(3 * variance) * (2 * draw - 1) if draw == uniform else sp.sqrt(variance) * draw
    return Formula(
        [sp.Eq(variance, var, evaluate=False), sp.Eq(w, scaled, evaluate=False)],
        output=w, inputs=[], random=[draw], name=name, title=title, source=source,
    )  # fmt: skip


GLOROT_UNIFORM = _drawn(
    "glorot_uniform", "Glorot uniform", 2 / (fan_in + fan_out), uniform, _GLOROT
)
GLOROT_NORMAL = _drawn("glorot_normal", "Glorot normal", 2 / (fan_in + fan_out), normal, _GLOROT)
HE_UNIFORM = _drawn("he_uniform", "He uniform", 2 / fan_in, uniform, _HE)
HE_NORMAL = _drawn("he_normal", "He normal", 2 / fan_in, normal, _HE)
ZEROS = Formula(
    sp.Eq(w, 0, evaluate=False), output=w, name="zeros", title="zeros",
    source="Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4",
)  # fmt: skip

ALL = (GLOROT_UNIFORM, GLOROT_NORMAL, HE_UNIFORM, HE_NORMAL, ZEROS)
