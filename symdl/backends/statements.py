"""Statements as lines of NumPy code."""

from __future__ import annotations

from collections.abc import Sequence

from symdl.backends.names import comment
from symdl.backends.numpy_contract import write_contract, write_sum
from symdl.backends.scalars import ScalarPrinter
from symdl.backends.views import Arrays
from symdl.errors import NotSupported
from symdl.program.ir import Apply, Contract, Gather, Map, Place, Read, Reduce, Statement

__all__ = ["write_statement"]


def write_statement(s: Statement, arrays: Arrays, into: list[str] | None = None) -> None:
    """Append the lines of a statement to the call or ``into``, and what they need to the build."""
    note = getattr(s, "note", "")
    lines = _lines(s, arrays)
    written = arrays.text.call if into is None else into
    if note and comment(note) not in written:
        written.append(comment(note))
    written.extend(lines)


def _lines(s: Statement, arrays: Arrays) -> list[str]:
    if isinstance(s, Contract):
        return [write_contract(s, arrays)]
    if isinstance(s, Reduce):
        return [_reduce(s, arrays)]
    if isinstance(s, Gather):
        return _gather(s, arrays)
    if isinstance(s, Apply):
        return _apply(s, arrays)
    assert isinstance(s, Map)
    return [_scalar(s, arrays)]


def _scalar(s: Map, arrays: Arrays) -> str:
    names = {}
    for symbol, o in s.symbols.items():
        text = arrays.view(o, ())
        names[symbol] = f"float({text})" if isinstance(o, Read) and o.slot.rank else text
    for size in s.body.free_symbols - names.keys():
        names[size] = arrays.size(size)
    printer = ScalarPrinter(names)
    value = printer.text(s.body)
    arrays.text.used |= printer.used
    if value.startswith("(") and value.endswith(")") and _one_bracket(value):
        value = value[1:-1]
    if arrays.only_in_arrays(s.target):
        return f"{arrays.new_cell(s.target)}[()] = {value}"
    return f"{arrays.target(s.target)} = {value}"


def _one_bracket(text: str) -> bool:
    """Whether the first bracket closes at the very end."""
    depth = 0
    for k, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0:
            return k == len(text) - 1
    return False


def _reduce(s: Reduce, arrays: Arrays) -> str:
    labels = arrays.labels(s.source)
    source = arrays.view(s.source, labels)
    axes = tuple(k for k, n in enumerate(labels) if n not in s.labels)
    target = arrays.target(s.target)
    call = {"sum": "add.reduce", "max": "maximum.reduce", "argmax": "argmax"}[s.kind]
    if not s.labels:
        arrays.text.used.add(call.partition(".")[0])
        whole = f"int({call}({source}))" if s.kind == "argmax" else f"float({call}({source}, None))"
        return f"{target} = {whole}"
    line = write_sum(s.source, Read(s.target, s.labels), arrays) if s.kind == "sum" else None
    if line is not None:
        return line
    rest = [n for n in labels if n in s.labels]
    out = arrays.view(Read(s.target, s.labels), rest)
    axis = str(axes[0]) if len(axes) == 1 else str(axes)
    if s.kind == "argmax":  # as a method it is called directly
        return f"{source}.argmax({axis}, out={out})"
    arrays.text.used.add(call.partition(".")[0])
    return f"{call}({source}, {axis}, out={out})"


def _gather(s: Gather, arrays: Arrays) -> list[str]:
    """Read at computed places, through their distance from the start of the flattened source."""
    order = arrays.plan.orders[s.source]
    wanted = tuple(str(p) for p in arrays.order(Read(s.target, s.labels)))
    places = []
    for k in order:
        p = s.at[k]
        if isinstance(p, Read):
            places.append(arrays.view(p, wanted))
        elif isinstance(p, str):
            places.append(arrays.view(Place(p, s.source.axes[k]), wanted))
        else:
            places.append(str(p))
    source = arrays.slots[s.source]
    target = arrays.target(s.target)
    index = ", ".join(places)
    if not s.labels:
        return [f"{target} = float({source}[{index}])"]
    arrays.text.used.add("copyto")
    return [f"copyto({target}, {source}[{index}])"]


def _apply(s: Apply, arrays: Arrays) -> list[str]:
    target = arrays.target(s.target)
    wanted = tuple(str(p) for p in arrays.order(Read(s.target, s.labels)))
    if not s.labels:
        return [_single(s, arrays, target)]
    if s.op == "copy":
        arrays.text.used.add("copyto")
        return [f"copyto({target}, {arrays.view(s.args[0], wanted)})"]
    if s.op == "where":
        return _where(s, arrays, target, wanted)
    whole = s.target.kind == "label" or any(_whole(a) for a in s.args)
    read = arrays.whole if whole else arrays.view
    args = ", ".join(read(a, wanted) for a in s.args)
    arrays.text.used.add(s.op)
    return [f"{s.op}({args}, out={target})"]


def _whole(o: object) -> bool:
    return isinstance(o, Place) or (isinstance(o, Read) and o.slot.kind == "label")


def _where(s: Apply, arrays: Arrays, target: str, wanted: Sequence[str]) -> list[str]:
    """Choose by a mask with whole-number operations on the bits: a masked copy is far slower."""
    condition, chosen, other = (arrays.view(a, wanted) for a in s.args)
    shape = arrays.shape(arrays.plan.shape(s.target))
    bits = arrays.named(f'np.empty({shape}, f"i{{dtype.itemsize}}")', "bits")
    arrays.text.used |= {"select", "copyto", "negative", "bitwise_and", "bitwise_xor"}
    return [f"select({condition}, {chosen}, {other}, bits={bits}, out={target})"]


def _single(s: Apply, arrays: Arrays, target: str) -> str:
    """An operation on single elements."""
    if s.op == "where":
        raise NotSupported("a choice between single elements of arrays")
    args = ", ".join(arrays.view(a, ()) for a in s.args)
    if s.op == "copy":
        return f"{target} = float({args})"
    arrays.text.used.add(s.op)
    kind = "bool" if s.target.kind == "flag" else "float"
    return f"{target} = {kind}({s.op}({args}))"
