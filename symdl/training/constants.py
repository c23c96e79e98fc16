"""Formulas whose constants users choose, in words that a saved model keeps: huber(delta=2.0)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import ClassVar

from symdl.errors import InputError
from symdl.formula import Formula
from symdl.training.choices import Worded, choose, number_in, suggestion

__all__ = ["Chosen", "formula_chosen", "formula_of", "with_constants"]

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
    hyper = tuple((symbol, chosen[symbol.name]) for symbol, _ in formula.hyper)
    return replace(formula, hyper=hyper, name=f"{formula.name}({words})")


@dataclass(frozen=True)
class Chosen(metaclass=Worded):
    """A formula of the catalogue as a class whose fields are its constants."""

    base: ClassVar[Formula]

    def __post_init__(self) -> None:
        for symbol, value in self.formula.hyper:
            object.__setattr__(self, symbol.name, float(value))

    @property
    def formula(self) -> Formula:
        """The formula with the chosen constants."""
        known = [symbol.name for symbol, _ in self.base.hyper]
        return with_constants(self.base, {k: v for k, v in asdict(self).items() if k in known})


def formula_chosen(
    what: str,
    given: object,
    table: Mapping[str, Formula],
    where: str,
    kind: type[Chosen],
    *,
    own: Callable[[Formula, str], Formula],
) -> Formula:
    """Return the formula that is meant: by an object of ``kind``, by its name, or itself.

    ``own`` checks a formula of the user's own.  Raises InputError for anything else.
    """
    if isinstance(given, kind):
        return given.formula
    if isinstance(given, type) and issubclass(given, kind):
        raise InputError(f"{where}: {given.__name__} is a class: write {given.__name__}()")
    if isinstance(given, Formula):
        return own(given, where)
    return formula_of(what, given, table, where)


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
        constant, equals, text = (part.strip() for part in word.partition("="))
        if not equals:
            usual = ", ".join(f"{s.name}={float(v):g}" for s, v in found.hyper)
            hint = f"name it, as in {name}({usual})" if usual else f"{name} has no constants"
            raise InputError(f"{word!r} in {given!r}: {hint}")
        if constant not in {s.name for s, _ in found.hyper}:
            return with_constants(found, {constant: text})  # refuses it with the names there are
        try:
            constants[constant] = float(text)
        except ValueError:
            raise InputError(f"{constant} of {name} must be a number, not {text!r}") from None
    return with_constants(found, constants)
