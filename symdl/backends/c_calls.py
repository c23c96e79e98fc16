"""Loop nests, matrix products and single numbers as the lines of a C function that runs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sympy.core.expr import Expr

from symdl.backends.c_frame import C_WORDS, Frame, Module
from symdl.backends.c_nest import C_TYPES, NestText, index_text, single_text, write_nest
from symdl.backends.c_scalars import CScalarPrinter
from symdl.program.ir import Slot
from symdl.program.nests import Nest, Node, Single
from symdl.program.products import Matrix, Product

__all__ = ["call_lines"]


def call_lines(node: Node, frame: Frame) -> Iterator[str]:
    """Write the lines that run a node."""
    if isinstance(node, Nest):
        yield from _nest(node, frame)
    elif isinstance(node, Product):
        yield from _product(node, frame)
    else:
        yield _single(node, frame)


def _alone(split: str | None, frame: Frame) -> str:
    """What is not shared is left to the first thread."""
    return "if (!me) " if frame.module.threads and split is None else ""


def _single(node: Single, frame: Frame) -> str:
    s, module = node.statement, frame.module
    text = single_text(s, frame.value, module.size, module.used, frame.element)
    kind = {"real": "double", "flag": "int", "label": "long"}[s.target.kind]
    return f"const {kind} {frame.new_scalar(s.target)} = {text};"


# -- loop nests


def _nest(nest: Nest, frame: Frame) -> Iterator[str]:
    module = frame.module
    written = write_nest(nest, frame.orders, module.size, module.used, frame.own_rows)
    for slot in written.written:
        if not slot.rank:
            yield frame.declare(slot)
    function = _function(written, nest.split is not None, module)
    given = [_argument(slot, slot in written.written, frame) for slot in written.pointers]
    given += [frame.name_of[slot] for slot in written.values]
    given += list(module.dims.values())
    if nest.split is not None:
        given += frame.share(module.size(nest.sizes[nest.split]))
    yield f"{_alone(nest.split, frame)}{function}({', '.join(given)});"


def _argument(slot: Slot, written: bool, frame: Frame) -> str:
    if slot.rank:
        return frame.pointer(slot)
    if slot in frame.part:
        return f"&parts[me][{frame.part[slot]}]"
    return f"&{frame.name_of[slot]}" if written else frame.name_of[slot]


def _function(written: NestText, split: bool, module: Module) -> str:
    """The name of the function with that text, which is written once."""
    arguments = []
    for slot, token in written.pointers.items():
        kind = C_TYPES[slot.kind] if slot.rank else "double" if slot.kind == "real" else "long"
        const = "" if slot in written.written else "const "
        arguments.append(f"{const}{kind} *\x01{token}\x02")
    for slot, token in written.values.items():
        arguments.append(f"{'double' if slot.kind == 'real' else 'long'} \x01{token}\x02")
    arguments += [f"long {n}" for n in module.dims.values()]
    arguments += ["long from", "long to"] if split else []
    written.text = f"({', '.join(arguments)}) {{\n{written.text}\n}}\n"
    nests = module.nests
    if written.text not in nests:
        name = f"nest_{len(nests) + 1}"
        reserved = {*C_WORDS, *module.dims.values()}
        nests[written.text] = name, f"NEST void {name}{written.named(reserved)}"
    return nests[written.text][0]


# -- matrix products


def _product(p: Product, frame: Frame) -> Iterator[str]:
    frame.module.blas = True
    size = frame.module.size
    sizes = p.statement.sizes
    labels = {n: frame.names.new(n) for n in p.loops}
    pad = ""
    for n in p.loops:
        v = labels[n]
        yield f"{pad}for (long {v} = 0; {v} < {size(sizes[n])}; {v}++)"
        pad += "    "
    rows, columns, summed = (size(e) for e in (p.rows, p.columns, p.summed))
    left, right, out = (_matrix(m, labels, frame) for m in (p.left, p.right, p.out))

    def moved(m: Matrix, text: tuple[str, str], size: str, unit: bool) -> tuple[str, str]:
        """A matrix from a thread's first row or column on."""
        if m.read.slot in frame.own_rows:
            return text
        name, lead = text
        return f"{name} + {frame.share(size)[0]}" + ("" if unit else f" * {lead}"), lead

    if p.split is not None and p.row_labels == (p.split,):
        left, out = moved(p.left, left, rows, p.left.turned), moved(p.out, out, rows, False)
        rows = frame.length(rows)
    elif p.split is not None and p.summed_labels == (p.split,):
        left = moved(p.left, left, summed, not p.left.turned)
        right = moved(p.right, right, summed, p.right.turned)
        summed = frame.length(summed)
    elif p.split is not None:
        right = moved(p.right, right, columns, not p.right.turned)
        out = moved(p.out, out, columns, True)
        columns = frame.length(columns)
    alpha, beta = (_scalar(e, frame) for e in (p.alpha, p.beta))
    yield (
        f"{pad}{_alone(p.split, frame)}product({rows}, {columns}, {summed}, {alpha}, "
        f"{', '.join(left)}, {int(p.left.turned)}, {', '.join(right)}, {int(p.right.turned)}, "
        f"{beta}, {', '.join(out)});"
    )


def _scalar(e: Expr, frame: Frame) -> str:
    """A scalar of the optimizer: a number, or made of what a function is given by value."""
    if e.is_Integer:
        return str(e)
    names = {slot.name: name for slot, name in frame.name_of.items() if not slot.rank}
    return CScalarPrinter({s: names[s.name] for s in e.free_symbols}).text(e)


def _matrix(m: Matrix, labels: Mapping[str, str], frame: Frame) -> tuple[str, str]:
    """Where a matrix starts, and the distance of its rows."""
    size = frame.module.size
    here = {n: labels.get(n, "0") for n in m.read.labels}
    place = frame.pointer(m.read.slot)
    if any(n in labels for n in m.read.labels):
        place += " + " + index_text(m.read, frame.orders[m.read.slot], here, size)
    if m.read.slot in frame.own_rows:
        assert frame.batch is not None
        lead = m.lead / frame.batch
        if not lead.has(frame.batch) and lead.is_integer:
            local = frame.length(size(frame.batch))
            return place, local if lead == 1 else f"{local} * {size(lead)}"
    return place, size(m.lead)
