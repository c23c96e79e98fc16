"""Initial weights: a draw u (uniform on 0..1) or z (standard normal) scaled to a variance."""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp

from symdl.formula import Formula
from symdl.notation.tensors import real

__all__ = [
    "ALL",
    "CONSTANT",
    "GLOROT_NORMAL",
    "GLOROT_UNIFORM",
    "HE_NORMAL",
    "HE_UNIFORM",
    "LECUN_NORMAL",
    "LECUN_UNIFORM",
    "ORTHOGONAL",
    "RANDOM_NORMAL",
    "RANDOM_UNIFORM",
    "ZEROS",
]

w = real("w")
uniform, normal = real("u"), real("z")
fan_in, fan_out = sp.symbols("fan_in fan_out", integer=True, positive=True)
variance = sp.Symbol("variance", positive=True)
limit, stddev = sp.symbols("limit stddev", positive=True)
value = real("value")
orthonormal = real("q")
gain = sp.Symbol("gain", positive=True)

_GLOROT = (
    "Glorot, Bengio (2010), Understanding the difficulty of training deep feedforward networks"
)
_LECUN = "LeCun, Bottou, Orr, Mueller (1998), Efficient BackProp, section 4.6"
_EARLY = (
    "Rumelhart, Hinton, Williams (1986), Learning representations by back-propagating errors: "
    "small random weights break the symmetry"
)
_HE = "He, Zhang, Ren, Sun (2015), Delving Deep into Rectifiers"


def _drawn(
    name: str,
    title: str,
    var: sp.Expr,
    draw: sp.Symbol,
    source: str,
    *,
    hyper: Iterable[tuple[sp.Symbol, sp.Expr]] = (),
) -> Formula:
    """w = sqrt(3 var) (2u - 1) has variance var, for u uniform on 0..1; so has sqrt(var) z."""
    scaled = sp.sqrt(3 * variance) * (2 * draw - 1) if draw == uniform else sp.sqrt(variance) * draw
    return Formula(
        [sp.Eq(variance, var, evaluate=False), sp.Eq(w, scaled, evaluate=False)],
        output=w, random=[draw], hyper=hyper, name=name, title=title, source=source,
        domain={draw: sp.Interval.Ropen(0, 1) if draw == uniform else sp.Reals},
    )  # fmt: skip


GLOROT_UNIFORM = _drawn(
    "glorot_uniform", "Glorot uniform", 2 / (fan_in + fan_out), uniform, _GLOROT
)
GLOROT_NORMAL = _drawn("glorot_normal", "Glorot normal", 2 / (fan_in + fan_out), normal, _GLOROT)
HE_UNIFORM = _drawn("he_uniform", "He uniform", 2 / fan_in, uniform, _HE)
HE_NORMAL = _drawn("he_normal", "He normal", 2 / fan_in, normal, _HE)
LECUN_UNIFORM = _drawn("lecun_uniform", "LeCun uniform", 1 / fan_in, uniform, _LECUN)
LECUN_NORMAL = _drawn("lecun_normal", "LeCun normal", 1 / fan_in, normal, _LECUN)
RANDOM_UNIFORM = _drawn(
    "random_uniform", "uniform from -limit to limit", limit**2 / 3, uniform, _EARLY,
    hyper=[(limit, sp.Rational(1, 20))],
)  # fmt: skip
RANDOM_NORMAL = _drawn(
    "random_normal", "normal", stddev**2, normal, _EARLY, hyper=[(stddev, sp.Rational(1, 20))]
)
ZEROS = Formula(
    sp.Eq(w, 0, evaluate=False), output=w, name="zeros", title="zeros",
    source="Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4",
)  # fmt: skip

CONSTANT = Formula(
    sp.Eq(w, value, evaluate=False), output=w, hyper=[(value, sp.Integer(0))],
    name="constant", title="constant",
    source="Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4",
)  # fmt: skip

# q is an element of a matrix drawn from all that have orthonormal rows, or columns where those are
# fewer; drawing it is an algorithm, so it stands apart from those whose draws are independent
ORTHOGONAL = Formula(
    sp.Eq(w, gain * orthonormal, evaluate=False), output=w, random=[orthonormal],
    domain={orthonormal: sp.Interval(-1, 1)}, hyper=[(gain, sp.Integer(1))],
    name="orthogonal", title="orthogonal: q is a matrix with orthonormal rows or columns",
    source="Saxe, McClelland, Ganguli (2014), Exact solutions to the nonlinear dynamics of "
    "learning in deep linear neural networks",
)  # fmt: skip

ALL = (
    GLOROT_UNIFORM,
    GLOROT_NORMAL,
    HE_UNIFORM,
    HE_NORMAL,
    LECUN_UNIFORM,
    LECUN_NORMAL,
    RANDOM_UNIFORM,
    RANDOM_NORMAL,
    CONSTANT,
    ZEROS,
)
