"""One function that a step needs: what it is made of, given, and leaves where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symdl.program.ir import Program, Slot

__all__ = ["Use"]


@dataclass(frozen=True)
class Use:
    """A function to be made of a program.

    program  lowered, and narrowed to what this function needs
    vectors  flat vectors that live outside, by name, and the slots that are cut from each in order
    result   the slot that it returns
    """

    name: str
    program: Program
    given: tuple[Slot, ...]
    vectors: Mapping[str, tuple[Slot, ...]]
    result: Slot
