"""Layers written as text: ``8:relu,8:relu,3:softmax``."""

from __future__ import annotations

from symdl.errors import InputError
from symdl.training.layers import Dense

__all__ = ["read_layers"]

_EXPECTED = "expected UNITS:ACTIVATION between commas, as in 8:relu,8:relu,3:softmax"
_MOST = 100_000  # units of a layer: more is likelier a slip than a wish


def read_layers(text: str) -> tuple[Dense, ...]:
    """Read dense layers, each as its units and its activation; a number alone is linear.

    >>> [(layer.units, layer.activation) for layer in read_layers("8:relu, 1")]
    [(8, 'relu'), (1, None)]
    >>> read_layers("8:relu,foo")
    Traceback (most recent call last):
    symdl.errors.InputError: --layers, part 2: found 'foo', expected UNITS:ACTIVATION between \
commas, as in 8:relu,8:relu,3:softmax
    """
    return tuple(_layer(part.strip(), k) for k, part in enumerate(text.split(","), 1))


def _layer(part: str, place: int) -> Dense:
    at = f"--layers, part {place}"
    units, colon, activation = (p.strip() for p in part.partition(":"))
    if not (units.isascii() and units.isdecimal()) or (colon and not activation):
        found = repr(part[:40]) if part else "nothing"
        raise InputError(f"{at}: found {found}, {_EXPECTED}")
    if len(units) > 9 or not 1 <= int(units) <= _MOST:
        raise InputError(f"{at}: {units[:12]} units; a layer has 1 to {_MOST}")
    try:
        return Dense(int(units), activation or None)
    except InputError as error:
        raise InputError(f"{at}: {str(error).removeprefix('Dense: ')}") from error
