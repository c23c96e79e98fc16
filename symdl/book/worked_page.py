"""The page of the worked example: every number of the forward pass, the gradients, the updates."""

from __future__ import annotations

from symdl.book import page
from symdl.book.pictures.picture import Picture, graph_picture
from symdl.book.worked_example import EXAMPLE, LEARNING_RATE, VALUES, Update, derived, errors
from symdl.book.worked_example import updates as all_updates
from symdl.calculus.tree import Deriv
from symdl.derivation.numbers import decimal
from symdl.derivation.printer import latex
from symdl.derivation.table import node_table
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.verdict import Verdict
from symdl.notation.tensors import real

__all__ = ["markdown", "pictures", "verdicts"]

_DIGITS = 8


def markdown() -> str:
    """The whole page.

    >>> "0.43703857" in markdown()
    True
    """
    first, second = derived("W5"), derived("W1")
    return page.joined(
        "# Backpropagation of a 2-2-2 network, with numbers",
        page.source(EXAMPLE),
        "Two inputs, two hidden units, two outputs; sigmoids and no biases. One step of gradient "
        "descent, derived from the formula and carried out. All numbers have 50 digits inside and "
        f"are rounded to {_DIGITS} decimals, half to even, where they are printed.",
        "## What is given",
        _given(),
        "## Forward pass",
        page.only(first, "given").markdown().partition("\n")[2],
        "Every node with its value and the derivative of the error with respect to it:",
        *(p.markdown() for p in pictures()),
        node_table(EXAMPLE, _inputs()).markdown(),
        f"## {_of('W5')}: one path",
        page.without(first, "given").markdown(),
        f"## {_of('W1')}: two paths",
        page.without(second, "given").markdown(),
        "## The updates",
        _updates(),
        "## The error before and after",
        _errors(),
        "## What was checked",
        page.verdicts(verdicts()),
    )


def pictures() -> tuple[Picture, ...]:
    """The network as a graph, its numbers a little shorter."""
    table = node_table(EXAMPLE, _inputs(), digits=5)
    return (graph_picture("network_2_2_2", "Computational graph", table),)


def verdicts() -> tuple[tuple[str, Verdict], ...]:
    """The verdict on the gradient of each weight."""
    found = judge_adjoint(EXAMPLE, EXAMPLE.parameters)
    return tuple((what, v) for what, v in found if what.startswith("gradient"))


def _inputs() -> dict[str, str]:
    return {name: text for name, text in VALUES.items() if name != LEARNING_RATE.name}


def _of(name: str) -> str:
    return page.inline(Deriv(EXAMPLE.output, real(name)))


def _given() -> str:
    rows = [[page.inline(real(name)), text] for name, text in VALUES.items()]
    half = (len(rows) + 1) // 2
    right = [*rows[half:], *([["", ""]] * (len(rows) % 2))]
    return page.table(["", "", "", ""], [a + b for a, b in zip(rows[:half], right, strict=True)])


def _updates() -> str:
    return page.display(*(_update(u) for u in all_updates()))


def _update(u: Update) -> tuple[str, ...]:
    slope = Deriv(EXAMPLE.output, u.weight)
    rhs = u.equation.rhs.xreplace({u.derivative.lhs: slope})
    names = (u.weight, LEARNING_RATE)
    numbers = {v: VALUES[v.name] for v in names} | {slope: decimal(u.slope, _DIGITS)}
    return f"{latex(u.weight)}^{{+}}", latex(rhs), latex(rhs, numbers), decimal(u.after, _DIGITS)


def _errors() -> str:
    before, after = (decimal(e, _DIGITS) for e in errors())
    error = page.inline(EXAMPLE.output)
    return f"The new weights lower {error} from **{before}** to **{after}** on the same example."
