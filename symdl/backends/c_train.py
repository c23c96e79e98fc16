"""The C function of a whole training step whose products change the parameters themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sympy as sp
from sympy.core.expr import Expr

from symdl.backends.c_program import (
    Change,
    CUpdate,
    Written,
    overwritten_early,
    write_update_function,
    write_use,
)
from symdl.backends.c_source import CModule
from symdl.backends.numpy_update import state_names
from symdl.backends.use import Use
from symdl.errors import NotSupported
from symdl.program.absorb import (
    FACTOR,
    KEPT,
    UNIT,
    Absorbed,
    LinearUpdate,
    absorb,
    contractions,
    linear_update,
)
from symdl.program.ir import Slot
from symdl.program.nests import Node, reads_of, writes_of
from symdl.program.products import Product
from symdl.program.update import Update, lower_update

__all__ = ["Train", "write_train"]

LARGE = 2**16  # numbers of a gradient that are not worth writing down only to add them


@dataclass(frozen=True)
class Train:
    """A step that absorbs its update.

    absorbed  the gradients that are never written
    rest      how the parameters follow from what the step changes, if it does not change them
    """

    step: Written
    absorbed: tuple[Slot, ...]
    linear: LinearUpdate
    rest: CUpdate | None


def write_train(use: Use, update: Update, module: CModule, batch: Expr | None) -> Train | None:
    """Write a step that absorbs the update into large products, where there are some."""
    linear = linear_update(update.formula) if all(u == 1 for u in update.units) else None
    if linear is None or module.threads or module.small or _clash(use, update):
        return None
    held, gradients = use.vectors["parameters"], use.vectors["gradient"]
    made = contractions(use.program)
    wanted = tuple(g for g in gradients if g in made and _large(g, module))
    if not wanted:
        return None
    vectors = dict(use.vectors)
    if linear.stateful:
        (key,), _, _ = state_names(update)
        vectors[key] = held = tuple(replace(w, name=f"{key}_{w.name}") for w in held)
    absorbed = absorb(use.program, linear, list(zip(held, gradients, strict=True)), wanted)
    own = replace(use, name="train", program=absorbed.program, vectors=vectors)
    scalars = (Slot(FACTOR.name), Slot(KEPT.name)) if linear.stateful else update.hyper
    change = Change(absorbed.into, scalars, lambda nodes: _absorbing(nodes, absorbed, linear))
    before = len(module.functions)
    try:
        rest = _rest(linear, module)
        step = write_use(own, module, batch, change)
    except NotSupported:
        del module.functions[before:]
        return None
    return Train(step, wanted, linear, rest)


def _rest(linear: LinearUpdate, module: CModule) -> CUpdate | None:
    """The function of what follows; NotSupported where it needs arrays of its own."""
    if linear.rest is None:
        return None
    rest = write_update_function(lower_update(linear.rest), module, "rest", uses_up=False)
    if rest.function.buffers:
        raise NotSupported("what follows from an absorbed update needs arrays of its own")
    return rest


def _clash(use: Use, update: Update) -> bool:
    """Whether a number or a name of the network may be taken for one of the optimizer."""
    names = {slot.name for slot in use.program.slots.values()}
    names |= {s.target.name for s in use.program.statements}
    own = {FACTOR.name, KEPT.name, UNIT.name, *(s.name for s in update.hyper)}
    own |= {f"{g.name}_step" for g in use.vectors["gradient"]}
    for old, _ in update.state:
        own |= {f"{old.name}_{w.name}" for w in use.vectors["parameters"]} | {old.name}
    scalars = any(not w.rank for w in use.vectors["parameters"])
    return scalars or bool(own & names) or bool(own & use.vectors.keys())


def _large(slot: Slot, module: CModule) -> bool:
    size = sp.Mul(*slot.axes).xreplace({k: sp.Integer(v) for k, v in module.numbers.items()})
    return bool(size.is_Integer and size >= LARGE)


def _absorbing(nodes: Sequence[Node], absorbed: Absorbed, linear: LinearUpdate) -> tuple[Node, ...]:
    """The nodes with the products that an update rides in.

    Raises NotSupported where one is no call of BLAS, or comes before the last read of what it
    changes.
    """
    products = set(absorbed.products)
    found: list[Node] = []
    for node in nodes:
        absorbing = bool(writes_of(node) & products)
        if absorbing and not isinstance(node, Product):
            raise NotSupported("a product to absorb an update is written as loops")
        if absorbing and any(absorbed.into[s] in reads_of(node) for s in writes_of(node)):
            raise NotSupported("a product reads what it would change")
        if absorbing and isinstance(node, Product):
            alpha, beta = linear.scalars
            found.append(replace(node, alpha=alpha, beta=beta))
        else:
            found.append(node)
    early = overwritten_early(found, absorbed.into)
    if early:
        raise NotSupported(f"{early[0].name} is made before the last read of the old one")
    return tuple(found)
