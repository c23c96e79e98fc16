"""A planned update as the source text of a function that works on whole vectors in place."""

from __future__ import annotations

from symdl.backends.names import Names, comment
from symdl.backends.numpy_source import Maker
from symdl.backends.scalars import ScalarPrinter
from symdl.backends.statements import write_statement
from symdl.backends.views import Arrays, Text
from symdl.program.ir import Slot
from symdl.program.plan import Plan
from symdl.program.update import Update

__all__ = ["state_names", "write_update"]

ABOUT = "Each call takes one step; the vectors are changed in place, the gradient is used up."


def state_names(update: Update) -> tuple[list[str], list[str], str]:
    """Return the keys of the state's vectors, of the hyper-parameters, and of the step count."""
    names = Names(reserved=("step", "units"))
    vectors = [names.new(old.name) for old, _ in update.state]
    own = Names(reserved=())
    hyper = [own.new(s.name) for s in update.hyper]
    return vectors, hyper, "step"


def write_update(update: Update) -> Maker:
    """Write ``make_update``."""
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
    for s in update.plan.program.statements:
        write_statement(s, arrays)
    for new, old in [(update.weight_new, update.weight), *((n, o) for o, n in update.state)]:
        if _root(update.plan, new) != old:
            text.used.add("copyto")
            text.call.append(f"copyto({arrays.slots[old]}, {arrays.slots[new]})")
    lines = [f"def make_update({weights}, {gradient}, state, hyper):", f'    """{ABOUT}"""']
    lines += [f"    {line}" for line in text.build]
    lines += ["", "    def update():"]
    lines += [f"        {line}" for line in text.call]
    lines += ["", "    return update"]
    return Maker("make_update", "\n".join(lines) + "\n", frozenset(text.used))


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
