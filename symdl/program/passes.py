"""The passes in the order in which array code wants them."""

from __future__ import annotations

from collections.abc import Collection

from sympy.core.expr import Expr

from symdl.program.branches import branches
from symdl.program.ir import Program
from symdl.program.share import copies, dead, share
from symdl.program.simplify import fuse, scale, simplify
from symdl.program.split import split

__all__ = ["for_arrays"]


def for_arrays(program: Program, nonzero: Collection[Expr] = ()) -> Program:
    """Run all passes from the lowered program to single operations on arrays."""
    for one_pass in (dead, share, copies, simplify, branches, fuse):
        program = one_pass(program)
    program = scale(program, nonzero)
    for one_pass in (split, share, copies, dead):
        program = one_pass(program)
    return program
