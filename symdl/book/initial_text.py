"""Initial weights as the text of NumPy functions, printed from the initializers' formulas."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence

import numpy as np
import sympy as sp
from sympy.printing.numpy import NumPyPrinter

from symdl.backends.names import Names, comment
from symdl.catalog import initializers
from symdl.formula import Formula
from symdl.training.initialize import DRAWS
from symdl.training.network import Parameter

__all__ = ["initial_weights_text"]

_WEIGHTS = '''\
def initial_weights(seed={seed}):
    """Weights to start from, by name; each is drawn from a random stream of its own."""
    streams = np.random.SeedSequence(seed).spawn({count})
    rng = [np.random.default_rng(stream) for stream in streams]
    return {{
{lines}
    }}
'''


def initial_weights_text(
    parameters: Sequence[Parameter], sizes: Mapping[sp.Symbol, int], seed: int
) -> str:
    """Return the source of ``initial_weights``, and of what it draws with.

    The weights are those of a model with the same seed, to rounding.
    """
    names, functions = Names(), dict[Formula, tuple[str, str]]()
    helpers, lines = dict[str, str](), []
    for place, parameter in enumerate(parameters):
        formula, shape = parameter.initializer, parameter.shape(sizes)
        if not formula.random:
            value = f"np.full({shape}, {_text(_value(formula))})"
        else:
            if formula not in functions:
                name = names.new(f"draw {formula.name}")
                functions[formula] = name, _function(name, formula, helpers)
            value = f"{functions[formula][0]}(rng[{place}], {shape})"
        lines.append(f'        "{parameter.name}": {value},')
    drawn = [text for _, text in functions.values()]
    whole = _WEIGHTS.format(seed=seed, count=len(parameters), lines="\n".join(lines))
    return "\n\n".join([*helpers.values(), *drawn, whole])


def _value(formula: Formula) -> sp.Expr:
    """The output with everything that the formula defines put in."""
    value = formula.output
    for equation in reversed(formula.equations):
        value = value.xreplace({equation.lhs: equation.rhs})
    return value.xreplace(dict(formula.hyper))


def _text(e: sp.Expr) -> str:
    return str(NumPyPrinter().doprint(e)).replace("numpy.", "np.")


def _function(name: str, formula: Formula, helpers: dict[str, str]) -> str:
    """The source of one initializer; ``helpers`` collects the algorithms that it draws with."""
    lines = [f"def {name}(rng, shape):"]
    lines.append(f'    """{comment(formula.title)[2:]}."""')
    used = frozenset().union(*(e.rhs.free_symbols for e in formula.equations))
    for fan, place in ((initializers.fan_in, 0), (initializers.fan_out, -1)):
        if fan in used:
            lines.append(f"    {fan} = shape[{place}] if shape else 1")
    lines += [f"    {s.name} = {_text(value)}" for s, value in formula.hyper]
    for symbol in formula.random:
        draw = DRAWS[symbol]
        method = getattr(np.random.Generator, draw.__name__, None) is draw
        if not method:
            helpers[draw.__name__] = _plain_source(draw)
        call = f"rng.{draw.__name__}(shape)" if method else f"{draw.__name__}(rng, shape)"
        lines.append(f"    {symbol.name} = {call}")
    for equation in formula.equations:
        lines.append(f"    {equation.lhs.name} = {_text(equation.rhs)}")
    return "\n".join([*lines, f"    return {formula.output.name}\n"])


def _plain_source(function: object) -> str:
    """The source of a function of NumPy alone, without its annotations."""
    text = inspect.getsource(function)  # type: ignore[arg-type]
    signature = inspect.signature(function)  # type: ignore[arg-type]
    head, rest = text.split(":\n", 1)
    return (
        f"def {head.split('(')[0].removeprefix('def ')}({', '.join(signature.parameters)}):\n{rest}"
    )
