"""Formulas whose constants users choose, in words that a saved model keeps: huber(delta=2.0)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import sympy as sp

from symdl.errors import InputError
from symdl.formula import Formula
from symdl.training.choices import choose, number_in, suggestion

__all__ = ["formula_of", "with_constants"]

_CALL = re.compile(r"(\w+)\((.*)\)\Z")


def with_constants(formula: Formula, given: Mapping[str, object]) -> Formula:
    """Return the formula with other constants, which its name then states.

    A constant must lie in the set that the formula states for it.

    >>> from symdl.catalog.losses import HUBER
    >>> with_constants(HUBER, {"delta": 2}).name
    'huber(delta=2.0)'
    """
    known = [symbol.name for symbol, _ in formula.hyper]
    for name in given:
        if name not in known:
            has = suggestion(name, known) if known else "; it has no constants to choose"
            raise InputError(f"{formula.name} has no {name!r}{has}")
    usual = {symbol.name: float(value) for symbol, value in formula.hyper}
    checked = {
        symbol.name: number_in(
            f"{symbol.name} of {formula.name}", given[symbol.name], formula.domain_of(symbol)
        )
        for symbol, _ in formula.hyper
        if symbol.name in given
    }
    if all(usual[name] == value for name, value in checked.items()):
        return formula
    chosen = usual | checked
    words = ", ".join(f"{name}={value!r}" for name, value in chosen.items())
    hyper = tuple((symbol, _exact(chosen[symbol.name])) for symbol, _ in formula.hyper)
    return replace(formula, hyper=hyper, name=f"{formula.name}({words})")


def _exact(value: float) -> sp.Expr:
    """The fraction that a number reads as: evidence compares to more digits than a double has."""
    return sp.Rational(repr(value))


def formula_of(what: str, given: object, table: Mapping[str, Formula], where: str = "") -> Formula:
    """Return the formula that ``given`` names, with the constants it states.

    >>> from symdl.catalog.losses import HUBER
    >>> formula_of("loss", "huber(delta=0.5)", {"huber": HUBER}).hyper
    ((delta, 1/2),)
    """
    call = _CALL.match(given) if isinstance(given, str) else None
    if call is None:
        return choose(what, given, table, where)
    name, words = call.groups()
    found = choose(what, name, table, where)
    constants: dict[str, object] = {}
    for word in filter(None, (w.strip() for w in words.split(","))):
        constant, _, text = (part.strip() for part in word.partition("="))
        try:
            constants[constant] = float(text)
        except ValueError:
            raise InputError(f"{constant} of {name} must be a number, not {text!r}") from None
    return with_constants(found, constants)
