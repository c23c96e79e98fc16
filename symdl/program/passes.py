"""The passes in the order in which array code wants them."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sympy.core.expr import Expr

from symdl.program.branches import branches
from symdl.program.ir import Program
from symdl.program.share import copies, dead, share
from symdl.program.simplify import fuse, scale, simplify
from symdl.program.split import split

__all__ = ["for_arrays", "for_loops", "for_scalars"]


def for_arrays(program: Program, nonzero: Collection[Expr] = ()) -> Program:
    """Run all passes from the lowered program to single operations on arrays."""
    return _run(program, nonzero, (dead, share, copies, simplify, branches, fuse))


def for_loops(program: Program) -> Program:
    """Run the passes for loops over elements, where a choice costs no pass of its own."""
    return _run(program, (), (dead, share, copies, simplify, fuse))


def for_scalars(program: Program) -> Program:
    """Run the passes for code written out element by element, which finds equal parts itself."""
    for one_pass in (dead, share, copies, simplify):
        program = one_pass(program)
    return program


def _run(
    program: Program, nonzero: Collection[Expr], first: Collection[Callable[[Program], Program]]
) -> Program:
    for one_pass in first:
        program = one_pass(program)
    program = scale(program, nonzero)
    for one_pass in (split, share, copies, dead):
        program = one_pass(program)
    return program
