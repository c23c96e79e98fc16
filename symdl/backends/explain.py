"""What each pass did for each function of a step, as data and as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.expr import Expr

from symdl.backends.build import Build
from symdl.backends.given import size_value
from symdl.program.accounts import (
    ELEMENTS,
    MULTIPLICATIONS,
    OPERATIONS,
    Account,
    Saving,
    accounts,
    cost_of,
    product_accounts,
)
from symdl.program.derived import derivation_accounts
from symdl.program.ir import Apply, Program
from symdl.program.liveness import memory_of_plan
from symdl.program.update import Update

__all__ = ["Explained", "explained_arrays"]

Sizes = Mapping[Expr, int]


@dataclass(frozen=True)
class Explained:
    """The account of each pass, by function; ``derivation`` stands for what came before them all.

    sizes  what the formulas of the accounts are evaluated at
    heads  what each function is in the end
    """

    sizes: Sizes
    heads: Mapping[str, str]
    accounts: Mapping[str, tuple[Account, ...]]

    def text(self) -> str:
        """All accounts, a line each."""
        lines = ["sizes: " + ", ".join(f"{s} = {n}" for s, n in self.sizes.items())]
        for name, found in self.accounts.items():
            lines.append(f"{name}: {self.heads[name]}")
            lines += [f"  {a.text(self.sizes)}" for a in found]
        return "\n".join(lines)


def all_sizes(build: Build, sizes: Mapping[sp.Symbol, int]) -> dict[Expr, int]:
    """The sizes with, for the update, the number of all parameters."""
    found: dict[Expr, int] = {s: size_value(s, sizes) for s in build.symbols}
    if build.update is not None:
        found[build.update.weight.axes[0]] = build.count(build.parameters, sizes)
    if build.clip is not None:  # one tensor after another, or all in one vector
        counts = [build.count([v], sizes) for v in build.parameters]
        length = max(counts) if build.clip.by_tensor else sum(counts)
        found[build.clip.gradient.axes[0]] = length
    return found


def explained_arrays(
    build: Build, sizes: Mapping[sp.Symbol, int], itemsize: int, extra: Sequence[Account] = ()
) -> Explained:
    """Explain the code for NumPy."""
    known = all_sizes(build, sizes)
    heads, found = derivation(build)
    for name, plan in build.plans.items():
        program = plan.program
        heads[name] = head_of(program, known)
        made = [*accounts(program, plan.orders), *product_accounts(program, plan.orders)]
        if name == "update" and build.update is not None:
            made += update_accounts(build.update, len(build.parameters))
        memory = memory_of_plan(plan, known, itemsize)
        if memory.arrays:
            made.append(memory.account("buffers"))
        found[name] = tuple(made)
    if extra:
        heads["scalars"], found["scalars"] = "a step as one function of floats", tuple(extra)
    return Explained(known, heads, found)


def derivation(build: Build) -> tuple[dict[str, str], dict[str, tuple[Account, ...]]]:
    """Heads and accounts with what was saved before anything was lowered, where that is known."""
    if build.derived is None:
        return {}, {}
    made = derivation_accounts(build.derived)
    head = f"{len(build.derived.forward)} equations forward, {len(build.derived.backward)} backward"
    return {"derivation": head}, {"derivation": made}


def head_of(program: Program, sizes: Sizes) -> str:
    """A function's cost in the end."""
    cost = cost_of(program.statements)
    pairs = [
        (sp.Integer(cost.operations), OPERATIONS),
        (cost.elements, ELEMENTS),
        (cost.multiplications, MULTIPLICATIONS),
    ]
    parts = [f"{cost.statements} statements"]
    parts += [Saving(amount, unit).number(sizes) for amount, unit in pairs if amount != 0]
    return ", ".join(parts)


def update_accounts(update: Update, tensors: int) -> list[Account]:
    """What is saved by one vector for all parameters, and by the units of a state."""
    count = sum(isinstance(s, Apply) for s in update.plan.program.statements)
    size = update.weight.axes[0]
    found = []
    if update.spared:
        kept = [
            f"{old.name} is kept divided by {unit}"
            for (old, _), unit in zip(update.state, update.units, strict=True)
            if unit != 1
        ]
        spared = sp.Integer(update.spared)
        saved = (Saving(spared, OPERATIONS), Saving(spared * size, ELEMENTS))
        found.append(Account("units", ", ".join(kept), saved))
    if tensors > 1:
        what = f"{tensors} parameters are one vector of {size} numbers"
        found.append(
            Account("flat", what, (Saving(sp.Integer((tensors - 1) * count), OPERATIONS),))
        )
    return found
