"""Formula: equations and what travels with them, as a frozen value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import InputError
from symdl.notation.entry import from_sympy
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import free_indices, variables

__all__ = ["Equation", "Formula", "Variable", "exact"]

Variable: TypeAlias = sp.Symbol  # a scalar symbol or a TensorSymbol


@dataclass(frozen=True)
class Equation:
    """``lhs = rhs``; the left side is a symbol, or a tensor at distinct free indices."""

    lhs: Expr
    rhs: Expr

    @property
    def variable(self) -> Variable:
        """The symbol or tensor that the equation defines."""
        return self.lhs.tensor if isinstance(self.lhs, Elem) else self.lhs

    @property
    def index(self) -> tuple[Index, ...]:
        """The free indices of the left side."""
        return self.lhs.index if isinstance(self.lhs, Elem) else ()

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        return f"{self.lhs} = {self.rhs}"

    def to_sympy(self) -> sp.Eq:
        """The same equation as SymPy's ``Eq``."""
        return sp.Eq(self.lhs, self.rhs, evaluate=False)


@dataclass(frozen=True, init=False)
class Formula:
    """A layer, activation, loss, update or any other list of equations, written once.

    equations    in the order of evaluation, one primitive each; ``sympy.Eq`` is accepted
    output       the variable that the formula computes
    inputs       variables given from outside (data, the layer below)
    parameters   variables that are trained
    state        pairs (old, new): running statistics, the moments of an optimizer
    random       0/1 masks and other draws
    hyper        constants of the formula (slopes, rates) with their default values, as a mapping
                 or in pairs; 0.1 is taken as 1/10
    domain       the set that each given variable lies in; see ``domain_of`` for those not named
    kinks        where the derivative jumps, and the value chosen there
    assumptions  equations that hold for the data, such as sum_j t_j = 1; checked on the data
    source       the paper or text it is taken from

    Raises InputError where an equation reads what is not defined, a variable is defined twice,
    a constant is no number, or a domain is no set.

    >>> x, y = sp.symbols("x y", real=True)
    >>> Formula(sp.Eq(y, 1 / (1 + sp.exp(-x))), output=y, inputs=[x]).equations[0].variable
    y
    """

    equations: tuple[Equation, ...]
    output: Variable
    inputs: tuple[Variable, ...]
    parameters: tuple[Variable, ...]
    state: tuple[tuple[Variable, Variable], ...]
    random: tuple[Variable, ...]
    hyper: tuple[tuple[Variable, Expr], ...]
    domain: tuple[tuple[Variable, sp.Set], ...]
    kinks: tuple[str, ...]
    assumptions: tuple[Equation, ...]
    name: str
    source: str
    title: str = field(compare=False)

    def __init__(
        self,
        equations: Any,
        *,
        output: Variable,
        inputs: Iterable[Variable] | Variable = (),
        parameters: Iterable[Variable] | Variable = (),
        state: Iterable[tuple[Variable, Variable]] = (),
        random: Iterable[Variable] | Variable = (),
        hyper: Mapping[Variable, Any] | Iterable[tuple[Variable, Any]] = (),
        domain: Mapping[Variable, sp.Set] | Iterable[tuple[Variable, sp.Set]] = (),
        kinks: Iterable[str] = (),
        assumptions: Any = (),
        name: str = "",
        source: str = "",
        title: str = "",
    ) -> None:
        values = {
            "equations": tuple(_definition(e) for e in _many(equations)),
            "output": from_sympy(output),
            "inputs": tuple(map(from_sympy, _many(inputs))),
            "parameters": tuple(map(from_sympy, _many(parameters))),
            "state": tuple((from_sympy(old), from_sympy(new)) for old, new in state),
            "random": tuple(map(from_sympy, _many(random))),
            "hyper": tuple((from_sympy(s), _constant(s, v)) for s, v in _pairs(hyper)),
            "domain": tuple((from_sympy(v), values) for v, values in dict(domain).items()),
            "kinks": tuple(kinks),
            "assumptions": tuple(_equation(e) for e in _many(assumptions)),
            "name": name,
            "source": source,
            "title": title,
        }
        for part, value in values.items():
            object.__setattr__(self, part, value)
        self._check()

    def _check(self) -> None:
        self._check_names()
        known = set(self.given)
        for equation in self.equations:
            if equation.variable in known:
                raise InputError(f"{equation.variable} is defined twice, or is also an input")
            missing = variables(equation.rhs) - known
            if missing:
                names = ", ".join(sorted(str(v) for v in missing))
                raise InputError(
                    f"the equation '{equation}' uses {names} before it is defined; add it to "
                    "inputs, parameters, random or hyper, or give its equation first"
                )
            known.add(equation.variable)
        if self.output not in known:
            raise InputError(f"the output {self.output} is not defined by any equation")
        self._check_domain()

    def _check_names(self) -> None:
        names = [v.name for v in self.given]
        for v in self.given:
            if names.count(v.name) > 1:
                raise InputError(f"{v.name} is given twice among inputs, parameters and the rest")

    def _check_domain(self) -> None:
        for v, values in self.domain:
            if v not in self.given:
                raise InputError(f"domain: {v} is not given to the formula {self.name!r}")
            if not isinstance(values, sp.Set):
                raise InputError(
                    f"the domain of {v} must be a set such as sympy.Reals or "
                    f"sympy.Interval(0, 1), not {values!r}"
                )

    @property
    def given(self) -> tuple[Variable, ...]:
        """All variables whose values come from outside, in the order of the constructor's words."""
        states = (old for old, _ in self.state)
        constants = (symbol for symbol, _ in self.hyper)
        return (*self.inputs, *self.parameters, *states, *self.random, *constants)

    def domain_of(self, variable: Variable) -> sp.Set:
        """The set that a given variable lies in; of a tensor, that each of its elements lies in.

        Where ``domain`` does not name it, what the symbol is declared to be: the labels of an axis,
        positive, not negative, or real.

        >>> x, y = sp.symbols("x y", real=True)
        >>> Formula(sp.Eq(y, x**2), output=y, inputs=[x]).domain_of(x)
        Reals
        """
        declared = _declared(variable)
        named = dict(self.domain).get(variable, declared)
        return declared if named == sp.S.Reals else named

    def equation(self, variable: Variable) -> Equation:
        """Return the equation that defines ``variable``."""
        return next(e for e in self.equations if e.variable == variable)

    @property
    def defined(self) -> tuple[Variable, ...]:
        """The variables that the equations define, in order."""
        return tuple(e.variable for e in self.equations)

    def _repr_latex_(self) -> str:
        lines = [rf"{sp.latex(e.lhs)} &= {sp.latex(e.rhs)}" for e in self.equations]
        return r"$\displaystyle\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}$"


