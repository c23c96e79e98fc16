"""A planned update as the source text of a function that works on whole vectors in place."""

from __future__ import annotations

from symdl.backends.names import Names, comment
from symdl.backends.numpy_source import Maker, without_unused
from symdl.backends.scalars import ScalarPrinter
from symdl.backends.statements import write_statement
from symdl.backends.views import Arrays, Text
from symdl.program.ir import Apply, Map, Program, Slot
from symdl.program.plan import Plan
from symdl.program.update import Update

__all__ = ["state_names", "write_update"]

ABOUT = "Each call takes one step; the vectors are changed in place, the gradient is used up."
LONG = 2**17  # elements of a vector that does not stay in a processor's own cache
PIECE = 2**16


def state_names(update: Update) -> tuple[list[str], list[str], str]:
    """Return the keys of the state's vectors, of the hyper-parameters, and of the step count."""
    names = Names(reserved=("step", "units"))
    vectors = [names.new(old.name) for old, _ in update.state]
    own = Names(reserved=())
    hyper = [own.new(s.name) for s in update.hyper]
    return vectors, hyper, "step"


def write_update(update: Update, elements: int = 0) -> Maker:
    """Write ``make_update`` for vectors of so many elements; long ones are worked on in pieces."""
    names, text = Names(), Text()
    size = update.weight.axes[0]
    weights, gradient = names.new("parameters"), names.new("gradient")
    arrays = Arrays(update.plan, text, names, {size: f"{weights}.size"})
    arrays.given(update.weight, weights, moving=False)
    arrays.given(update.gradient, gradient, moving=False)
    vectors, hyper, count = state_names(update)
    text.build.append(f"dtype = {weights}.dtype")
    for (old, _), key in zip(update.state, vectors, strict=True):
        name = names.new(old.name)
        arrays.given(old, name, moving=False)
        text.build.append(f'{name} = state["{key}"]')
    text.call.append(f'state["{count}"] += 1')
    if update.count is not None:
        _scalar(update.count, f'state["{count}"]', arrays, names)
    for slot, key in zip(update.hyper, hyper, strict=True):
        _scalar(slot, f'hyper["{key}"]', arrays, names)
    _write_units(update, arrays)
    if elements >= LONG and _element_by_element(update.plan.program):
        _write_in_pieces(update, arrays)
    else:
        _write_whole(update, arrays)
    lines = [f"def make_update({weights}, {gradient}, state, hyper):", f'    """{ABOUT}"""']
    lines += [f"    {line}" for line in without_unused(text.build, text.call)]
    lines += ["", "    def update():"]
    lines += [f"        {line}" for line in text.call]
    lines += ["", "    return update"]
    return Maker("make_update", "\n".join(lines) + "\n", frozenset(text.used))


def _write_whole(update: Update, arrays: Arrays) -> None:
    for s in update.plan.program.statements:
        write_statement(s, arrays)
    _write_copies(update, arrays, arrays.text.call)


def _element_by_element(program: Program) -> bool:
    """Whether each element of the vectors is changed without a look at the others."""
    return all(
        isinstance(s, Map) or (isinstance(s, Apply) and s.labels and s.op != "where")
        for s in program.statements
    )


def _write_in_pieces(update: Update, arrays: Arrays) -> None:
    """The numbers first, then all operations on one piece of the vectors after another."""
    text, body = arrays.text, list[str]()
    for s in update.plan.program.statements:
        write_statement(s, arrays, body if isinstance(s, Apply) else None)
    _write_copies(update, arrays, body)
    vectors = dict.fromkeys(name for slot, name in arrays.slots.items() if slot.rank)
    text.used.add("pieces")
    length = arrays.names.new("parts")
    text.build.append(f"{length} = pieces({PIECE}, {', '.join(vectors)})")
    text.call.append(f"for {', '.join(vectors)} in {length}:")
    text.call.extend(f"    {line}" for line in body)


def _write_copies(update: Update, arrays: Arrays, lines: list[str]) -> None:
    """What did not come to lie in its own place is copied there."""
    for new, old in [(update.weight_new, update.weight), *((n, o) for o, n in update.state)]:
        if _root(update.plan, new) != old:
            arrays.text.used.add("copyto")
            lines.append(f"copyto({arrays.slots[old]}, {arrays.slots[new]})")


def _write_units(update: Update, arrays: Arrays) -> None:
    """Bring the state to its units, which change with the hyper-parameters."""
    if all(u == 1 for u in update.units):
        return
    keys = state_names(update)[0]
    symbols = {s.name: arrays.slots[s] for s in update.hyper if s in arrays.slots}
    texts = []
    for unit in update.units:
        printer = ScalarPrinter({s: symbols[s.name] for s in unit.free_symbols})
        texts.append(printer.text(unit))
        arrays.text.used |= printer.used
    for key, unit in zip(keys, update.units, strict=True):
        if unit != 1:
            arrays.text.call.append(comment(f"{key} is kept divided by {unit}: it saves a pass"))
    arrays.text.used.add("change_units")
    arrays.text.call.append(f"units = ({', '.join(texts)},)")
    arrays.text.call.append('if units != state["units"]:')
    arrays.text.call.append(f"    change_units(state, {tuple(keys)!r}, units)".replace("'", '"'))


def _scalar(slot: Slot, text: str, arrays: Arrays, names: Names) -> None:
    if slot in arrays.plan.program.given:
        name = names.new(slot.name)
        arrays.given(slot, name, moving=False)
        arrays.text.call.append(f"{name} = {text}")


def _root(plan: Plan, slot: Slot) -> Slot:
    while slot in plan.shares:
        slot = plan.shares[slot]
    return slot
