"""One exported C function: it calls loop nests and products in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from symdl.backends.c_calls import call_lines
from symdl.backends.c_frame import Frame
from symdl.backends.names import comment
from symdl.program.ir import Slot
from symdl.program.nests import Node, statements_of, writes_of

__all__ = ["CFunction", "plain", "write_function"]

_PLAIN = 'optimize("O0")'  # a list of calls: more thought on it takes time and saves none


@dataclass(frozen=True)
class CFunction:
    """One exported function: what its pointers mean, in order."""

    name: str
    text: str
    pointers: tuple[Slot, ...]
    buffers: tuple[Slot, ...]
    phases: tuple[tuple[Node, ...], ...] = ()
    mine: Mapping[Slot, Slot] = field(default_factory=dict)
    own: frozenset[Slot] = frozenset()


def plain(text: str) -> str:
    """Return a text as it may stand in a comment."""
    return comment(text)[2:].replace("*/", "* /").replace("/*", "/ *")


def write_function(
    name: str,
    frame: Frame,
    phases: Sequence[Sequence[Node]],
    result: Slot | None,
    scalars: Sequence[Slot] = (),
) -> CFunction:
    """Write the function that runs the nodes, with a barrier after each phase."""
    kind = "void" if result is None else "double"
    body = _body(frame, phases)
    if result is not None:
        body.append(f"return {frame.name_of[result]};")
    values = "".join(f", double {frame.name_of[s]}" for s in scalars)
    assert frame.own is not None
    return CFunction(
        name,
        _text(name, kind, body, values, frame),
        tuple(frame.pointers),
        tuple(frame.pointers[frame.own :]),
        tuple(map(tuple, phases)),
        frame.mine,
        frozenset(frame.own_rows),
    )


def _body(frame: Frame, phases: Sequence[Sequence[Node]]) -> list[str]:
    made = {s for phase in phases for n in phase for s in writes_of(n)}
    for slot in frame.pointers[: frame.own]:
        if not slot.rank and slot not in made:
            frame.read_cell(slot)
    lines: list[str] = []
    notes: set[str] = set()
    for number, phase in enumerate(phases):
        if number:
            lines += ["barrier();", *frame.summed_parts()]
        for node in phase:
            new = [line for line in dict.fromkeys(_notes(node)) if line not in notes]
            notes.update(new)
            lines += [*new, *call_lines(node, frame)]
    if frame.waiting:
        lines += ["barrier();", *frame.summed_parts()]
    first = "if (!me) " if frame.module.threads else ""
    for slot in frame.cells:
        place = frame.pointers.index(slot)
        lines.append(f"{first}*(real *)a[{place}] = {frame.name_of[slot]};")
    return [*frame.start, *lines]


def _notes(node: Node) -> list[str]:
    """The equations of a node as comments."""
    notes = (getattr(s, "note", "") for s in statements_of(node))
    return [f"/* {plain(note)} */" for note in notes if note]


def _text(name: str, kind: str, body: Sequence[str], values: str, frame: Frame) -> str:
    lines = "\n".join("    " + t for t in body)
    calls = "" if frame.module.small else f"__attribute__(({_PLAIN})) "
    shown = '__attribute__((visibility("default"))) '
    head = f"{kind} {name}(void *const *a, const long *d"
    if not frame.module.threads:
        return f"{calls}{shown}{head}{values}) {{\n{lines}\n}}\n"
    part = f"static __attribute__((noinline, {_PLAIN})) {kind} {name}_part("
    part += f"void *const *a, const long *d, int me{values}) {{\n{lines}\n}}\n"
    if values or name == "update":
        return part
    keep = "" if kind == "void" else "const double result = "
    give = "" if kind == "void" else " if (!me) c->result = result;"
    back = "" if kind == "void" else " return c.result;"
    return (
        f"{part}"
        f"typedef struct {{ void *const *a; const long *d; double result; }} {name}_call;\n"
        f"static void {name}_job(void *given, int me) {{\n"
        f"    {name}_call *c = given;\n    {keep}{name}_part(c->a, c->d, me);{give}\n}}\n"
        f"{shown}{head}) {{\n    {name}_call c = {{a, d, 0}};\n"
        f"    together({name}_job, &c);{back}\n}}\n"
    )