def _declared(v: Variable) -> sp.Set:
    if isinstance(v, TensorSymbol):
        if v.labels is not None:
            return sp.Range(v.labels)
        return sp.Interval.open(0, sp.oo) if v.positive_elements else sp.S.Reals
    if v.is_positive:
        return sp.S.Naturals if v.is_integer else sp.Interval.open(0, sp.oo)
    return sp.Interval(0, sp.oo) if v.is_nonnegative else sp.S.Reals


def _many(value: Any) -> Iterable[Any]:
    return value if isinstance(value, (tuple, list)) else (value,)


def _pairs(given: Any) -> Iterable[tuple[Any, Any]]:
    return given.items() if isinstance(given, Mapping) else given


def exact(value: float) -> Expr:
    """Return the fraction that a finite number reads as.

    >>> exact(0.001), exact(2.0)
    (1/1000, 2)
    """
    return sp.Rational(repr(float(value)))


def _constant(symbol: object, value: object) -> Expr:
    """The default value of a constant: a number, or an expression of numbers; 0.1 is 1/10."""
    if isinstance(value, float) and math.isfinite(value):
        return exact(value)
    if isinstance(value, (int, Expr)) and not isinstance(value, bool):
        found = sp.sympify(value, strict=True)
        if not found.free_symbols and found.is_real:
            return found
    raise InputError(f"the default value of {symbol} must be a real number, not {value!r}")


def _equation(value: object) -> Equation:
    if isinstance(value, (Equation, sp.Eq)):
        return Equation(from_sympy(value.lhs), from_sympy(value.rhs))
    raise InputError(f"an equation must be sympy.Eq(left, right), not {value!r}")


def _definition(value: object) -> Equation:
    equation = _equation(value)
    lhs = equation.lhs
    if isinstance(lhs, Elem):
        distinct = len(set(lhs.index)) == len(lhs.index)
        if not (distinct and all(isinstance(i, Index) for i in lhs.index)):
            raise InputError(f"the left side {lhs} must be a tensor at distinct free indices")
        stray = free_indices(equation.rhs) - set(lhs.index)
        if stray:
            names = ", ".join(sorted(s.name for s in stray))
            raise InputError(f"in '{equation}' the index {names} is neither on the left nor summed")
    elif not isinstance(lhs, sp.Symbol) or isinstance(lhs, (TensorSymbol, Index)):
        raise InputError(f"the left side {lhs} must be a symbol or a tensor at free indices")
    return equation
