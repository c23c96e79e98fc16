"""Penalties as pieces of a network: each is a formula of a weight, and the loss is their sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import sympy as sp

from symdl.calculus.compose import Piece, Renaming
from symdl.formula import Formula, Variable
from symdl.notation.tensors import TensorSymbol, real
from symdl.training.own import axes_of, called
from symdl.training.regularizers import of_rank, penalized

__all__ = ["Penalty", "added"]


@dataclass(frozen=True)
class Penalty:
    """A tensor of the network that is penalized; ``rows`` where it holds outputs, row by row."""

    variable: TensorSymbol
    formula: Formula
    rows: bool = False

    @property
    def piece(self) -> Piece:
        """The penalty under the names of the network: that of ``dense_1.W`` is ``dense_1.R_W``."""
        kind = of_rank(self.formula, len(self.variable.axes), self.rows)
        read = penalized(kind)
        sizes = dict(zip(axes_of(read), self.variable.axes, strict=True))
        owner, _, own = self.variable.name.rpartition(".")
        plain = Renaming({}, sizes)
        names: dict[Variable, Variable] = {**dict(kind.hyper), read: self.variable}
        for v in kind.defined:
            names[v] = called(plain.variable(v), f"{owner}.{own}_{v.name}")
        names[kind.output] = real(f"{owner}.R_{own}")
        return Piece(kind, Renaming(names, sizes))


def added(data: Variable, whole: Variable, penalties: Sequence[Penalty]) -> tuple[Piece, ...]:
    """The pieces of the penalties, and the one that adds them to the loss of the data."""
    pieces = [p.piece for p in penalties]
    parts = [data, *(p.variable(p.kind.output) for p in pieces)]
    kind = _sum_of(len(pieces))
    names = dict(zip((*kind.inputs, kind.output), (*parts, whole), strict=True))
    return (*pieces, Piece(kind, Renaming(names, {})))


@cache
def _sum_of(count: int) -> Formula:
    """L = L_0 + R_1 + R_2 + ..."""
    whole, data = real("L"), real("L_0")
    terms = [real(f"R_{k + 1}") for k in range(count)]
    return Formula(
        sp.Eq(whole, sp.Add(data, *terms), evaluate=False),
        output=whole, inputs=[data, *terms], name="loss with penalties",
        source="Goodfellow, Bengio, Courville (2016), Deep Learning, eq. 7.1",
    )  # fmt: skip
