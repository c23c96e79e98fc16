"""A planned program as the source text of a function that makes buffers once and returns a step."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import sympy as sp

from symdl.backends.names import Names, comment, comment_lines
from symdl.backends.scalars import HELPERS
from symdl.backends.special import ERROR_FUNCTIONS, error_functions
from symdl.backends.statements import write_statement
from symdl.backends.views import Arrays, Text
from symdl.program.border import Affine, AffineAdjoint
from symdl.program.ir import Read, Slot
from symdl.program.plan import Plan

__all__ = ["Maker", "Outside", "module_source", "without_unused", "write_maker"]

_WORD = re.compile(r"\w+")
_LINE = 96  # characters beyond which a call is broken into lines

BUFFER = '''\
def buffer(shape, dtype):
    """An array that starts at a multiple of 64 bytes, where vector instructions are fastest."""
    dtype = np.dtype(dtype)
    count = math.prod(shape)
    raw = np.zeros(count * dtype.itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + count * dtype.itemsize].view(dtype).reshape(shape)
'''

PIECES = '''\
def pieces(length, *vectors):
    """The vectors in pieces, so that all that is read again and again stays in the cache."""
    return [tuple(v[k : k + length] for v in vectors) for k in range(0, vectors[0].size, length)]
'''

CUT = '''\
def cut(flat, *shapes):
    """One vector as arrays of the given shapes, one after another: views, not copies."""
    ends = np.cumsum([0, *(math.prod(shape) for shape in shapes)]).tolist()
    return [flat[a:b].reshape(s) for a, b, s in zip(ends, ends[1:], shapes)]
'''


@dataclass(frozen=True)
class Maker:
    """The source of one ``make_...`` function, and what it uses."""

    name: str
    source: str
    used: frozenset[str]


@dataclass(frozen=True)
class Outside:
    """Arrays that live outside: slots cut from one flat vector, in order."""

    name: str
    slots: tuple[Slot, ...]


def write_maker(
    name: str,
    plan: Plan,
    *,
    inputs: Sequence[Slot],
    results: Sequence[Slot],
    sizes: Sequence[sp.Symbol],
    outside: Sequence[Outside] = (),
    about: str = "",
    into: Sequence[tuple[Slot, Slot]] = (),
) -> Maker:
    """Write ``make_name``; calling what it returns computes the results from the inputs.

    ``into`` are pairs (new, old): at the end the new values are copied over the old ones.
    """
    names, text = Names(), Text()
    named = {s: names.new(str(s)) for s in sizes}
    vectors = [names.new(o.name) for o in outside]
    function = names.new(name)
    arrays = Arrays(plan, text, names, named)
    arguments = _inputs(inputs, arrays, names)
    for o, vector in zip(outside, vectors, strict=True):
        _cut(o, vector, arrays, names)
    for s in plan.program.statements:
        write_statement(s, arrays)
        if s.target in arrays.cells:
            text.call.append(f"{arrays.cells[s.target]}[()] = {arrays.slots[s.target]}")
    for new, old in into:
        text.used.add("copyto")
        labels = tuple(str(k) for k in range(old.rank))
        sides = (arrays.view(Read(slot, labels), labels) for slot in (old, new))
        text.call.append(f"copyto({', '.join(sides)})")
    if results:
        text.call.append("return " + ", ".join(_result(slot, arrays) for slot in results))
    dtype = f"{vectors[0]}.dtype" if vectors else "np.dtype(dtype)"
    text.build.insert(0, f"dtype = {dtype}")
    given = [*(vectors or ["dtype"]), *(["*", *named.values()] if named else [])]
    lines = [f"def make_{name}({', '.join(given)}):"]
    lines += [f'    """{about}"""'] if about else []
    lines += [f"    {line}" for line in without_unused(text.build, text.call)]
    lines.append("")
    if "exp" in text.used and "subtract" in text.used:
        lines.append('    @np.errstate(over="ignore")  # a difference of -inf is a power of 0')
    lines += [f"    def {function}({', '.join(arguments)}):"]
    lines += [f"        {line}" for line in text.call]
    lines += ["", f"    return {function}"]
    return Maker(f"make_{name}", "\n".join(lines) + "\n", frozenset(text.used))


def without_unused(build: Sequence[str], call: Sequence[str]) -> list[str]:
    """The lines of ``build`` without those that name something that no other line reads.

    >>> without_unused(["a = x[0]", "b = a.T", "c = x[1]"], ["dot(c, c)"])
    ['c = x[1]']
    """
    counts = Counter(word for line in (*build, *call) for word in _WORD.findall(line))
    kept = []
    for line in reversed(build):
        name, equals, _ = line.partition(" = ")
        if equals and counts[name] == 1 and name.isidentifier():
            counts.subtract(_WORD.findall(line))
        else:
            kept.append(line)
    return kept[::-1]


def _inputs(inputs: Sequence[Slot], arrays: Arrays, names: Names) -> list[str]:
    arguments = []
    for slot in inputs:
        name = names.new(slot.name)
        arguments.append(name)
        arrays.given(slot, name, moving=True)
    return arguments


def _cut(o: Outside, vector: str, arrays: Arrays, names: Names) -> None:
    if not o.slots:
        return
    arrays.text.used.add("cut")
    joined = _joined(o.slots, arrays)
    targets, shapes, parts = [], [], []
    skipped = {row for _, row in joined}
    for place, slot in enumerate(o.slots):
        if slot in skipped:
            continue
        both = (slot, o.slots[place + 1]) if place + 1 < len(o.slots) else None
        if both in joined:
            matrix, row = (names.new(part.name) for part in both)
            whole = arrays.joined[both] = names.new(f"{both[0].name}_{_last_word(both[1].name)}")
            for part, name in zip(both, (matrix, row), strict=True):
                arrays.given(part, name, moving=False)
            parts += [f"{matrix} = {whole}[:-1]", f"{row} = {whole}[-1]"]
            height, width = (arrays.size(s) for s in slot.axes)
            targets.append(whole)
            shapes.append(f"({height} + 1, {width})")
            continue
        shapes.append(arrays.shape(arrays.plan.shape(slot)))
        if slot.rank:
            name = names.new(slot.name)
            arrays.given(slot, name, moving=False)
        else:
            name = names.new(slot.name + "_cell")
            arrays.cells[slot] = name
            _read_cell(slot, name, arrays, names)
        targets.append(name)
    arrays.text.build += _cut_lines(targets, vector, shapes)
    arrays.text.build.extend(parts)


def _cut_lines(targets: Sequence[str], vector: str, shapes: Sequence[str]) -> list[str]:
    """The call of ``cut``: one line, or where that is long one for each array."""
    left = ", ".join(targets) + ("," if len(targets) == 1 else "")
    line = f"{left} = cut({vector}, {', '.join(shapes)})"
    if len(line) <= _LINE:
        return [line]
    return [
        "(",
        *(f"    {target}," for target in targets),
        ") = cut(",
        f"    {vector},",
        *(f"    {shape}," for shape in shapes),
        ")",
    ]


def _joined(slots: Sequence[Slot], arrays: Arrays) -> set[tuple[Slot, Slot]]:
    """The neighbours in a vector that products read or write as one matrix."""
    wanted = {
        s.joined for s in arrays.plan.program.statements if isinstance(s, (Affine, AffineAdjoint))
    }
    return {pair for pair in pairwise(slots) if pair in wanted}


def _last_word(name: str) -> str:
    """What tells a parameter from others of its layer: the ``b`` of ``dense_1.b``."""
    return name.rpartition(".")[2]


def _read_cell(slot: Slot, name: str, arrays: Arrays, names: Names) -> None:
    """A scalar parameter lives in a cell of the vector, and is read when a call begins."""
    if slot in arrays.plan.program.given:
        value = names.new(slot.name)
        arrays.given(slot, value, moving=True)
        arrays.text.call.append(f"{value} = float({name})")


def _result(slot: Slot, arrays: Arrays) -> str:
    if not slot.rank:
        return arrays.slots[slot]
    labels = tuple(str(k) for k in range(slot.rank))
    return arrays.view(Read(slot, labels), labels)


def module_source(title: str, formulas: Sequence[str], makers: Sequence[Maker]) -> str:
    """Return the text of one module that needs NumPy alone."""
    used = frozenset().union(*(m.used for m in makers))
    helpers = [HELPERS[h] for h in HELPERS if h in used]
    helpers += [BUFFER] if "buffer" in used else []
    helpers += [CUT] if "cut" in used else []
    helpers += [PIECES] if "pieces" in used else []
    special = used & ERROR_FUNCTIONS.keys()
    helpers += [error_functions(special)] if special else []
    with_math = used & {"buffer", "cut", "math"}
    functions = sorted(used - HELPERS.keys() - special - {"buffer", "cut", "pieces", "math"})
    lines = [comment(title), "#"]
    lines += [line for f in formulas for line in comment_lines(f)]
    lines += ["", "import math", ""] if with_math else [""]
    lines += ["import numpy as np"]
    lines += _imports(functions)
    parts = ["\n".join(lines) + "\n", *helpers, *(m.source for m in makers)]
    return "\n\n".join(parts)


def _imports(functions: Sequence[str]) -> list[str]:
    if not functions:
        return []
    line = f"from numpy import {', '.join(functions)}"
    if len(line) <= 88:
        return [line]
    return ["from numpy import (", *(f"    {f}," for f in functions), ")"]
