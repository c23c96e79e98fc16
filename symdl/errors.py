"""The few error classes of symdl.

Inner code raises short facts; the entry points (command line, readers of files) add the context.
"""

from __future__ import annotations

__all__ = ["Impossible", "InputError", "Mismatch", "NotSupported", "SymdlError"]


class SymdlError(Exception):
    """Base class of every error that symdl raises on purpose."""


class NotSupported(SymdlError):
    """Not yet: the message says what would be needed."""


class Impossible(SymdlError):
    """Never: the message says why."""


class Mismatch(SymdlError):
    """Two things that must agree do not; the message shows both."""


class InputError(SymdlError):
    """The user's text, file, array or flag is wrong.

    The message says where (file, line, column), what was expected and what to try.
    """
