"""What each pass did for each C function of a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import sympy as sp

from symdl.backends.build import Build
from symdl.backends.c_library import Library
from symdl.backends.c_program import CUpdate, Written
from symdl.backends.c_straight import straight_account
from symdl.backends.explain import Explained, Sizes, all_sizes, derivation, head_of, update_accounts
from symdl.program.accounts import Account, Saving, accounts, product_accounts
from symdl.program.ir import Slot
from symdl.program.liveness import ALIGNMENT, Memory, alive_at_once, bytes_of, moments_of_nodes
from symdl.program.nests import Nest
from symdl.program.products import Product

__all__ = ["explained_loops"]


def explained_loops(
    build: Build, libraries: Mapping[str, Library], sizes: Mapping[sp.Symbol, int], itemsize: int
) -> Explained:
    """Explain C functions, each from the library that it runs from."""
    known = all_sizes(build, sizes)
    heads, found = derivation(build)
    for name, library in libraries.items():
        written = library.written[name]
        program, orders = written.program, written.orders
        made = [*accounts(program, orders), *product_accounts(program, orders)]
        made += _in_c(library, written, known, itemsize)
        heads[name], found[name] = head_of(program, known), tuple(made)
    library = libraries["gradients"]
    if library.update is not None:
        update = library.update.update
        made = [*accounts(update.plan.program), *update_accounts(update, len(build.parameters))]
        made += _in_c(library, library.update, known, itemsize)
        heads["update"], found["update"] = head_of(update.plan.program, known), tuple(made)
    if library.train is not None:
        program = library.train.step.program
        absorbing = tuple(a for a in accounts(program) if a.name == "absorb")
        heads["train"], found["train"] = head_of(program, known), absorbing
    if library.straight is not None:
        heads["epoch"], found["epoch"] = "all steps", (straight_account(library.straight),)
    return Explained(known, heads, found)


def _in_c(
    library: Library, written: Written | CUpdate, sizes: Sizes, itemsize: int
) -> Iterator[Account]:
    """What loops made one save, and two threads that wait for each other seldom, and the buffers.

    An array that no other loop reads lives in a variable.
    """
    nodes, phases = written.nodes, written.function.phases
    nests = [n for n in nodes if isinstance(n, Nest)]
    local = [sp.Mul(*slot.axes) for n in nests for slot in n.local if slot.rank]
    products = sum(isinstance(n, Product) for n in nodes)
    what = f"{sum(len(n.body) for n in nests)} statements in {len(nests)} loop nests"
    what += f", beside {products} calls of BLAS" if products else ""
    yield Account("nests", what, (Saving(sp.Add(*local), "elements written"),) if local else ())
    if library.threads:
        what = f"two threads run {len(nodes)} loop nests and products in {len(phases)} phases"
        spared = sp.Integer(len(nodes) - len(phases))
        yield Account("barriers", what, (Saving(spared, "barriers"),) if spared else ())
    counted = [slot for slot in written.function.buffers if slot in written.orders]
    if counted:
        yield _memory(library, written, counted, sizes, itemsize).account("buffers")


def _memory(
    library: Library,
    written: Written | CUpdate,
    counted: Sequence[Slot],
    sizes: Sizes,
    itemsize: int,
) -> Memory:
    function, nodes, orders = written.function, written.nodes, written.orders

    def size(slot: Slot) -> int:
        return bytes_of(slot, sizes, itemsize)

    def aligned(slot: Slot) -> int:
        return -(-size(slot) // ALIGNMENT) * ALIGNMENT

    _, used = library.offsets(function, nodes, orders, size)
    moments = moments_of_nodes(
        function.phases if library.threads else [[n] for n in nodes], orders, function.mine
    )
    bound, least = (alive_at_once(moments, counted, f) for f in (size, aligned))
    return Memory(sum(map(aligned, counted)), used, bound, least)
